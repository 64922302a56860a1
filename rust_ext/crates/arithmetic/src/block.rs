//! A few rows of values at a time, by the path that runs: what programs over rows compute with.

use halo2curves::bn256::Fr;

use crate::field::Element;
#[cfg(target_arch = "x86_64")]
use crate::ifma::LimbUnit;
use crate::path::{Path, path};
#[cfg(target_arch = "x86_64")]
pub use crate::vector::LaneUnit;

/// Rows of a block.
pub const ROWS: usize = 16;

/// How blocks are computed.
///
/// A unit keeps no bounds: a program keeps those of [`Bound`], which hold for every unit.
pub trait Unit<E = Fr>: Copy + Send + Sync {
    /// Values on [`ROWS`] rows.
    type Block: Clone + Send + Sync;
    /// A scalar to multiply by.
    type Factor: Send + Sync;

    /// What every value that comes in has to be multiplied by, and every value that goes out is.
    fn form(self) -> E;
    fn zero(self) -> Self::Block;
    fn factor(self, scalar: &E) -> Self::Factor;
    fn load(self, to: &mut Self::Block, from: &[E; ROWS]);
    fn store(self, from: &Self::Block, to: &mut [E; ROWS]);
    fn negate(self, to: &mut Self::Block, a: &Self::Block);
    fn add(self, to: &mut Self::Block, a: &Self::Block, b: &Self::Block);
    fn sub(self, to: &mut Self::Block, a: &Self::Block, b: &Self::Block);
    fn multiply(self, to: &mut Self::Block, a: &Self::Block, b: &Self::Block);
    fn scale(self, to: &mut Self::Block, a: &Self::Block, by: &Self::Factor);
    /// a·by + b
    fn scale_add(self, to: &mut Self::Block, a: &Self::Block, by: &Self::Factor, b: &Self::Block);
    fn reduce(self, to: &mut Self::Block);
}

/// How large the values of a block may be, as lanes keep them: digits in 2^50, values in p (see `vector`; limbs follow, see
/// `ifma::LimbUnit`).
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub(crate) digits: f64,
    pub(crate) value: f64,
}

impl Bound {
    /// Of loaded values, and of scalars.
    pub const LOADED: Self = Self {
        digits: 1.0,
        value: 1.0,
    };
    pub const REDUCED: Self = Self {
        digits: 1.0,
        value: 0.51,
    };

    /// Whether an operand of anything may be as large. Sums and differences of two that fit can be reduced.
    pub fn fits(self) -> bool {
        self.digits <= 2.0 && self.value <= 2.4
    }

    pub fn sum(self, other: Self) -> Self {
        Self {
            digits: self.digits + other.digits,
            value: self.value + other.value,
        }
    }

    pub fn product(self, other: Self) -> Self {
        Self {
            digits: 1.0,
            value: 0.51 + 0.38 * self.value * other.value,
        }
    }

    pub fn scaled(self) -> Self {
        Self {
            digits: 1.0,
            value: 0.51 + 0.19 * self.value,
        }
    }
}

/// One value at a time, in halo2curves' own arithmetic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words;

impl<E: Element> Unit<E> for Words {
    type Block = [E; ROWS];
    type Factor = E;

    fn form(self) -> E {
        E::ONE
    }

    fn zero(self) -> Self::Block {
        [E::ZERO; ROWS]
    }

    fn factor(self, scalar: &E) -> E {
        *scalar
    }

    fn load(self, to: &mut Self::Block, from: &[E; ROWS]) {
        *to = *from;
    }

    fn store(self, from: &Self::Block, to: &mut [E; ROWS]) {
        *to = *from;
    }

    fn negate(self, to: &mut Self::Block, a: &Self::Block) {
        *to = a.map(|a| -a);
    }

    fn add(self, to: &mut Self::Block, a: &Self::Block, b: &Self::Block) {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = *a + b;
        }
    }

    fn sub(self, to: &mut Self::Block, a: &Self::Block, b: &Self::Block) {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = *a - b;
        }
    }

    fn multiply(self, to: &mut Self::Block, a: &Self::Block, b: &Self::Block) {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = *a * b;
        }
    }

    fn scale(self, to: &mut Self::Block, a: &Self::Block, by: &E) {
        for (to, a) in to.iter_mut().zip(a) {
            *to = *a * by;
        }
    }

    fn scale_add(self, to: &mut Self::Block, a: &Self::Block, by: &E, b: &Self::Block) {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = *a * by + b;
        }
    }

    fn reduce(self, _: &mut Self::Block) {}
}

/// Work that is written once and compiled for every unit.
pub trait Work {
    type Output;
    fn run<U: Unit>(self, unit: U) -> Self::Output;
}

/// Run it with the unit of the path that runs.
pub fn fastest<W: Work>(work: W) -> W::Output {
    match path() {
        Path::Scalar => work.run(Words),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2(avx2) => work.run(LaneUnit::new(avx2)),
        #[cfg(target_arch = "x86_64")]
        Path::Avx512(avx512) => work.run(LimbUnit::new(avx512)),
    }
}
