//! Pippenger's buckets for some windows of one column: sort, sum every bucket, fold the buckets.
//!
//! Points are sorted by the size of their digit (a counting sort), and all buckets are summed together (`sums`). Then
//! Σ_d d·S_d is folded without running sums: with d = 2^b·r + c, first the sums of all rows R_r and columns C_c, and of these, for
//! each bit j, the sum of all R_r and of all C_c whose index has that bit: 2^j times the latter and 2^(b+j) times the former remain.

use crate::Bases;
use crate::point::Point;
use crate::prefetch::prefetch;
use crate::sums::{Adder, sums};

use super::digits::{Column, IMAGE, NEGATIVE};

/// How many points ahead one is fetched from memory.
const AHEAD: usize = 16;

/// 2^shift · point is a part of the result.
pub(crate) struct Part {
    pub shift: u32,
    pub point: Point,
}

/// The parts that these windows of a column contribute.
pub(crate) fn windows<A: Adder>(
    adder: A,
    bases: &Bases,
    column: &Column<'_>,
    windows: std::ops::Range<u32>,
) -> Vec<Part> {
    let folds: Vec<Fold> = windows
        .clone()
        .scan(0, |first, window| {
            let fold = Fold {
                first: *first,
                largest: column.plan.largest(window),
                shift: window * column.plan.width,
            };
            *first += fold.largest;
            Some(fold)
        })
        .collect();
    let buckets = folds.last().map_or(0, |f| f.first + f.largest);

    // Bucket d − 1 of a window holds the points with the digit ±d.
    let mut lengths = vec![0u32; buckets];
    for (fold, window) in folds.iter().zip(windows.clone()) {
        let own = &mut lengths[fold.first..fold.first + fold.largest];
        column.for_each_digit(window, |_, size| own[size - 1] += 1);
    }
    let mut places: Vec<u32> = lengths
        .iter()
        .scan(0, |place, length| {
            let own = *place;
            *place += length;
            Some(own)
        })
        .collect();
    let total: usize = lengths.iter().map(|length| *length as usize).sum();
    let mut sorted = vec![0u32; total];
    for (fold, window) in folds.iter().zip(windows) {
        let own = &mut places[fold.first..fold.first + fold.largest];
        column.for_each_digit(window, |point, size| {
            let place = &mut own[size - 1];
            sorted[*place as usize] = point;
            *place += 1;
        });
    }
    drop(places);
    let place = |entry: u32| (entry & !(IMAGE | NEGATIVE)) as usize;
    let sums_of_buckets = sums(adder, &lengths, &|at| {
        // Places are at random in a table larger than the caches.
        if let Some(later) = sorted.get(at + AHEAD) {
            prefetch(&bases.points[place(*later)]);
            if later & IMAGE != 0 {
                prefetch(&bases.images[place(*later)]);
            }
        }
        let entry = sorted[at];
        let place = place(entry);
        let mut point = bases.points[place];
        if entry & IMAGE != 0 {
            point.x = bases.images[place];
        }
        point.negate_if(entry & NEGATIVE != 0)
    });
    drop(sorted);
    fold(adder, &folds, &sums_of_buckets)
}

/// The buckets of one window.
struct Fold {
    /// Where its buckets begin.
    first: usize,
    /// How many there are.
    largest: usize,
    /// 2^shift is the weight of a digit 1.
    shift: u32,
}

impl Fold {
    /// b: rows have 2^b buckets.
    fn row_bits(&self) -> u32 {
        (usize::BITS - self.largest.leading_zeros()) / 2
    }

    fn rows(&self) -> usize {
        (self.largest >> self.row_bits()) + 1
    }
}

/// No point.
const NONE: u32 = u32::MAX;

fn fold<A: Adder>(adder: A, folds: &[Fold], buckets: &[Point]) -> Vec<Part> {
    let mut lists = Lists::default();
    for fold in folds {
        let (columns, rows) = (1 << fold.row_bits(), fold.rows());
        let bucket = |row: usize, column: usize| match row * columns + column {
            0 => NONE,
            d if d > fold.largest => NONE,
            d => (fold.first + d - 1) as u32,
        };
        for row in 1..rows {
            lists.push((0..columns).map(|column| bucket(row, column)));
        }
        for column in 1..columns {
            lists.push((0..rows).map(|row| bucket(row, column)));
        }
    }
    let lines = lists.sums(adder, buckets);

    let mut lists = Lists::default();
    let mut shifts = Vec::new();
    let mut first = 0;
    for fold in folds {
        for (count, shift) in [
            (fold.rows(), fold.shift + fold.row_bits()),
            (1 << fold.row_bits(), fold.shift),
        ] {
            for bit in 0..usize::BITS - (count - 1).leading_zeros() {
                lists.push(
                    (1..count)
                        .filter(|i| i >> bit & 1 == 1)
                        .map(|i| first + i as u32 - 1),
                );
                shifts.push(shift + bit);
            }
            first += count as u32 - 1;
        }
    }
    lists
        .sums(adder, &lines)
        .into_iter()
        .zip(shifts)
        .map(|(point, shift)| Part { shift, point })
        .collect()
}

/// Lists of points by their places.
#[derive(Default)]
struct Lists {
    lengths: Vec<u32>,
    places: Vec<u32>,
}

impl Lists {
    fn push(&mut self, places: impl Iterator<Item = u32>) {
        let before = self.places.len();
        self.places.extend(places.filter(|place| *place != NONE));
        self.lengths.push((self.places.len() - before) as u32);
    }

    fn sums<A: Adder>(&self, adder: A, points: &[Point]) -> Vec<Point> {
        sums(adder, &self.lengths, &|at| points[self.places[at] as usize])
    }
}
