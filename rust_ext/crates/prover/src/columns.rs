//! The columns of a circuit on its rows: fixed columns as the key gives them.

use ff::Field;
use halo2curves::bn256::Fr;

use crate::key::Fixed;
use crate::rows::{Column, signed};

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
