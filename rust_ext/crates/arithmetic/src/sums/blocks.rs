//! [`ROWS`] additions side by side.
//!
//! Row r of all blocks is a chain of its own: the prefix products of its denominators, and their inverses on the way back. Only the
//! products of whole chains leave the blocks, to be inverted together.

use ff::Field as _;
use halo2curves::bn256::Fq;

use super::{Adder, Batch};
use crate::block::ROWS;
use crate::point::Point;

/// What additions side by side are made of. Values carry the form when they are loaded and stored.
pub(crate) trait Chords: Copy + Send + Sync {
    /// Values on [`ROWS`] rows.
    type Block: Clone + Send;

    fn form(self) -> Fq;
    fn load(self, from: &[Fq; ROWS]) -> Self::Block;
    fn store(self, from: &Self::Block) -> [Fq; ROWS];

    /// The denominators x_b − x_a of these pairs, or those that are given, into `own`, and before·own into `after`.
    fn forth(
        self,
        points: &[Point],
        pairs: &[Pair; ROWS],
        denominators: Option<&[Fq; ROWS]>,
        before: &Self::Block,
        own: &mut Self::Block,
        after: &mut Self::Block,
    );

    /// The sums of these pairs, each to its place: by slopes that are y_b − y_a, or the numerators given, times inverse·before,
    /// x = λ² − x_a − x_b and y = λ(x_a − x) − y_a. And inverse·own into `inverse`.
    #[expect(clippy::too_many_arguments)]
    fn back(
        self,
        points: &[Point],
        pairs: &[Pair; ROWS],
        numerators: Option<&[Fq; ROWS]>,
        before: &Self::Block,
        own: &Self::Block,
        inverse: &mut Self::Block,
        sums: &mut [Point],
    );
}

#[derive(Clone, Copy)]
pub(super) struct Blocks<C>(pub(super) C);

/// Two neighbours whose sum is not the identity.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    /// Where the first of them is.
    from: u32,
    /// Where their sum goes.
    to: u32,
}

impl Pair {
    /// The two points.
    #[inline]
    pub(crate) fn of(self, points: &[Point]) -> &[Point; 2] {
        let from = &points[self.from as usize..];
        from.first_chunk().expect("a pair is two points")
    }

    /// Where their sum goes.
    #[inline]
    pub(crate) fn to(self) -> usize {
        self.to as usize
    }
}

pub(super) struct Scratch<B> {
    pairs: Vec<Pair>,
    /// The denominators of every block of pairs.
    own: Vec<B>,
    /// The products of the denominators of the blocks before every block, and of all.
    before: Vec<B>,
    sums: Vec<Point>,
}

impl<B> Default for Scratch<B> {
    fn default() -> Self {
        Self {
            pairs: Vec::new(),
            own: Vec::new(),
            before: Vec::new(),
            sums: Vec::new(),
        }
    }
}

impl<C: Chords> Adder for Blocks<C> {
    type Scratch = Scratch<C::Block>;

    fn form(self) -> Fq {
        self.0.form()
    }

    fn halve(self, batch: &mut Batch, scratch: &mut Self::Scratch) {
        let Scratch {
            pairs,
            own,
            before,
            sums,
        } = scratch;
        let tangents = plan(batch, pairs, sums);
        // The last block is filled up with copies of its last pair: their sums are the same and go where it goes.
        if let Some(last) = pairs.last().copied() {
            pairs.resize(pairs.len().next_multiple_of(ROWS), last);
        }
        let blocks = pairs.as_chunks::<ROWS>().0;
        let one = self.0.load(&[self.form(); ROWS]);
        // What is left of earlier rounds is written over.
        own.resize(own.len().max(blocks.len()), one.clone());
        before.resize(before.len().max(blocks.len() + 1), one.clone());
        before[0] = one;
        let points = &batch.points;
        for (i, pairs) in blocks.iter().enumerate() {
            let given =
                (tangents && any_tangent(points, pairs)).then(|| denominators(points, pairs));
            let (to_here, from_here) = before.split_at_mut(i + 1);
            self.0.forth(
                points,
                pairs,
                given.as_ref(),
                &to_here[i],
                &mut own[i],
                &mut from_here[0],
            );
        }
        let mut inverse = self.inverted(&before[blocks.len()]);
        for (i, pairs) in blocks.iter().enumerate().rev() {
            let given = (tangents && any_tangent(points, pairs))
                .then(|| numerators(points, pairs, self.form()));
            self.0.back(
                points,
                pairs,
                given.as_ref(),
                &before[i],
                &own[i],
                &mut inverse,
                sums,
            );
        }
        std::mem::swap(&mut batch.points, sums);
    }
}

/// List the pairs of a round, and put points that have no neighbour where they go. Whether there are pairs of equal points.
fn plan(batch: &mut Batch, pairs: &mut Vec<Pair>, sums: &mut Vec<Point>) -> bool {
    let Batch { lists, points, .. } = batch;
    pairs.clear();
    sums.resize((points.len() + lists.len()) / 2, Point::default());
    let mut tangents = false;
    let (mut from, mut to) = (0, 0);
    for (_, length) in lists {
        let first = to;
        let own = &points[from..from + *length as usize];
        let (neighbours, single) = own.as_chunks::<2>();
        for (i, [a, b]) in neighbours.iter().enumerate() {
            if a.x == b.x {
                if a.y != b.y {
                    continue;
                }
                tangents = true;
            }
            let from = (from + 2 * i) as u32;
            pairs.push(Pair {
                from,
                to: to as u32,
            });
            to += 1;
        }
        if let [point] = single {
            sums[to] = *point;
            to += 1;
        }
        from += own.len();
        *length = (to - first) as u32;
    }
    sums.truncate(to);
    tangents
}

fn any_tangent(points: &[Point], pairs: &[Pair; ROWS]) -> bool {
    pairs.iter().any(|pair| {
        let [a, b] = pair.of(points);
        a.x == b.x
    })
}

/// x_b − x_a, or 2y where the points are the same.
fn denominators(points: &[Point], pairs: &[Pair; ROWS]) -> [Fq; ROWS] {
    pairs.map(|pair| {
        let [a, b] = pair.of(points);
        if a.x == b.x { a.y.double() } else { b.x - a.x }
    })
}

/// y_b − y_a, or 3x² where the points are the same.
fn numerators(points: &[Point], pairs: &[Pair; ROWS], form: Fq) -> [Fq; ROWS] {
    // The square of a value that carries the form carries it twice.
    let less = form.invert().unwrap_or(Fq::ZERO);
    pairs.map(|pair| {
        let [a, b] = pair.of(points);
        if a.x == b.x {
            let square = a.x.square() * less;
            square.double() + square
        } else {
            b.y - a.y
        }
    })
}

impl<C: Chords> Blocks<C> {
    /// The inverse of every chain's product, by one inversion.
    fn inverted(self, products: &C::Block) -> C::Block {
        let chains = self.0.store(products);
        let mut total = Fq::ONE;
        let before = chains.map(|chain| {
            let before = total;
            total *= chain;
            before
        });
        // Values carry the form, and so shall their inverses. No denominator is zero for points of the curve; for others the
        // result means nothing.
        let mut inverse = total.invert().unwrap_or(Fq::ZERO) * self.form().square();
        let mut out = [Fq::ZERO; ROWS];
        for ((out, before), chain) in out.iter_mut().zip(&before).zip(&chains).rev() {
            *out = inverse * before;
            inverse *= chain;
        }
        self.0.load(&out)
    }
}
