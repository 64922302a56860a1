//! A run as EZKL's `witness.json`: what its `prove` reads.

use serde::Serialize;

use super::run::Execution;
use crate::circuit::{Circuit, EZKL_VERSION};
use crate::felt::Felt;

/// Felts as 64 hex digits, the least significant byte first.
fn stored(values: &[i128]) -> Vec<String> {
    values
        .iter()
        .map(|v| hex(Felt::from_i128(*v).0.iter()))
        .collect()
}

/// Felts as people write them.
fn shown(values: &[i128]) -> Vec<String> {
    values
        .iter()
        .map(|v| format!("0x{}", hex(Felt::from_i128(*v).0.iter().rev())))
        .collect()
}

fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(66);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
    out
}

fn rescaled(values: &[i128], scale: i32) -> Vec<String> {
    let unit = f64::from(scale).exp2();
    values
        .iter()
        .map(|v| (*v as f64 / unit).to_string())
        .collect()
}

#[derive(Serialize)]
struct Pretty {
    rescaled_inputs: Vec<Vec<String>>,
    inputs: Vec<Vec<String>>,
    processed_inputs: [(); 0],
    processed_params: [(); 0],
    processed_outputs: [(); 0],
    rescaled_outputs: Vec<Vec<String>>,
    outputs: Vec<Vec<String>>,
}

#[derive(Serialize)]
struct File {
    inputs: Vec<Vec<String>>,
    pretty_elements: Pretty,
    outputs: Vec<Vec<String>>,
    processed_inputs: Option<()>,
    processed_params: Option<()>,
    processed_outputs: Option<()>,
    max_lookup_inputs: i128,
    min_lookup_inputs: i128,
    max_range_size: i128,
    version: &'static str,
}

/// The text of the witness file, for a circuit without hashes and commitments.
pub fn witness_json(
    circuit: &Circuit,
    inputs: &[Vec<i128>],
    run: &Execution,
) -> Result<Vec<u8>, serde_json::Error> {
    let settings = &circuit.core.settings;
    let each = |f: fn(&[i128]) -> Vec<String>| inputs.iter().map(|v| f(v)).collect();
    let outputs = |f: fn(&[i128]) -> Vec<String>| run.outputs.iter().map(|t| f(&t.data)).collect();
    let scaled = |lists: &mut dyn Iterator<Item = &[i128]>, scales: &[i32]| {
        lists
            .zip(scales.iter().chain(std::iter::repeat(&0)))
            .map(|(v, s)| rescaled(v, *s))
            .collect()
    };
    let file = File {
        inputs: each(stored),
        pretty_elements: Pretty {
            rescaled_inputs: scaled(
                &mut inputs.iter().map(Vec::as_slice),
                &settings.model_input_scales,
            ),
            inputs: each(shown),
            processed_inputs: [],
            processed_params: [],
            processed_outputs: [],
            rescaled_outputs: scaled(
                &mut run.outputs.iter().map(|t| t.data.as_slice()),
                &settings.model_output_scales,
            ),
            outputs: outputs(shown),
        },
        outputs: outputs(stored),
        processed_inputs: None,
        processed_params: None,
        processed_outputs: None,
        max_lookup_inputs: run.extremes.max_lookup,
        min_lookup_inputs: run.extremes.min_lookup,
        max_range_size: run.extremes.max_range,
        version: EZKL_VERSION,
    };
    serde_json::to_vec(&file)
}
