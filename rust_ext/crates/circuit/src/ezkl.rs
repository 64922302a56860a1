//! EZKL's layout: the constraint system that its settings describe, and the one region that its operators fill.
//!
//! Every operator is a recipe: which cells it takes in which column, which selectors it switches on, what it copies from where, and
//! in what order, for the order of copies shapes the permutation. No value is known or needed: a verification key depends on
//! constants, tables, selectors and copies alone.

mod assign;
mod claims;
mod compare;
mod convolution;
mod domain;
mod einsum;
mod error;
mod key;
mod layout;
mod lookups;
mod pairwise;
mod permutation;
mod reduce;
mod selectors;
mod shape;
mod sort;
mod tables;

pub use error::{KeyError, LayoutError, Refusal};
pub use key::{KeyOptions, Progress, proving_key, verification_key};
pub use layout::{Layout, lay_out};
