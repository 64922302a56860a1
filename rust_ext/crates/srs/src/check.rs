//! Whether a file is an SRS at all, whoever made it.
//!
//! With weights r_i drawn uniformly below 2^128 after the file is fixed, and every point checked to be in its group:
//!
//! 1. header, size, [1]G2 and g[0] the generators, [τ]G2 in the subgroup;
//! 2. e(Σ_{i<n−1} r_i g[i+1], [1]G2) = e(Σ_{i<n−1} r_i g[i], [τ]G2): every g[i+1] is [τ]g[i];
//! 3. Σ_i r_i g[i] = Σ_j (FFT r)_j g_lagrange[j]: both bases give any polynomial the same commitment.
//!
//! A false file passes with probability at most 2^{-128} in each of steps 2 and 3.

use ff::{Field, PrimeField};
use group::{Curve, Group};
use halo2curves::bn256::{Fr, G1, G1Affine, G2Affine, multi_miller_loop};
use halo2curves::fft::best_fft;
use halo2curves::msm::msm_best;
use halo2curves::pairing::MillerLoopResult;
use rayon::prelude::*;

use crate::file::{PIECE, check_k};
use crate::generate::{n_inverse, omega};
use crate::progress::tick;
use crate::{Part, Progress, SrsError, SrsFile, Stage, VerifierPoints};

/// Above this k a wrong Lagrange point is reported without its index, which costs k multi-scalar multiplications to find.
const LOCATE_LAGRANGE_MAX_K: u32 = 16;

/// Check a whole file. Fails with what is wrong and where.
pub fn check(srs: &mut SrsFile, progress: &mut Progress<'_>) -> Result<VerifierPoints, SrsError> {
    check_used(srs, srs.k(), progress)
}

/// Check what a circuit of 2^k rows uses of a file: all of one of its own size, of a larger one the first 2^k powers alone, from
/// which its Lagrange basis is computed. Steps 1 to 3 with n = 2^k.
pub fn check_used(
    srs: &mut SrsFile,
    k: u32,
    progress: &mut Progress<'_>,
) -> Result<VerifierPoints, SrsError> {
    check_k(k)?;
    if k > srs.k() {
        return Err(SrsError::TooSmall {
            have: srs.k(),
            want: k,
        });
    }
    let verifier = srs.verifier_points()?;
    let n = 1u64 << k;
    let mut weights = random_weights(n as usize)?;

    let mut all = G1::identity(); // Σ_{i<n} r_i g[i]
    let mut shifted = G1::identity(); // Σ_{0<i<n} r_{i−1} g[i]
    let mut last = G1::identity();
    for (from, to) in pieces(0, n) {
        tick(progress, Stage::CheckPoints, from, n)?;
        let g = srs.read(Part::Powers, from, to)?;
        all += msm(&weights[from as usize..to as usize], &g);
        let skip = usize::from(from == 0);
        shifted += msm(
            &weights[from as usize + skip - 1..to as usize - 1],
            &g[skip..],
        );
        last = G1::from(g[g.len() - 1]) * weights[to as usize - 1];
    }
    if !is_tau_multiple(&shifted, &(all - last), &verifier.g2, &verifier.tau_g2) {
        return Err(locate_power(srs, &weights, &verifier, progress)?);
    }
    if k < srs.k() {
        tick(progress, Stage::CheckPoints, n, n)?;
        return Ok(verifier);
    }

    best_fft(&mut weights, omega(k), k);
    let mut in_lagrange = G1::identity();
    for (from, to) in pieces(0, n) {
        tick(progress, Stage::CheckLagrange, from, n)?;
        let points = srs.read(Part::Lagrange, from, to)?;
        in_lagrange += msm(&weights[from as usize..to as usize], &points);
    }
    if in_lagrange != all {
        return Err(locate_lagrange(srs, &weights, progress)?);
    }
    tick(progress, Stage::CheckLagrange, n, n)?;
    Ok(verifier)
}

fn pieces(from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> {
    (from..to)
        .step_by(PIECE)
        .map(move |at| (at, (at + PIECE as u64).min(to)))
}

fn random_weights(count: usize) -> Result<Vec<Fr>, SrsError> {
    let mut bytes = vec![0u8; 16 * count.min(PIECE)];
    let mut weights = Vec::with_capacity(count);
    while weights.len() < count {
        getrandom::fill(&mut bytes).map_err(SrsError::Random)?;
        weights.extend(bytes.chunks_exact(16).take(count - weights.len()).map(|b| {
            let mut word = [0; 16];
            word.copy_from_slice(b);
            Fr::from_u128(u128::from_le_bytes(word))
        }));
    }
    Ok(weights)
}

/// Σ s_i P_i on all cores. The points are finite: they were checked when read.
fn msm(scalars: &[Fr], points: &[G1Affine]) -> G1 {
    if points.is_empty() {
        return G1::identity();
    }
    let part = points.len().div_ceil(rayon::current_num_threads()).max(256);
    scalars
        .par_chunks(part)
        .zip(points.par_chunks(part))
        .map(|(s, p)| msm_best(s, p))
        .sum()
}

/// e(a, [1]G2) = e(b, [τ]G2).
fn is_tau_multiple(a: &G1, b: &G1, g2: &G2Affine, tau_g2: &G2Affine) -> bool {
    let product = multi_miller_loop(&[(&a.to_affine(), g2), (&(-b).to_affine(), tau_g2)]);
    bool::from(product.final_exponentiation().is_identity())
}

/// The first i where g[i+1] is not [τ]g[i], by halving the range; about twice the cost of the check that failed.
fn locate_power(
    srs: &mut SrsFile,
    weights: &[Fr],
    verifier: &VerifierPoints,
    progress: &mut Progress<'_>,
) -> Result<SrsError, SrsError> {
    let n = weights.len() as u64;
    let (mut low, mut high) = (0, n - 1);
    while high - low > 1 {
        tick(progress, Stage::Locate, n - (high - low), n)?;
        let middle = low + (high - low) / 2;
        let (mut here, mut next) = (G1::identity(), G1::identity());
        for (from, to) in pieces(low, middle) {
            let g = srs.read(Part::Powers, from, to + 1)?;
            let r = &weights[from as usize..to as usize];
            here += msm(r, &g[..g.len() - 1]);
            next += msm(r, &g[1..]);
        }
        if is_tau_multiple(&next, &here, &verifier.g2, &verifier.tau_g2) {
            low = middle
        } else {
            high = middle
        }
    }
    Ok(SrsError::Powers { index: low + 1 })
}

/// A wrong g_lagrange[j], for small k: halves of the values are interpolated and committed to in g.
fn locate_lagrange(
    srs: &mut SrsFile,
    values: &[Fr],
    progress: &mut Progress<'_>,
) -> Result<SrsError, SrsError> {
    let k = srs.k();
    if k > LOCATE_LAGRANGE_MAX_K {
        return Ok(SrsError::Lagrange { index: None });
    }
    let g = srs.read(Part::Powers, 0, srs.n())?;
    let omega_inverse = omega(k).invert().expect("a root of unity is not zero");
    let (mut low, mut high) = (0, srs.n());
    while high - low > 1 {
        tick(progress, Stage::Locate, srs.n() - (high - low), srs.n())?;
        let middle = low + (high - low) / 2;
        let range = low as usize..middle as usize;
        let mut masked = vec![Fr::ZERO; values.len()];
        masked[range.clone()].copy_from_slice(&values[range.clone()]);
        best_fft(&mut masked, omega_inverse, k);
        let in_powers = msm(&masked, &g) * n_inverse(k);
        let in_lagrange = msm(&values[range], &srs.read(Part::Lagrange, low, middle)?);
        if in_powers == in_lagrange {
            low = middle
        } else {
            high = middle
        }
    }
    Ok(SrsError::Lagrange { index: Some(low) })
}
