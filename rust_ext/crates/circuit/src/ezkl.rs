//! EZKL's layout: the constraint system that its settings describe, and the one region that its operators fill.
//!
//! Every operator is a recipe: which cells it takes in which column, which selectors it switches on, what it copies from where, and
//! in what order, for the order of copies shapes the permutation. Keys depend on constants, tables, selectors and copies alone; with
//! a witness the same recipes also say what each cell is worth.

mod area;
mod assign;
mod check;
mod claims;
mod compare;
mod convolution;
mod difference;
mod domain;
mod einsum;
mod error;
mod freivalds;
mod key;
mod layout;
mod lookups;
mod marks;
mod modules;
mod operators;
mod pairwise;
mod permutation;
mod poseidon;
mod processed;
mod reduce;
mod rounding;
mod scan;
mod select;
mod selectors;
mod shape;
mod sort;
mod tables;
mod value;

pub use check::{Broken, CircuitCheckError, Findings, check};
pub use difference::{Difference, first_difference};
pub use error::{KeyError, LayoutError, Refusal};
pub use key::{Columns, KeyOptions, Progress, proving_key, verification_key};
pub use layout::{Layout, fill, lay_out};
pub use processed::{ProcessError, check_hashes, process};
