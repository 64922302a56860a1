//! The values of the advice columns.

use halo2curves::bn256::Fr;

use zkml_circuit::grid::Cells;

use crate::WitnessError;

/// Where a prover gets the cells of a phase from, once the challenges of the phases before are drawn.
pub trait Witness {
    /// The columns of `phase`, each with its index: no longer than the usable rows, or as long as the domain. The latter is taken as
    /// it is and not blinded. `challenges` holds those drawn so far, by index.
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
