//! What prover and verifier share: the Protocol of a circuit, its expressions, the transcript, the wire formats.
//!
//! A [`Protocol`] describes one circuit completely; nothing else is needed to verify its proofs. It is parsed from
//! `protocol.json`, bounded and checked before anything is computed. See `docs/protocol.md` for the format.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod audit;
pub mod bounds;
mod error;
mod json;
pub mod plan;
pub mod program;
mod proof_json;
mod protocol;
mod raw;
mod statement;
mod strict;
pub mod transcript;
pub mod wire;

pub use error::Malformed;
pub use proof_json::ProofFile;
pub use protocol::{ColumnValue, Lookup, Permutation, Protocol, Query, Srs, canonical};
pub use statement::{Domain, Tensor};
pub use transcript::Transcript;
