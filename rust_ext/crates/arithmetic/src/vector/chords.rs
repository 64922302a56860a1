//! Additions of points, four side by side.

use halo2curves::bn256::Fq;

use super::Lanes;
use super::block::{GROUPS, LaneUnit};
use super::convert::{load, store};
use super::digits::{ZERO, add, sub};
use super::product::product;
use crate::block::{ROWS, Unit};
use crate::field::Base;
use crate::point::Point;
use crate::sums::{Chords, Pair};

impl Chords for LaneUnit {
    type Block = [Lanes; GROUPS];

    fn form(self) -> Fq {
        Unit::<Fq>::form(self)
    }

    fn load(self, from: &[Fq; ROWS]) -> Self::Block {
        let mut block = [ZERO; GROUPS];
        Unit::<Fq>::load(self, &mut block, from);
        block
    }

    fn store(self, from: &Self::Block) -> [Fq; ROWS] {
        let mut out = [Fq::zero(); ROWS];
        Unit::<Fq>::store(self, from, &mut out);
        out
    }

    #[allow(unsafe_code)]
    fn forth(
        self,
        points: &[Point],
        pairs: &[Pair; ROWS],
        denominators: Option<&[Fq; ROWS]>,
        before: &Self::Block,
        own: &mut Self::Block,
        after: &mut Self::Block,
    ) {
        // SAFETY: a unit is made by the proof that the CPU has what the function is compiled for.
        unsafe { forth(points, pairs, denominators, before, own, after) }
    }

    #[allow(unsafe_code)]
    fn back(
        self,
        points: &[Point],
        pairs: &[Pair; ROWS],
        numerators: Option<&[Fq; ROWS]>,
        before: &Self::Block,
        own: &Self::Block,
        inverse: &mut Self::Block,
        sums: &mut [Point],
    ) {
        // SAFETY: as above.
        unsafe { back(points, pairs, numerators, before, own, inverse, sums) }
    }
}

/// One coordinate of four pairs.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn coordinates<'a>(of: &[&'a [Point; 2]; 4], which: impl Fn(&'a [Point; 2]) -> &'a Fq) -> Lanes {
    load([which(of[0]), which(of[1]), which(of[2]), which(of[3])])
}

#[target_feature(enable = "avx2,fma")]
fn forth(
    points: &[Point],
    pairs: &[Pair; ROWS],
    denominators: Option<&[Fq; ROWS]>,
    before: &[Lanes; GROUPS],
    own: &mut [Lanes; GROUPS],
    after: &mut [Lanes; GROUPS],
) {
    for (i, pairs) in pairs.as_chunks::<4>().0.iter().enumerate() {
        let of = pairs.map(|pair| pair.of(points));
        own[i] = match denominators {
            None => sub(
                coordinates(&of, |[_, b]| &b.x),
                coordinates(&of, |[a, _]| &a.x),
            ),
            Some(given) => load(given.as_chunks::<4>().0[i].each_ref()),
        };
        // Within (½ + 0.38·B)·p for B the bound of `before`: never above 0.81 p.
        after[i] = product::<Base>(&own[i], &before[i]);
    }
}

#[target_feature(enable = "avx2,fma")]
fn back(
    points: &[Point],
    pairs: &[Pair; ROWS],
    numerators: Option<&[Fq; ROWS]>,
    before: &[Lanes; GROUPS],
    own: &[Lanes; GROUPS],
    inverse: &mut [Lanes; GROUPS],
    sums: &mut [Point],
) {
    for (i, pairs) in pairs.as_chunks::<4>().0.iter().enumerate() {
        let of = pairs.map(|pair| pair.of(points));
        // Both within 0.9 p, normal.
        let own_inverse = product::<Base>(&inverse[i], &before[i]);
        inverse[i] = product::<Base>(&own[i], &inverse[i]);
        let xa = coordinates(&of, |[a, _]| &a.x);
        let ya = coordinates(&of, |[a, _]| &a.y);
        let numerator = match numerators {
            None => sub(coordinates(&of, |[_, b]| &b.y), ya),
            Some(given) => load(given.as_chunks::<4>().0[i].each_ref()),
        };
        // λ within 0.84 p, its square within 0.77 p; x has three digits' size and 2.77 p, x_a − x four and 3.77 p.
        let slope = product::<Base>(&numerator, &own_inverse);
        let square = product::<Base>(&slope, &slope);
        let x = sub(square, add(xa, coordinates(&of, |[_, b]| &b.x)));
        let y = sub(product::<Base>(&sub(xa, x), &slope), ya);
        let (xs, ys): ([Fq; 4], [Fq; 4]) = (store(x), store(y));
        for ((pair, x), y) in pairs.iter().zip(xs).zip(ys) {
            sums[pair.to()] = Point { x, y };
        }
    }
}
