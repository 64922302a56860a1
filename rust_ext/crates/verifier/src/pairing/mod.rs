//! Step 10: the final equation.
//!
//! The points of G2 are the same for every proof of a circuit: their lines are made once (`lines`). The arithmetic is our own (`fq`,
//! `tower`), for speed; its twin is halo2curves' pairing, which decides where lines do not serve.

mod exponent;
mod fq;
mod lines;
mod tower;

use group::prime::PrimeCurveAffine;
use group::{Curve, Group};
use halo2curves::bn256::{self, G1, G1Affine, multi_miller_loop};
use halo2curves::pairing::MillerLoopResult;
use zkml_protocol::Srs;

use exponent::Powers;
use fq::Fq;
use lines::{Prepared, miller_loop, prepare};
use tower::Fq2;

/// The two points of an SRS that every final equation meets.
#[derive(Clone)]
pub struct Pairings {
    srs: Srs,
    /// [τ]₂ and [1]₂; None where a line would be vertical, which no point of order r has.
    lines: Option<(Prepared, Prepared)>,
    powers: Powers,
}

impl Pairings {
    pub fn new(srs: &Srs) -> Self {
        let lines = prepare(&srs.tau_g2).zip(prepare(&srs.g2));
        Self {
            srs: *srs,
            lines,
            powers: Powers::new(),
        }
    }

    // 10. e(left, [τ]₂) = e(right, [1]₂), as e(left, [τ]₂)·e(−right, [1]₂) = 1
    pub fn hold(&self, left: &G1Affine, right: G1) -> bool {
        let right: G1Affine = (-right).to_affine();
        // The identity has no lines.
        let ours = self
            .lines
            .as_ref()
            .filter(|_| !bool::from(left.is_identity()) && !bool::from(right.is_identity()))
            .and_then(|(tau, one)| miller_loop((left, tau), (&right, one)));
        match ours {
            Some(product) => self.powers.is_one(&product),
            None => self.hold_by_the_library(left, &right),
        }
    }

    fn hold_by_the_library(&self, left: &G1Affine, right: &G1Affine) -> bool {
        multi_miller_loop(&[(left, &self.srs.tau_g2), (right, &self.srs.g2)])
            .final_exponentiation()
            .is_identity()
            .into()
    }
}

fn fq2(value: &bn256::Fq2) -> Fq2 {
    Fq2 {
        re: Fq::from_library(value.c0()),
        im: Fq::from_library(value.c1()),
    }
}

/// The digits of a number in base 2, lowest first: zero, or odd and below 2^(width − 1) in size, no two within `width` places
/// (width 2 is the non-adjacent form). `width` is from 2 to 6.
fn signed_digits(mut value: u128, width: u32) -> Vec<i8> {
    let modulus = 1_i8.wrapping_shl(width);
    let mut digits = Vec::new();
    while value != 0 {
        let mut digit = 0;
        if value & 1 == 1 {
            let low = (value as i8) & modulus.wrapping_sub(1);
            digit = if low > modulus >> 1 {
                low.wrapping_sub(modulus)
            } else {
                low
            };
        }
        digits.push(digit);
        value = value.wrapping_add_signed(i128::from(digit).wrapping_neg()) >> 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use halo2curves::bn256::{Fr, G2, G2Affine};
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
        let (tau, one) = lines.unwrap();
        let ours = miller_loop((&p, &tau), (&q, &one)).unwrap();
        let library = multi_miller_loop(&[(&p, &srs.tau_g2), (&q, &srs.g2)]);
        // They differ by a factor that the final exponentiation removes.
        let quotient = ours.mul(&tower::tests::from_library(&library).inverse().unwrap());
        assert!(Powers::new().is_one(&quotient));
        assert!(!Powers::new().is_one(&ours));
    }

    #[test]
    fn signed_digits_are_the_number() {
        for width in 2..=6 {
            for value in [
                1,
                2,
                3,
                7,
                0xffff_ffff,
                4_965_661_367_192_848_881,
                (1 << 70) - 5,
            ] {
                let digits = signed_digits(value, width);
                let sum = digits
                    .iter()
                    .rev()
                    .fold(0_i128, |sum, digit| 2 * sum + i128::from(*digit));
                assert_eq!(sum, value as i128);
                for window in digits.windows(width as usize) {
                    assert!(window.iter().filter(|digit| **digit != 0).count() <= 1);
                }
                assert!(digits.iter().all(|d| *d == 0 || d % 2 != 0));
            }
        }
    }
}
