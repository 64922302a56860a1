//! Signed digits: constants, carries, and reduction by multiples of p.

use std::arch::x86_64::*;
use std::marker::PhantomData;

use super::Lanes;
use crate::field::{Field, Limbs};

/// Bits of a digit.
pub(super) const BITS: u32 = 51;
/// 2^51
const BASE: f64 = (1_u64 << BITS) as f64;
/// 3·2^51: integers within 2^51 around it are exact, one a unit in the last place.
pub(super) const UNITS: f64 = 3.0 * BASE;
/// 3·2^102: the same for multiples of 2^51 within 2^102.
pub(super) const MULTIPLES: f64 = 3.0 * BASE * BASE;

/// What is known of a field's p.
pub(super) struct Modulus<F>(PhantomData<F>);

impl<F: Field> Modulus<F> {
    /// The digits of p, and of −p.
    pub(super) const P: [f64; 5] = digits(F::P);
    pub(super) const MINUS_P: [f64; 5] = [
        -Self::P[0],
        -Self::P[1],
        -Self::P[2],
        -Self::P[3],
        -Self::P[4],
    ];
    /// 1/p mod 2^256
    pub(super) const INVERSE: Limbs = inverse(&F::P);
    /// −1/p mod R, the least in size.
    pub(super) const MINUS_INVERSE: [f64; 5] = {
        let x = negative(Self::INVERSE);
        // The sign is that of bit 254.
        let sign = (x[3] << 1) >> 63;
        digits([x[0], x[1], x[2], x[3] & (u64::MAX >> 1) | sign << 63])
    };
    /// 2^204/p: a value is about its highest digit times this, in multiples of p.
    const PER_P: f64 = 1.0 / (Self::P[4] + Self::P[3] / BASE);
}

/// p^{-1} mod 2^256 by Newton's iteration: each step doubles the bits that are right.
const fn inverse(p: &Limbs) -> Limbs {
    let mut inverse = [1, 0, 0, 0];
    let mut step = 0;
    while step < 8 {
        // inverse·(2 − p·inverse)
        let mut correction = negative(low_product(p, &inverse));
        let (low, over) = correction[0].overflowing_add(2);
        correction[0] = low;
        let mut i = 1;
        let mut carry = over;
        while i < 4 {
            let (sum, over) = correction[i].overflowing_add(carry as u64);
            correction[i] = sum;
            carry = over;
            i += 1;
        }
        inverse = low_product(&inverse, &correction);
        step += 1;
    }
    inverse
}

/// −x mod 2^256.
pub(super) const fn negative(x: Limbs) -> Limbs {
    let mut out = [0; 4];
    let (mut i, mut carry) = (0, true);
    while i < 4 {
        let (sum, over) = (!x[i]).overflowing_add(carry as u64);
        out[i] = sum;
        carry = over;
        i += 1;
    }
    out
}

/// a·b mod 2^256.
pub(super) const fn low_product(a: &Limbs, b: &Limbs) -> Limbs {
    let mut out = [0_u64; 4];
    let mut i = 0;
    while i < 4 {
        let (mut j, mut carry) = (0, 0_u128);
        while i + j < 4 {
            let sum = a[i] as u128 * b[j] as u128 + out[i + j] as u128 + carry;
            out[i + j] = sum as u64;
            carry = sum >> 64;
            j += 1;
        }
        i += 1;
    }
    out
}

/// The digits of an integer in [−2^254, 2^254], given modulo 2^256: normal, the highest aside, which is within 2^50.
pub(super) const fn digits(x: Limbs) -> [f64; 5] {
    let mut out = [0.0; 5];
    let mut carry = 0;
    let mut j = 0;
    while j < 4 {
        let at = BITS * j as u32;
        let (word, shift) = ((at / 64) as usize, at % 64);
        let mut bits = x[word] >> shift;
        if shift > 64 - BITS {
            bits |= x[word + 1] << (64 - shift);
        }
        let digit = (bits & ((1 << BITS) - 1)) as i64 + carry;
        carry = (digit >= 1 << (BITS - 1)) as i64;
        out[j] = (digit - (carry << BITS)) as f64;
        j += 1;
    }
    out[4] = ((x[3] as i64 >> (4 * BITS - 3 * 64)) + carry) as f64;
    out
}

pub(super) const ZERO: Lanes = [lane([0.0; 4]); 5];

#[allow(unsafe_code)]
pub(super) const fn lane(values: [f64; 4]) -> __m256d {
    // SAFETY: both are 32 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute::<[f64; 4], __m256d>(values) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn broadcast(digits: &[f64; 5]) -> Lanes {
    digits.map(|d| _mm256_set1_pd(d))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn add(a: Lanes, b: Lanes) -> Lanes {
    [
        _mm256_add_pd(a[0], b[0]),
        _mm256_add_pd(a[1], b[1]),
        _mm256_add_pd(a[2], b[2]),
        _mm256_add_pd(a[3], b[3]),
        _mm256_add_pd(a[4], b[4]),
    ]
}

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn sub(a: Lanes, b: Lanes) -> Lanes {
    [
        _mm256_sub_pd(a[0], b[0]),
        _mm256_sub_pd(a[1], b[1]),
        _mm256_sub_pd(a[2], b[2]),
        _mm256_sub_pd(a[3], b[3]),
        _mm256_sub_pd(a[4], b[4]),
    ]
}

/// The same value with digits within 2^50, the highest aside, from digits below 2^53 − 2^3.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn normalise(mut x: Lanes) -> Lanes {
    let round = _mm256_set1_pd(UNITS * BASE);
    let down = _mm256_set1_pd(1.0 / BASE);
    for j in 0..4 {
        let carry = _mm256_sub_pd(_mm256_add_pd(x[j], round), round);
        x[j] = _mm256_sub_pd(x[j], carry);
        x[j + 1] = _mm256_fmadd_pd(carry, down, x[j + 1]);
    }
    x
}

/// The value less the nearest multiple of p, within 0.51 p, digits within 2^50; from loose digits and a value within 5 p.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn reduce<F: Field>(mut x: Lanes) -> Lanes {
    let round = _mm256_set1_pd(UNITS);
    let multiple = _mm256_sub_pd(
        _mm256_fmadd_pd(x[4], _mm256_set1_pd(Modulus::<F>::PER_P), round),
        round,
    );
    for (x, minus_p) in x.iter_mut().zip(Modulus::<F>::MINUS_P) {
        *x = _mm256_fmadd_pd(multiple, _mm256_set1_pd(minus_p), *x);
    }
    normalise(x)
}
