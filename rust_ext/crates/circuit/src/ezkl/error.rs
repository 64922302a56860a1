//! Why a circuit is not laid out, or not keyed.

use thiserror::Error;
use zkml_arithmetic::ArithmeticError;
use zkml_graph::ExecuteFault;
use zkml_srs::SrsError;

/// What stands in the way of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("{what} is not laid out by this engine")]
    Unsupported { what: String },
    #[error("the layout needs more cells than the settings give {column}")]
    Full { column: &'static str },
    #[error("the settings announce no {what}, which an operator needs")]
    Missing { what: String },
    #[error("the circuit refuses this witness: {what}")]
    Refuted { what: String },
    #[error("operands do not fit each other")]
    Shape,
    #[error("{expected} values are needed and the witness has {got}")]
    Length { expected: usize, got: usize },
    #[error("the settings describe {count} {what}, more than {limit}")]
    TooLarge {
        what: &'static str,
        count: u128,
        limit: usize,
    },
    #[error("interrupted")]
    Interrupted,
    #[error("{0}")]
    Operator(#[from] ExecuteFault),
}

/// A refusal and the node at which it came up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("node {node} ({operator}): {refusal}")]
pub struct LayoutError {
    pub node: String,
    pub operator: String,
    pub refusal: Refusal,
}

/// Why there is no key.
#[derive(Debug, Error)]
pub enum KeyError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Srs(#[from] SrsError),
    #[error("interrupted")]
    Interrupted,
    #[error("the key cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error("the SRS has 2^{got} points, the circuit 2^{expected} rows")]
    Size { expected: u32, got: u32 },
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

pub(super) fn unsupported<T>(what: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Unsupported { what: what.into() })
}
