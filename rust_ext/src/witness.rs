//! `zkml._core.graph`, continued: a compiled circuit run on an input.

use pyo3::prelude::*;
use zkml_graph::execute::{
    ExecuteError, ExecuteFault, InputError, execute, read_inputs, witness_json,
};
use zkml_graph::{Circuit, Visibility};

use crate::errors::raised;

/// What a failed run raises in Python: class, code, hint.
type Kind = (&'static str, &'static str, Option<&'static str>);

const OUT_OF_RANGE: &str = "the input lies outside the range that the circuit was made for: calibrate with such inputs, or give \
                            the circuit more digits (decomp_legs, decomp_base)";

/// Why no witness came of it.
pub enum Failure {
    /// The circuit hashes or commits to a tensor, which this engine does not.
    Module(&'static str),
    Input(InputError),
    Run(ExecuteError),
    Json(serde_json::Error),
}

fn kind(failure: &Failure) -> Kind {
    match failure {
        Failure::Module(_) => (
            "CircuitError",
            "engine-unsupported",
            Some("use --engine ezkl"),
        ),
        Failure::Input(InputError::Value { .. }) => {
            ("WitnessError", "value-too-large", Some(OUT_OF_RANGE))
        }
        Failure::Input(InputError::Json(_) | InputError::Count { .. }) => {
            ("SampleError", "sample", None)
        }
        Failure::Json(_) => ("InternalFault", "witness-json", None),
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
        Failure::Module(what) => {
            format!("{what} is hashed or committed, which this engine does not do")
        }
        Failure::Input(InputError::Value { input, at }) => {
            format!("value {at} of input {input} is outside the range of a circuit's integers")
        }
        Failure::Input(error) => error.to_string(),
        Failure::Json(error) => error.to_string(),
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

/// The text of `witness.json` for an input, itself the text of EZKL's `input.json`.
pub fn witness(circuit: &Circuit, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let args = &circuit.core.settings.run_args;
    for (what, visibility) in [
        ("an input", &args.input_visibility),
        ("an output", &args.output_visibility),
        ("a parameter", &args.param_visibility),
    ] {
        if matches!(
            visibility,
            Visibility::Hashed { .. } | Visibility::KZGCommit
        ) {
            return Err(Failure::Module(what));
        }
    }
    let inputs = read_inputs(circuit, input).map_err(Failure::Input)?;
    let run = execute(circuit, &inputs).map_err(Failure::Run)?;
    witness_json(circuit, &inputs, &run).map_err(Failure::Json)
}
