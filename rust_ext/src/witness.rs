//! `zkml._core.graph`, continued: a compiled circuit run on an input.

use std::path::Path;

use pyo3::prelude::*;
use zkml_circuit::ezkl::{ProcessError, Refusal, check_hashes, process};
use zkml_graph::Circuit;
use zkml_graph::execute::{
    ExecuteError, ExecuteFault, InputError, execute, read_inputs, witness_json,
};

use crate::errors::raised;

/// What a failed run raises in Python: class, code, hint.
type Kind = (&'static str, &'static str, Option<&'static str>);

const OUT_OF_RANGE: &str = "the input lies outside the range that the circuit was made for: calibrate with such inputs, or give \
                            the circuit more digits (decomp_legs, decomp_base)";

/// Why no witness came of it.
pub enum Failure {
    Input(InputError),
    Run(ExecuteError),
    Process(ProcessError),
    Json(serde_json::Error),
}

fn process_kind(error: &ProcessError) -> Kind {
    match error {
        ProcessError::Refused(Refusal::Unsupported { .. } | Refusal::TooLarge { .. }) => (
            "CircuitError",
            "engine-unsupported",
            Some("use --engine ezkl"),
        ),
        ProcessError::NoSrs { .. } => (
            "SrsError",
            "srs-absent",
            Some("give the SRS of `zkml setup` with --srs"),
        ),
        ProcessError::Size { .. } => (
            "SrsError",
            "srs-too-small",
            Some("import a larger one with `zkml srs import`"),
        ),
        ProcessError::Srs(_) => (
            "SrsError",
            "srs-file",
            Some("check it with `zkml srs check`"),
        ),
        ProcessError::Arithmetic(_) => ("InternalFault", "commitment", Some("please report this")),
        ProcessError::Refused(_) => (
            "MalformedArtifact",
            "compiled-circuit",
            Some("the circuit contradicts itself: compile the model again"),
        ),
    }
}

fn kind(failure: &Failure) -> Kind {
    match failure {
        Failure::Input(InputError::Value { .. }) => {
            ("WitnessError", "value-too-large", Some(OUT_OF_RANGE))
        }
        Failure::Input(InputError::Json(_) | InputError::Count { .. }) => {
            ("SampleError", "sample", None)
        }
        Failure::Json(_) => ("InternalFault", "witness-json", None),
        Failure::Process(error) => process_kind(error),
        Failure::Run(error) => match error.fault {
            ref fault if fault.is_unsupported() => (
                "CircuitError",
                "engine-unsupported",
                Some("use --engine ezkl"),
            ),
            ExecuteFault::MiscountedSum { .. } => (
                "CircuitError",
                "miscounted-sum",
                Some(
                    "compile the model again, whose einsums are then split into those of two operands; --engine ezkl gives \
                     the circuit's value",
                ),
            ),
            ExecuteFault::TooFewDigits { .. } => {
                ("WitnessError", "value-too-large", Some(OUT_OF_RANGE))
            }
            ExecuteFault::NotABit { .. }
            | ExecuteFault::Index { .. }
            | ExecuteFault::ClaimRefused { .. } => (
                "WitnessError",
                "no-witness",
                Some("this input has no valid witness in this circuit"),
            ),
            ExecuteFault::Inputs { .. } | ExecuteFault::InputLength { .. } => {
                ("SampleError", "sample", None)
            }
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
        Failure::Input(InputError::Value { input, at }) => {
            format!("value {at} of input {input} is outside the range of a circuit's integers")
        }
        Failure::Input(error) => error.to_string(),
        Failure::Json(error) => error.to_string(),
        Failure::Process(error) => error.to_string(),
        Failure::Run(error) => match error.fault {
            ExecuteFault::TooFewDigits { value, base, legs } => format!(
                "a value is outside the range of the circuit: {value} does not fit {legs} digits of base {base}"
            ),
            ref fault => format!("{} in the circuit: {fault}", error.operator),
        },
    }
}

/// The error to raise, with the circuit's own node and operator in its details.
pub fn failed(py: Python<'_>, failure: &Failure) -> PyErr {
    let (class, code, hint) = kind(failure);
    raised(py, (class, Some(code), hint), message(failure), |details| {
        if let Failure::Run(error) = failure {
            details.set_item("circuit_node", &error.node)?;
            details.set_item("operator", &error.operator)?;
        }
        Ok(())
    })
}

/// The text of `witness.json` for an input, itself the text of EZKL's `input.json`. `srs`: what tensors are committed with.
pub fn witness(circuit: &Circuit, input: &[u8], srs: Option<&Path>) -> Result<Vec<u8>, Failure> {
    check_hashes(circuit).map_err(Failure::Process)?;
    let inputs = read_inputs(circuit, input).map_err(Failure::Input)?;
    let run = execute(circuit, &inputs).map_err(Failure::Run)?;
    let processed = process(circuit, &inputs, &run, srs).map_err(Failure::Process)?;
    witness_json(circuit, &inputs, &run, &processed).map_err(Failure::Json)
}
