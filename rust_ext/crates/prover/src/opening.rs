//! The openings (SHPLONK: Boneh, Drake, Fisch, Gabizon, ePrint 2020/081, section 4).
//!
//! With Q_i = Σ_j y'^j·P_ij, the polynomials of rotation set S_i combined: W commits Σ_i v^i·(Q_i div Z_{S_i}), for the remainder of
//! that division is what interpolates the values; and with d_i = Z_{all∖S_i}(u), everything over d_0, W' commits the quotient by
//! X − u of Σ_i v^i·(d_i/d_0)·Q_i − Z_{S_0}(u)·W, whose remainder is what the values make of it.

use std::sync::Arc;

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_arithmetic::{Backend, divide_by_linear};
use zkml_protocol::Protocol;
use zkml_protocol::plan::{Commitment, RotationSet};

/// Coefficients of everything that is opened.
pub struct Polynomials<'a> {
    /// Of the commitments of the proof, by their places in it.
    pub proof: &'a [Vec<Fr>],
    /// Of the Protocol's: fixed columns, then permutation columns.
    pub shared: &'a [Arc<Vec<Fr>>],
    /// Σ (x^n)^i·h_i.
    pub quotient: &'a [Fr],
}

impl Polynomials<'_> {
    pub fn get(&self, commitment: Commitment) -> &[Fr] {
        match commitment {
            Commitment::Proof(place) => &self.proof[place],
            Commitment::Shared(place) => &self.shared[place],
            Commitment::Quotient => self.quotient,
        }
    }
}

/// The combined polynomial of each rotation set, and W.
pub struct Opening {
    combined: Vec<Vec<Fr>>,
    v: Fr,
    pub w: Vec<Fr>,
}

impl Opening {
    pub fn new(
        backend: &dyn Backend,
        protocol: &Protocol,
        polynomials: &Polynomials<'_>,
        x: Fr,
        y_prime: Fr,
        v: Fr,
    ) -> Self {
        let plan = &protocol.plan;
        let combine = |set: &RotationSet| {
            let members: Vec<&[Fr]> = set
                .polynomials
                .iter()
                .map(|opened| polynomials.get(opened.commitment))
                .collect();
            backend.combine(&powers(y_prime, members.len()), &members)
        };
        let combined: Vec<Vec<Fr>> = plan.sets.iter().map(combine).collect();
        let quotients: Vec<Vec<Fr>> = combined
            .iter()
            .zip(&plan.sets)
            .map(|(combined, set)| {
                let mut quotient = combined.clone();
                for point in &set.points {
                    quotient = divide_by_linear(&quotient, x * plan.rotations[*point]).0;
                }
                quotient
            })
            .collect();
        let slices: Vec<&[Fr]> = quotients.iter().map(Vec::as_slice).collect();
        let w = backend.combine(&powers(v, slices.len()), &slices);
        Self { combined, v, w }
    }

    /// The polynomial that W' commits. None if u is a point of the opening, which happens with probability 2^−245.
    pub fn w_prime(
        &self,
        backend: &dyn Backend,
        protocol: &Protocol,
        x: Fr,
        u: Fr,
    ) -> Option<Vec<Fr>> {
        let plan = &protocol.plan;
        let vanishing = |places: &[usize]| -> Fr {
            places
                .iter()
                .map(|place| u - x * plan.rotations[*place])
                .product()
        };
        let first = plan.sets.first()?;
        let inverse: Fr = Option::from(vanishing(&first.others).invert())?;
        let mut weights: Vec<Fr> = plan
            .sets
            .iter()
            .zip(powers(self.v, plan.sets.len()))
            .map(|(set, power)| power * vanishing(&set.others) * inverse)
            .collect();
        weights.push(-vanishing(&first.points));
        let mut polynomials: Vec<&[Fr]> = self.combined.iter().map(Vec::as_slice).collect();
        polynomials.push(&self.w);
        let sum = backend.combine(&weights, &polynomials);
        Some(divide_by_linear(&sum, u).0)
    }
}

fn powers(base: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |power| Some(*power * base))
        .take(count)
        .collect()
}
