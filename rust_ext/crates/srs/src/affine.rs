//! Affine additions by the thousand: all slopes of a batch share one inversion (Montgomery's trick), about six products each.
//!
//! The identity is (0, 0). On BN254's G1 no finite point has y = 0 (the order is odd), so y = 0 marks it. Every case is handled:
//! identity on either side, equal points, opposite points.

use ff::Field;
use halo2curves::bn256::{Fq, G1Affine};

/// How many points a batch should have: large enough to hide the inversion, small enough for the second-level cache.
pub(crate) const BATCH: usize = 1024;

const IDENTITY: G1Affine = G1Affine {
    x: Fq::ZERO,
    y: Fq::ZERO,
};

/// What a pair needs instead of the chord.
#[derive(Clone, Copy)]
enum Special {
    Keep,
    Replace,
    Double,
    Cancel,
}

/// Working memory of the batch operations, kept between calls.
#[derive(Default)]
pub(crate) struct Scratch {
    denominators: Vec<Fq>,
    prefixes: Vec<Fq>,
    special: Vec<(usize, Special)>,
}

impl Scratch {
    fn clear(&mut self) {
        self.denominators.clear();
        self.prefixes.clear();
        self.special.clear();
    }

    fn push(&mut self, running: Fq, denominator: Fq) -> Fq {
        self.prefixes.push(running);
        self.denominators.push(denominator);
        running * denominator
    }
}

fn is_identity(p: &G1Affine) -> bool {
    p.y.is_zero_vartime()
}

/// acc[i] ← acc[i] + other[i]. The slices have one length.
pub(crate) fn add_assign(acc: &mut [G1Affine], other: &[G1Affine], scratch: &mut Scratch) {
    assert_eq!(acc.len(), other.len());
    scratch.clear();
    let mut running = Fq::ONE;
    for (i, (a, b)) in acc.iter().zip(other).enumerate() {
        let mut denominator = b.x - a.x;
        let special = if is_identity(b) {
            Some(Special::Keep)
        } else if is_identity(a) {
            Some(Special::Replace)
        } else if denominator.is_zero_vartime() {
            Some(if a.y == b.y {
                Special::Double
            } else {
                Special::Cancel
            })
        } else {
            None
        };
        if let Some(case) = special {
            denominator = if matches!(case, Special::Double) {
                a.y.double()
            } else {
                Fq::ONE
            };
            scratch.special.push((i, case));
        }
        running = scratch.push(running, denominator);
    }
    let mut inverse = invert(running);
    let mut special = scratch.special.iter().rev().peekable();
    for (i, (a, b)) in acc.iter_mut().zip(other).enumerate().rev() {
        let slope_denominator = inverse * scratch.prefixes[i];
        inverse *= scratch.denominators[i];
        match special.next_if(|(at, _)| *at == i) {
            None => *a = chord(a, b, (b.y - a.y) * slope_denominator),
            Some((_, Special::Keep)) => {}
            Some((_, Special::Replace)) => *a = *b,
            Some((_, Special::Cancel)) => *a = IDENTITY,
            Some((_, Special::Double)) => {
                let square = a.x.square();
                *a = chord(a, b, (square.double() + square) * slope_denominator);
            }
        }
    }
}

/// acc[i] ← 2·acc[i].
pub(crate) fn double_assign(acc: &mut [G1Affine], scratch: &mut Scratch) {
    scratch.clear();
    let mut running = Fq::ONE;
    for a in acc.iter() {
        let denominator = if is_identity(a) {
            Fq::ONE
        } else {
            a.y.double()
        };
        running = scratch.push(running, denominator);
    }
    let mut inverse = invert(running);
    for (i, a) in acc.iter_mut().enumerate().rev() {
        let slope_denominator = inverse * scratch.prefixes[i];
        inverse *= scratch.denominators[i];
        if !is_identity(a) {
            let square = a.x.square();
            *a = chord(a, a, (square.double() + square) * slope_denominator);
        }
    }
}

fn invert(product: Fq) -> Fq {
    product
        .invert()
        .expect("no factor is zero: zero differences became special cases")
}

/// The third point of the line with this slope through a and b, reflected.
#[inline]
fn chord(a: &G1Affine, b: &G1Affine, slope: Fq) -> G1Affine {
    let x = slope.square() - a.x - b.x;
    G1Affine {
        x,
        y: slope * (a.x - x) - a.y,
    }
}

pub(crate) fn negate(p: &G1Affine) -> G1Affine {
    G1Affine { x: p.x, y: -p.y }
}

pub(crate) fn identity() -> G1Affine {
    IDENTITY
}

#[cfg(test)]
mod tests {
    use group::Curve;
    use halo2curves::bn256::{Fr, G1};

    use super::*;

    fn point(i: u64) -> G1Affine {
        (G1::generator() * Fr::from(i)).to_affine()
    }

    #[test]
    fn agrees_with_the_group_on_every_case() {
        let five = point(5);
        let pairs = [
            (point(1), point(2)),
            (five, five),
            (five, negate(&five)),
            (IDENTITY, five),
            (five, IDENTITY),
            (IDENTITY, IDENTITY),
            (point(7), point(9)),
            (point(9), point(9)),
        ];
        let mut acc: Vec<_> = pairs.iter().map(|p| p.0).collect();
        let other: Vec<_> = pairs.iter().map(|p| p.1).collect();
        add_assign(&mut acc, &other, &mut Scratch::default());
        for ((a, b), sum) in pairs.iter().zip(&acc) {
            assert_eq!((G1::from(*a) + G1::from(*b)).to_affine(), *sum);
        }
    }

    #[test]
    fn doubles_as_the_group_does() {
        let mut acc = vec![point(1), IDENTITY, point(12345)];
        double_assign(&mut acc, &mut Scratch::default());
        assert_eq!(acc, vec![point(2), IDENTITY, point(24690)]);
    }
}
