//! Circuits, laid out: columns, fixed cells, selectors and copies, and the keys that follow from them.
//!
//! [`ezkl`] lays a compiled model out as EZKL does, so that its verification key is EZKL's, byte for byte. What it cannot lay out
//! that way it refuses by name.

#![forbid(unsafe_code)]

pub mod check;
pub mod ezkl;
pub mod grid;
pub mod stop;
pub mod witness;
