//! The columns of a circuit on its rows: advice as the witness gives it, fixed columns as the key does.

use ff::Field;
use halo2curves::bn256::Fr;

use crate::key::Fixed;
use crate::rows::{Column, signed};
use crate::witness::Cells;

impl Cells {
    pub(crate) fn column<'a>(&'a self, tail: &'a [Fr]) -> Column<'a> {
        match self {
            Self::Small(values) => Column::Small { values, tail },
            Self::Full(values) => Column::Full { values, tail },
        }
    }

    /// The values of all rows, with `tail` on the last ones.
    pub(crate) fn into_values(self, n: usize, tail: &[Fr]) -> Vec<Fr> {
        let mut values = match self {
            Self::Small(small) => small.into_iter().map(signed).collect(),
            Self::Full(values) => values,
        };
        values.resize(n - tail.len(), Fr::ZERO);
        values.extend_from_slice(tail);
        values
    }
}

impl Fixed {
    pub(crate) fn column(&self) -> Column<'_> {
        match self {
            Self::Zero => Column::small(&[]),
            Self::Small(values) => Column::small(values),
            Self::Full(values) => Column::full(values),
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        matches!(self, Self::Zero)
    }

    /// The values of all rows.
    pub(crate) fn to_values(&self, n: usize) -> Vec<Fr> {
        let mut values: Vec<Fr> = match self {
            Self::Zero => Vec::new(),
            Self::Small(small) => small.iter().map(|v| signed(*v)).collect(),
            Self::Full(values) => values.clone(),
        };
        values.resize(n, Fr::ZERO);
        values
    }
}
