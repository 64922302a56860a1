//! The cells of a circuit with one witness in them: what a prover commits to and a checker checks.

use std::collections::BTreeMap;

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;

/// The field element of a signed integer.
pub fn felt(value: i128) -> Fr {
    let magnitude = Fr::from_u128(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// The signed integer that a field element stands for, where 64 bits hold it.
pub fn small(value: &Fr) -> Option<i64> {
    let low = |v: &Fr| {
        let bytes: [u8; 32] = v.to_repr().into();
        let (low, high) = bytes.split_at(8);
        let fits = high.iter().all(|b| *b == 0);
        let low = u64::from_le_bytes(low.try_into().ok()?);
        fits.then_some(low).and_then(|v| i64::try_from(v).ok())
    };
    low(value).or_else(|| low(&-value).map(|v| -v))
}

/// The cells of one advice column from row 0 on. Rows beyond the last one given are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Signed integers.
    Small(Vec<i64>),
    /// Signed integers, and field elements in a few rows: ascending, each within `small`, where a zero stands in their place.
    Mixed {
        small: Vec<i64>,
        large: Vec<(u32, Fr)>,
    },
    /// Field elements.
    Full(Vec<Fr>),
}

impl Cells {
    /// The rows that are given.
    pub fn len(&self) -> usize {
        match self {
            Self::Small(small) | Self::Mixed { small, .. } => small.len(),
            Self::Full(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a row.
    pub fn get(&self, row: usize) -> Fr {
        let (small, large) = match self {
            Self::Full(values) => return values.get(row).copied().unwrap_or(Fr::ZERO),
            Self::Small(small) => (small, &[][..]),
            Self::Mixed { small, large } => (small, large.as_slice()),
        };
        match small.get(row) {
            None => Fr::ZERO,
            Some(0) => match large.binary_search_by_key(&row, |(at, _)| *at as usize) {
                Ok(i) => large[i].1,
                Err(_) => Fr::ZERO,
            },
            Some(value) => felt((*value).into()),
        }
    }

    /// All rows of a column of `n` rows.
    pub fn to_field(&self, n: usize) -> Vec<Fr> {
        let mut out: Vec<Fr> = match self {
            Self::Small(small) | Self::Mixed { small, .. } => {
                small.iter().map(|v| felt((*v).into())).collect()
            }
            Self::Full(values) => values.clone(),
        };
        if let Self::Mixed { large, .. } = self {
            for (row, value) in large {
                if let Some(cell) = out.get_mut(*row as usize) {
                    *cell = *value;
                }
            }
        }
        out.resize(n, Fr::ZERO);
        out
    }
}

/// One witness on the cells of a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// By the column's number in the Protocol; no column is longer than the usable rows.
    pub advice: Vec<Cells>,
    /// The public values, in the proof's order.
    pub instances: Vec<Fr>,
}

/// A column that is being written.
#[derive(Clone, Debug, Default)]
pub struct Column {
    small: Vec<i64>,
    large: BTreeMap<u32, Fr>,
}

impl Column {
    fn reach(&mut self, row: u32) -> &mut i64 {
        let row = row as usize;
        if self.small.len() <= row {
            self.small.resize(row + 1, 0);
        }
        &mut self.small[row]
    }

    pub fn set_small(&mut self, row: u32, value: i64) {
        *self.reach(row) = value;
        if !self.large.is_empty() {
            self.large.remove(&row);
        }
    }

    pub fn set_large(&mut self, row: u32, value: Fr) {
        *self.reach(row) = 0;
        self.large.insert(row, value);
    }

    /// The column in the form that fits it: `Full` where more than one row in four is no small integer.
    pub fn finish(self) -> Cells {
        let Self { mut small, large } = self;
        small.shrink_to_fit();
        if large.is_empty() {
            return Cells::Small(small);
        }
        let few = large.len() * 4 <= small.len();
        let n = small.len();
        let mixed = Cells::Mixed {
            small,
            large: large.into_iter().collect(),
        };
        if few {
            mixed
        } else {
            Cells::Full(mixed.to_field(n))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_what_was_written() {
        for step in [2, 100] {
            let mut column = Column::default();
            let mut expected = vec![Fr::ZERO; 210];
            for row in 0..200u32 {
                let value = if row % step == 0 {
                    let value = Fr::TWO_INV + Fr::from(u64::from(row));
                    column.set_large(row, value);
                    value
                } else {
                    column.set_small(row, -i64::from(row));
                    -Fr::from(u64::from(row))
                };
                expected[row as usize] = value;
            }
            let cells = column.finish();
            assert_eq!(matches!(cells, Cells::Full(_)), step == 2);
            assert_eq!(cells.to_field(210), expected);
            assert!((0..210).all(|row| cells.get(row) == expected[row]));
        }
    }

    #[test]
    fn small_field_elements_are_the_integers_that_they_come_from() {
        for v in [0, 1, -1, 77, i64::MAX, -i64::MAX] {
            assert_eq!(small(&felt(v.into())), Some(v));
        }
        for v in [i128::from(i64::MAX) + 1, -(1 << 70)] {
            assert_eq!(small(&felt(v)), None);
        }
        assert_eq!(small(&Fr::TWO_INV), None);
    }

    #[test]
    fn the_last_value_written_to_a_cell_stays() {
        let mut column = Column::default();
        column.set_large(1, Fr::TWO_INV);
        column.set_small(1, 5);
        assert_eq!(column.finish(), Cells::Small(vec![0, 5]));
    }
}
