//! Blocks of rows on limbs: eight rows side by side.

use std::marker::PhantomData;

use super::convert::{load, store};
use super::factor::Factor;
use super::limbs;
use super::product::{product, scale};
use super::{Instructions, Job, Lanes, WIDTH};
use crate::block::{ROWS, Unit};
use crate::field::Element;

pub(super) const GROUPS: usize = ROWS / WIDTH;

pub(super) type Block<I> = [Lanes<I>; GROUPS];

/// A value x comes in and goes out as 16·x: in memory that is x·2^260 = x·R, so that products keep their form.
///
/// A value whose [`Bound`](crate::block::Bound) is v is within 5/4·v·p here. Sums keep that, and a bound of 2.4, the largest that
/// fits, is 3 p, what factors may be. For products it holds since all bounds are at least 0.51:
///
/// ```text
/// 0.5 + (3 + 5/4·v)·(3 + 5/4·w)/84 ≤ 5/4·(0.51 + 0.38·v·w)
/// 0.5 + (3 + 5/4·v)/84             ≤ 5/4·(0.51 + 0.19·v)
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimbUnit<I>(pub(super) I);

impl<I: Instructions> LimbUnit<I> {
    pub(crate) fn new(i: I) -> Self {
        Self(i)
    }
}

/// A unit's method as a job of its arguments.
macro_rules! compiled {
    ($name:ident($($argument:ident: $type:ty),*), $i:ident => $body:block) => {
        fn $name(self, $($argument: $type),*) {
            struct Call<T, E>(T, PhantomData<E>);
            impl<I: Instructions, E: Element> Job<I> for Call<($($type,)*), E> {
                type Output = ();
                #[inline(always)]
                fn run(self, $i: I) {
                    let Self(($($argument,)*), _) = self;
                    $body
                }
            }
            self.0.run(Call(($($argument,)*), PhantomData::<E>));
        }
    };
}

impl<I: Instructions, E: Element> Unit<E> for LimbUnit<I> {
    type Block = Block<I>;
    type Factor = Factor;

    fn form(self) -> E {
        E::from(16)
    }

    fn zero(self) -> Block<I> {
        [[self.0.splat(0); 5]; GROUPS]
    }

    fn factor(self, scalar: &E) -> Factor {
        Factor::new(scalar)
    }

    compiled!(load(to: &mut Block<I>, from: &[E; ROWS]), i => {
        for (to, from) in to.iter_mut().zip(from.as_chunks::<WIDTH>().0) {
            *to = load(i, from.each_ref());
        }
    });

    compiled!(store(from: &Block<I>, to: &mut [E; ROWS]), i => {
        for (from, to) in from.iter().zip(to.as_chunks_mut::<WIDTH>().0) {
            *to = store(i, from);
        }
    });

    compiled!(negate(to: &mut Block<I>, a: &Block<I>), i => {
        for (to, a) in to.iter_mut().zip(a) {
            *to = limbs::sub(i, &[i.splat(0); 5], a);
        }
    });

    compiled!(add(to: &mut Block<I>, a: &Block<I>, b: &Block<I>), i => {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = limbs::add(i, a, b);
        }
    });

    compiled!(sub(to: &mut Block<I>, a: &Block<I>, b: &Block<I>), i => {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = limbs::sub(i, a, b);
        }
    });

    compiled!(multiply(to: &mut Block<I>, a: &Block<I>, b: &Block<I>), i => {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = product::<I, E::Field>(i, a, b);
        }
    });

    compiled!(scale(to: &mut Block<I>, a: &Block<I>, by: &Factor), i => {
        let by = by.everywhere(i);
        for (to, a) in to.iter_mut().zip(a) {
            *to = scale::<I, E::Field>(i, a, &by);
        }
    });

    compiled!(scale_add(to: &mut Block<I>, a: &Block<I>, by: &Factor, b: &Block<I>), i => {
        let by = by.everywhere(i);
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = limbs::add(i, &scale::<I, E::Field>(i, a, &by), b);
        }
    });

    compiled!(reduce(to: &mut Block<I>), i => {
        for to in to {
            *to = limbs::reduce::<I, E::Field>(i, to);
        }
    });
}
