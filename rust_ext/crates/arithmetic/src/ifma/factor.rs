//! Factors that are known beforehand: w·R modulo p, so that Montgomery's product with them is one with w.

use super::limbs::{broadcast, limbs};
use super::{Instructions, Lanes, WIDTH};
use crate::field::Element;

/// Below p, carried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor([u64; 5]);

/// A factor for each element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors<I: Instructions>(pub(super) Lanes<I>);

impl Factor {
    /// Words are in Montgomery form of R = 2^256: those of 2^4·w are the factor.
    pub(crate) fn new<E: Element>(w: &E) -> Self {
        Self(limbs(w.double().double().double().double().words()))
    }

    #[inline(always)]
    pub(super) fn everywhere<I: Instructions>(&self, i: I) -> Factors<I> {
        Factors(broadcast(i, &self.0))
    }
}

impl<I: Instructions> Factors<I> {
    pub(super) fn new<E: Element>(i: I, w: &[E; WIDTH]) -> Self {
        let factors = w.each_ref().map(Factor::new);
        let limb = |j: usize| i.vector(factors.map(|factor| factor.0[j]));
        Self([limb(0), limb(1), limb(2), limb(3), limb(4)])
    }
}
