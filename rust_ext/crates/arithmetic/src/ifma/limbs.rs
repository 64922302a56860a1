//! Limbs: constants, sums, carries, and reduction by multiples of p.

use std::marker::PhantomData;

use super::{Instructions, Lanes};
use crate::field::{Field, Limbs};

/// Bits of a limb.
pub(super) const BITS: u32 = 52;
pub(super) const MASK: u64 = (1 << BITS) - 1;

/// Values within as many p can be reduced, and multiplied by a factor.
pub(super) const LOOSE: u64 = 31;

/// Constants of a field.
pub(super) struct Modulus<F>(PhantomData<F>);

impl<F: Field> Modulus<F> {
    pub(super) const P: [u64; 5] = limbs(&F::P);
    /// −p: four limbs, and the highest to be taken away.
    const MINUS_P: [u64; 5] = {
        let mut out = [0, 0, 0, 0, Self::P[4] + 1];
        let (mut j, mut carry) = (0, 1);
        while j < 4 {
            let sum = (MASK - Self::P[j]) + carry;
            out[j] = sum & MASK;
            carry = sum >> BITS;
            j += 1;
        }
        assert!(carry == 0);
        out
    };
    /// −1/p mod 2^52
    pub(super) const INVERSE: u64 = F::INV & MASK;
    /// 2^305/p, not above it: the highest limb of a value by this, over 2^97, is about the value in p.
    const RECIPROCAL: u64 = {
        let high = F::P[3] << 2 | F::P[2] >> 62;
        ((1 << 115) / (high as u128 + 1)) as u64
    };

    /// times·p, below 2^260.
    pub(super) const fn multiple(times: u64) -> [u64; 5] {
        let mut out = [0; 5];
        let (mut j, mut carry) = (0, 0);
        while j < 5 {
            let sum = Self::P[j] as u128 * times as u128 + carry;
            out[j] = sum as u64 & MASK;
            carry = sum >> BITS;
            j += 1;
        }
        assert!(carry == 0);
        out
    }
}

/// The limbs of four words.
pub(super) const fn limbs(words: &Limbs) -> [u64; 5] {
    let w = words;
    [
        w[0] & MASK,
        (w[0] >> 52 | w[1] << 12) & MASK,
        (w[1] >> 40 | w[2] << 24) & MASK,
        (w[2] >> 28 | w[3] << 36) & MASK,
        w[3] >> 16,
    ]
}

#[inline(always)]
pub(super) fn broadcast<I: Instructions>(i: I, x: &[u64; 5]) -> Lanes<I> {
    [
        i.splat(x[0]),
        i.splat(x[1]),
        i.splat(x[2]),
        i.splat(x[3]),
        i.splat(x[4]),
    ]
}

#[inline(always)]
pub(super) fn add<I: Instructions>(i: I, a: &Lanes<I>, b: &Lanes<I>) -> Lanes<I> {
    [
        i.add(a[0], b[0]),
        i.add(a[1], b[1]),
        i.add(a[2], b[2]),
        i.add(a[3], b[3]),
        i.add(a[4], b[4]),
    ]
}

#[inline(always)]
pub(super) fn sub<I: Instructions>(i: I, a: &Lanes<I>, b: &Lanes<I>) -> Lanes<I> {
    [
        i.sub(a[0], b[0]),
        i.sub(a[1], b[1]),
        i.sub(a[2], b[2]),
        i.sub(a[3], b[3]),
        i.sub(a[4], b[4]),
    ]
}

/// The same value with limbs in [0, 2^52), the highest aside, which has the sign.
#[inline(always)]
pub(super) fn carried<I: Instructions>(i: I, mut x: Lanes<I>) -> Lanes<I> {
    let mask = i.splat(MASK);
    for j in 0..4 {
        x[j + 1] = i.add(x[j + 1], i.shift_signed::<BITS>(x[j]));
        x[j] = i.and(x[j], mask);
    }
    x
}

/// x + times·p as products read it, in the low 52 bits of its limbs; from a value above −times·p and below (84 − times)·p.
#[inline(always)]
pub(super) fn positive<I: Instructions, F: Field>(i: I, x: &Lanes<I>, times: u64) -> Lanes<I> {
    let mut x = add(i, x, &broadcast(i, &Modulus::<F>::multiple(times)));
    for j in 0..4 {
        x[j + 1] = i.add(x[j + 1], i.shift_signed::<BITS>(x[j]));
    }
    debug_assert!(
        i.words(x[4]).iter().all(|limb| *limb <= MASK),
        "a value above −{times} p"
    );
    x
}

/// The value less the nearest multiple of p: within 0.501 p, carried. From a value within 31 p.
#[inline(always)]
pub(super) fn reduce<I: Instructions, F: Field>(i: I, x: &Lanes<I>) -> Lanes<I> {
    let mut x = add(i, x, &broadcast(i, &Modulus::<F>::multiple(LOOSE + 1)));
    debug_assert!(
        i.words(x[4]).iter().all(|limb| *limb <= MASK),
        "a value within {LOOSE} p"
    );
    // Carries from below would change the quotient by 2^-36.
    let half = i.splat(1 << 44);
    let quotient = i.multiply_high(half, x[4], i.splat(Modulus::<F>::RECIPROCAL));
    let quotient = i.shift_right::<45>(quotient);
    let minus_p = broadcast(i, &Modulus::<F>::MINUS_P);
    for j in 0..4 {
        x[j] = i.multiply_low(x[j], quotient, minus_p[j]);
        x[j + 1] = i.multiply_high(x[j + 1], quotient, minus_p[j]);
    }
    // Below 2^52: the quotient is below 64, and the limb about 2^45.6.
    let above = i.multiply_low(i.splat(0), quotient, minus_p[4]);
    x[4] = i.sub(x[4], above);
    carried(i, x)
}
