//! Σ s_i·P_i over G1.

use ff::{Field, PrimeField};
use halo2curves::bn256::{Fr, G1, G1Affine};
use halo2curves::msm::msm_best;

use crate::ArithmeticError;

/// Points that many columns are multiplied with.
pub struct Bases {
    points: Vec<G1Affine>,
}

impl Bases {
    pub fn new(points: Vec<G1Affine>) -> Self {
        Self { points }
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
    /// Field elements of any size.
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
    if scalars.len() > bases.len() {
        return Err(ArithmeticError::Length {
            expected: bases.len(),
            got: scalars.len(),
        });
    }
    let points = &bases.points[..scalars.len()];
    Ok(match scalars {
        Scalars::Full(values) => msm_best(values, points),
        Scalars::Small(values) => {
            let values: Vec<Fr> = values.iter().map(|v| signed(*v)).collect();
            msm_best(&values, points)
        }
    })
}

fn signed(v: i64) -> Fr {
    let size = Fr::from_u128(u128::from(v.unsigned_abs()));
    if v < 0 { Fr::ZERO - size } else { size }
}

/// One sum for each column, all over the same bases.
pub fn msm_many(bases: &Bases, columns: &[Scalars<'_>]) -> Result<Vec<G1>, ArithmeticError> {
    columns.iter().map(|column| msm(bases, *column)).collect()
}
