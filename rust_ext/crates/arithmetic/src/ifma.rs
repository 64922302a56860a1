//! Eight elements side by side in AVX-512 registers, on the multiply-add of 52-bit integers (IFMA).
//!
//! An element is an integer x = Σ x_j·2^(52·j), j < 5, congruent to it modulo p, with *signed limbs* of 64 bits; R = 2^260. Sums and
//! differences take no carry: limbs and values just grow. Products read the low 52 bits of a limb and no sign, so a factor is first
//! made positive by a multiple of p, and its carries are taken.
//!
//! The bounds that functions ask for and promise are in multiples of p, for p = 2^253.6 of both fields: 2^260 is 84.6 p, so a value
//! below 84 p has five limbs, and two whose product is below 84 p² give one below 2 p (a·b/R + p). A product's limbs are below
//! 20·2^52, those of sums of as many as fifty of them within 2^62. Debug builds and tests check the values.
//!
//! All of it is written once, over the few [`Instructions`] that it takes: those of the CPU, and in tests a twin in plain Rust, which
//! runs everywhere.

mod avx512;
mod block;
mod chords;
mod convert;
mod factor;
mod fft;
mod instructions;
mod limbs;
#[cfg(test)]
mod portable;
mod product;
#[cfg(test)]
mod tests;

pub(crate) use avx512::Avx512;
pub(crate) use block::LimbUnit;
pub(crate) use factor::Factor;
pub(crate) use fft::{Plan, SMALLEST, Scale};
pub(crate) use instructions::{Instructions, Job};
#[cfg(test)]
pub(crate) use portable::Portable;

/// Eight elements: limb j of all of them at j.
pub(crate) type Lanes<I> = [<I as Instructions>::Vector; 5];

/// Elements in a vector.
const WIDTH: usize = 8;
