//! Four elements of Fr side by side in AVX2 registers, as integers in double precision.
//!
//! An element is x = Σ x_j·2^(51·j), j < 5, with *signed digits* x_j kept exactly in a double: R = 2^255. No carry is taken where
//! elements are added: a digit's bound just grows, and so does the value's. Two steps give an exact product of digits
//! (Dekker 1971, with a fused multiply-add; the constants are of N. Emmart's design for double precision on graphics processors):
//!
//! ```text
//! h = fma(x, y, 3·2^102)                    x·y rounded to a multiple of 2^51, in the low bits of the double
//! l = fma(x, y, 3·2^102 + 3·2^51 − h)       the rest, |l − 3·2^51| ≤ 2^50
//! ```
//!
//! for |x·y| ≤ 2^102. The bits of such doubles are added as integers, and what their exponents add up to is known beforehand.
//!
//! The bounds that functions here ask for and promise: *normal* digits lie in [−2^50, 2^50), *loose* ones within 2^52; a factor's
//! digits are normal; values are given in multiples of p. Conversions in debug builds and tests check them.

mod block;
mod chords;
mod convert;
mod digits;
mod factor;
mod fft;
mod product;

#[cfg(test)]
mod tests;

use std::arch::x86_64::__m256d;

pub use block::LaneUnit;
pub use factor::Factor;
pub(crate) use fft::{Plan, SMALLEST, Scale};

/// Four elements: digit j of all of them at j.
pub(crate) type Lanes = [__m256d; 5];

/// Proof that this CPU has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}
