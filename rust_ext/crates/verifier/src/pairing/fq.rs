//! The base field of the curve for towers: products are kept whole, so that many are added up before one reduction (lazy reduction:
//! Aranha, Karabina, Longa, Gebotys, López, EUROCRYPT 2011).
//!
//! A `Fq` is below p, in Montgomery form with 2^256. A `Wide` stands for an integer modulo p·2^256, below that; 2^256 > 5p, so a
//! product of two sums of two elements each fits.

use ff::{Field, PrimeField};

type Library = halo2curves::bn256::Fq;
type Limbs = [u64; 4];

const P: Limbs = [
    0x3c208c16d87cfd47,
    0x97816a916871ca8d,
    0xb85045b68181585d,
    0x30644e72e131a029,
];
/// −1/p modulo 2^64.
const INVERSE: u64 = 0x87d20782e4866389;
/// 2^256 and 2^512 modulo p.
const ONE: Limbs = [
    0xd35d438dc58f0d9d,
    0x0a78eb28f5c70b3d,
    0x666ea36f7879462c,
    0x0e0a77c19a07df2f,
];
const SQUARE: Limbs = [
    0xf32cfc5b538afa89,
    0xb5e71911d44501fb,
    0x47ab1eff0a417ff6,
    0x06d89f71cab8351f,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fq(Limbs);

/// An integer of 512 bits, below p·2^256, by its halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wide {
    low: Limbs,
    high: Limbs,
}

/// A sum of two elements that is not reduced: below 2p.
#[derive(Clone, Copy)]
pub(super) struct Sum(Limbs);

/// accumulator + a·b + carry, which is below 2^128.
#[inline(always)]
fn multiply_add(accumulator: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = u128::from(a)
        .wrapping_mul(u128::from(b))
        .wrapping_add(u128::from(accumulator))
        .wrapping_add(u128::from(carry));
    (sum as u64, (sum >> 64) as u64)
}

#[inline(always)]
fn add_limbs(a: Limbs, b: Limbs, carry: bool) -> (Limbs, bool) {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    let (s0, c) = add_carry(a0, b0, carry);
    let (s1, c) = add_carry(a1, b1, c);
    let (s2, c) = add_carry(a2, b2, c);
    let (s3, c) = add_carry(a3, b3, c);
    ([s0, s1, s2, s3], c)
}

#[inline(always)]
fn sub_limbs(a: Limbs, b: Limbs, borrow: bool) -> (Limbs, bool) {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    let (s0, c) = sub_borrow(a0, b0, borrow);
    let (s1, c) = sub_borrow(a1, b1, c);
    let (s2, c) = sub_borrow(a2, b2, c);
    let (s3, c) = sub_borrow(a3, b3, c);
    ([s0, s1, s2, s3], c)
}

#[inline(always)]
fn add_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(u64::from(carry));
    (sum, first | second)
}

#[inline(always)]
fn sub_borrow(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(u64::from(borrow));
    (difference, first | second)
}

/// a modulo p, for a < 2p.
#[inline(always)]
fn below_p(a: Limbs) -> Limbs {
    let (reduced, borrow) = sub_limbs(a, P, false);
    if borrow { a } else { reduced }
}

/// p where the last subtraction borrowed, else 0.
#[inline(always)]
fn p_if(borrow: bool) -> Limbs {
    let mask = 0_u64.wrapping_sub(u64::from(borrow));
    let [p0, p1, p2, p3] = P;
    [p0 & mask, p1 & mask, p2 & mask, p3 & mask]
}

/// accumulator + a·b, lowest limb apart.
#[inline(always)]
fn row(accumulator: Limbs, a: Limbs, b: u64) -> (u64, Limbs) {
    let ([t0, t1, t2, t3], [a0, a1, a2, a3]) = (accumulator, a);
    let (r0, c) = multiply_add(t0, a0, b, 0);
    let (r1, c) = multiply_add(t1, a1, b, c);
    let (r2, c) = multiply_add(t2, a2, b, c);
    let (r3, c) = multiply_add(t3, a3, b, c);
    (r0, [r1, r2, r3, c])
}

/// a·b, below 2^512 whatever the factors.
#[inline(always)]
fn product(a: Limbs, b: Limbs) -> Wide {
    let [b0, b1, b2, b3] = b;
    let (r0, t) = row([0; 4], a, b0);
    let (r1, t) = row(t, a, b1);
    let (r2, t) = row(t, a, b2);
    let (r3, high) = row(t, a, b3);
    Wide {
        low: [r0, r1, r2, r3],
        high,
    }
}

/// (t + k·p)/2^64 for the k that makes it an integer. From t < 2^256, four times: at most p.
#[inline(always)]
fn montgomery_step(t: Limbs) -> Limbs {
    let [t0, ..] = t;
    row(t, P, t0.wrapping_mul(INVERSE)).1
}

impl Fq {
    pub(super) const ZERO: Self = Self([0; 4]);
    pub(super) const ONE: Self = Self(ONE);

    /// From the library's representation, by its canonical bytes.
    pub(super) fn from_library(value: &Library) -> Self {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(value.to_repr().as_ref().as_chunks().0) {
            *limb = u64::from_le_bytes(*bytes);
        }
        product(limbs, SQUARE).reduced()
    }

    pub(super) fn to_library(self) -> Library {
        let Fq(limbs) = Wide {
            low: self.0,
            high: [0; 4],
        }
        .reduced();
        Library::from_raw(limbs)
    }

    /// 1/self; None for zero.
    pub(super) fn inverse(self) -> Option<Self> {
        let inverse: Option<Library> = self.to_library().invert().into();
        inverse.map(|value| Self::from_library(&value))
    }

    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        Self(below_p(add_limbs(self.0, other.0, false).0))
    }

    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        let (difference, borrow) = sub_limbs(self.0, other.0, false);
        Self(add_limbs(difference, p_if(borrow), false).0)
    }

    #[inline(always)]
    pub(super) fn neg(self) -> Self {
        Self::ZERO.sub(self)
    }

    #[inline(always)]
    pub(super) fn mul(self, other: Self) -> Self {
        product(self.0, other.0).reduced()
    }

    #[inline(always)]
    pub(super) fn mul_wide(self, other: Self) -> Wide {
        product(self.0, other.0)
    }

    /// self + other without a reduction.
    #[inline(always)]
    pub(super) fn sum(self, other: Self) -> Sum {
        Sum(add_limbs(self.0, other.0, false).0)
    }
}

impl Sum {
    /// Below 4p² < p·2^256.
    #[inline(always)]
    pub(super) fn mul_wide(self, other: Self) -> Wide {
        product(self.0, other.0)
    }

    #[inline(always)]
    pub(super) fn mul_one_wide(self, other: Fq) -> Wide {
        product(self.0, other.0)
    }
}

impl Wide {
    /// self/2^256 modulo p.
    #[inline(always)]
    pub(super) fn reduced(self) -> Fq {
        let t = montgomery_step(self.low);
        let t = montgomery_step(t);
        let t = montgomery_step(t);
        let t = montgomery_step(t);
        // At most p, and high is below p.
        Fq(below_p(add_limbs(t, self.high, false).0))
    }

    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        let (low, carry) = add_limbs(self.low, other.low, false);
        let (high, _) = add_limbs(self.high, other.high, carry);
        Self {
            low,
            high: below_p(high),
        }
    }

    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        let (low, borrow) = sub_limbs(self.low, other.low, false);
        let (high, borrow) = sub_limbs(self.high, other.high, borrow);
        Self {
            low,
            high: add_limbs(high, p_if(borrow), false).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::ff::Field;
    use rand_core::OsRng;

    /// Random elements, and those at the borders.
    fn elements() -> Vec<Library> {
        let borders = [
            Library::ZERO,
            Library::ONE,
            -Library::ONE,
            Library::from_raw(ONE),
            -Library::from_raw(SQUARE),
            Library::from_raw([u64::MAX, u64::MAX, u64::MAX, 0]),
        ];
        (0..40)
            .map(|_| Library::random(OsRng))
            .chain(borders)
            .collect()
    }

    #[test]
    fn the_field_is_the_library_s() {
        for a in elements() {
            let ours = Fq::from_library(&a);
            assert_eq!(ours.to_library(), a);
            assert_eq!(ours.inverse().map(Fq::to_library), Option::from(a.invert()));
            assert_eq!(ours.neg().to_library(), -a);
            for b in elements() {
                let other = Fq::from_library(&b);
                assert_eq!(ours.add(other).to_library(), a + b);
                assert_eq!(ours.sub(other).to_library(), a - b);
                assert_eq!(ours.mul(other).to_library(), a * b);
            }
        }
        assert_eq!(Fq::ONE.to_library(), Library::ONE);
    }

    #[test]
    fn sums_of_products_are_reduced_once() {
        let values = elements();
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                let (c, d) = (
                    values[(i + j) % values.len()],
                    values[(i * j) % values.len()],
                );
                let [x, y, z, w] = [a, b, &c, &d].map(Fq::from_library);
                let first = x.sum(y).mul_wide(z.sum(w));
                let second = x.sum(z).mul_one_wide(w);
                let both = first.add(second.add(second)).sub(y.mul_wide(w));
                let expected = (a + b) * (c + d) + ((a + c) * d).double() - b * d;
                assert_eq!(both.reduced().to_library(), expected);
            }
        }
    }
}
