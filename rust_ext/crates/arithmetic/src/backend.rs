//! What a prover asks of the machine, in whole stages: a device that keeps data of its own can replace each of them.

use halo2curves::bn256::{Fr, G1};
use rayon::prelude::*;

use crate::{ArithmeticError, Bases, Domain, Scalars, linear_combination, msm_many};

/// Where commitments, transforms and combinations of columns are computed.
pub trait Backend: Sync {
    /// What results and logs call it.
    fn name(&self) -> &'static str;

    /// One commitment for each column: Σ column[i]·bases[i].
    fn commit(&self, bases: &Bases, columns: &[Scalars<'_>]) -> Result<Vec<G1>, ArithmeticError>;

    /// Every column's values on the domain become its coefficients.
    fn to_coefficients(&self, domain: &Domain, columns: &mut [Vec<Fr>]);

    /// The values of every polynomial, given by at most n coefficients, at shift·ω^i for all i, multiplied by `times`.
    fn coset_values(
        &self,
        domain: &Domain,
        coefficients: &[&[Fr]],
        shift: Fr,
        times: Fr,
    ) -> Vec<Vec<Fr>>;

    /// Σ weights[i]·columns[i].
    fn combine(&self, weights: &[Fr], columns: &[&[Fr]]) -> Vec<Fr>;
}

/// The threads of rayon's current pool.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu;

impl Backend for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn commit(&self, bases: &Bases, columns: &[Scalars<'_>]) -> Result<Vec<G1>, ArithmeticError> {
        msm_many(bases, columns)
    }

    fn to_coefficients(&self, domain: &Domain, columns: &mut [Vec<Fr>]) {
        columns
            .par_iter_mut()
            .for_each(|column| domain.ifft(column));
    }

    fn coset_values(
        &self,
        domain: &Domain,
        coefficients: &[&[Fr]],
        shift: Fr,
        times: Fr,
    ) -> Vec<Vec<Fr>> {
        // Columns are independent of each other: threads that take one each wait for nobody.
        coefficients
            .par_iter()
            .map(|coefficients| domain.coset_values(coefficients, shift, times))
            .collect()
    }

    fn combine(&self, weights: &[Fr], columns: &[&[Fr]]) -> Vec<Fr> {
        linear_combination(weights, columns)
    }
}
