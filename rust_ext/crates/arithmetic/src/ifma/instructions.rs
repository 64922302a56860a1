//! What is asked of a CPU: instructions on vectors of eight 64-bit words.

use std::fmt::Debug;

use super::WIDTH;
use crate::field::Limbs;

/// Values exist only where the instructions can run.
///
/// Whoever uses them must be inlined, always, into a [`Job`]: what is not would call each as a function.
pub(crate) trait Instructions: Copy + Debug + Send + Sync + 'static {
    type Vector: Copy + Debug + Send + Sync;
    /// A choice of words.
    type Mask: Copy;

    /// The job, compiled for these instructions.
    fn run<J: Job<Self>>(self, job: J) -> J::Output;

    fn vector(self, words: [u64; WIDTH]) -> Self::Vector;
    fn words(self, vector: Self::Vector) -> [u64; WIDTH];
    /// The same word everywhere.
    fn splat(self, word: u64) -> Self::Vector;
    fn join(self, low: &Limbs, high: &Limbs) -> Self::Vector;
    fn split(self, vector: Self::Vector) -> [Limbs; 2];

    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn or(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn shift_left<const BITS: u32>(self, a: Self::Vector) -> Self::Vector;
    fn shift_right<const BITS: u32>(self, a: Self::Vector) -> Self::Vector;
    /// The same with copies of the sign.
    fn shift_signed<const BITS: u32>(self, a: Self::Vector) -> Self::Vector;
    /// c + (a·b mod 2^52), for the low 52 bits of a and b.
    fn multiply_low(self, c: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// c + ⌊a·b/2^52⌋, for the low 52 bits of a and b.
    fn multiply_high(self, c: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Where words are negative.
    fn negative(self, a: Self::Vector) -> Self::Mask;
    /// a + b in the words of the mask, a in others.
    fn add_where(self, mask: Self::Mask, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Word l is word places[l] of a and b, one behind the other.
    fn pick(self, a: Self::Vector, b: Self::Vector, places: [u64; WIDTH]) -> Self::Vector;
}

/// Work on vectors. Its `run` has to be `#[inline(always)]`.
pub(crate) trait Job<I: Instructions> {
    type Output;
    fn run(self, i: I) -> Self::Output;
}
