//! Why there is no proof.

use std::io;

use zkml_arithmetic::ArithmeticError;
use zkml_protocol::Malformed;
use zkml_srs::SrsError;
use zkml_verifier::Verdict;

/// Why a file is no proving key that can be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot {action} the proving key: {source}")]
    Io {
        action: &'static str,
        source: io::Error,
    },
    #[error("the proving key is cut short: {got} bytes of {expected}")]
    Truncated { expected: u64, got: u64 },
    #[error("the proving key has {extra} bytes after its end")]
    Trailing { extra: u64 },
    #[error("not a proving key: {0}")]
    Unknown(&'static str),
    #[error("a proving key of format {got}, this engine reads {expected}")]
    Version { expected: u32, got: u32 },
    #[error("the proving key is damaged: {0}")]
    Damaged(&'static str),
    #[error("the proving key is of another circuit: {0}")]
    OtherCircuit(&'static str),
    #[error("a permutation of {cells} cells is larger than the 2^32 that a proving key holds")]
    TooLarge { cells: u64 },
}

impl KeyError {
    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

/// What in a witness does not satisfy the circuit, or does not fit it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    #[error("the circuit has {expected} advice columns, the witness {got}")]
    Columns { expected: usize, got: usize },
    #[error("advice column {column} has {got} cells where {usable} rows are usable")]
    Rows {
        column: usize,
        usable: usize,
        got: usize,
    },
    #[error("advice column {column} of phase {phase} was not given")]
    Missing { column: usize, phase: u32 },
    #[error("the instances do not fit the circuit: {0}")]
    Instances(String),
    #[error("lookup {lookup} asks on row {row} for a value that its table does not hold")]
    Lookup { lookup: usize, row: usize },
    #[error("cells that are copies of each other hold different values")]
    Copies,
    #[error(
        "the witness does not satisfy the circuit (verification fails at step {step}: {reason})"
    )]
    Unsatisfied { step: u8, reason: &'static str },
    #[error("{0}")]
    Source(String),
}

/// Why a prover cannot be opened, or a proof not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Srs(#[from] SrsError),
    #[error("the circuit has 2^{needed} rows, the SRS only 2^{got} points")]
    SrsTooSmall { needed: u32, got: u32 },
    #[error("the SRS is of another ceremony than the keys")]
    OtherCeremony,
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error(transparent)]
    Protocol(#[from] Malformed),
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
    #[error("no randomness from the operating system: {0}")]
    Randomness(rand_core::Error),
    /// The prover's own check of its work: never seen unless something is wrong with key, SRS or the prover itself.
    #[error("the proof does not verify: {0:?}")]
    SelfCheck(Verdict),
}

impl From<rand_core::Error> for ProverError {
    fn from(error: rand_core::Error) -> Self {
        Self::Randomness(error)
    }
}
