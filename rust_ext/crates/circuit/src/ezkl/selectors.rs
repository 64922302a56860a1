//! Selectors as fixed columns: those that no row shares are packed into one, each with a number of its own.

use super::shape::Shape;

/// The rows in which a selector is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows(Vec<u64>);

impl Rows {
    pub fn new(n: usize) -> Self {
        Self(vec![0; n.div_ceil(64)])
    }

    pub fn set(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// The rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(i, word)| {
            (0..64)
                .filter(move |b| word >> b & 1 == 1)
                .map(move |b| i * 64 + b)
        })
    }

    /// One bit a row, the first row lowest in its byte.
    pub fn bytes(&self, n: usize) -> impl Iterator<Item = u8> {
        self.0
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .take(n.div_ceil(8))
    }
}

/// The columns, in order: which selectors each one holds. Member t (from 1) writes t in its rows.
pub fn combine(shape: &Shape, active: &[Rows]) -> Vec<Vec<usize>> {
    let degrees = &shape.selector_degrees;
    let mut columns: Vec<Vec<usize>> = Vec::new();
    let mut placed = vec![false; degrees.len()];
    for (s, degree) in degrees.iter().enumerate() {
        if *degree == 0 {
            columns.push(vec![s]);
            placed[s] = true;
        }
    }
    for i in 0..degrees.len() {
        if placed[i] {
            continue;
        }
        placed[i] = true;
        let mut column = vec![i];
        let mut d = degrees[i] - 1;
        for j in i + 1..degrees.len() {
            if d + column.len() == shape.degree {
                break;
            }
            if placed[j] || column.iter().any(|s| active[*s].meets(&active[j])) {
                continue;
            }
            let with = d.max(degrees[j] - 1);
            if with + column.len() + 1 > shape.degree {
                continue;
            }
            d = with;
            placed[j] = true;
            column.push(j);
        }
        columns.push(column);
    }
    columns
}
