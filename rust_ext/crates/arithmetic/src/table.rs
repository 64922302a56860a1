//! Sums of short lists of points that come from one table.

use halo2curves::bn256::{Fq, G1Affine};
use rayon::prelude::*;

use crate::path::{Path, path};
use crate::point::Point;
use crate::prefetch::prefetch;
use crate::sums::{Adder, Form, Job, on, sums};

/// How many points ahead one is fetched from memory.
const AHEAD: usize = 16;

/// Points that lists are made of.
pub struct Table {
    /// What sums over them run on.
    path: Path,
    points: Vec<Point>,
}

/// A point of a table, or its negative.
#[derive(Clone, Copy, Debug, Default)]
pub struct Term(u32);

const NEGATIVE: u32 = 1 << 31;

impl Term {
    /// # Panics
    ///
    /// If the place is 2^31 or above.
    pub fn new(place: usize, negative: bool) -> Self {
        assert!(place < NEGATIVE as usize, "places have 31 bits");
        Self(place as u32 | if negative { NEGATIVE } else { 0 })
    }

    fn place(self) -> usize {
        (self.0 & !NEGATIVE) as usize
    }
}

impl Table {
    pub fn new(points: &[G1Affine]) -> Self {
        let path = path();
        let form = on(path, Form);
        Self {
            path,
            points: points.par_iter().map(|p| Point::new(p, form)).collect(),
        }
    }

    /// The sum of every list. `lengths` are those of the lists that `terms` are cut into.
    ///
    /// # Panics
    ///
    /// If the lengths do not add up to the number of terms, or a term has no point in the table.
    pub fn sums(&self, lengths: &[u32], terms: &[Term]) -> Vec<G1Affine> {
        let all: usize = lengths.iter().map(|length| *length as usize).sum();
        assert_eq!(all, terms.len(), "every term belongs to a list");
        let lists = Lists {
            points: &self.points,
            lengths,
            terms,
        };
        on(self.path, lists)
    }
}

struct Lists<'a> {
    points: &'a [Point],
    lengths: &'a [u32],
    terms: &'a [Term],
}

impl Job for Lists<'_> {
    type Output = Vec<G1Affine>;

    fn run<A: Adder>(self, adder: A) -> Vec<G1Affine> {
        let less: Fq = adder.inverse_form();
        let out = sums(adder, self.lengths, &|at| {
            if let Some(later) = self.terms.get(at + AHEAD) {
                prefetch(&self.points[later.place()]);
            }
            let term = self.terms[at];
            self.points[term.place()].negate_if(term.0 & NEGATIVE != 0)
        });
        out.iter().map(|sum| sum.affine(less)).collect()
    }
}

#[cfg(test)]
mod tests {
    use group::Curve;
    use halo2curves::bn256::{Fr, G1};

    use super::*;

    #[test]
    fn lists_are_summed_with_their_signs() {
        let multiple = |i: i64| {
            let size = G1::generator() * Fr::from(i.unsigned_abs());
            if i < 0 { -size } else { size }.to_affine()
        };
        let points: Vec<G1Affine> = (0..50).map(multiple).collect();
        let table = Table::new(&points);
        let lists: [&[i64]; 6] = [
            &[],
            &[7],
            &[-7],
            &[3, 3, -9, 0],
            &[49, -49],
            &[1, 2, 3, 4, -5],
        ];
        let terms: Vec<Term> = lists
            .concat()
            .into_iter()
            .map(|i| Term::new(i.unsigned_abs() as usize, i < 0))
            .collect();
        let lengths = lists.map(|list| list.len() as u32);
        let expected: Vec<G1Affine> = lists
            .iter()
            .map(|list| multiple(list.iter().sum()))
            .collect();
        assert_eq!(table.sums(&lengths, &terms), expected);
    }

    #[test]
    #[should_panic(expected = "every term belongs to a list")]
    fn terms_without_a_list_are_refused() {
        Table::new(&[G1Affine::generator()]).sums(&[1], &[Term::default(); 2]);
    }
}
