//! The final exponentiation: whether f^((p^12 − 1)/r) = 1.
//!
//! f^((p⁶ − 1)(p² + 1)) is what the first two factors leave, m. Of the third, (p⁴ − p² + 1)/r, a multiple by 2u(6u² + 3u + 1), which r
//! does not divide, has digits in base p that are short polynomials in u (Fuentes-Castañeda, Knapp, Rodríguez-Henríquez, SAC 2011):
//!
//! ```text
//! 1 + 6u + 12u² + 12u³,  4u + 6u² + 12u³,  6u + 6u² + 12u³,  −1 + 4u + 6u² + 12u³
//! ```

use ff::Field;
use halo2curves::bn256 as library;

use super::tower::{Fq2, Fq6, Fq12};
use super::{fq2, signed_digits};

/// u, of which p and r are polynomials.
const U: u128 = 4_965_661_367_192_848_881;
/// (p − 1)/6, lowest limb first.
const SIXTH: [u64; 4] = [
    0x34b017592414d4e1,
    0xee9591c2e6bda1c2,
    0xf40d60f3c0403964,
    0x0810b7bdd032f006,
];

/// What a power by p or by u takes.
#[derive(Clone)]
pub(super) struct Powers {
    /// ξ^(i(p − 1)/6) for i = 1 … 5: w^(i·p) = ξ^(i(p − 1)/6)·w^i.
    frobenius: [Fq2; 5],
    /// u in signed digits, highest first.
    digits: Vec<i8>,
}

impl Powers {
    pub(super) fn new() -> Self {
        let xi = library::Fq2::new(library::Fq::from(9), library::Fq::ONE);
        let root = xi.pow_vartime(SIXTH);
        let mut power = library::Fq2::ONE;
        let frobenius = [(); 5].map(|()| {
            power *= root;
            fq2(&power)
        });
        let mut digits = signed_digits(U, 4);
        digits.reverse();
        Self { frobenius, digits }
    }

    /// Whether f^((p^12 − 1)/r) = 1. False for zero, which is no Miller loop's value.
    pub(super) fn is_one(&self, f: &Fq12) -> bool {
        let Some(inverse) = f.inverse() else {
            return false;
        };
        let m = f.conjugate().mul(&inverse);
        let m = self.frobenius(&self.frobenius(&m)).mul(&m);
        self.last_factor(&m) == Fq12::ONE
    }

    /// m to the digits above; 1/x is the conjugate of x here.
    fn last_factor(&self, m: &Fq12) -> Fq12 {
        let m_2u = self.power_u(m).cyclotomic_square();
        let m_6u = m_2u.cyclotomic_square().mul(&m_2u);
        let m_6uu = self.power_u(&m_6u);
        let m_12uuu = self.power_u(&m_6uu.cyclotomic_square());
        let third = m_12uuu.mul(&m_6uu).mul(&m_6u);
        let second = third.mul(&m_2u.conjugate());
        let first = third.mul(&m_6uu).mul(m);
        let fourth = second.mul(&m.conjugate());
        // first·(second·(third·fourth^p)^p)^p
        let power = self.frobenius(&fourth).mul(&third);
        let power = self.frobenius(&power).mul(&second);
        self.frobenius(&power).mul(&first)
    }

    /// m^u.
    fn power_u(&self, m: &Fq12) -> Fq12 {
        let square = m.cyclotomic_square();
        let cube = square.mul(m);
        let fifth = cube.mul(&square);
        let odd = [*m, cube, fifth, fifth.mul(&square)];
        let mut power: Option<Fq12> = None;
        for digit in &self.digits {
            let squared = power.map(|value| value.cyclotomic_square());
            let factor = odd
                .get(usize::from(digit.unsigned_abs() >> 1))
                .filter(|_| *digit != 0)
                .map(|value| {
                    if *digit < 0 {
                        value.conjugate()
                    } else {
                        *value
                    }
                });
            power = match (squared, factor) {
                (Some(value), Some(factor)) => Some(value.mul(&factor)),
                (value, factor) => value.or(factor),
            };
        }
        power.unwrap_or(Fq12::ONE)
    }

    /// f^p.
    fn frobenius(&self, f: &Fq12) -> Fq12 {
        let Fq12(Fq6(g0, g2, g4), Fq6(g1, g3, g5)) = *f;
        let [c1, c2, c3, c4, c5] = self.frobenius;
        let map = |value: Fq2, factor: Fq2| value.conjugate().mul(factor);
        Fq12(
            Fq6(g0.conjugate(), map(g2, c2), map(g4, c4)),
            Fq6(map(g1, c1), map(g3, c3), map(g5, c5)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tower::tests::from_library;
    use super::*;
    use halo2curves::bn256::{Fr, G1, G2, multi_miller_loop};
    use halo2curves::ff_ext::ExtField;
    use halo2curves::group::{Curve, Group};
    use halo2curves::pairing::MillerLoopResult;
    use rand_core::OsRng;

    /// Σ digit_i·p^i, lowest limb first.
    const MULTIPLE: [u64; 15] = [
        0xcaa4152366144ab4,
        0x114dc0ec2cab7ffd,
        0x0cf0888c7a0ff6cf,
        0x65c5644e949b6a90,
        0x1be2458885117085,
        0x5b35eb719e58db4b,
        0x2566c550aeb7e0e2,
        0x0c974024a316619f,
        0xd147cb7d3a5203dc,
        0x621d9bfed77c2ad0,
        0x26473fbcd1c3ec1e,
        0xe86518527b5e4036,
        0x29259e9712ca7b71,
        0x1891045f68d15763,
        0x00679dd974c68787,
    ];

    #[test]
    fn powers_by_p_are_the_library_s() {
        let a = library::Fq12::random(OsRng);
        let mut power = a;
        power.frobenius_map(1);
        assert_eq!(
            Powers::new().frobenius(&from_library(&a)),
            from_library(&power)
        );
    }

    #[test]
    fn the_last_factor_is_the_stated_power() {
        let a = library::Fq12::random(OsRng);
        let (mut conjugate, mut b) = (a, a.invert().unwrap());
        conjugate.conjugate();
        b *= conjugate;
        let mut m = b;
        m.frobenius_map(2);
        m *= b;
        assert_eq!(
            Powers::new().last_factor(&from_library(&m)),
            from_library(&m.pow_vartime(MULTIPLE))
        );
    }

    #[test]
    fn it_is_one_where_the_library_s_is() {
        let powers = Powers::new();
        for _ in 0..10 {
            let (s, p, q) = (Fr::random(OsRng), G1::random(OsRng), G2::random(OsRng));
            let q_s = (q * s).to_affine();
            for (other, equal) in [(-(p * s), true), (p * s, false), (-p, false)] {
                let f = multi_miller_loop(&[
                    (&p.to_affine(), &q_s),
                    (&other.to_affine(), &q.to_affine()),
                ]);
                assert_eq!(bool::from(f.final_exponentiation().is_identity()), equal);
                assert_eq!(powers.is_one(&from_library(&f)), equal);
            }
        }
        assert!(!powers.is_one(&from_library(&library::Fq12::ZERO)));
        assert!(powers.is_one(&Fq12::ONE));
    }
}
