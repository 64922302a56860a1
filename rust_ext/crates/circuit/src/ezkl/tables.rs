//! The fixed columns of static tables and range checks.

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_graph::execute::table;

use super::shape::Shape;
use crate::grid::felt;

/// M_i = ∏_{t≠i} (t − i), with i in place of t − i for t = 0: what a row of column i is multiplied by.
fn factor(columns: usize, i: usize) -> Fr {
    let term = |t: usize| {
        felt(if t == 0 {
            i as i128
        } else {
            t as i128 - i as i128
        })
    };
    (0..columns).filter(|t| *t != i).map(term).product()
}

/// A column whose first rows are given: the first is repeated up to the last usable row.
fn column(shape: &Shape, entries: impl Iterator<Item = Fr>) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; shape.n];
    let mut filled = 0;
    for (cell, entry) in out.iter_mut().zip(entries.take(shape.table_rows())) {
        *cell = entry;
        filled += 1;
    }
    let first = out[0];
    out[filled..shape.usable].fill(first);
    out
}

impl Shape {
    /// All columns of all tables, in the order of their creation, one call of `each` for each.
    pub fn for_each_table_column(&self, mut each: impl FnMut(Vec<Fr>)) {
        let rows = self.table_rows() as i128;
        let m = self.lookup_columns();
        let chunk = |i: usize| {
            let start = self.lookup_range.0 + i as i128 * rows;
            start..start + rows
        };
        for i in 0..m {
            let scale = factor(m, i);
            each(column(self, chunk(i).map(|x| scale * felt(x))));
        }
        for op in &self.lookups {
            for i in 0..m {
                let scale = factor(m, i);
                each(column(self, chunk(i).map(|x| scale * felt(table(op, x)))));
            }
        }
        for (r, (low, high)) in self.ranges.iter().enumerate() {
            let m = self.range_columns(r);
            for i in 0..m {
                let scale = factor(m, i);
                let start = low + i as i128 * rows;
                each(column(
                    self,
                    (start..=(*high).min(start + rows - 1)).map(|x| scale * felt(x)),
                ));
            }
        }
    }
}
