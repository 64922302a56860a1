//! Products modulo p.

use std::arch::x86_64::*;

use super::Lanes;
use super::digits::{BITS, MULTIPLES, Modulus, UNITS, broadcast};
use super::factor::Factors;
use crate::field::Field;

/// What a column starts from: once the bits of `low` low parts and of `high` high parts are added to it, their exponents are gone,
/// and `more` is left.
const fn start(low: u64, high: u64, more: u64) -> i64 {
    more.wrapping_sub(low.wrapping_mul(UNITS.to_bits()))
        .wrapping_sub(high.wrapping_mul(MULTIPLES.to_bits())) as i64
}

/// In a column that gives a carry: 2^50, so that its digit comes out as x + 2^50 ≥ 0, and 2^62, so that the shift meets no sign.
const GIVES: u64 = (1 << 62) + (1 << (BITS - 1));
/// In a column that takes a carry: what became of the 2^62.
const TAKES: u64 = (1_u64 << (62 - BITS)).wrapping_neg();
const BOTH: u64 = GIVES.wrapping_add(TAKES);

/// Nothing, but what follows is computed after what came before. Left to itself the compiler collects the terms of all columns
/// before it adds any of them, which is more than the registers hold.
macro_rules! in_order {
    ($c:ident, $low:ident, $high:ident) => {
        // SAFETY: there is no instruction; registers are named and stay as they are.
        #[allow(unsafe_code)]
        unsafe {
            std::arch::asm!(
                "/* {0} {1} {2} */",
                inout(ymm_reg) $c.multiples, inout(ymm_reg) $low, inout(ymm_reg) $high,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
    };
}

/// Both parts of x·y, added to two columns.
macro_rules! whole {
    ($c:ident, $x:expr, $y:expr => $low:ident, $high:ident) => {{
        let h = _mm256_fmadd_pd($x, $y, $c.multiples);
        let l = _mm256_fmadd_pd($x, $y, _mm256_sub_pd($c.both, h));
        $low = _mm256_add_epi64($low, _mm256_castpd_si256(l));
        $high = _mm256_add_epi64($high, _mm256_castpd_si256(h));
        in_order!($c, $low, $high);
    }};
}

/// The high part alone.
macro_rules! high {
    ($c:ident, $x:expr, $y:expr => $high:ident) => {{
        let h = _mm256_fmadd_pd($x, $y, $c.multiples);
        $high = _mm256_add_epi64($high, _mm256_castpd_si256(h));
    }};
}

/// The low part alone.
macro_rules! low {
    ($c:ident, $x:expr, $y:expr => $low:ident) => {{
        let h = _mm256_fmadd_pd($x, $y, $c.multiples);
        let l = _mm256_fmadd_pd($x, $y, _mm256_sub_pd($c.both, h));
        $low = _mm256_add_epi64($low, _mm256_castpd_si256(l));
    }};
}

macro_rules! carry {
    ($from:ident => $to:ident) => {
        $to = _mm256_add_epi64($to, _mm256_srli_epi64::<{ BITS as i32 }>($from))
    };
}

/// Constants in registers.
#[derive(Clone, Copy)]
struct Constants {
    multiples: __m256d,
    both: __m256d,
    digit: __m256i,
    exponent: __m256i,
    offset: __m256d,
}

impl Constants {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn new() -> Self {
        let exponent = (1_u64 << 52) as f64;
        Self {
            multiples: _mm256_set1_pd(MULTIPLES),
            both: _mm256_set1_pd(MULTIPLES + UNITS),
            digit: _mm256_set1_epi64x((1 << BITS) - 1),
            exponent: _mm256_set1_epi64x(exponent.to_bits() as i64),
            offset: _mm256_set1_pd(exponent + (1_u64 << (BITS - 1)) as f64),
        }
    }

    /// The normal digit of a column that gives a carry.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn digit(&self, column: __m256i) -> __m256d {
        let bits = _mm256_or_si256(_mm256_and_si256(column, self.digit), self.exponent);
        _mm256_sub_pd(_mm256_castsi256_pd(bits), self.offset)
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn column(low: u64, high: u64, more: u64) -> __m256i {
    _mm256_set1_epi64x(start(low, high, more))
}

/// a·w less about the nearest multiple of p: within (½ + 0.19·A)·p and normal, for a within A·p, A ≤ 5, with loose digits.
///
/// q = round(a·v/R) comes from the upper columns of digit products, and a·w − q·p from the lower ones: what lies above them is
/// zero. Of a·v the columns below 3 are left out, 2^-49 of q's last unit.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn multiply<F: Field>(a: Lanes, by: &Factors) -> Lanes {
    let mut c = Constants::new();
    let v = &by.v;
    let mut u4 = column(5, 4, GIVES);
    let mut u5 = column(4, 5, BOTH);
    let mut u6 = column(3, 4, BOTH);
    let mut u7 = column(2, 3, BOTH);
    let mut u8 = column(1, 2, BOTH);
    let mut u9 = column(0, 1, TAKES.wrapping_add(UNITS.to_bits()));
    high!(c, a[0], v[3] => u4);
    high!(c, a[1], v[2] => u4);
    high!(c, a[2], v[1] => u4);
    high!(c, a[3], v[0] => u4);
    whole!(c, a[0], v[4] => u4, u5);
    whole!(c, a[1], v[3] => u4, u5);
    whole!(c, a[2], v[2] => u4, u5);
    whole!(c, a[3], v[1] => u4, u5);
    whole!(c, a[4], v[0] => u4, u5);
    carry!(u4 => u5);
    whole!(c, a[1], v[4] => u5, u6);
    whole!(c, a[2], v[3] => u5, u6);
    whole!(c, a[3], v[2] => u5, u6);
    whole!(c, a[4], v[1] => u5, u6);
    carry!(u5 => u6);
    whole!(c, a[2], v[4] => u6, u7);
    whole!(c, a[3], v[3] => u6, u7);
    whole!(c, a[4], v[2] => u6, u7);
    carry!(u6 => u7);
    whole!(c, a[3], v[4] => u7, u8);
    whole!(c, a[4], v[3] => u7, u8);
    carry!(u7 => u8);
    whole!(c, a[4], v[4] => u8, u9);
    carry!(u8 => u9);
    let q = [
        c.digit(u5),
        c.digit(u6),
        c.digit(u7),
        c.digit(u8),
        _mm256_sub_pd(_mm256_castsi256_pd(u9), _mm256_set1_pd(UNITS)),
    ];
    let (w, p) = (&by.w, broadcast(&Modulus::<F>::MINUS_P));
    let mut t0 = column(2, 0, GIVES);
    let mut t1 = column(4, 2, BOTH);
    let mut t2 = column(6, 4, BOTH);
    let mut t3 = column(8, 6, BOTH);
    let mut t4 = column(10, 8, BOTH);
    whole!(c, a[0], w[0] => t0, t1);
    whole!(c, q[0], p[0] => t0, t1);
    carry!(t0 => t1);
    whole!(c, a[0], w[1] => t1, t2);
    whole!(c, a[1], w[0] => t1, t2);
    whole!(c, q[0], p[1] => t1, t2);
    whole!(c, q[1], p[0] => t1, t2);
    carry!(t1 => t2);
    whole!(c, a[0], w[2] => t2, t3);
    whole!(c, a[1], w[1] => t2, t3);
    whole!(c, a[2], w[0] => t2, t3);
    whole!(c, q[0], p[2] => t2, t3);
    whole!(c, q[1], p[1] => t2, t3);
    whole!(c, q[2], p[0] => t2, t3);
    carry!(t2 => t3);
    whole!(c, a[0], w[3] => t3, t4);
    whole!(c, a[1], w[2] => t3, t4);
    whole!(c, a[2], w[1] => t3, t4);
    whole!(c, a[3], w[0] => t3, t4);
    whole!(c, q[0], p[3] => t3, t4);
    whole!(c, q[1], p[2] => t3, t4);
    whole!(c, q[2], p[1] => t3, t4);
    whole!(c, q[3], p[0] => t3, t4);
    carry!(t3 => t4);
    low!(c, a[0], w[4] => t4);
    low!(c, a[1], w[3] => t4);
    low!(c, a[2], w[2] => t4);
    low!(c, a[3], w[1] => t4);
    low!(c, a[4], w[0] => t4);
    low!(c, q[0], p[4] => t4);
    low!(c, q[1], p[3] => t4);
    low!(c, q[2], p[2] => t4);
    low!(c, q[3], p[1] => t4);
    low!(c, q[4], p[0] => t4);
    [
        c.digit(t0),
        c.digit(t1),
        c.digit(t2),
        c.digit(t3),
        c.digit(t4),
    ]
}

/// a·b/R modulo p, within (½ + 0.38·A·B)·p and normal: for a and b within A·p and B·p, each at most 5, whose digits within d·2^50
/// and e·2^50 have d·e ≤ 4.
///
/// Montgomery's product: m = −(a·b)/p mod R from the lower columns, and (a·b + m·p)/R from the upper ones. What the columns below
/// leave over is an integer, so the carry out of column 4 is right although those below 3 are left out of m·p.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn product<F: Field>(a: &Lanes, b: &Lanes) -> Lanes {
    let mut c = Constants::new();
    let mut t0 = column(1, 0, GIVES);
    let mut t1 = column(2, 1, BOTH);
    let mut t2 = column(3, 2, BOTH);
    let mut t3 = column(4, 3, BOTH);
    let mut t4 = column(5, 4, BOTH);
    let mut t5 = column(8, 10, BOTH.wrapping_add(TAKES));
    let mut t6 = column(6, 8, BOTH);
    let mut t7 = column(4, 6, BOTH);
    let mut t8 = column(2, 4, BOTH);
    let mut t9 = column(0, 2, TAKES.wrapping_add(UNITS.to_bits()));
    whole!(c, a[0], b[0] => t0, t1);
    carry!(t0 => t1);
    whole!(c, a[0], b[1] => t1, t2);
    whole!(c, a[1], b[0] => t1, t2);
    carry!(t1 => t2);
    whole!(c, a[0], b[2] => t2, t3);
    whole!(c, a[1], b[1] => t2, t3);
    whole!(c, a[2], b[0] => t2, t3);
    carry!(t2 => t3);
    whole!(c, a[0], b[3] => t3, t4);
    whole!(c, a[1], b[2] => t3, t4);
    whole!(c, a[2], b[1] => t3, t4);
    whole!(c, a[3], b[0] => t3, t4);
    carry!(t3 => t4);
    whole!(c, a[0], b[4] => t4, t5);
    whole!(c, a[1], b[3] => t4, t5);
    whole!(c, a[2], b[2] => t4, t5);
    whole!(c, a[3], b[1] => t4, t5);
    whole!(c, a[4], b[0] => t4, t5);
    carry!(t4 => t5);
    whole!(c, a[1], b[4] => t5, t6);
    whole!(c, a[2], b[3] => t5, t6);
    whole!(c, a[3], b[2] => t5, t6);
    whole!(c, a[4], b[1] => t5, t6);
    whole!(c, a[2], b[4] => t6, t7);
    whole!(c, a[3], b[3] => t6, t7);
    whole!(c, a[4], b[2] => t6, t7);
    whole!(c, a[3], b[4] => t7, t8);
    whole!(c, a[4], b[3] => t7, t8);
    whole!(c, a[4], b[4] => t8, t9);
    let low = [
        c.digit(t0),
        c.digit(t1),
        c.digit(t2),
        c.digit(t3),
        c.digit(t4),
    ];
    let n = broadcast(&Modulus::<F>::MINUS_INVERSE);
    let mut m0 = column(1, 0, GIVES);
    let mut m1 = column(2, 1, BOTH);
    let mut m2 = column(3, 2, BOTH);
    let mut m3 = column(4, 3, BOTH);
    let mut m4 = column(5, 4, BOTH);
    whole!(c, low[0], n[0] => m0, m1);
    carry!(m0 => m1);
    whole!(c, low[0], n[1] => m1, m2);
    whole!(c, low[1], n[0] => m1, m2);
    carry!(m1 => m2);
    whole!(c, low[0], n[2] => m2, m3);
    whole!(c, low[1], n[1] => m2, m3);
    whole!(c, low[2], n[0] => m2, m3);
    carry!(m2 => m3);
    whole!(c, low[0], n[3] => m3, m4);
    whole!(c, low[1], n[2] => m3, m4);
    whole!(c, low[2], n[1] => m3, m4);
    whole!(c, low[3], n[0] => m3, m4);
    carry!(m3 => m4);
    low!(c, low[0], n[4] => m4);
    low!(c, low[1], n[3] => m4);
    low!(c, low[2], n[2] => m4);
    low!(c, low[3], n[1] => m4);
    low!(c, low[4], n[0] => m4);
    let m = [
        c.digit(m0),
        c.digit(m1),
        c.digit(m2),
        c.digit(m3),
        c.digit(m4),
    ];
    let p = broadcast(&Modulus::<F>::P);
    // Column 4: what is left of the first product, whose digit has its 2^50 with it, and of m·p.
    let mut u4 = _mm256_add_epi64(column(5, 4, 1 << 62), _mm256_and_si256(t4, c.digit));
    high!(c, m[0], p[3] => u4);
    high!(c, m[1], p[2] => u4);
    high!(c, m[2], p[1] => u4);
    high!(c, m[3], p[0] => u4);
    whole!(c, m[0], p[4] => u4, t5);
    whole!(c, m[1], p[3] => u4, t5);
    whole!(c, m[2], p[2] => u4, t5);
    whole!(c, m[3], p[1] => u4, t5);
    whole!(c, m[4], p[0] => u4, t5);
    carry!(u4 => t5);
    whole!(c, m[1], p[4] => t5, t6);
    whole!(c, m[2], p[3] => t5, t6);
    whole!(c, m[3], p[2] => t5, t6);
    whole!(c, m[4], p[1] => t5, t6);
    carry!(t5 => t6);
    whole!(c, m[2], p[4] => t6, t7);
    whole!(c, m[3], p[3] => t6, t7);
    whole!(c, m[4], p[2] => t6, t7);
    carry!(t6 => t7);
    whole!(c, m[3], p[4] => t7, t8);
    whole!(c, m[4], p[3] => t7, t8);
    carry!(t7 => t8);
    whole!(c, m[4], p[4] => t8, t9);
    carry!(t8 => t9);
    let top = _mm256_sub_pd(_mm256_castsi256_pd(t9), _mm256_set1_pd(UNITS));
    [c.digit(t5), c.digit(t6), c.digit(t7), c.digit(t8), top]
}
