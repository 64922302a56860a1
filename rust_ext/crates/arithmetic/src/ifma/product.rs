//! Products modulo p, by Montgomery's reduction.

use super::factor::Factors;
use super::limbs::{BITS, LOOSE, Modulus, broadcast, positive};
use super::{Instructions, Lanes};
use crate::field::Field;

/// Factors of [`product`] are above minus as many p.
const FACTOR: u64 = 3;

/// (a·b + m·p)/R, and the highest limb of m < R; for a and b below R, in the low 52 bits of their limbs.
///
/// The product first, column by column, then a multiple of p for each of its lower columns. A column takes at most ten low and ten
/// high parts, 2^52 each, and a carry.
#[inline(always)]
fn montgomery<I: Instructions, F: Field>(
    i: I,
    a: &Lanes<I>,
    b: &Lanes<I>,
) -> (Lanes<I>, I::Vector) {
    let zero = i.splat(0);
    let mut t = [zero; 10];
    for j in 0..5 {
        for k in 0..5 {
            t[j + k] = i.multiply_low(t[j + k], a[j], b[k]);
            t[j + k + 1] = i.multiply_high(t[j + k + 1], a[j], b[k]);
        }
    }
    let p = broadcast(i, &Modulus::<F>::P);
    let inverse = i.splat(Modulus::<F>::INVERSE);
    let mut m = zero;
    for j in 0..5 {
        m = i.multiply_low(zero, t[j], inverse);
        for k in 0..5 {
            t[j + k] = i.multiply_low(t[j + k], m, p[k]);
            t[j + k + 1] = i.multiply_high(t[j + k + 1], m, p[k]);
        }
        t[j + 1] = i.add(t[j + 1], i.shift_right::<BITS>(t[j]));
    }
    ([t[5], t[6], t[7], t[8], t[9]], m)
}

/// The same less p where m is at least R/2: a value in [−p/2, p/2) more than a·b/R.
#[inline(always)]
fn centred<I: Instructions, F: Field>(i: I, a: &Lanes<I>, b: &Lanes<I>) -> Lanes<I> {
    let (mut x, m) = montgomery::<I, F>(i, a, b);
    let high = i.negative(i.shift_left::<{ 64 - BITS }>(m));
    for (x, p) in x.iter_mut().zip(Modulus::<F>::P) {
        *x = i.add_where(high, *x, i.splat(p.wrapping_neg()));
    }
    x
}

/// a·w: in [0, 1.75 p), for a within 31 p.
#[inline(always)]
pub(super) fn multiply<I: Instructions, F: Field>(i: I, a: &Lanes<I>, by: &Factors<I>) -> Lanes<I> {
    montgomery::<I, F>(i, &positive::<I, F>(i, a, LOOSE), &by.0).0
}

/// a·w: within (0.5 + (3 + A)/84)·p, for a within A·p and above −3 p.
#[inline(always)]
pub(super) fn scale<I: Instructions, F: Field>(i: I, a: &Lanes<I>, by: &Factors<I>) -> Lanes<I> {
    centred::<I, F>(i, &positive::<I, F>(i, a, FACTOR), &by.0)
}

/// a·b/R: within (0.5 + (3 + A)·(3 + B)/84)·p, for a and b within A·p and B·p, but above −3 p, and (3 + A)·(3 + B) ≤ 84.
#[inline(always)]
pub(super) fn product<I: Instructions, F: Field>(i: I, a: &Lanes<I>, b: &Lanes<I>) -> Lanes<I> {
    let a = positive::<I, F>(i, a, FACTOR);
    let b = positive::<I, F>(i, b, FACTOR);
    centred::<I, F>(i, &a, &b)
}
