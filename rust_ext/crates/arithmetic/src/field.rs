//! The two prime fields of BN254 on four words in Montgomery form, R = 2^256, as halo2curves keeps them.
//!
//! A product is *lazy*: factors below 2p give a result below 2p, for p < 2^254 leaves two spare bits:
//! (2p·2p + (R − 1)·p)/R < 4p·p/R + p < 2p. Sums and differences want and give values below p.
//!
//! How products are computed is chosen once, at run time ([`Job`]): with the instructions MULX, ADCX and ADOX where the CPU has
//! them, in plain Rust elsewhere.

use ff::PrimeField;
use halo2curves::bn256::{Fq, Fr};

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod adx;
mod portable;
#[cfg(test)]
mod tests;

pub(crate) use portable::Portable;

/// Four words, lowest first.
pub type Limbs = [u64; 4];

pub trait Field: Copy + Send + Sync + 'static {
    const P: Limbs;
    /// −p^{-1} mod 2^64.
    const INV: u64;
    /// R mod p.
    const ONE: Limbs;
    /// The product of two values below 2p, below 2p.
    ///
    /// # Safety
    ///
    /// The CPU has BMI2 and ADX.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    unsafe fn mul_adx(a: &Limbs, b: &Limbs) -> Limbs;
}

/// Coordinates of points.
#[derive(Clone, Copy, Debug)]
pub struct Base;
/// Scalars.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

/// An element as halo2curves keeps it: four words below p.
pub trait Element: PrimeField {
    type Field: Field;
    fn words(&self) -> &Limbs;
    fn from_words(words: Limbs) -> Self;
}

impl Element for Fq {
    type Field = Base;

    fn words(&self) -> &Limbs {
        &self.0
    }

    fn from_words(words: Limbs) -> Self {
        Self(words)
    }
}

impl Element for Fr {
    type Field = Scalar;

    fn words(&self) -> &Limbs {
        &self.0
    }

    fn from_words(words: Limbs) -> Self {
        Self(words)
    }
}

const BASE: Limbs = [
    0x3c20_8c16_d87c_fd47,
    0x9781_6a91_6871_ca8d,
    0xb850_45b6_8181_585d,
    0x3064_4e72_e131_a029,
];
const SCALAR: Limbs = [
    0x43e1_f593_f000_0001,
    0x2833_e848_79b9_7091,
    0xb850_45b6_8181_585d,
    0x3064_4e72_e131_a029,
];

/// −p^{-1} mod 2^64 by Newton's iteration: each step doubles the bits that are right.
const fn negative_inverse(p: u64) -> u64 {
    let mut inverse = 1u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
}

impl Field for Base {
    const P: Limbs = BASE;
    const INV: u64 = negative_inverse(BASE[0]);
    const ONE: Limbs = Fq::one().0;
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    #[inline(always)]
    unsafe fn mul_adx(a: &Limbs, b: &Limbs) -> Limbs {
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { adx::mul_base(a, b) }
    }
}

impl Field for Scalar {
    const P: Limbs = SCALAR;
    const INV: u64 = negative_inverse(SCALAR[0]);
    const ONE: Limbs = Fr::one().0;
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    #[inline(always)]
    unsafe fn mul_adx(a: &Limbs, b: &Limbs) -> Limbs {
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { adx::mul_scalar(a, b) }
    }
}

/// A way to multiply. Its values exist only where the CPU can do it.
pub(crate) trait Multiply: Copy + Send + Sync + 'static {
    /// a·b/R mod p, below 2p, for a and b below 2p.
    fn mul<F: Field>(self, a: &Limbs, b: &Limbs) -> Limbs;
}

/// Work that is written once and compiled for every way to multiply.
pub(crate) trait Job {
    type Output;
    fn run<M: Multiply>(self, m: M) -> Self::Output;
}

/// Run a job the fastest way that this CPU has.
pub(crate) fn fastest<J: Job>(job: J) -> J::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(m) = adx::Adx::detect() {
        return job.run(m);
    }
    job.run(Portable)
}

/// What products are computed with: `adx` or `portable`.
pub fn multiplier() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if adx::Adx::detect().is_some() {
        return "adx";
    }
    "portable"
}

#[inline(always)]
fn adc(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = u128::from(a) + u128::from(b) + u128::from(carry);
    (sum as u64, (sum >> 64) as u64)
}

/// a − b − borrow, and 1 where that is negative.
#[inline(always)]
fn sbb(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let (first, one) = a.overflowing_sub(b);
    let (second, two) = first.overflowing_sub(borrow);
    (second, u64::from(one | two))
}

/// a + b without a carry out of the highest word.
#[inline(always)]
pub(crate) fn add_words(a: &Limbs, b: &Limbs) -> Limbs {
    let (r0, c) = adc(a[0], b[0], 0);
    let (r1, c) = adc(a[1], b[1], c);
    let (r2, c) = adc(a[2], b[2], c);
    let (r3, _) = adc(a[3], b[3], c);
    [r0, r1, r2, r3]
}

/// a − b mod 2^256, and 1 where a < b.
#[inline(always)]
pub(crate) fn sub_words(a: &Limbs, b: &Limbs) -> (Limbs, u64) {
    let (r0, c) = sbb(a[0], b[0], 0);
    let (r1, c) = sbb(a[1], b[1], c);
    let (r2, c) = sbb(a[2], b[2], c);
    let (r3, c) = sbb(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

#[inline(always)]
fn masked(a: &Limbs, bit: u64) -> Limbs {
    let mask = bit.wrapping_neg();
    [a[0] & mask, a[1] & mask, a[2] & mask, a[3] & mask]
}

/// A value below 2·bound, less `bound` where it is not below it.
#[inline(always)]
pub(crate) fn reduce_by(a: &Limbs, bound: &Limbs) -> Limbs {
    let (less, borrow) = sub_words(a, bound);
    add_words(&less, &masked(bound, borrow))
}

/// A value below 2p, reduced below p.
#[inline(always)]
pub(crate) fn reduce<F: Field>(a: &Limbs) -> Limbs {
    reduce_by(a, &F::P)
}

/// a − b mod p, for both below p.
#[inline(always)]
pub(crate) fn sub<F: Field>(a: &Limbs, b: &Limbs) -> Limbs {
    let (less, borrow) = sub_words(a, b);
    add_words(&less, &masked(&F::P, borrow))
}

/// a + b mod p, for both below p.
#[inline(always)]
pub(crate) fn add<F: Field>(a: &Limbs, b: &Limbs) -> Limbs {
    reduce::<F>(&add_words(a, b))
}

/// −a mod p, for a below p.
#[inline(always)]
pub(crate) fn neg<F: Field>(a: &Limbs) -> Limbs {
    if is_zero(a) {
        *a
    } else {
        sub_words(&F::P, a).0
    }
}

#[inline(always)]
pub(crate) fn is_zero(a: &Limbs) -> bool {
    a[0] | a[1] | a[2] | a[3] == 0
}
