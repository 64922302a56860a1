//! Additions of points, eight side by side.

use halo2curves::bn256::Fq;

use super::block::{Block, GROUPS, LimbUnit};
use super::convert::{load, store};
use super::limbs::{add, sub};
use super::product::product;
use super::{Instructions, Job, Lanes, WIDTH};
use crate::block::{ROWS, Unit};
use crate::field::Base;
use crate::point::Point;
use crate::sums::{Chords, Pair};

impl<I: Instructions> Chords for LimbUnit<I> {
    type Block = Block<I>;

    fn form(self) -> Fq {
        Unit::<Fq>::form(self)
    }

    fn load(self, from: &[Fq; ROWS]) -> Block<I> {
        let mut block = Unit::<Fq>::zero(self);
        Unit::<Fq>::load(self, &mut block, from);
        block
    }

    fn store(self, from: &Block<I>) -> [Fq; ROWS] {
        let mut out = [Fq::zero(); ROWS];
        Unit::<Fq>::store(self, from, &mut out);
        out
    }

    fn forth(
        self,
        points: &[Point],
        pairs: &[Pair; ROWS],
        denominators: Option<&[Fq; ROWS]>,
        before: &Block<I>,
        own: &mut Block<I>,
        after: &mut Block<I>,
    ) {
        self.0.run(Forth {
            points,
            pairs,
            denominators,
            before,
            own,
            after,
        });
    }

    fn back(
        self,
        points: &[Point],
        pairs: &[Pair; ROWS],
        numerators: Option<&[Fq; ROWS]>,
        before: &Block<I>,
        own: &Block<I>,
        inverse: &mut Block<I>,
        sums: &mut [Point],
    ) {
        self.0.run(Back {
            points,
            pairs,
            numerators,
            before,
            own,
            inverse,
            sums,
        });
    }
}

/// Eight pairs of points.
type Pairs<'a> = [&'a [Point; 2]; WIDTH];

/// The pairs of group `group` of a block.
#[inline(always)]
fn pairs_of<'a>(points: &'a [Point], pairs: &[Pair; ROWS], group: usize) -> Pairs<'a> {
    std::array::from_fn(|l| pairs[group * WIDTH + l].of(points))
}

/// One coordinate of eight pairs.
#[inline(always)]
fn coordinates<'a, I: Instructions>(
    i: I,
    of: &Pairs<'a>,
    which: impl Fn(&'a [Point; 2]) -> &'a Fq,
) -> Lanes<I> {
    load(i, std::array::from_fn(|l| which(of[l])))
}

struct Forth<'a, I: Instructions> {
    points: &'a [Point],
    pairs: &'a [Pair; ROWS],
    denominators: Option<&'a [Fq; ROWS]>,
    before: &'a Block<I>,
    own: &'a mut Block<I>,
    after: &'a mut Block<I>,
}

impl<I: Instructions> Job<I> for Forth<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run(self, i: I) {
        for group in 0..GROUPS {
            let of = pairs_of(self.points, self.pairs, group);
            let own = match self.denominators {
                None => sub(
                    i,
                    &coordinates(i, &of, |[_, b]| &b.x),
                    &coordinates(i, &of, |[a, _]| &a.x),
                ),
                Some(given) => load(i, given.as_chunks::<WIDTH>().0[group].each_ref()),
            };
            // Within (0.5 + 4·(3 + B)/84)·p for B the bound of `before`, 1 at first: never above 0.7 p.
            self.after[group] = product::<I, Base>(i, &own, &self.before[group]);
            self.own[group] = own;
        }
    }
}

struct Back<'a, I: Instructions> {
    points: &'a [Point],
    pairs: &'a [Pair; ROWS],
    numerators: Option<&'a [Fq; ROWS]>,
    before: &'a Block<I>,
    own: &'a Block<I>,
    inverse: &'a mut Block<I>,
    sums: &'a mut [Point],
}

impl<I: Instructions> Job<I> for Back<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run(self, i: I) {
        for group in 0..GROUPS {
            let of = pairs_of(self.points, self.pairs, group);
            // Both within 0.7 p.
            let inverse = &mut self.inverse[group];
            let own_inverse = product::<I, Base>(i, inverse, &self.before[group]);
            *inverse = product::<I, Base>(i, &self.own[group], inverse);
            let xa = coordinates(i, &of, |[a, _]| &a.x);
            let ya = coordinates(i, &of, |[a, _]| &a.y);
            let numerator = match self.numerators {
                None => sub(i, &coordinates(i, &of, |[_, b]| &b.y), &ya),
                Some(given) => load(i, given.as_chunks::<WIDTH>().0[group].each_ref()),
            };
            // λ and its square within 0.7 p; x within 2.7 p, x_a − x within 3.7 p but above −0.7 p.
            let slope = product::<I, Base>(i, &numerator, &own_inverse);
            let square = product::<I, Base>(i, &slope, &slope);
            let xb = coordinates(i, &of, |[_, b]| &b.x);
            let x = sub(i, &square, &add(i, &xa, &xb));
            let y = product::<I, Base>(i, &sub(i, &xa, &x), &slope);
            let (xs, ys): ([Fq; WIDTH], [Fq; WIDTH]) = (store(i, &x), store(i, &sub(i, &y, &ya)));
            let pairs = &self.pairs.as_chunks::<WIDTH>().0[group];
            for ((pair, x), y) in pairs.iter().zip(xs).zip(ys) {
                self.sums[pair.to()] = Point { x, y };
            }
        }
    }
}
