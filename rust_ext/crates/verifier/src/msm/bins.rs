//! Sums of many lists of affine points at once.
//!
//! In every round each list adds its points pairwise, and all additions of all lists share one inversion, so an addition costs six
//! multiplications. Doublings and cancellations are told apart exactly: nothing an adversary chooses is a special case.

use ff::Field;
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fq, G1Affine};

/// Additions that share an inversion: more gain nothing and leave the cache.
const ROUND: usize = 8192;

/// The sum of every bin.
pub(super) fn sum(mut bins: Vec<Vec<G1Affine>>) -> Vec<G1Affine> {
    let mut scratch = Scratch::default();
    while bins.iter().any(|bin| bin.len() > 1) {
        let mut start = 0_usize;
        while let Some(rest) = bins.get_mut(start..).filter(|rest| !rest.is_empty()) {
            // As many bins as fill a round, at least one.
            let mut pairs = 0_usize;
            let count = rest
                .iter()
                .take_while(|bin| {
                    let before = pairs;
                    pairs = pairs.saturating_add(bin.len() / 2);
                    before == 0 || pairs <= ROUND
                })
                .count();
            scratch.halve(rest.get_mut(..count).unwrap_or_default());
            start = start.saturating_add(count.max(1));
        }
    }
    bins.iter()
        .map(|bin| bin.first().copied().unwrap_or_else(G1Affine::identity))
        .collect()
}

/// a_i + b_i, for every pair.
pub(super) fn add_pairs(pairs: &[[G1Affine; 2]]) -> Vec<G1Affine> {
    let mut denominators: Vec<Fq> = pairs.iter().map(denominator).collect();
    invert_all(&mut denominators, &mut Vec::new());
    pairs
        .iter()
        .zip(&denominators)
        .map(|(pair, inverse)| add(pair, *inverse))
        .collect()
}

#[derive(Default)]
struct Scratch {
    denominators: Vec<Fq>,
    prefixes: Vec<Fq>,
    sums: Vec<G1Affine>,
}

impl Scratch {
    /// Replaces every two neighbours of every bin by their sum.
    fn halve(&mut self, bins: &mut [Vec<G1Affine>]) {
        self.denominators.clear();
        for bin in bins.iter() {
            self.denominators
                .extend(bin.as_chunks::<2>().0.iter().map(denominator));
        }
        invert_all(&mut self.denominators, &mut self.prefixes);
        let mut inverses = self.denominators.iter();
        for bin in bins {
            let (pairs, odd) = bin.as_chunks::<2>();
            self.sums.clear();
            self.sums.extend(
                pairs
                    .iter()
                    .zip(inverses.by_ref())
                    .map(|(pair, inverse)| add(pair, *inverse)),
            );
            self.sums.extend_from_slice(odd);
            bin.clear();
            bin.extend_from_slice(&self.sums);
        }
    }
}

/// Inverts every value but zeros, which stay, with one inversion (Montgomery's trick).
fn invert_all(values: &mut [Fq], prefixes: &mut Vec<Fq>) {
    prefixes.clear();
    let mut product = Fq::ONE;
    for value in values.iter().filter(|value| **value != Fq::ZERO) {
        prefixes.push(product);
        product *= value;
    }
    // Not zero, for no factor is: the fallback is never taken.
    let mut inverse: Fq = product.invert().unwrap_or(Fq::ZERO);
    let nonzero = values.iter_mut().rev().filter(|value| **value != Fq::ZERO);
    for (value, prefix) in nonzero.zip(prefixes.iter().rev()) {
        let next = inverse * *value;
        *value = inverse * prefix;
        inverse = next;
    }
}

fn is_identity(point: &G1Affine) -> bool {
    point.x == Fq::ZERO && point.y == Fq::ZERO
}

/// What the slope of the addition is divided by; zero (which a batch inversion leaves alone) where no slope is needed.
fn denominator([a, b]: &[G1Affine; 2]) -> Fq {
    if is_identity(a) || is_identity(b) {
        Fq::ZERO
    } else if a.x != b.x {
        b.x - a.x
    } else if a.y == b.y {
        a.y.double()
    } else {
        Fq::ZERO
    }
}

/// λ = (y_b − y_a)/(x_b − x_a), or 3x²/2y for a doubling; x = λ² − x_a − x_b, y = λ(x_a − x) − y_a.
fn add([a, b]: &[G1Affine; 2], inverse: Fq) -> G1Affine {
    if is_identity(a) {
        return *b;
    }
    if is_identity(b) {
        return *a;
    }
    let slope = if a.x != b.x {
        (b.y - a.y) * inverse
    } else if a.y == b.y {
        let square = a.x.square();
        (square.double() + square) * inverse
    } else {
        return G1Affine::identity();
    };
    let x = slope.square() - a.x - b.x;
    G1Affine {
        x,
        y: slope * (a.x - x) - a.y,
    }
}
