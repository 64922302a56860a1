//! The instructions of the CPU.
#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::mem::transmute;

use super::{Instructions, Job, WIDTH};
use crate::field::Limbs;

/// Proof that this CPU has AVX-512 with F, DQ, BW, VL and IFMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512ifma");
        all.then_some(Self(()))
    }
}

/// A method that is one instruction.
macro_rules! instruction {
    ($name:ident$(<$bits:ident>)?($($argument:ident),*) = $intrinsic:ident) => {
        #[inline(always)]
        fn $name$(<const $bits: u32>)?(self, $($argument: __m512i),*) -> __m512i {
            // SAFETY: a value of `Self` exists only where the CPU has the instruction.
            unsafe { $intrinsic$(::<$bits>)?($($argument),*) }
        }
    };
}

impl Instructions for Avx512 {
    type Vector = __m512i;
    type Mask = __mmask8;

    fn run<J: Job<Self>>(self, job: J) -> J::Output {
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma")]
        fn compiled<J: Job<Avx512>>(i: Avx512, job: J) -> J::Output {
            job.run(i)
        }
        // SAFETY: as in `instruction`, of all features.
        unsafe { compiled(self, job) }
    }

    #[inline(always)]
    fn vector(self, words: [u64; WIDTH]) -> __m512i {
        // SAFETY: both are 64 bytes, and every pattern of bits is a value of both.
        unsafe { transmute::<[u64; WIDTH], __m512i>(words) }
    }

    #[inline(always)]
    fn words(self, vector: __m512i) -> [u64; WIDTH] {
        // SAFETY: as above.
        unsafe { transmute::<__m512i, [u64; WIDTH]>(vector) }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> __m512i {
        // SAFETY: as in `instruction`.
        unsafe { _mm512_set1_epi64(word as i64) }
    }

    #[inline(always)]
    fn join(self, low: &Limbs, high: &Limbs) -> __m512i {
        // SAFETY: as in `instruction`, and [u64; 4] and __m256i are of 32 bytes, any of which are a value.
        unsafe {
            let low = transmute::<Limbs, __m256i>(*low);
            let high = transmute::<Limbs, __m256i>(*high);
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
        }
    }

    #[inline(always)]
    fn split(self, vector: __m512i) -> [Limbs; 2] {
        // SAFETY: as in `join`.
        unsafe {
            [
                transmute::<__m256i, Limbs>(_mm512_castsi512_si256(vector)),
                transmute::<__m256i, Limbs>(_mm512_extracti64x4_epi64::<1>(vector)),
            ]
        }
    }

    instruction!(add(a, b) = _mm512_add_epi64);
    instruction!(sub(a, b) = _mm512_sub_epi64);
    instruction!(and(a, b) = _mm512_and_si512);
    instruction!(or(a, b) = _mm512_or_si512);
    instruction!(shift_left<BITS>(a) = _mm512_slli_epi64);
    instruction!(shift_right<BITS>(a) = _mm512_srli_epi64);
    instruction!(shift_signed<BITS>(a) = _mm512_srai_epi64);
    instruction!(multiply_low(c, a, b) = _mm512_madd52lo_epu64);
    instruction!(multiply_high(c, a, b) = _mm512_madd52hi_epu64);

    #[inline(always)]
    fn negative(self, a: __m512i) -> __mmask8 {
        // SAFETY: as in `instruction`.
        unsafe { _mm512_movepi64_mask(a) }
    }

    #[inline(always)]
    fn add_where(self, mask: __mmask8, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: as in `instruction`.
        unsafe { _mm512_mask_add_epi64(a, mask, a, b) }
    }

    #[inline(always)]
    fn pick(self, a: __m512i, b: __m512i, places: [u64; WIDTH]) -> __m512i {
        // SAFETY: as in `instruction`.
        unsafe { _mm512_permutex2var_epi64(a, self.vector(places), b) }
    }
}
