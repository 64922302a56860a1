//! The integers of one inference: the compiled graph run on its inputs, as EZKL's witness generation runs it.
//!
//! Each operator is computed the way its layout claims it, so an input that the circuit could
//! not hold (digits too few, an index outside its tensor, a claim that its own check refuses) is an error here, with the node, and
//! not a failure while proving. All values are signed integers below 2^127 in magnitude; beyond, EZKL computes on in the field and
//! this executor says [`ExecuteFault::Overflow`].

mod claims;
mod compare;
mod context;
mod contraction;
mod convolution;
mod dispatch;
mod error;
mod inputs;
mod lookup;
mod pairwise;
mod pretty;
mod rearrange;
mod run;
mod sort;
mod subgraph;
mod values;
mod windows;
mod witness_json;

pub use context::Extremes;
pub use contraction::check_work;
pub use error::{ExecuteError, ExecuteFault};
pub use inputs::{InputError, read_inputs};
pub use lookup::table;
pub use pretty::{Pretty, public_values};
pub use run::{Execution, execute, operator};
pub use subgraph::scan;
pub use values::{Ints, cells, offsets, strides, to_usize};
pub use windows::{Windows, windows};
pub use witness_json::{Processed, witness_json};
