//! Why bytes are not a compiled circuit, and where.

use thiserror::Error;

/// A decoding failure: what is wrong, at which byte, in which field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path}: {fault} (byte {offset})")]
pub struct DecodeError {
    /// Offset of the first byte of the value that does not decode.
    pub offset: usize,
    /// The field, such as `core.model.graph.nodes[3].opkind`.
    pub path: String,
    pub fault: Fault,
}

/// What is wrong with the value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    #[error("{needed} bytes are needed and {left} are left")]
    Truncated { needed: u64, left: u64 },
    #[error("a list of {count} items cannot fit in the {left} bytes that are left")]
    TooLong { count: u64, left: u64 },
    #[error("{tag} is not a tag of {of}")]
    UnknownTag { of: &'static str, tag: u32 },
    #[error("{byte} is neither 0 nor 1")]
    NotABit { byte: u8 },
    #[error("text is not UTF-8")]
    NotUtf8,
    #[error("a field element is not below the modulus")]
    NotCanonical,
    #[error("values are nested deeper than {limit} levels")]
    TooDeep { limit: usize },
    #[error("map key {key} does not follow {previous} in ascending order")]
    NotAscending { previous: u64, key: u64 },
    #[error("a tensor of {values} values says that its dimensions are {dims:?}")]
    Shape { values: usize, dims: Vec<u64> },
    #[error("{left} bytes follow the end of the circuit")]
    Trailing { left: usize },
    #[error("the file was made by EZKL {got}, and this decoder reads those of EZKL {expected}")]
    Version { expected: &'static str, got: String },
    #[error("node {node} refers to {refers_to}, which does not exist or comes later")]
    DanglingInput { node: u64, refers_to: u64 },
    #[error("node {key} calls itself {idx}")]
    Misnumbered { key: u64, idx: u64 },
}
