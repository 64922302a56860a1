//! The sums of many lists of points at once.
//!
//! In every round each list adds its points in pairs, and all additions of a batch share one inversion (Montgomery's trick), so an
//! addition costs six products. No two additions touch the same sum: there are no conflicts, and lists of any lengths cost the
//! same for each point. Doublings and cancellations are told apart exactly, so no choice of points is a special case in time either:
//! a doubling costs one product more, a cancelled pair leaves its list.

use ff::Field as _;
use halo2curves::bn256::Fq;
use rayon::prelude::*;

use crate::field::{Base, Field, Limbs, Multiply, add, is_zero, reduce, sub};
use crate::point::Point;

/// Points of a batch: enough to make the inversion cheap, few enough for the second-level cache.
const BATCH: usize = 6144;

/// The sum of every list. `lengths` are the lists' lengths, one after the other; `fetch` gives the point at a place of their
/// concatenation, the identity included.
pub(crate) fn sums<M: Multiply>(
    m: M,
    lengths: &[u32],
    fetch: &(impl Fn(usize) -> Point + Sync),
) -> Vec<Point> {
    let parts: Vec<Batch> = batches(lengths)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, batch| {
            batch.sum(m, fetch, scratch)
        })
        .collect();
    let mut out = vec![Point::default(); lengths.len()];
    place(m, parts, &mut out);
    out
}

/// Write the sums of the parts to their lists' places; lists that were cut have several, which are summed first.
fn place<M: Multiply>(m: M, parts: Vec<Batch>, out: &mut [Point]) {
    let mut open: Option<u32> = None;
    let mut cut = Batch::default();
    for part in parts {
        let mut points = part.points.iter();
        for (list, length) in part.lists {
            for point in points.by_ref().take(length as usize) {
                let to = &mut out[list as usize];
                if to.is_identity() {
                    *to = *point;
                } else if open == Some(list) {
                    cut.points.push(*point);
                    if let Some(last) = cut.lists.last_mut() {
                        last.1 += 1;
                    }
                } else {
                    open = Some(list);
                    cut.points.extend([*to, *point]);
                    cut.lists.push((list, 2));
                }
            }
        }
    }
    if cut.lists.is_empty() {
        return;
    }
    cut.reduce(m, &mut Scratch::default());
    let mut points = cut.points.iter();
    for (list, length) in cut.lists {
        out[list as usize] = points
            .by_ref()
            .take(length as usize)
            .last()
            .copied()
            .unwrap_or_default();
    }
}

/// Lists, or parts of them, that are summed together.
#[derive(Default)]
struct Batch {
    /// Where the points lie among all.
    start: usize,
    /// Which list, and how many of its points.
    lists: Vec<(u32, u32)>,
    points: Vec<Point>,
}

/// Cut the lists into batches; only lists longer than half a batch are cut themselves.
fn batches(lengths: &[u32]) -> Vec<Batch> {
    let mut out = Vec::new();
    let mut batch = Batch::default();
    let (mut size, mut at) = (0, 0);
    for (list, length) in lengths.iter().enumerate() {
        let mut left = *length as usize;
        while left > 0 {
            if size > 0 && (size >= BATCH || (size + left > BATCH && left <= BATCH / 2)) {
                out.push(std::mem::take(&mut batch));
                batch.start = at;
                size = 0;
            }
            let taken = left.min(BATCH - size);
            batch.lists.push((list as u32, taken as u32));
            size += taken;
            at += taken;
            left -= taken;
        }
    }
    if size > 0 {
        out.push(batch);
    }
    out
}

/// Working memory that is kept between batches.
#[derive(Default)]
struct Scratch {
    prefixes: Vec<Limbs>,
}

impl Batch {
    fn sum<M: Multiply>(
        mut self,
        m: M,
        fetch: &impl Fn(usize) -> Point,
        scratch: &mut Scratch,
    ) -> Self {
        let mut at = self.start;
        self.points
            .reserve(self.lists.iter().map(|(_, length)| *length as usize).sum());
        for (_, length) in &mut self.lists {
            let before = self.points.len();
            for place in at..at + *length as usize {
                let point = fetch(place);
                if !point.is_identity() {
                    self.points.push(point);
                }
            }
            at += *length as usize;
            *length = (self.points.len() - before) as u32;
        }
        self.reduce(m, scratch);
        self
    }

    /// Until no list has more than one point. The memory of the points is released.
    fn reduce<M: Multiply>(&mut self, m: M, scratch: &mut Scratch) {
        while self.lists.iter().any(|(_, length)| *length > 1) {
            self.halve(m, scratch);
        }
        self.points.shrink_to_fit();
    }

    /// One round: neighbours of each list become their sum.
    fn halve<M: Multiply>(&mut self, m: M, scratch: &mut Scratch) {
        // From the last pair to the first: before[i] is the product of the denominators of the i pairs that come after it.
        let prefixes = &mut scratch.prefixes;
        prefixes.clear();
        let mut product = Base::ONE;
        let mut end = self.points.len();
        for (_, length) in self.lists.iter().rev() {
            let start = end - *length as usize;
            for [a, b] in self.points[start..end].as_chunks::<2>().0.iter().rev() {
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
        for (_, length) in &mut self.lists {
            let (first, pairs) = (to, *length as usize / 2);
            for _ in 0..pairs {
                let (a, b) = (self.points[from], self.points[from + 1]);
                from += 2;
                let (denominator, numerator) = match pair(&a, &b) {
                    Pair::Chord(d) => (d, sub::<Base>(&b.y, &a.y)),
                    Pair::Tangent(d) => (d, triple_square(m, &a.x)),
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
                let x = sub::<Base>(&sub::<Base>(&square, &a.x), &b.x);
                let rise = m.mul::<Base>(&slope, &sub::<Base>(&a.x, &x));
                let y = sub::<Base>(&reduce::<Base>(&rise), &a.y);
                self.points[to] = Point { x, y };
                to += 1;
            }
            if *length % 2 == 1 {
                self.points[to] = self.points[from];
                from += 1;
                to += 1;
            }
            *length = (to - first) as u32;
        }
        self.points.truncate(to);
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
    let run = sub::<Base>(&b.x, &a.x);
    if !is_zero(&run) {
        Pair::Chord(run)
    } else if a.y == b.y {
        Pair::Tangent(add::<Base>(&a.y, &a.y))
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

#[cfg(test)]
mod tests {
    use group::{Curve, Group};
    use halo2curves::bn256::{Fr, G1, G1Affine};
    use rand_core::{OsRng, RngCore};

    use super::*;
    use crate::field::{Job, Portable, fastest};

    struct Sums<'a>(&'a [u32], &'a [G1Affine]);

    impl Job for Sums<'_> {
        type Output = Vec<Point>;
        fn run<M: Multiply>(self, m: M) -> Vec<Point> {
            sums(m, self.0, &|i| Point::from(&self.1[i]))
        }
    }

    fn agrees(lengths: &[u32], points: &[G1Affine]) {
        let mut rest = points;
        let expected: Vec<G1Affine> = lengths
            .iter()
            .map(|length| {
                let (own, others) = rest.split_at(*length as usize);
                rest = others;
                own.iter()
                    .fold(G1::identity(), |sum, p| sum + p)
                    .to_affine()
            })
            .collect();
        for got in [
            fastest(Sums(lengths, points)),
            Sums(lengths, points).run(Portable),
        ] {
            let got: Vec<G1Affine> = got.iter().map(G1Affine::from).collect();
            assert_eq!(got, expected);
        }
    }

    fn some_points(count: usize) -> Vec<G1Affine> {
        let step = G1::random(OsRng);
        let points: Vec<G1> = std::iter::successors(Some(G1::random(OsRng)), |p| Some(p + step))
            .take(count)
            .collect();
        let mut out = vec![G1Affine::default(); count];
        G1::batch_normalize(&points, &mut out);
        out
    }

    #[test]
    fn lists_of_all_lengths() {
        for lengths in [
            vec![],
            vec![0],
            vec![1],
            vec![0, 2, 0, 3, 1, 0],
            (0..150).collect(),
            vec![20_000],
            vec![1, BATCH as u32, 3, 2 * BATCH as u32 + 1, 5, 0, 4000, 4000],
        ] {
            let points = some_points(lengths.iter().sum::<u32>() as usize);
            agrees(&lengths, &points);
        }
    }

    #[test]
    fn equal_opposite_and_missing_points() {
        let p = some_points(3);
        let six = [p[0], -p[0], p[1], p[1], G1Affine::default(), p[2]];
        for _ in 0..200 {
            let length = OsRng.next_u32() % 40;
            let lengths = [length, length / 2, 3];
            let total = lengths.iter().sum::<u32>();
            let points: Vec<G1Affine> = (0..total)
                .map(|_| six[OsRng.next_u32() as usize % six.len()])
                .collect();
            agrees(&lengths, &points);
        }
    }

    #[test]
    fn lists_that_vanish_after_they_were_cut() {
        let p = (G1::generator() * Fr::from(9)).to_affine();
        let long = 3 * BATCH;
        let alternating: Vec<G1Affine> =
            (0..long).map(|i| if i % 2 == 0 { p } else { -p }).collect();
        agrees(&[long as u32], &alternating);
        let halves: Vec<G1Affine> = (0..2 * BATCH)
            .map(|i| if i < BATCH { p } else { -p })
            .collect();
        agrees(&[2 * BATCH as u32], &halves);
        agrees(
            &[long as u32, 2 * BATCH as u32],
            &[vec![p; long], halves].concat(),
        );
    }
}
