//! Few points: signed windows of width w (wNAF), all points interleaved over one run of doublings (Straus; Möller, SAC 2001).

use group::Group;
use halo2curves::bn256::{Fr, G1, G1Affine};

use super::bins;
use super::endomorphism::{Half, endomorphism, halve};

/// Bits of a half, and one for the carry of the last window.
const POSITIONS: usize = 129;
/// Window of points that come with a proof: 8 odd multiples each.
const WINDOW: u32 = 5;

/// Odd multiples P, 3P, …, (2^{w−1} − 1)·P of points that are known ahead.
#[derive(Clone, Default)]
pub struct Tables {
    window: u32,
    rows: Vec<Vec<G1Affine>>,
}

impl Tables {
    /// Makes the tables; the more points, the smaller each, so that all of them stay within a few megabytes.
    pub fn new(points: &[G1Affine]) -> Self {
        let window = match points.len() {
            0..=128 => 8,
            129..=512 => 7,
            _ => WINDOW,
        };
        Self {
            window,
            rows: odd_multiples(points, window),
        }
    }
}

/// For every point its odd multiples below 2^{w−1}.
fn odd_multiples(points: &[G1Affine], window: u32) -> Vec<Vec<G1Affine>> {
    let count = 1_usize << window.saturating_sub(2);
    let mut rows: Vec<Vec<G1Affine>> = points.iter().map(|point| vec![*point]).collect();
    let doubled = bins::add_pairs(
        &points
            .iter()
            .map(|point| [*point, *point])
            .collect::<Vec<_>>(),
    );
    for _ in 1..count {
        let pairs: Vec<[G1Affine; 2]> = rows
            .iter()
            .zip(&doubled)
            .filter_map(|(row, two)| Some([*row.last()?, *two]))
            .collect();
        for (row, next) in rows.iter_mut().zip(bins::add_pairs(&pairs)) {
            row.push(next);
        }
    }
    rows
}

pub(super) fn sum(tables: &Tables, scalars: &[Fr], terms: &[(Fr, G1Affine)]) -> G1 {
    let points: Vec<G1Affine> = terms.iter().map(|(_, point)| *point).collect();
    let own = odd_multiples(&points, WINDOW);
    let mut positions: Vec<Vec<G1Affine>> =
        (0..POSITIONS).map(|_| Vec::with_capacity(32)).collect();
    for (scalar, row) in scalars.iter().zip(&tables.rows) {
        scatter(scalar, row, tables.window, &mut positions);
    }
    for ((scalar, _), row) in terms.iter().zip(&own) {
        scatter(scalar, row, WINDOW, &mut positions);
    }
    bins::sum(positions)
        .iter()
        .rev()
        .fold(G1::identity(), |acc, sum| acc.double() + sum)
}

fn scatter(scalar: &Fr, row: &[G1Affine], window: u32, positions: &mut [Vec<G1Affine>]) {
    let (first, second) = halve(scalar);
    scatter_half(first, row, window, positions, |point| *point);
    scatter_half(second, row, window, positions, endomorphism);
}

/// Puts ±d·P into the bin of every position with the digit d ≠ 0.
fn scatter_half(
    half: Half,
    row: &[G1Affine],
    window: u32,
    positions: &mut [Vec<G1Affine>],
    map: impl Fn(&G1Affine) -> G1Affine,
) {
    let (mut rest, mut position) = (half.size, 0_usize);
    let modulus = 1_u128 << window;
    while rest != 0 {
        let zeros = rest.trailing_zeros();
        rest >>= zeros;
        position = position.saturating_add(zeros as usize);
        // The odd digit nearest to the low bits of what is left: rest − digit is divisible by 2^w.
        let low = rest & modulus.wrapping_sub(1);
        let over = low > modulus >> 1;
        let size = if over { modulus.wrapping_sub(low) } else { low };
        rest = (rest >> window).wrapping_add(u128::from(over));
        if let (Some(point), Some(bin)) =
            (row.get((size >> 1) as usize), positions.get_mut(position))
        {
            let point = map(point);
            bin.push(if over != half.negative { -point } else { point });
        }
        position = position.saturating_add(window as usize);
    }
}
