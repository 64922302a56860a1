//! Blocks of rows in lanes: four rows side by side.

use super::convert::{load, store};
use super::digits::{self, ZERO};
use super::factor::Factor;
use super::product::{multiply, product};
use super::{Avx2, Lanes};
use crate::block::{ROWS, Unit};
use crate::field::Element;

pub(super) const GROUPS: usize = ROWS / 4;

/// A value x comes in and goes out as x/2: in memory that is x·2^255 = x·R, so that products keep their form.
#[derive(Clone, Copy, Debug)]
pub struct LaneUnit(());

impl LaneUnit {
    pub(crate) fn new(Avx2(()): Avx2) -> Self {
        Self(())
    }
}

/// A unit's method by a function that is compiled for AVX2.
macro_rules! compiled {
    ($name:ident($($argument:ident: $type:ty),*) $body:block) => {
        #[allow(unsafe_code)]
        fn $name(self, $($argument: $type),*) {
            #[target_feature(enable = "avx2,fma")]
            fn inner<E: Element>($($argument: $type),*) $body
            // SAFETY: `new` takes the proof that the CPU has what the function is compiled for.
            unsafe { inner::<E>($($argument),*) }
        }
    };
}

impl<E: Element> Unit<E> for LaneUnit {
    type Block = [Lanes; GROUPS];
    type Factor = Factor;

    fn form(self) -> E {
        E::TWO_INV
    }

    fn zero(self) -> Self::Block {
        [ZERO; GROUPS]
    }

    fn factor(self, scalar: &E) -> Factor {
        Factor::new(scalar)
    }

    compiled!(load(to: &mut [Lanes; GROUPS], from: &[E; ROWS]) {
        for (to, from) in to.iter_mut().zip(from.as_chunks::<4>().0) {
            *to = load(from.each_ref());
        }
    });

    compiled!(store(from: &[Lanes; GROUPS], to: &mut [E; ROWS]) {
        for (from, to) in from.iter().zip(to.as_chunks_mut::<4>().0) {
            *to = store(*from);
        }
    });

    compiled!(negate(to: &mut [Lanes; GROUPS], a: &[Lanes; GROUPS]) {
        for (to, a) in to.iter_mut().zip(a) {
            *to = digits::sub(ZERO, *a);
        }
    });

    compiled!(add(to: &mut [Lanes; GROUPS], a: &[Lanes; GROUPS], b: &[Lanes; GROUPS]) {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = digits::add(*a, *b);
        }
    });

    compiled!(sub(to: &mut [Lanes; GROUPS], a: &[Lanes; GROUPS], b: &[Lanes; GROUPS]) {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = digits::sub(*a, *b);
        }
    });

    compiled!(multiply(to: &mut [Lanes; GROUPS], a: &[Lanes; GROUPS], b: &[Lanes; GROUPS]) {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = product::<E::Field>(a, b);
        }
    });

    compiled!(scale(to: &mut [Lanes; GROUPS], a: &[Lanes; GROUPS], by: &Factor) {
        let by = by.everywhere();
        for (to, a) in to.iter_mut().zip(a) {
            *to = multiply::<E::Field>(*a, &by);
        }
    });

    compiled!(scale_add(
        to: &mut [Lanes; GROUPS],
        a: &[Lanes; GROUPS],
        by: &Factor,
        b: &[Lanes; GROUPS]
    ) {
        let by = by.everywhere();
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = digits::add(multiply::<E::Field>(*a, &by), *b);
        }
    });

    compiled!(reduce(to: &mut [Lanes; GROUPS]) {
        for to in to {
            *to = digits::reduce::<E::Field>(*to);
        }
    });
}
