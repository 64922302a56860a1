//! A run as EZKL's `witness.json`: what its `prove` reads.

use serde::Serialize;

use super::pretty::{Pretty, hex, rescaled, shown};
use super::run::Execution;
use crate::circuit::{Circuit, EZKL_VERSION};
use crate::felt::Felt;
use crate::witness::{Counted, ModuleResult, Point};

/// What the modules made of inputs, parameters and outputs; nothing of those that are neither hashed nor committed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Processed {
    pub inputs: Option<ModuleResult>,
    pub params: Option<ModuleResult>,
    pub outputs: Option<ModuleResult>,
}

/// A felt as 64 hex digits, the least significant byte first.
fn stored(felt: Felt) -> String {
    hex(felt.0.iter())
}

/// The hash of each tensor in a list of its own.
fn shown_hashes(result: Option<&ModuleResult>) -> Vec<Vec<String>> {
    let hashes = result.and_then(|r| r.poseidon_hash.as_ref());
    let hashes = hashes.into_iter().flat_map(|h| &h.0);
    hashes.map(|felt| vec![shown(*felt)]).collect()
}

/// Hashes as felts, and for each committed tensor its columns' commitments, compressed.
#[derive(Serialize)]
struct Module {
    poseidon_hash: Option<Vec<String>>,
    polycommit: Option<Vec<Vec<String>>>,
}

impl Module {
    fn of(result: &ModuleResult) -> Self {
        let felts = |hashes: &Counted<Felt>| hashes.0.iter().map(|h| stored(*h)).collect();
        let points = |columns: &Counted<Point>| columns.0.iter().map(|p| hex(p.0.iter())).collect();
        let lists = |tensors: &Vec<Counted<Point>>| tensors.iter().map(points).collect();
        Self {
            poseidon_hash: result.poseidon_hash.as_ref().map(felts),
            polycommit: result.polycommit.as_ref().map(lists),
        }
    }
}

#[derive(Serialize)]
struct File {
    inputs: Vec<Vec<String>>,
    pretty_elements: Pretty,
    outputs: Vec<Vec<String>>,
    processed_inputs: Option<Module>,
    processed_params: Option<Module>,
    processed_outputs: Option<Module>,
    max_lookup_inputs: i128,
    min_lookup_inputs: i128,
    max_range_size: i128,
    version: &'static str,
}

/// The text of the witness file.
pub fn witness_json(
    circuit: &Circuit,
    inputs: &[Vec<i128>],
    run: &Execution,
    processed: &Processed,
) -> Result<Vec<u8>, serde_json::Error> {
    let settings = &circuit.core.settings;
    let inputs: Vec<&[i128]> = inputs.iter().map(Vec::as_slice).collect();
    let outputs: Vec<&[i128]> = run.outputs.iter().map(|t| t.data.as_slice()).collect();
    let written = |tensors: &[&[i128]], write: fn(Felt) -> String| {
        let list = |t: &&[i128]| t.iter().map(|v| write(Felt::from_i128(*v))).collect();
        tensors.iter().map(list).collect()
    };
    let scaled = |tensors: &[&[i128]], scales: &[i32]| {
        let scales = scales.iter().chain(std::iter::repeat(&0));
        let list = |(t, scale): (&&[i128], &i32)| t.iter().map(|v| rescaled(*v, *scale)).collect();
        tensors.iter().zip(scales).map(list).collect()
    };
    let file = File {
        inputs: written(&inputs, stored),
        pretty_elements: Pretty {
            rescaled_inputs: scaled(&inputs, &settings.model_input_scales),
            inputs: written(&inputs, shown),
            processed_inputs: shown_hashes(processed.inputs.as_ref()),
            processed_params: shown_hashes(processed.params.as_ref()),
            processed_outputs: shown_hashes(processed.outputs.as_ref()),
            rescaled_outputs: scaled(&outputs, &settings.model_output_scales),
            outputs: written(&outputs, shown),
        },
        outputs: written(&outputs, stored),
        processed_inputs: processed.inputs.as_ref().map(Module::of),
        processed_params: processed.params.as_ref().map(Module::of),
        processed_outputs: processed.outputs.as_ref().map(Module::of),
        max_lookup_inputs: run.extremes.max_lookup,
        min_lookup_inputs: run.extremes.min_lookup,
        max_range_size: run.extremes.max_range,
        version: EZKL_VERSION,
    };
    serde_json::to_vec(&file)
}
