//! Polynomials as values, as coefficients, and as values on the coset ζ·H of the larger domain that a quotient needs.

use ff::{Field, WithSmallOrderMulGroup};
use halo2curves::bn256::Fr;
use rayon::prelude::*;

/// The domain H of 2^k rows and the larger one, of at least n·(D − 1) points.
pub struct Domain {
    rows: zkml_arithmetic::Domain,
    extended: zkml_arithmetic::Domain,
}

impl Domain {
    pub fn new(k: u32, degree: usize) -> Self {
        let pieces = (degree - 1).next_power_of_two();
        Self {
            rows: zkml_arithmetic::Domain::new(k),
            extended: zkml_arithmetic::Domain::new(k + pieces.trailing_zeros()),
        }
    }

    /// The number of points of the larger domain.
    pub fn extended(&self) -> usize {
        self.extended.n()
    }

    /// The coefficients of the polynomial with these values on H.
    pub fn coefficients(&self, values: &[Fr]) -> Vec<Fr> {
        let mut out = values.to_vec();
        self.rows.ifft(&mut out);
        out
    }

    /// f(ζ·ω^j) for all points ω^j of the larger domain.
    pub fn coset(&self, values: &[Fr]) -> Vec<Fr> {
        let mut out = Vec::with_capacity(self.extended());
        out.extend_from_slice(values);
        self.rows.ifft(&mut out);
        let shifts = [Fr::ONE, Fr::ZETA, Fr::ZETA * Fr::ZETA];
        out.par_iter_mut()
            .enumerate()
            .for_each(|(i, c)| *c *= shifts[i % 3]);
        out.resize(self.extended(), Fr::ZERO);
        self.extended.fft(&mut out);
        out
    }
}
