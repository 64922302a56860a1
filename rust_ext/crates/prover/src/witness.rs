//! The values of the advice columns.

use halo2curves::bn256::Fr;

use crate::WitnessError;

/// The cells of one advice column over the usable rows; missing rows are zero.
///
/// As many cells as the domain has rows are taken as they are: such a column is not blinded.
#[derive(Clone, Debug)]
pub enum Cells {
    Small(Vec<i64>),
    Full(Vec<Fr>),
}

impl Cells {
    pub fn len(&self) -> usize {
        match self {
            Self::Small(values) => values.len(),
            Self::Full(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a prover gets the cells of a phase from, once the challenges of the phases before are drawn.
pub trait Witness {
    /// The columns of `phase`, each with its index. `challenges` holds those drawn so far, by index.
    fn phase(
        &mut self,
        phase: u32,
        challenges: &[Option<Fr>],
    ) -> Result<Vec<(usize, Cells)>, WitnessError>;
}

/// All columns of a circuit whose cells do not depend on challenges.
impl Witness for Vec<Cells> {
    fn phase(
        &mut self,
        phase: u32,
        _challenges: &[Option<Fr>],
    ) -> Result<Vec<(usize, Cells)>, WitnessError> {
        if phase > 0 {
            return Ok(Vec::new());
        }
        Ok(std::mem::take(self).into_iter().enumerate().collect())
    }
}
