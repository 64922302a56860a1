//! EZKL's compiled model, decoded: the bytes of a `.ezkl` file as types, and back to the same bytes.
//!
//! A file is one value, [`Circuit`], in bincode 1.3's default configuration: little-endian, fixed-width integers, lengths as
//! `u64`, enum tags as `u32`, nothing in front. [`Circuit::decode`] reads it from a stranger's hand: each length is held
//! against the bytes that are left before anything is allocated, nesting is bounded, an unknown tag is an error that names
//! its byte and its place (`core.model.graph.nodes[3].opkind`). [`Circuit::encode`] gives the file back byte for byte.

#![forbid(unsafe_code)]

#[macro_use]
mod wire;
pub mod circuit;
pub mod error;
pub mod execute;
pub mod felt;
pub mod model;
pub mod ops;
pub mod settings;
pub mod tensor;
pub mod witness;

pub use circuit::{Circuit, EZKL_VERSION};
pub use error::{DecodeError, Fault};
pub use execute::{ExecuteError, ExecuteFault, Execution, execute};
pub use felt::Felt;
pub use model::{Model, Node, NodeType};
pub use ops::SupportedOp;
pub use settings::GraphSettings;
pub use tensor::{Tensor, Visibility};
pub use wire::{MAX_NESTING, Reader, Wire};
