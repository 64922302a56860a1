//! Many points: Pippenger's buckets with signed digits, one window after the other, windows in parallel.

use group::Group;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

use super::bins;
use super::endomorphism::{endomorphism, halve};

/// Bits of a half.
const BITS: u32 = 128;

pub(super) fn sum(terms: &[(Fr, G1Affine)]) -> G1 {
    let halves: Vec<(bool, u128, G1Affine)> = terms
        .par_iter()
        .flat_map_iter(|(scalar, point)| {
            let (first, second) = halve(scalar);
            let parts = [
                (first.negative, first.size, *point),
                (second.negative, second.size, endomorphism(point)),
            ];
            parts.into_iter().filter(|(_, size, _)| *size != 0)
        })
        .collect();
    let width = width(halves.len());
    // One window more for the carry out of the last.
    let windows = BITS.div_ceil(width).saturating_add(1);
    let sums: Vec<G1> = (0..windows)
        .into_par_iter()
        .map(|window| window_sum(&halves, window, width))
        .collect();
    sums.iter().rev().fold(G1::identity(), |acc, sum| {
        (0..width).fold(acc, |acc, _| acc.double()) + sum
    })
}

/// The width for which n additions a window and 2·2^{w−1} more to fold its buckets, which cost three times as much, are fewest.
fn width(count: usize) -> u32 {
    let cost = |width: u32| {
        let windows = BITS.div_ceil(width).saturating_add(1) as usize;
        windows.saturating_mul(count.saturating_add(3_usize << width))
    };
    (4..=14).min_by_key(|width| cost(*width)).unwrap_or(4)
}

/// The signed digit of `window`: Σ digit_j·2^{wj} is the scalar, every digit within ±2^{w−1}.
fn digit(size: u128, window: u32, width: u32) -> (bool, u128) {
    let modulus = 1_u128 << width;
    let bits = |window: u32| {
        size.checked_shr(window.saturating_mul(width)).unwrap_or(0) & modulus.wrapping_sub(1)
    };
    // The windows below take up to Σ 2^{w−1}·2^{wj} themselves; they carry exactly if they hold more.
    let below = window.saturating_mul(width);
    let low = size
        & 1_u128
            .checked_shl(below)
            .map_or(u128::MAX, |bit| bit.wrapping_sub(1));
    let top = window.saturating_mul(width).saturating_sub(1);
    let most = (top < BITS).then(|| {
        (0..window).fold(0_u128, |sum, j| {
            sum | (modulus >> 1).wrapping_shl(j.saturating_mul(width))
        })
    });
    let digit = bits(window).wrapping_add(u128::from(most.is_some_and(|most| low > most)));
    if digit > modulus >> 1 {
        (true, modulus.wrapping_sub(digit))
    } else {
        (false, digit)
    }
}

fn window_sum(halves: &[(bool, u128, G1Affine)], window: u32, width: u32) -> G1 {
    let buckets = 1_usize << width.saturating_sub(1);
    let expected = halves.len().checked_div(buckets).unwrap_or(0);
    let mut bins: Vec<Vec<G1Affine>> = (0..buckets)
        .map(|_| Vec::with_capacity(expected.saturating_mul(2)))
        .collect();
    for (negative, size, point) in halves {
        let (minus, digit) = digit(*size, window, width);
        let bin = (digit as usize)
            .checked_sub(1)
            .and_then(|bin| bins.get_mut(bin));
        if let Some(bin) = bin {
            bin.push(if minus != *negative { -point } else { *point });
        }
    }
    // Σ d·bucket_d as a sum of running sums from the top.
    let (mut running, mut total) = (G1::identity(), G1::identity());
    for sum in bins::sum(bins).iter().rev() {
        running += sum;
        total += running;
    }
    total
}
