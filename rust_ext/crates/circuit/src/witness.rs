//! What a prover knows: the values of one inference, as EZKL's `witness.json` has them.

use ff::PrimeField;
use halo2curves::bn256::Fr;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use thiserror::Error;
use zkml_graph::Circuit;
use zkml_graph::model::NodeType;

use crate::grid::felt;

/// One inference. Everything between inputs and outputs is computed from the inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// One list for each input, in the graph's order.
    pub inputs: Vec<Vec<Fr>>,
    /// One list for each output; without them the circuit's own results are the public ones.
    pub outputs: Option<Vec<Vec<Fr>>>,
}

/// Why a file is not a witness of a circuit.
#[derive(Debug, Error)]
pub enum WitnessError {
    #[error("the witness is not EZKL's witness.json: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the witness has {got} {what} and the circuit {expected}")]
    Count {
        what: &'static str,
        expected: usize,
        got: usize,
    },
    #[error("{what} {at} has {got} values in the witness and {expected} in the circuit")]
    Length {
        what: &'static str,
        at: usize,
        expected: u64,
        got: usize,
    },
}

/// 64 hex digits, the least significant byte first.
struct Element(Fr);

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
        let mut bytes = [0u8; 32];
        if text.len() != 64 {
            return Err(D::Error::custom("a field element has 64 hex digits"));
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => *byte = high << 4 | low,
                _ => return Err(D::Error::custom("a field element has 64 hex digits")),
            }
        }
        Option::from(Fr::from_repr(bytes.into()))
            .map(Self)
            .ok_or_else(|| D::Error::custom("a field element is not canonical"))
    }
}

#[derive(Deserialize)]
struct File {
    inputs: Vec<Vec<Element>>,
    outputs: Vec<Vec<Element>>,
}

fn elements(lists: Vec<Vec<Element>>) -> Vec<Vec<Fr>> {
    let list = |l: Vec<Element>| l.into_iter().map(|e| e.0).collect();
    lists.into_iter().map(list).collect()
}

/// The number of values of each result.
fn sizes(circuit: &Circuit, slots: impl Iterator<Item = (u64, u64)>) -> Vec<u64> {
    let count = |dims: &[u64]| dims.iter().fold(1u64, |n, d| n.saturating_mul(*d));
    let size = |(idx, slot): (u64, u64)| match circuit.core.model.graph.nodes.get(idx) {
        Some(NodeType::Node(node)) => count(&node.out_dims),
        Some(NodeType::SubGraph { out_dims, .. }) => {
            out_dims.get(slot as usize).map_or(0, |dims| count(dims))
        }
        None => 0,
    };
    slots.map(size).collect()
}

fn fits(what: &'static str, lists: &[Vec<Fr>], sizes: &[u64]) -> Result<(), WitnessError> {
    if lists.len() != sizes.len() {
        return Err(WitnessError::Count {
            what: if what == "input" { "inputs" } else { "outputs" },
            expected: sizes.len(),
            got: lists.len(),
        });
    }
    for (at, (list, size)) in lists.iter().zip(sizes).enumerate() {
        if list.len() as u64 != *size {
            return Err(WitnessError::Length {
                what,
                at,
                expected: *size,
                got: list.len(),
            });
        }
    }
    Ok(())
}

impl Witness {
    /// The witness that EZKL's `witness.json` holds, with as many values as the circuit has.
    pub fn parse(circuit: &Circuit, json: &[u8]) -> Result<Self, WitnessError> {
        let file: File = serde_json::from_slice(json)?;
        let witness = Self {
            inputs: elements(file.inputs),
            outputs: Some(elements(file.outputs)),
        };
        let graph = &circuit.core.model.graph;
        let inputs = sizes(circuit, graph.inputs.iter().map(|idx| (*idx, 0)));
        fits("input", &witness.inputs, &inputs)?;
        let outputs = sizes(circuit, graph.outputs.iter().copied());
        if let Some(lists) = &witness.outputs {
            fits("output", lists, &outputs)?;
        }
        Ok(witness)
    }

    /// The witness of these quantised inputs; its public outputs are what the circuit computes.
    pub fn of_inputs(inputs: &[Vec<i128>]) -> Self {
        let list = |l: &Vec<i128>| l.iter().map(|v| felt(*v)).collect();
        Self {
            inputs: inputs.iter().map(list).collect(),
            outputs: None,
        }
    }
}
