//! The witness inside a compiled circuit: zeros of the right length in a file that was just compiled.

use serde::Serialize;

use crate::error::DecodeError;
use crate::felt::Felt;
use crate::wire::{Reader, Wire};

/// A G1 point, compressed to 32 bytes and never decompressed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point(pub [u8; 32]);

impl Wire for Point {
    const MIN_BYTES: usize = 32;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.array().map(Self)
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

/// Values that are private: JSON tells how many there are, not what they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted<T>(pub Vec<T>);

impl<T: Wire> Wire for Counted<T> {
    const MIN_BYTES: usize = 8;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Vec::read(r).map(Self)
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl<T> Serialize for Counted<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.len() as u64).serialize(serializer)
    }
}

record! {
    /// What the hash and commitment modules computed.
    ModuleResult {
        poseidon_hash: Option<Counted<Felt>>,
        polycommit: Option<Vec<Counted<Point>>>,
    }
}

record! {
    /// The same values as text, for people.
    PrettyElements {
        rescaled_inputs: Vec<Counted<String>>,
        inputs: Vec<Counted<String>>,
        processed_inputs: Vec<Counted<String>>,
        processed_params: Vec<Counted<String>>,
        processed_outputs: Vec<Counted<String>>,
        rescaled_outputs: Vec<Counted<String>>,
        outputs: Vec<Counted<String>>,
    }
}

record! {
    /// Inputs, outputs and module results of one run.
    GraphWitness {
        inputs: Vec<Counted<Felt>>,
        pretty_elements: Option<PrettyElements>,
        outputs: Vec<Counted<Felt>>,
        processed_inputs: Option<ModuleResult>,
        processed_params: Option<ModuleResult>,
        processed_outputs: Option<ModuleResult>,
        max_lookup_inputs: i128,
        min_lookup_inputs: i128,
        max_range_size: i128,
        version: Option<String>,
    }
}
