//! An SRS made on this machine. Unsafe by nature: whoever ran this could have kept τ.
//!
//! Both bases are multiples of the generator by known scalars, τ^i and L_i(τ) = ω^i (τ^n − 1) / (n (τ − ω^i)), so no FFT over the
//! group is needed.

use std::path::Path;

use ff::{Field, FromUniformBytes, PrimeField};
use group::Curve;
use halo2curves::bn256::{Fr, G1Affine, G2, G2Affine};
use rayon::prelude::*;

use crate::affine::{BATCH, identity};
use crate::file::{PIECE, SrsWriter, check_k};
use crate::fixed_base::FixedBase;
use crate::progress::tick;
use crate::{Progress, SrsError, Stage};

/// The secret τ. Overwritten when dropped; copies that the compiler left in registers or on the stack are out of reach.
pub struct Tau(Fr);

impl Tau {
    /// Draw τ from the operating system's generator.
    pub fn random() -> Result<Self, SrsError> {
        let mut bytes = [0u8; 64];
        getrandom::fill(&mut bytes).map_err(SrsError::Random)?;
        let tau = Tau(Fr::from_uniform_bytes(&bytes));
        bytes.fill(0);
        std::hint::black_box(&bytes);
        Ok(tau)
    }

    /// A known τ, for tests only.
    pub fn known(value: u64) -> Self {
        Tau(Fr::from(value))
    }
}

impl Drop for Tau {
    fn drop(&mut self) {
        self.0 = Fr::ZERO;
        std::hint::black_box(&self.0);
    }
}

/// ω, of order n = 2^k.
pub(crate) fn omega(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

/// n^{-1} for n = 2^k.
pub(crate) fn n_inverse(k: u32) -> Fr {
    Fr::TWO_INV.pow([u64::from(k)])
}

/// Write an SRS for τ to `path` (overwritten: name a temporary file). Memory stays below about 150 MB whatever k.
pub fn generate(
    path: &Path,
    k: u32,
    tau: &Tau,
    progress: &mut Progress<'_>,
) -> Result<(), SrsError> {
    check_k(k)?;
    let n = 1u64 << k;
    let base = FixedBase::for_count(G1Affine::generator(), 2 << k);
    let mut writer = SrsWriter::create(path, k)?;

    write_basis(
        &mut writer,
        &base,
        n,
        Stage::Powers,
        progress,
        |from, scalars| {
            let mut power = tau.0.pow([from]);
            for s in scalars {
                *s = power;
                power *= tau.0;
            }
        },
    )?;

    let omega = omega(k);
    let numerator = (tau.0.pow([n]) - Fr::ONE) * n_inverse(k);
    write_basis(
        &mut writer,
        &base,
        n,
        Stage::Lagrange,
        progress,
        |from, scalars| {
            lagrange_at(tau.0, numerator, omega, from, scalars);
        },
    )?;

    let g2 = G2Affine::generator();
    writer.finish(&g2, &(G2::generator() * tau.0).to_affine())
}

/// Write [s_i]G1 for 0 ≤ i < n, where `scalars_from(i, out)` computes s_i, s_{i+1}, ….
fn write_basis(
    writer: &mut SrsWriter,
    base: &FixedBase,
    n: u64,
    stage: Stage,
    progress: &mut Progress<'_>,
    scalars_from: impl Fn(u64, &mut [Fr]) + Sync,
) -> Result<(), SrsError> {
    let mut points = vec![identity(); PIECE.min(n as usize)];
    for from in (0..n).step_by(points.len()) {
        tick(progress, stage, from, n)?;
        points
            .par_chunks_mut(BATCH)
            .enumerate()
            .for_each(|(batch, points)| {
                let mut scalars = vec![Fr::ZERO; points.len()];
                scalars_from(from + (batch * BATCH) as u64, &mut scalars);
                points.copy_from_slice(&base.multiply(&scalars));
                scalars.fill(Fr::ZERO);
                std::hint::black_box(&scalars);
            });
        writer.points(&points)?;
    }
    tick(progress, stage, n, n)
}

/// out[j] ← L_{from+j}(τ), given (τ^n − 1)/n: one inversion for all of them. τ must not be in the domain.
fn lagrange_at(tau: Fr, numerator: Fr, omega: Fr, from: u64, out: &mut [Fr]) {
    let start = omega.pow([from]);
    let mut root = start;
    let mut product = Fr::ONE;
    // out[j] holds the product of the differences before j
    for s in out.iter_mut() {
        *s = product;
        product *= tau - root;
        root *= omega;
    }
    let omega_inverse = omega.invert().expect("a root of unity is not zero");
    let mut inverse = product.invert().unwrap_or(Fr::ZERO);
    for s in out.iter_mut().rev() {
        root *= omega_inverse;
        *s *= inverse * root * numerator;
        inverse *= tau - root;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lagrange_scalars_are_the_closed_form() {
        let (k, tau) = (5, Fr::from(0xdead_beef));
        let (n, w) = (32u64, omega(5));
        let numerator = (tau.pow([n]) - Fr::ONE) * n_inverse(k);
        let mut out = vec![Fr::ZERO; 32];
        lagrange_at(tau, numerator, w, 0, &mut out[..16]);
        lagrange_at(tau, numerator, w, 16, &mut out[16..]);
        for (i, l) in out.iter().enumerate() {
            let w_i = w.pow([i as u64]);
            let expected =
                w_i * (tau.pow([n]) - Fr::ONE) * (Fr::from(n) * (tau - w_i)).invert().unwrap();
            assert_eq!(*l, expected);
        }
        assert_eq!(out.iter().sum::<Fr>(), Fr::ONE);
    }
}
