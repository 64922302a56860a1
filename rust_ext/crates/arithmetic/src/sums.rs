//! The sums of many lists of points at once.
//!
//! In every round each list adds its points in pairs, and all additions of a batch share one inversion (Montgomery's trick), so an
//! addition costs six products. No two additions touch the same sum: there are no conflicts, and lists of any lengths cost the
//! same for each point. Doublings and cancellations are told apart exactly, so no choice of points is a special case in time either:
//! a doubling costs one product more, a cancelled pair leaves its list.
//!
//! Additions are made one by one (`single`) or many side by side (`blocks`): an [`Adder`] is a way to make them.

mod blocks;
mod single;
#[cfg(test)]
mod tests;

use ff::Field as _;
use halo2curves::bn256::Fq;
use rayon::prelude::*;

use crate::field::{self, Multiply};
#[cfg(target_arch = "x86_64")]
use crate::ifma::LimbUnit;
use crate::path::Path;
use crate::point::Point;
#[cfg(target_arch = "x86_64")]
use crate::vector::LaneUnit;
use blocks::Blocks;
pub(crate) use blocks::{Chords, Pair};
use single::Single;

/// Points of a batch: enough to make the inversion cheap, few enough for the second-level cache.
const BATCH: usize = 6144;

/// A way to add points. Coordinates come multiplied by its form.
pub(crate) trait Adder: Copy + Send + Sync {
    /// Working memory that is kept between batches.
    type Scratch: Default;

    fn form(self) -> Fq;

    /// What takes sums back from the form.
    fn inverse_form(self) -> Fq {
        self.form().invert().expect("the form is not zero")
    }

    /// One round: neighbours of each list become their sum.
    fn halve(self, batch: &mut Batch, scratch: &mut Self::Scratch);
}

/// Work that is written once and compiled for every way to add.
pub(crate) trait Job {
    type Output;
    fn run<A: Adder>(self, adder: A) -> Self::Output;
}

/// Run a job on this path.
pub(crate) fn on<J: Job>(path: Path, job: J) -> J::Output {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Avx2(avx2) => job.run(Blocks(LaneUnit::new(avx2))),
        #[cfg(target_arch = "x86_64")]
        Path::Avx512(avx512) => job.run(Blocks(LimbUnit::new(avx512))),
        Path::Scalar => field::fastest(OneByOne(job)),
    }
}

/// The form of a path's points.
pub(crate) struct Form;

impl Job for Form {
    type Output = Fq;

    fn run<A: Adder>(self, adder: A) -> Fq {
        adder.form()
    }
}

struct OneByOne<J>(J);

impl<J: Job> field::Job for OneByOne<J> {
    type Output = J::Output;

    fn run<M: Multiply>(self, m: M) -> J::Output {
        self.0.run(Single(m))
    }
}

/// The sum of every list. `lengths` are the lists' lengths, one after the other; `fetch` gives the point at a place of their
/// concatenation, the identity included.
pub(crate) fn sums<A: Adder>(
    adder: A,
    lengths: &[u32],
    fetch: &(impl Fn(usize) -> Point + Sync),
) -> Vec<Point> {
    let parts: Vec<Batch> = batches(lengths)
        .into_par_iter()
        .map_init(A::Scratch::default, |scratch, batch| {
            batch.sum(adder, fetch, scratch)
        })
        .collect();
    let mut out = vec![Point::default(); lengths.len()];
    place(adder, parts, &mut out);
    out
}

/// Write the sums of the parts to their lists' places; lists that were cut have several, which are summed first.
fn place<A: Adder>(adder: A, parts: Vec<Batch>, out: &mut [Point]) {
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
    cut.reduce(adder, &mut A::Scratch::default());
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
pub(crate) struct Batch {
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

impl Batch {
    fn sum<A: Adder>(
        mut self,
        adder: A,
        fetch: &impl Fn(usize) -> Point,
        scratch: &mut A::Scratch,
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
        self.reduce(adder, scratch);
        self
    }

    /// Until no list has more than one point. The memory of the points is released.
    fn reduce<A: Adder>(&mut self, adder: A, scratch: &mut A::Scratch) {
        while self.lists.iter().any(|(_, length)| *length > 1) {
            adder.halve(self, scratch);
        }
        self.points.shrink_to_fit();
    }
}
