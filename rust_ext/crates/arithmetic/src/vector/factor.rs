//! Factors that are known beforehand, prepared as V. Shoup does: w beside v = round(w·R/p).

use std::arch::x86_64::__m256d;

use ff::{Field as _, PrimeField};
use halo2curves::bn256::Fr;

use super::Lanes;
use super::digits::{broadcast, digits};
use crate::field::{Field, Limbs, Scalar, sub_words};

/// w within p/2 and v within R/2, digits normal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor {
    w: [f64; 5],
    v: [f64; 5],
}

/// A factor for each lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    pub(super) w: Lanes,
    pub(super) v: Lanes,
}

impl Factor {
    pub(crate) fn new(w: &Fr) -> Self {
        let r = centred(&(w * shift()));
        let w = centred(w);
        // R·w − r = v·p exactly, so modulo 2^256 v is (2^255·w − r)/p.
        let mut v = low_product(&sub_words(&[0; 4], &r).0, &INVERSE);
        v[3] ^= w[0] << 63;
        Self {
            w: digits(w),
            v: digits(v),
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn everywhere(&self) -> Factors {
        Factors {
            w: broadcast(&self.w),
            v: broadcast(&self.v),
        }
    }
}

impl Factors {
    pub(super) fn new(w: &[Fr; 4]) -> Self {
        let factors = w.map(|w| Factor::new(&w));
        Self {
            w: side_by_side(factors.map(|f| f.w)),
            v: side_by_side(factors.map(|f| f.v)),
        }
    }
}

fn side_by_side(digits: [[f64; 5]; 4]) -> Lanes {
    std::array::from_fn(|j| lane(digits.map(|d| d[j])))
}

#[allow(unsafe_code)]
pub(super) fn lane(values: [f64; 4]) -> __m256d {
    // SAFETY: both are 32 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute::<[f64; 4], __m256d>(values) }
}

/// R = 2^255 as an element.
fn shift() -> Fr {
    static SHIFT: std::sync::OnceLock<Fr> = std::sync::OnceLock::new();
    *SHIFT.get_or_init(|| Fr::from(2).pow_vartime([255]))
}

/// The integer of least size that x stands for, modulo 2^256.
fn centred(x: &Fr) -> Limbs {
    let mut words = [0; 4];
    for (word, bytes) in words
        .iter_mut()
        .zip(x.to_repr().as_ref().as_chunks::<8>().0)
    {
        *word = u64::from_le_bytes(*bytes);
    }
    let p = Scalar::P;
    let half = std::array::from_fn(|i| p[i] >> 1 | p.get(i + 1).map_or(0, |up| up << 63));
    if sub_words(&half, &words).1 == 1 {
        sub_words(&words, &p).0
    } else {
        words
    }
}

/// p^{-1} mod 2^256 by Newton's iteration: each step doubles the bits that are right.
const INVERSE: Limbs = {
    let mut inverse = [1, 0, 0, 0];
    let mut step = 0;
    while step < 8 {
        let product = low_product(&Scalar::P, &inverse);
        // 2 − p·inverse
        let mut correction = [0; 4];
        let (mut i, mut borrow) = (0, 0_i128);
        while i < 4 {
            let two = if i == 0 { 2 } else { 0 };
            let difference = two - product[i] as i128 + borrow;
            correction[i] = difference as u64;
            borrow = difference >> 64;
            i += 1;
        }
        inverse = low_product(&inverse, &correction);
        step += 1;
    }
    inverse
};

/// a·b mod 2^256.
const fn low_product(a: &Limbs, b: &Limbs) -> Limbs {
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
