//! `zkml._core.check`: a witness held against every constraint of its circuit.

use ff::PrimeField;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use zkml_circuit::check::CheckError;
use zkml_circuit::ezkl::{
    Broken, CircuitCheckError, Findings, KeyOptions, LayoutError, Refusal, check,
};
use zkml_circuit::stop::Stop;
use zkml_circuit::witness::{Witness, WitnessError};
use zkml_graph::ExecuteFault;
use zkml_protocol::{Malformed, Protocol};

use crate::errors::raised;
use crate::graph::CompiledCircuit;
use crate::watch::{Steps, watched};

const OUT_OF_RANGE: &str = "the input lies outside the range that the circuit was made for";

/// Why nothing was checked.
enum Failure {
    Protocol(Malformed),
    Witness(WitnessError),
    Check(CircuitCheckError),
}

fn kind(failure: &Failure) -> (&'static str, &'static str, Option<&'static str>) {
    match failure {
        Failure::Protocol(_) => ("MalformedArtifact", "protocol", None),
        Failure::Witness(_) => (
            "MalformedArtifact",
            "witness-file",
            Some("make it again with `zkml witness`"),
        ),
        Failure::Check(CircuitCheckError::Check(CheckError::Misfit { .. })) => (
            "MismatchedArtifacts",
            "another-circuit",
            Some("the keys are those of another circuit: run `zkml setup` again"),
        ),
        Failure::Check(CircuitCheckError::Check(_)) => ("MalformedArtifact", "protocol", None),
        Failure::Check(CircuitCheckError::Layout(error)) => match &error.refusal {
            Refusal::Operator(ExecuteFault::TooFewDigits { .. } | ExecuteFault::Overflow) => {
                ("WitnessError", "value-too-large", Some(OUT_OF_RANGE))
            }
            Refusal::Unsupported { .. } | Refusal::TooLarge { .. } => {
                ("CircuitError", "engine-unsupported", None)
            }
            Refusal::Length { .. } => ("MalformedArtifact", "witness-file", None),
            _ => (
                "MalformedArtifact",
                "compiled-circuit",
                Some("the circuit contradicts itself: compile the model again"),
            ),
        },
    }
}

fn message(failure: &Failure) -> String {
    match failure {
        Failure::Protocol(error) => format!("protocol: {error}"),
        Failure::Witness(error) => error.to_string(),
        Failure::Check(error) => error.to_string(),
    }
}

fn failed(py: Python<'_>, failure: &Failure) -> PyErr {
    let (class, code, hint) = kind(failure);
    raised(py, (class, Some(code), hint), message(failure), |details| {
        if let Failure::Check(CircuitCheckError::Layout(LayoutError { node, operator, .. })) =
            failure
        {
            details.set_item("circuit_node", node)?;
            details.set_item("operator", operator)?;
        }
        Ok(())
    })
}

fn as_dict<'py>(py: Python<'py>, broken: &Broken) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("kind", broken.kind)?;
    out.set_item("name", &broken.name)?;
    out.set_item("row", broken.row)?;
    out.set_item("circuit_node", &broken.node)?;
    out.set_item("operator", &broken.operator)?;
    let cells = PyList::empty(py);
    for (column, row, value) in &broken.cells {
        let value = zkml_graph::Felt(value.to_repr().into()).to_i128();
        cells.append((column, row, value))?;
    }
    out.set_item("cells", cells)?;
    Ok(out)
}

fn run(
    circuit: &zkml_graph::Circuit,
    witness: &[u8],
    protocol: &[u8],
    options: KeyOptions,
    stop: &Stop,
) -> Result<Findings, Failure> {
    let protocol = Protocol::parse(protocol).map_err(Failure::Protocol)?;
    let witness = Witness::parse(circuit, witness).map_err(Failure::Witness)?;
    check(circuit, &witness, &protocol, options, stop).map_err(Failure::Check)
}

/// Hold a witness, the text of `witness.json`, against every gate, lookup and copy of a circuit, whose `protocol.json` is
/// `protocol`. Return how many constraints fail, and the first of them, each as a dictionary: `kind`, `name`, `row`,
/// `circuit_node`, `operator`, `cells` (column, row, integer; None where it is none).
#[pyfunction]
#[pyo3(signature = (circuit, witness, protocol, compress_selectors=true))]
fn check_witness<'py>(
    py: Python<'py>,
    circuit: &CompiledCircuit,
    witness: &[u8],
    protocol: &[u8],
    compress_selectors: bool,
) -> PyResult<(usize, Bound<'py, PyList>)> {
    let options = KeyOptions { compress_selectors };
    let work =
        |stop: &Stop, _: Steps<'_, ()>| run(circuit.inner(), witness, protocol, options, stop);
    let (found, raised) = watched(py, (), |_, ()| Ok(()), work);
    if let Some(error) = raised {
        return Err(error);
    }
    let found = found.map_err(|failure| failed(py, &failure))?;
    let first = PyList::empty(py);
    for broken in &found.first {
        first.append(as_dict(py, broken)?)?;
    }
    Ok((found.failed, first))
}

/// Add the module to its parent and to `sys.modules`.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = parent.py();
    let module = PyModule::new(py, "check")?;
    module.add_function(wrap_pyfunction!(check_witness, &module)?)?;
    parent.add_submodule(&module)?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("zkml._core.check", module)
}
