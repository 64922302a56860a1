//! Polynomials as values, as coefficients, and as values on the coset ζ·H of the larger domain that a quotient needs.

use ff::{Field, PrimeField, WithSmallOrderMulGroup};
use halo2curves::bn256::Fr;
use halo2curves::fft::best_fft;
use rayon::prelude::*;

/// The domain H of 2^k rows and the larger one, of at least n·(D − 1) points.
pub struct Domain {
    k: u32,
    extended_k: u32,
}

impl Domain {
    pub fn new(k: u32, degree: usize) -> Self {
        let pieces = (degree - 1).next_power_of_two();
        Self {
            k,
            extended_k: k + pieces.trailing_zeros(),
        }
    }

    /// A generator of the subgroup of order 2^k.
    pub fn omega(k: u32) -> Fr {
        Fr::ROOT_OF_UNITY.pow_vartime([1u64 << (Fr::S - k)])
    }

    /// The number of points of the larger domain.
    pub fn extended(&self) -> usize {
        1 << self.extended_k
    }

    /// The coefficients of the polynomial with these values on H.
    pub fn coefficients(&self, values: &[Fr]) -> Vec<Fr> {
        let mut out = values.to_vec();
        let inverse = Self::omega(self.k).invert().unwrap_or(Fr::ONE);
        best_fft(&mut out, inverse, self.k);
        let scale = Fr::TWO_INV.pow_vartime([u64::from(self.k)]);
        out.par_iter_mut().for_each(|c| *c *= scale);
        out
    }

    /// f(ζ·ω^j) for all points ω^j of the larger domain.
    pub fn coset(&self, values: &[Fr]) -> Vec<Fr> {
        let mut out = self.coefficients(values);
        let shifts = [Fr::ONE, Fr::ZETA, Fr::ZETA * Fr::ZETA];
        out.par_iter_mut()
            .enumerate()
            .for_each(|(i, c)| *c *= shifts[i % 3]);
        out.resize(self.extended(), Fr::ZERO);
        best_fft(&mut out, Self::omega(self.extended_k), self.extended_k);
        out
    }
}
