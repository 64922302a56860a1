//! Copies as cycles of cells, and the cycles as columns.

use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::assign::Cell;

/// Where each cell's successor in its cycle is, all columns one after the other.
pub struct Permutation {
    n: usize,
    next: Vec<u32>,
}

impl Permutation {
    /// The cycles that the copies, in their order, make of `columns` columns of `n` cells.
    ///
    /// Merging two cycles swaps the successors of the two cells; cells of one cycle are left alone.
    pub fn new(columns: usize, n: usize, copies: impl Iterator<Item = (Cell, Cell)>) -> Self {
        let total = (columns * n) as u32;
        let mut next: Vec<u32> = (0..total).collect();
        let mut cycle = next.clone();
        let mut size = vec![1u32; total as usize];
        let index = |c: Cell| c.column as usize * n + c.row as usize;
        for (a, b) in copies {
            let (a, b) = (index(a), index(b));
            if cycle[a] == cycle[b] {
                continue;
            }
            let (large, small) = if size[cycle[a] as usize] < size[cycle[b] as usize] {
                (b, a)
            } else {
                (a, b)
            };
            let label = cycle[large];
            size[label as usize] += size[cycle[small] as usize];
            let mut at = small;
            loop {
                cycle[at] = label;
                at = next[at] as usize;
                if at == small {
                    break;
                }
            }
            next.swap(a, b);
        }
        Self { n, next }
    }

    /// For each cell of column `i` the place of its successor among all columns.
    pub fn next(&self, i: usize) -> &[u32] {
        &self.next[i * self.n..(i + 1) * self.n]
    }

    /// Column `i`: for each cell δ^i'·ω^j', where column i' and row j' are those of its successor.
    pub fn column(&self, i: usize, omegas: &[Fr], deltas: &[Fr]) -> Vec<Fr> {
        self.next(i)
            .par_iter()
            .map(|to| deltas[*to as usize / self.n] * omegas[*to as usize % self.n])
            .collect()
    }
}
