//! From powers to the Lagrange basis: the inverse FFT over G1.
//!
//! g_lagrange[i] = n^{-1} Σ_j ω^{−ij} g[j]. Decimation in time, radix 2; a layer's butterflies run in batches, in lockstep.

use ff::{Field, PrimeField};
use halo2curves::bn256::{Fr, G1Affine};
use rayon::prelude::*;

use crate::affine::{BATCH, Scratch, add_assign, negate};
use crate::generate::{n_inverse, omega};
use crate::glv::multiply_each;
use crate::progress::tick;
use crate::{Progress, SrsError, Stage};

/// Points that are worked on between two reports.
const SPAN: usize = 1 << 15;

/// Replace g[0..n] by g_lagrange[0..n], n = 2^k.
pub(crate) fn to_lagrange(
    points: &mut [G1Affine],
    k: u32,
    progress: &mut Progress<'_>,
) -> Result<(), SrsError> {
    assert_eq!(points.len(), 1 << k);
    bit_reverse(points, k);
    let root = omega(k).invert().expect("a root of unity is not zero");
    let total = u64::from(k) << k;
    for layer in 0..k {
        let half = 1usize << layer;
        // ω^{-n/(2 half)}: the twiddle of the j-th butterfly of a block is its j-th power
        let step = (layer + 1..k).fold(root, |w, _| w.square());
        let scale = if layer + 1 == k {
            n_inverse(k)
        } else {
            Fr::ONE
        };
        let mut done = u64::from(layer) << k;
        if half < BATCH {
            for span in points.chunks_mut(SPAN) {
                tick(progress, Stage::Lagrange, done, total)?;
                done += span.len() as u64;
                span.par_chunks_mut(2 * BATCH)
                    .for_each(|blocks| small_blocks(blocks, half, step, scale));
            }
        } else {
            for block in points.chunks_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (at, (low, high)) in low
                    .chunks_mut(SPAN / 2)
                    .zip(high.chunks_mut(SPAN / 2))
                    .enumerate()
                {
                    tick(progress, Stage::Lagrange, done, total)?;
                    done += 2 * low.len() as u64;
                    low.par_chunks_mut(BATCH)
                        .zip(high.par_chunks_mut(BATCH))
                        .enumerate()
                        .for_each(|(batch, (low, high))| {
                            let first = (at * SPAN / 2 + batch * BATCH) as u64;
                            butterflies(low, high, &powers(step, first, low.len()), scale);
                        });
                }
            }
        }
    }
    tick(progress, Stage::Lagrange, total, total)
}

fn powers(step: Fr, first: u64, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(step.pow([first])), |w| Some(*w * step))
        .take(count)
        .collect()
}

/// Several whole blocks, gathered into one batch.
fn small_blocks(blocks: &mut [G1Affine], half: usize, step: Fr, scale: Fr) {
    let (mut low, mut high) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    for block in blocks.chunks_exact(2 * half) {
        low.extend_from_slice(&block[..half]);
        high.extend_from_slice(&block[half..]);
    }
    let one_block = powers(step, 0, half);
    let twiddles: Vec<Fr> = one_block.iter().copied().cycle().take(low.len()).collect();
    butterflies(&mut low, &mut high, &twiddles, scale);
    for ((block, low), high) in blocks
        .chunks_exact_mut(2 * half)
        .zip(low.chunks_exact(half))
        .zip(high.chunks_exact(half))
    {
        block[..half].copy_from_slice(low);
        block[half..].copy_from_slice(high);
    }
}

/// (a, b) ← (c a + c w b, c a − c w b).
fn butterflies(low: &mut [G1Affine], high: &mut [G1Affine], twiddles: &[Fr], scale: Fr) {
    let mut scratch = Scratch::default();
    let scaled: Vec<Fr> = twiddles.iter().map(|w| *w * scale).collect();
    multiply_each(high, &scaled, &mut scratch);
    multiply_each(low, &vec![scale; low.len()], &mut scratch);
    let negated: Vec<G1Affine> = high.iter().map(negate).collect();
    let mut difference = low.to_vec();
    add_assign(&mut difference, &negated, &mut scratch);
    add_assign(low, high, &mut scratch);
    high.copy_from_slice(&difference);
}

fn bit_reverse(points: &mut [G1Affine], k: u32) {
    for i in 0..points.len() {
        let j = i.reverse_bits() >> (usize::BITS - k);
        if i < j {
            points.swap(i, j);
        }
    }
}

const _: () = assert!(Fr::S == crate::file::MAX_K && SPAN >= 2 * BATCH);

#[cfg(test)]
mod tests {
    use group::Curve;
    use halo2curves::bn256::G1;

    use super::*;

    /// The definition, term by term.
    fn plain(points: &[G1Affine], k: u32) -> Vec<G1Affine> {
        let w = omega(k).invert().unwrap();
        (0..points.len() as u64)
            .map(|i| {
                let sum: G1 = points
                    .iter()
                    .enumerate()
                    .map(|(j, p)| G1::from(*p) * w.pow([i * j as u64]))
                    .sum();
                (sum * n_inverse(k)).to_affine()
            })
            .collect()
    }

    #[test]
    fn agrees_with_the_definition() {
        for k in 1..=5 {
            let mut points: Vec<G1Affine> = (0..1u64 << k)
                .map(|i| (G1::generator() * Fr::from(3).pow([i])).to_affine())
                .collect();
            let expected = plain(&points, k);
            to_lagrange(&mut points, k, &mut |_, _, _| true).unwrap();
            assert_eq!(points, expected, "k = {k}");
        }
    }

    #[test]
    fn survives_equal_points() {
        let mut points = vec![G1::generator().to_affine(); 8];
        let expected = plain(&points, 3);
        to_lagrange(&mut points, 3, &mut |_, _, _| true).unwrap();
        assert_eq!(points, expected);
    }

    #[test]
    fn agrees_with_the_closed_form_where_blocks_exceed_a_batch() {
        let k = 12;
        let tau = Fr::from(987_654_321);
        let g = G1::generator();
        let mut points: Vec<G1Affine> = powers(tau, 0, 1 << k)
            .iter()
            .map(|s| (g * s).to_affine())
            .collect();
        to_lagrange(&mut points, k, &mut |_, _, _| true).unwrap();
        for i in [0u64, 1, 1023, 1024, 2047, 2048, 4095] {
            let w = omega(k).pow([i]);
            let l = w * (tau.pow([1 << k]) - Fr::ONE) * n_inverse(k) * (tau - w).invert().unwrap();
            assert_eq!(points[i as usize], (g * l).to_affine());
        }
    }
}
