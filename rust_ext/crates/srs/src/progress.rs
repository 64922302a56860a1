//! How long work reports where it is, and learns that it should stop.

use crate::SrsError;

/// A stage of the work on an SRS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Powers,
    Lagrange,
    CheckPoints,
    CheckLagrange,
    Locate,
}

impl Stage {
    /// The stage's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Powers => "powers of tau",
            Stage::Lagrange => "lagrange basis",
            Stage::CheckPoints => "checking powers",
            Stage::CheckLagrange => "checking lagrange basis",
            Stage::Locate => "locating the fault",
        }
    }
}

/// Called with (stage, done, total) between pieces of work; answers whether to go on.
pub type Progress<'a> = dyn FnMut(Stage, u64, u64) -> bool + 'a;

/// Report one step. Fails with `Stopped` when the caller wants no more.
pub(crate) fn tick(
    progress: &mut Progress<'_>,
    stage: Stage,
    done: u64,
    total: u64,
) -> Result<(), SrsError> {
    if progress(stage, done, total) {
        Ok(())
    } else {
        Err(SrsError::Stopped)
    }
}
