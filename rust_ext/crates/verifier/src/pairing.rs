//! Step 10: the final equation.
//!
//! The points of G2 are the same for every proof of a circuit, so the lines of the Miller loop of the optimal ate pairing (Vercauteren,
//! 2010) are computed once: for each step the slope λ and λ·x_T − y_T, in affine coordinates. At P the line through T on the
//! twist is y_P − λ·x_P·w + (λ·x_T − y_T)·w³; factors from a proper subfield do not matter, the final exponentiation removes them.

use ff::Field;
use group::prime::PrimeCurveAffine;
use group::{Curve, Group};
use halo2curves::bn256::{Fq, Fq2, Fq12, G1, G1Affine, G2Affine, multi_miller_loop};
use halo2curves::ff_ext::quadratic::QuadSparseMul;
use halo2curves::pairing::MillerLoopResult;
use zkml_protocol::Srs;

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
struct Prepared(Vec<Line>);

/// The two points of an SRS that every final equation meets.
#[derive(Clone)]
pub struct Pairings {
    srs: Srs,
    /// [τ]₂ and [1]₂; None where a line would be vertical, which no point of order r has.
    lines: Option<(Prepared, Prepared)>,
}

impl Pairings {
    pub fn new(srs: &Srs) -> Self {
        let lines = prepare(&srs.tau_g2).zip(prepare(&srs.g2));
        Self { srs: *srs, lines }
    }

    // 10. e(left, [τ]₂) = e(right, [1]₂), as e(left, [τ]₂)·e(−right, [1]₂) = 1
    pub fn hold(&self, left: &G1Affine, right: G1) -> bool {
        let right: G1Affine = (-right).to_affine();
        let product = match &self.lines {
            Some((tau, one))
                if !bool::from(left.is_identity()) && !bool::from(right.is_identity()) =>
            {
                miller_loop((left, tau), (&right, one))
            }
            _ => multi_miller_loop(&[(left, &self.srs.tau_g2), (&right, &self.srs.g2)]),
        };
        product.final_exponentiation().is_identity().into()
    }
}

/// f ← f²·ℓ_a·ℓ_b, line by line; both points have their steps in the same places.
fn miller_loop(a: (&G1Affine, &Prepared), b: (&G1Affine, &Prepared)) -> Fq12 {
    let mut f = Fq12::ONE;
    for (line_a, line_b) in a.1.0.iter().zip(&b.1.0) {
        if line_a.square {
            f.square_assign();
        }
        for (point, line) in [(a.0, line_a), (b.0, line_b)] {
            let y = Fq2::new(point.y, Fq::ZERO);
            let slope = Fq2::new(line.slope.c0() * point.x, line.slope.c1() * point.x);
            Fq12::mul_by_034(&mut f, &y, &slope, &line.constant);
        }
    }
    f
}

fn prepare(q: &G2Affine) -> Option<Prepared> {
    let digits = naf(LOOP);
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
    let xi = Fq2::new(Fq::from(9), Fq::ONE);
    let (third, half) = (xi.pow_vartime(THIRD), xi.pow_vartime(HALF));
    let conjugate = |value: Fq2| -> Fq2 { Fq2::new(*value.c0(), -*value.c1()) };
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
    let inverse: Option<Fq2> = denominator.invert().into();
    let slope = numerator * inverse?;
    lines.push(Line {
        square,
        slope: -slope,
        constant: slope * t.x - t.y,
    });
    let x = slope.square() - t.x - x_other;
    *t = G2Affine {
        x,
        y: slope * (t.x - x) - t.y,
    };
    Some(())
}

/// Non-adjacent form, lowest digit first.
fn naf(mut value: u128) -> Vec<i8> {
    let mut digits = Vec::new();
    while value != 0 {
        let digit = match value & 3 {
            1 => 1_i8,
            3 => -1,
            _ => 0,
        };
        digits.push(digit);
        value = (value >> 1).wrapping_add(u128::from(digit == -1));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::bn256::{Fr, G2};
    use rand_core::OsRng;

    fn srs(tau: Fr) -> Srs {
        Srs {
            g1: G1Affine::generator(),
            g2: G2Affine::generator(),
            tau_g2: (G2::generator() * tau).to_affine(),
        }
    }

    #[test]
    fn true_equations_hold_and_false_ones_do_not() {
        for _ in 0..20 {
            let (tau, left) = (Fr::random(OsRng), G1::random(OsRng));
            let pairings = Pairings::new(&srs(tau));
            assert!(pairings.lines.is_some());
            assert!(pairings.hold(&left.to_affine(), left * tau));
            assert!(!pairings.hold(&left.to_affine(), left * (tau + Fr::ONE)));
            assert!(!pairings.hold(&G1Affine::identity(), left));
            assert!(!pairings.hold(&left.to_affine(), G1::identity()));
            assert!(pairings.hold(&G1Affine::identity(), G1::identity()));
        }
    }

    #[test]
    fn prepared_lines_give_the_pairing_of_the_library() {
        let (p, q) = (G1::random(OsRng).to_affine(), G1::random(OsRng).to_affine());
        let srs = srs(Fr::random(OsRng));
        let lines = prepare(&srs.tau_g2).zip(prepare(&srs.g2));
        let ours = lines.map(|(tau, one)| miller_loop((&p, &tau), (&q, &one)));
        let library = multi_miller_loop(&[(&p, &srs.tau_g2), (&q, &srs.g2)]);
        assert_eq!(
            ours.map(|f| f.final_exponentiation()),
            Some(library.final_exponentiation())
        );
    }
}
