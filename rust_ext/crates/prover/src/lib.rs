//! Proves circuits that a [`Protocol`](zkml_protocol::Protocol) describes: halo2's Plonk with logUp lookups, KZG over BN254, SHPLONK.
//!
//! Any Protocol will do: advice in phases with challenges between them, any number of lookups, chunks of the permutation, any
//! degree. The witness comes column by column ([`Witness`]), as small signed integers where it can; the fixed columns and the
//! permutation from a memory-mapped key ([`ProvingKey`]). Columns become field elements only when they are transformed, and the
//! quotient is made coset by coset, so memory is a small multiple of the columns themselves.
//!
//! What is proved is verified before it is returned. Nothing here is in constant time.

#![deny(unsafe_code)]

mod columns;
mod error;
mod expressions;
pub mod key;
mod lookup;
mod observer;
mod opening;
mod permutation;
mod prove;
mod prover;
mod quotient;
mod random;
mod rows;
mod running;
mod witness;
mod writer;

pub use error::{KeyError, ProverError, WitnessError};
pub use key::ProvingKey;
pub use observer::{Progress, Stage};
pub use prove::Proved;
pub use prover::Prover;
pub use witness::Witness;
pub use zkml_circuit::grid::Cells;
