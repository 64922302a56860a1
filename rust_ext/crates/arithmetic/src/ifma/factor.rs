//! Factors that are known beforehand: w·R modulo p, so that Montgomery's product with them is one with w.

use super::limbs::{broadcast, limbs};
use super::{Instructions, Lanes, WIDTH};
use crate::field::{self, Field, Limbs};

/// Below p, carried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor([u64; 5]);

/// A factor for each element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors<I: Instructions>(pub(super) Lanes<I>);

impl Factor {
    /// By words in Montgomery form, R = 2^256: they are multiplied by 2^4.
    pub(crate) fn new<F: Field>(w: &Limbs) -> Self {
        let mut w = *w;
        for _ in 0..4 {
            w = field::add::<F>(&w, &w);
        }
        Self(limbs(&w))
    }

    #[inline(always)]
    pub(super) fn everywhere<I: Instructions>(&self, i: I) -> Factors<I> {
        Factors(broadcast(i, &self.0))
    }
}

impl<I: Instructions> Factors<I> {
    pub(super) fn new<F: Field>(i: I, w: [&Limbs; WIDTH]) -> Self {
        let factors = w.map(Factor::new::<F>);
        let limb = |j: usize| i.vector(factors.map(|factor| factor.0[j]));
        Self([limb(0), limb(1), limb(2), limb(3), limb(4)])
    }
}
