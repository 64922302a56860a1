//! The Miller loop of the optimal ate pairing (Vercauteren, 2010) over lines that are computed once.
//!
//! For each step of the loop a line has the slope λ and the constant λ·x_T − y_T, in affine coordinates. At P the line through T on
//! the twist is y_P − λ·x_P·w + (λ·x_T − y_T)·w³, here divided by y_P: factors from a proper subfield do not matter, the final
//! exponentiation removes them.

use ff::Field;
use halo2curves::bn256::{Fq as LibraryFq, Fq2 as LibraryFq2, G1Affine, G2Affine};

use super::fq::Fq;
use super::tower::{Fq2, Fq12};
use super::{fq2, signed_digits};

/// 6u + 2, the length of the loop, u = 4965661367192848881.
const LOOP: u128 = 29_793_968_203_157_093_288;
/// (p − 1)/3 and (p − 1)/2, lowest limb first.
const THIRD: [u64; 4] = [
    0x69602eb24829a9c2,
    0xdd2b2385cd7b4384,
    0xe81ac1e7808072c9,
    0x10216f7ba065e00d,
];
const HALF: [u64; 4] = [
    0x9e10460b6c3e7ea3,
    0xcbc0b548b438e546,
    0xdc2822db40c0ac2e,
    0x183227397098d014,
];

/// One step of the loop; `square` comes first where it says so.
#[derive(Clone, Copy)]
struct Line {
    square: bool,
    /// −λ.
    slope: Fq2,
    /// λ·x_T − y_T.
    constant: Fq2,
}

/// A point of G2 as the lines of its Miller loop.
#[derive(Clone)]
pub(super) struct Prepared(Vec<Line>);

/// f ← f²·ℓ_a·ℓ_b, line by line; both points have their steps in the same places. None for a y of zero, which no point has.
pub(super) fn miller_loop(a: (&G1Affine, &Prepared), b: (&G1Affine, &Prepared)) -> Option<Fq12> {
    let (point_a, point_b) = (Scaled::new(a.0)?, Scaled::new(b.0)?);
    let mut f = Fq12::ONE;
    for (line_a, line_b) in a.1.0.iter().zip(&b.1.0) {
        if line_a.square {
            f = f.square();
        }
        for (point, line) in [(&point_a, line_a), (&point_b, line_b)] {
            f = f.mul_line(
                line.slope.scale(point.ratio),
                line.constant.scale(point.inverse),
            );
        }
    }
    Some(f)
}

/// x/y and 1/y of a point of G1.
struct Scaled {
    ratio: Fq,
    inverse: Fq,
}

impl Scaled {
    fn new(point: &G1Affine) -> Option<Self> {
        let inverse = Fq::from_library(&point.y).inverse()?;
        Some(Self {
            ratio: Fq::from_library(&point.x).mul(inverse),
            inverse,
        })
    }
}

pub(super) fn prepare(q: &G2Affine) -> Option<Prepared> {
    let digits = signed_digits(LOOP, 2);
    let mut lines = Vec::with_capacity(128);
    let mut t = *q;
    for digit in digits.iter().rev().skip(1) {
        step(&mut t, None, true, &mut lines)?;
        match digit {
            1 => step(&mut t, Some(*q), false, &mut lines)?,
            -1 => step(&mut t, Some(-q), false, &mut lines)?,
            _ => {}
        }
    }
    // π(Q) and −π²(Q), with π(x, y) = (x̄·ξ^((p−1)/3), ȳ·ξ^((p−1)/2)), ξ = 9 + i.
    let xi = LibraryFq2::new(LibraryFq::from(9), LibraryFq::ONE);
    let (third, half) = (xi.pow_vartime(THIRD), xi.pow_vartime(HALF));
    let conjugate =
        |value: LibraryFq2| -> LibraryFq2 { LibraryFq2::new(*value.c0(), -*value.c1()) };
    let first = G2Affine {
        x: conjugate(q.x) * third,
        y: conjugate(q.y) * half,
    };
    let second = G2Affine {
        x: q.x * (third * conjugate(third)),
        y: q.y,
    };
    step(&mut t, Some(first), false, &mut lines)?;
    step(&mut t, Some(second), false, &mut lines)?;
    Some(Prepared(lines))
}

/// T ← 2T, or T + `other`, with the line through the points.
fn step(
    t: &mut G2Affine,
    other: Option<G2Affine>,
    square: bool,
    lines: &mut Vec<Line>,
) -> Option<()> {
    let (numerator, denominator, x_other) = match other {
        None => {
            let x_squared = t.x.square();
            (x_squared.double() + x_squared, t.y.double(), t.x)
        }
        Some(other) => (other.y - t.y, other.x - t.x, other.x),
    };
    let inverse: Option<LibraryFq2> = denominator.invert().into();
    let slope = numerator * inverse?;
    lines.push(Line {
        square,
        slope: fq2(&-slope),
        constant: fq2(&(slope * t.x - t.y)),
    });
    let x = slope.square() - t.x - x_other;
    *t = G2Affine {
        x,
        y: slope * (t.x - x) - t.y,
    };
    Some(())
}
