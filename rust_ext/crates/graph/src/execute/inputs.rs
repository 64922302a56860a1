//! EZKL's `input.json`, quantised.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use thiserror::Error as ThisError;

use super::lookup::round;
use crate::circuit::Circuit;
use crate::felt::Felt;
use crate::model::NodeType;
use crate::ops::SupportedOp;
use crate::wire::{Reader, Wire};

/// Why a file is not the input of a circuit.
#[derive(Debug, ThisError)]
pub enum InputError {
    #[error("input is not EZKL's input.json: {0}")]
    Json(#[from] serde_json::Error),
    #[error("input {input}: value {at} is no number, or beyond 127 bits")]
    Value { input: usize, at: usize },
    #[error("the model has {expected} inputs and {got} are given")]
    Count { expected: usize, got: usize },
}

/// One value: a bit, a number yet to be quantised, or a field element as it is.
enum Element {
    Bit(bool),
    Number(f64),
    Integer(i128),
}

struct ElementVisitor;

impl Visitor<'_> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean, a number, or 64 hex digits")
    }
    fn visit_bool<E: Error>(self, v: bool) -> Result<Element, E> {
        Ok(Element::Bit(v))
    }
    fn visit_f64<E: Error>(self, v: f64) -> Result<Element, E> {
        Ok(Element::Number(v))
    }
    fn visit_i64<E: Error>(self, v: i64) -> Result<Element, E> {
        Ok(Element::Number(v as f64))
    }
    fn visit_u64<E: Error>(self, v: u64) -> Result<Element, E> {
        Ok(Element::Number(v as f64))
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<Element, E> {
        let nibble = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
        let mut bytes = [0u8; 32];
        if v.len() != 64 {
            return Err(E::custom("a field element has 64 hex digits"));
        }
        for (byte, pair) in bytes.iter_mut().zip(v.as_bytes().chunks_exact(2)) {
            match (nibble(pair[0]), nibble(pair[1])) {
                (Some(high), Some(low)) => *byte = high << 4 | low,
                _ => return Err(E::custom("a field element has 64 hex digits")),
            }
        }
        let felt = Felt::read(&mut Reader::new(&bytes)).map_err(E::custom)?;
        let value = felt
            .to_i128()
            .ok_or_else(|| E::custom("a field element beyond 127 bits"))?;
        Ok(Element::Integer(value))
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}

#[derive(Deserialize)]
struct File {
    input_data: Vec<Vec<Element>>,
}

/// The integers that `json` stands for, one list for each input of the circuit: a number v becomes v·2^scale, rounded half away
/// from zero.
pub fn read_inputs(circuit: &Circuit, json: &[u8]) -> Result<Vec<Vec<i128>>, InputError> {
    let file: File = serde_json::from_slice(json)?;
    let graph = &circuit.core.model.graph;
    if file.input_data.len() != graph.inputs.len() {
        return Err(InputError::Count {
            expected: graph.inputs.len(),
            got: file.input_data.len(),
        });
    }
    let scale = |idx: u64| match graph.nodes.get(idx) {
        Some(NodeType::Node(node)) => match &node.opkind {
            SupportedOp::Input(input) => input.scale,
            _ => node.out_scale,
        },
        _ => 0,
    };
    let mut inputs = Vec::with_capacity(file.input_data.len());
    for (input, (idx, values)) in graph.inputs.iter().zip(&file.input_data).enumerate() {
        let unit = f64::from(scale(*idx)).exp2();
        let quantise = |(at, element): (usize, &Element)| match element {
            Element::Bit(bit) => Ok(i128::from(*bit)),
            Element::Integer(value) => Ok(*value),
            Element::Number(number) => match number * unit {
                x if x.is_finite() && x.abs() < 2f64.powi(126) => Ok(round(x)),
                _ => Err(InputError::Value { input, at }),
            },
        };
        inputs.push(
            values
                .iter()
                .enumerate()
                .map(quantise)
                .collect::<Result<_, _>>()?,
        );
    }
    Ok(inputs)
}
