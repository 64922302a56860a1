//! Why a graph does not run on an input, and at which node.

use thiserror::Error;

/// A failure at one node. `node` is its number, after those of the subgraphs around it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("node {node} ({operator}): {fault}")]
pub struct ExecuteError {
    pub node: String,
    pub operator: String,
    pub fault: ExecuteFault,
}

/// What the node could not do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExecuteFault {
    #[error("{what} is not supported by this engine")]
    Unsupported { what: String },
    #[error("a value is beyond 127 bits")]
    Overflow,
    #[error("{legs} digits of base {base} cannot hold {value}")]
    TooFewDigits { value: i128, base: u64, legs: u64 },
    #[error("{value} is neither 0 nor 1")]
    NotABit { value: i128 },
    #[error("index {index} is outside a dimension of {size}")]
    Index { index: i128, size: usize },
    #[error("the result {claimed} does not satisfy its own check for {of}")]
    ClaimRefused { claimed: i128, of: i128 },
    #[error("{expected} inputs are needed and {got} are there")]
    Inputs { expected: usize, got: usize },
    #[error("the operator does not fit inputs of shapes {shapes:?}")]
    Shape { shapes: Vec<Vec<usize>> },
    #[error("the result has {got} values, the node says that its shape is {expected:?}")]
    ResultShape { expected: Vec<u64>, got: usize },
    #[error("{cells} values are more than the {limit} that a tensor may have")]
    TooLarge { cells: u128, limit: usize },
    #[error("{products} products are more than the {limit} that one operator may take")]
    TooMuchWork { products: u128, limit: u128 },
    #[error(
        "EZKL's circuit multiplies its sum along axis {axis} of {operands} operands by the axis's length"
    )]
    MiscountedSum { axis: char, operands: usize },
    #[error("the model has {expected} values for this input and {got} are given")]
    InputLength { expected: usize, got: usize },
}

impl ExecuteFault {
    /// Whether the graph is outside what this executor runs, whatever the input: another engine may run it.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::Unsupported { .. }
                | Self::Overflow
                | Self::TooLarge { .. }
                | Self::TooMuchWork { .. }
        )
    }
}
