//! Between four words in Montgomery form and digits: the integer below p that the words are stays the same, R = 2^256 and all.

use std::arch::x86_64::*;

use super::Lanes;
use super::digits::{BITS, Modulus, UNITS, normalise, reduce};
use crate::field::{Element, Limbs};

/// Four elements, digits within 2^50 and values below p.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn load<E: Element>(from: [&E; 4]) -> Lanes {
    let w = transpose(from.map(|x| row(x.words())));
    let mask = _mm256_set1_epi64x((1 << BITS) - 1);
    let low = [
        w[0],
        _mm256_or_si256(_mm256_srli_epi64::<51>(w[0]), _mm256_slli_epi64::<13>(w[1])),
        _mm256_or_si256(_mm256_srli_epi64::<38>(w[1]), _mm256_slli_epi64::<26>(w[2])),
        _mm256_or_si256(_mm256_srli_epi64::<25>(w[2]), _mm256_slli_epi64::<39>(w[3])),
        _mm256_srli_epi64::<12>(w[3]),
    ];
    // An integer below 2^51 is the mantissa of 2^52 + x.
    let exponent = (1_u64 << 52) as f64;
    let (bits, offset) = (
        _mm256_set1_epi64x(exponent.to_bits() as i64),
        _mm256_set1_pd(exponent),
    );
    normalise(low.map(|x| {
        let x = _mm256_or_si256(_mm256_and_si256(x, mask), bits);
        _mm256_sub_pd(_mm256_castsi256_pd(x), offset)
    }))
}

/// The elements as they are kept elsewhere, below p; from loose digits and values within 5 p.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn store<E: Element>(x: Lanes) -> [E; 4] {
    let units = _mm256_set1_pd(UNITS);
    let bits = _mm256_castpd_si256(units);
    let signed = reduce::<E::Field>(x)
        .map(|x| _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(x, units)), bits));
    // Within 0.51 p: below p with p added where it is negative.
    let x = carried(signed);
    let negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), x[4]);
    let mut y = x;
    for j in 0..5 {
        let p = _mm256_set1_epi64x(Modulus::<E::Field>::P[j] as i64);
        y[j] = _mm256_add_epi64(x[j], _mm256_and_si256(negative, p));
    }
    let x = carried(y);
    let words = [
        _mm256_or_si256(x[0], _mm256_slli_epi64::<51>(x[1])),
        _mm256_or_si256(_mm256_srli_epi64::<13>(x[1]), _mm256_slli_epi64::<38>(x[2])),
        _mm256_or_si256(_mm256_srli_epi64::<26>(x[2]), _mm256_slli_epi64::<25>(x[3])),
        _mm256_or_si256(_mm256_srli_epi64::<39>(x[3]), _mm256_slli_epi64::<12>(x[4])),
    ];
    transpose(words).map(|row| E::from_words(words_of(row)))
}

/// Signed digits to digits in [0, 2^51), the highest aside.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn carried(mut x: [__m256i; 5]) -> [__m256i; 5] {
    let mask = _mm256_set1_epi64x((1 << BITS) - 1);
    let high = _mm256_set1_epi64x(1 << 62);
    let less = _mm256_set1_epi64x(1 << (62 - BITS));
    for j in 0..4 {
        let carry = _mm256_sub_epi64(
            _mm256_srli_epi64::<{ BITS as i32 }>(_mm256_add_epi64(x[j], high)),
            less,
        );
        x[j] = _mm256_and_si256(x[j], mask);
        x[j + 1] = _mm256_add_epi64(x[j + 1], carry);
    }
    x
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn row(x: &Limbs) -> __m256i {
    _mm256_set_epi64x(x[3] as i64, x[2] as i64, x[1] as i64, x[0] as i64)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
#[allow(unsafe_code)]
fn words_of(x: __m256i) -> Limbs {
    // SAFETY: both are 32 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute::<__m256i, Limbs>(x) }
}

/// A matrix of 4×4 words, its rows and columns exchanged.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn transpose(rows: [__m256i; 4]) -> [__m256i; 4] {
    let even = [
        _mm256_unpacklo_epi64(rows[0], rows[1]),
        _mm256_unpackhi_epi64(rows[0], rows[1]),
    ];
    let odd = [
        _mm256_unpacklo_epi64(rows[2], rows[3]),
        _mm256_unpackhi_epi64(rows[2], rows[3]),
    ];
    [
        _mm256_permute2x128_si256::<0x20>(even[0], odd[0]),
        _mm256_permute2x128_si256::<0x20>(even[1], odd[1]),
        _mm256_permute2x128_si256::<0x31>(even[0], odd[0]),
        _mm256_permute2x128_si256::<0x31>(even[1], odd[1]),
    ]
}

/// Four elements in each of four lanes, elements and lanes exchanged.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn exchange(x: &[Lanes; 4]) -> [Lanes; 4] {
    let mut out = *x;
    for j in 0..5 {
        let digits = transpose(x.each_ref().map(|x| _mm256_castpd_si256(x[j])));
        for (to, from) in out.iter_mut().zip(digits) {
            to[j] = _mm256_castsi256_pd(from);
        }
    }
    out
}
