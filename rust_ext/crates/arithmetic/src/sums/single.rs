//! One addition after the other.

use ff::Field as _;
use halo2curves::bn256::Fq;

use super::{Adder, Batch};
use crate::field::{Base, Field, Limbs, Multiply, add, is_zero, reduce, sub};
use crate::point::Point;

#[derive(Clone, Copy)]
pub(super) struct Single<M>(pub(super) M);

impl<M: Multiply> Adder for Single<M> {
    /// Products of denominators.
    type Scratch = Vec<Limbs>;

    fn form(self) -> Fq {
        Fq::ONE
    }

    fn halve(self, batch: &mut Batch, prefixes: &mut Vec<Limbs>) {
        let m = self.0;
        // From the last pair to the first: before[i] is the product of the denominators of the i pairs that come after it.
        prefixes.clear();
        let mut product = Base::ONE;
        let mut end = batch.points.len();
        for (_, length) in batch.lists.iter().rev() {
            let start = end - *length as usize;
            for [a, b] in batch.points[start..end].as_chunks::<2>().0.iter().rev() {
                let denominator = match pair(a, b) {
                    Pair::Chord(d) | Pair::Tangent(d) => d,
                    Pair::Opposite => continue,
                };
                prefixes.push(product);
                product = m.mul::<Base>(&product, &denominator);
            }
            end = start;
        }
        let mut inverse = invert(&product);
        // From the first pair to the last, in place: a sum is written no later than where its terms were read.
        let (mut from, mut to) = (0, 0);
        for (_, length) in &mut batch.lists {
            let (first, pairs) = (to, *length as usize / 2);
            for _ in 0..pairs {
                let (a, b) = (batch.points[from], batch.points[from + 1]);
                from += 2;
                let (denominator, numerator) = match pair(&a, &b) {
                    Pair::Chord(d) => (d, sub::<Base>(&b.y.0, &a.y.0)),
                    Pair::Tangent(d) => (d, triple_square(m, &a.x.0)),
                    Pair::Opposite => continue,
                };
                let Some(prefix) = prefixes.pop() else {
                    unreachable!("one prefix was pushed for each such pair")
                };
                let own = m.mul::<Base>(&inverse, &prefix);
                inverse = m.mul::<Base>(&inverse, &denominator);
                let slope = m.mul::<Base>(&numerator, &own);
                // x = λ² − x_a − x_b, y = λ(x_a − x) − y_a
                let square = reduce::<Base>(&m.mul::<Base>(&slope, &slope));
                let x = sub::<Base>(&sub::<Base>(&square, &a.x.0), &b.x.0);
                let rise = m.mul::<Base>(&slope, &sub::<Base>(&a.x.0, &x));
                let y = sub::<Base>(&reduce::<Base>(&rise), &a.y.0);
                batch.points[to] = Point { x: Fq(x), y: Fq(y) };
                to += 1;
            }
            if *length % 2 == 1 {
                batch.points[to] = batch.points[from];
                from += 1;
                to += 1;
            }
            *length = (to - first) as u32;
        }
        batch.points.truncate(to);
    }
}

/// What two points, neither the identity, have between them, and the denominator of its slope.
enum Pair {
    Chord(Limbs),
    Tangent(Limbs),
    Opposite,
}

#[inline(always)]
fn pair(a: &Point, b: &Point) -> Pair {
    let run = sub::<Base>(&b.x.0, &a.x.0);
    if !is_zero(&run) {
        Pair::Chord(run)
    } else if a.y == b.y {
        Pair::Tangent(add::<Base>(&a.y.0, &a.y.0))
    } else {
        Pair::Opposite
    }
}

/// 3x², below p.
#[cold]
fn triple_square<M: Multiply>(m: M, x: &Limbs) -> Limbs {
    let square = reduce::<Base>(&m.mul::<Base>(x, x));
    add::<Base>(&add::<Base>(&square, &square), &square)
}

/// The inverse of a product of denominators. None of them is zero for points of the curve; for others the result means nothing.
fn invert(product: &Limbs) -> Limbs {
    Fq(reduce::<Base>(product)).invert().unwrap_or(Fq::ZERO).0
}
