//! The Python face of the crates: bindings only, one file for each Python module it serves.

mod check;
mod errors;
mod graph;
mod keys;
mod prover;
mod srs;
mod verifier;
mod watch;
mod witness;

use pyo3::prelude::*;

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    check::register(m)?;
    graph::register(m)?;
    keys::register(m)?;
    prover::register(m)?;
    srs::register(m)?;
    verifier::register(m)?;
    Ok(())
}
