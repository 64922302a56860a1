//! EZKL's `proof.json`: instances in little-endian hex, the proof as an array of bytes.
//!
//! `hex_proof`, which EZKL ignores, must agree when it is there: a file that shows one proof and means another is malformed.

use std::collections::BTreeSet;
use std::fmt;

use halo2curves::bn256::Fr;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::bounds::{MAX_COLUMNS, MAX_PROOF_BYTES, MAX_PROOF_JSON_BYTES};
use crate::error::Malformed;
use crate::json::{List, Skipped, parse};
use crate::wire::{hex_digits, scalar_le};

/// A proof as it travels: the instance values, column by column, and the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    pub instances: Vec<Vec<Fr>>,
    pub proof: Vec<u8>,
}

impl ProofFile {
    pub fn parse(data: &[u8]) -> Result<Self, Malformed> {
        parse::<RawProof>(data, "proof", MAX_PROOF_JSON_BYTES).map(Self::from)
    }
}

/// The keys of the file that we read; every other is skipped, for EZKL writes several that inform people.
struct RawProof {
    instances: List<Column, MAX_COLUMNS>,
    proof: ProofBytes,
}

type Column = List<Felt, { MAX_PROOF_JSON_BYTES / 64 }>;

impl From<RawProof> for ProofFile {
    fn from(raw: RawProof) -> Self {
        let values = |column: Column| column.0.into_iter().map(|felt| felt.0).collect();
        Self {
            instances: raw.instances.0.into_iter().map(values).collect(),
            proof: raw.proof.0,
        }
    }
}

impl<'de> Deserialize<'de> for RawProof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = RawProof;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object with instances and proof")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawProof, A::Error> {
                let (mut instances, mut proof, mut shown) = (None, None, None::<HexProof>);
                let mut seen = BTreeSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "instances" => instances = Some(map.next_value()?),
                        "proof" => proof = Some(map.next_value()?),
                        "hex_proof" => shown = map.next_value()?,
                        _ => {
                            map.next_value::<Skipped>()?;
                        }
                    }
                    if !seen.insert(key) {
                        return Err(A::Error::custom("duplicate key"));
                    }
                }
                let instances = instances.ok_or_else(|| A::Error::missing_field("instances"))?;
                let proof: ProofBytes = proof.ok_or_else(|| A::Error::missing_field("proof"))?;
                if shown.is_some_and(|shown| shown.0 != proof.0) {
                    return Err(A::Error::custom("hex_proof does not agree with proof"));
                }
                Ok(RawProof { instances, proof })
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

struct Felt(Fr);

impl<'de> Deserialize<'de> for Felt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Felt;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("64 hex digits, little-endian, below r")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Felt, E> {
                let mut bytes = [0; 32];
                let digits = hex_digits(text.as_bytes(), &mut bytes, true);
                let value = digits.then(|| scalar_le(&bytes)).flatten();
                value
                    .map(Felt)
                    .ok_or_else(|| E::custom("an instance is not 64 hex digits of a value below r"))
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

struct ProofBytes(Vec<u8>);

impl<'de> Deserialize<'de> for ProofBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = ProofBytes;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an array of bytes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ProofBytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element::<u8>()? {
                    if bytes.len() >= MAX_PROOF_BYTES {
                        return Err(A::Error::custom("the proof is too long"));
                    }
                    bytes.push(byte);
                }
                Ok(ProofBytes(bytes))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

struct HexProof(Vec<u8>);

impl<'de> Deserialize<'de> for HexProof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = HexProof;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("0x and lower-case hex digits, or null")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<HexProof, E> {
                let digits = text.strip_prefix("0x").unwrap_or_default().as_bytes();
                let mut bytes = vec![0; digits.len() / 2];
                if text.starts_with("0x") && hex_digits(digits, &mut bytes, false) {
                    Ok(HexProof(bytes))
                } else {
                    Err(E::custom("hex_proof is not hex"))
                }
            }
        }
        deserializer.deserialize_str(Digits)
    }
}
