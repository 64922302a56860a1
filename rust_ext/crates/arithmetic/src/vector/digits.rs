//! Signed digits: constants, carries, and reduction by multiples of p.

use std::arch::x86_64::*;

use super::Lanes;
use crate::field::{Field, Limbs, Scalar};

/// Bits of a digit.
pub(super) const BITS: u32 = 51;
/// 2^51
const BASE: f64 = (1_u64 << BITS) as f64;
/// 3·2^51: integers within 2^51 around it are exact, one a unit in the last place.
pub(super) const UNITS: f64 = 3.0 * BASE;
/// 3·2^102: the same for multiples of 2^51 within 2^102.
pub(super) const MULTIPLES: f64 = 3.0 * BASE * BASE;
/// The digits of p, and of −p.
const P: [f64; 5] = digits(Scalar::P);
pub(super) const MINUS_P: [f64; 5] = [-P[0], -P[1], -P[2], -P[3], -P[4]];
/// 2^204/p: a value is about its highest digit times this, in multiples of p.
const PER_P: f64 = 1.0 / (P[4] + P[3] / BASE);

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
pub(super) fn reduce(mut x: Lanes) -> Lanes {
    let round = _mm256_set1_pd(UNITS);
    let multiple = _mm256_sub_pd(_mm256_fmadd_pd(x[4], _mm256_set1_pd(PER_P), round), round);
    for j in 0..5 {
        x[j] = _mm256_fmadd_pd(multiple, _mm256_set1_pd(MINUS_P[j]), x[j]);
    }
    normalise(x)
}
