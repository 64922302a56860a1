//! Σ s_i·P_i over G1 with batched affine additions.
//!
//! Scalars are taken as sign and magnitude, so that −x costs what x does; long ones are halved by the endomorphism. They are cut
//! into signed digits (`plan`, `digits`): small scalars have few windows, and a digit 0 costs nothing. Each window is summed by
//! buckets (`buckets`).

mod buckets;
mod digits;
mod plan;
#[cfg(test)]
mod tests;

use group::Group;
use halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use rayon::prelude::*;

use crate::ArithmeticError;
use crate::endomorphism::ZETA;
use crate::path::{Path, path};
use crate::point::Point;
use crate::sums::{Adder, Form, Job, on};
use buckets::Part;
use digits::Column;

/// Points that many columns are multiplied with.
pub struct Bases {
    /// What sums over them run on.
    path: Path,
    points: Vec<Point>,
    /// The x of every φ(P) = (ζx, y).
    images: Vec<Fq>,
}

impl Bases {
    /// # Panics
    ///
    /// If there are 2^30 points or more.
    pub fn new(points: impl AsRef<[G1Affine]>) -> Self {
        Self::on(path(), points.as_ref())
    }

    fn on(path: Path, points: &[G1Affine]) -> Self {
        assert!(points.len() < 1 << 30, "places have 30 bits");
        let form = on(path, Form);
        let image = ZETA * form;
        Self {
            path,
            points: points.par_iter().map(|p| Point::new(p, form)).collect(),
            images: points.par_iter().map(|p| p.x * image).collect(),
        }
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

/// The scalars of one column. Where it is shorter than the bases, the missing scalars are zero.
#[derive(Clone, Copy, Debug)]
pub enum Scalars<'a> {
    /// Field elements. Those near 0 on either side are as cheap as small integers.
    Full(&'a [Fr]),
    /// Signed integers: the smaller the largest of them, the less work.
    Small(&'a [i64]),
}

impl Scalars<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::Full(values) => values.len(),
            Self::Small(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Σ s_i·P_i.
pub fn msm(bases: &Bases, scalars: Scalars<'_>) -> Result<G1, ArithmeticError> {
    let sums = msm_many(bases, &[scalars])?;
    Ok(sums.into_iter().sum())
}

/// One sum for each column, all over the same bases.
pub fn msm_many(bases: &Bases, columns: &[Scalars<'_>]) -> Result<Vec<G1>, ArithmeticError> {
    if let Some(column) = columns.iter().find(|c| c.len() > bases.len()) {
        return Err(ArithmeticError::Length {
            expected: bases.len(),
            got: column.len(),
        });
    }
    let threads = rayon::current_num_threads();
    let mut sums = Vec::with_capacity(columns.len());
    // as many columns at once as keep all threads busy: more would only hold more memory
    for columns in columns.chunks(threads.max(4)) {
        let columns: Vec<Column<'_>> = columns.iter().map(|c| Column::new(*c)).collect();
        let msm = Msm {
            bases,
            columns: &columns,
        };
        sums.extend(on(bases.path, msm));
    }
    Ok(sums)
}

/// Points that are best summed together, so that they share inversions.
const TOGETHER: usize = 1 << 13;

struct Msm<'a> {
    bases: &'a Bases,
    columns: &'a [Column<'a>],
}

impl Job for Msm<'_> {
    type Output = Vec<G1>;

    fn run<A: Adder>(self, adder: A) -> Vec<G1> {
        let tasks: Vec<(usize, std::ops::Range<u32>)> = self
            .columns
            .iter()
            .enumerate()
            .flat_map(|(i, column)| {
                let windows = column.plan.windows;
                let each = TOGETHER.div_ceil(column.len().max(1)).max(1) as u32;
                (0..windows)
                    .step_by(each as usize)
                    .map(move |first| (i, first..(first + each).min(windows)))
            })
            .collect();
        let parts: Vec<Vec<Part>> = tasks
            .par_iter()
            .map(|(i, windows)| {
                buckets::windows(adder, self.bases, &self.columns[*i], windows.clone())
            })
            .collect();
        let mut of_column: Vec<Vec<Part>> = self.columns.iter().map(|_| Vec::new()).collect();
        for ((i, _), parts) in tasks.into_iter().zip(parts) {
            of_column[i].extend(parts);
        }
        let less = adder.inverse_form();
        of_column
            .into_par_iter()
            .map(|parts| total(parts, less))
            .collect()
    }
}

/// Σ 2^shift·point by doubling; `less` is the inverse of the points' form.
fn total(mut parts: Vec<Part>, less: Fq) -> G1 {
    parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.shift));
    let mut sum = G1::identity();
    let mut shift = parts.first().map_or(0, |part| part.shift);
    for part in parts {
        while shift > part.shift {
            sum = sum.double();
            shift -= 1;
        }
        sum += part.point.affine(less);
    }
    for _ in 0..shift {
        sum = sum.double();
    }
    sum
}
