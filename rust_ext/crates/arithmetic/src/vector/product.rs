//! Products modulo p.

use std::arch::x86_64::*;

use super::Lanes;
use super::digits::{BITS, MINUS_P, MULTIPLES, UNITS};
use super::factor::Factors;

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

/// Both parts of x·y, added to two columns.
macro_rules! whole {
    ($c:ident, $x:expr, $y:expr => $low:ident, $high:ident) => {{
        let h = _mm256_fmadd_pd($x, $y, $c.multiples);
        let l = _mm256_fmadd_pd($x, $y, _mm256_sub_pd($c.both, h));
        $low = _mm256_add_epi64($low, _mm256_castpd_si256(l));
        $high = _mm256_add_epi64($high, _mm256_castpd_si256(h));
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
pub(super) fn multiply(a: Lanes, by: &Factors) -> Lanes {
    let c = Constants::new();
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
    let (w, p) = (&by.w, super::digits::broadcast(&MINUS_P));
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
