//! `protocol.json` as it stands in the file: every list bounded, nothing else checked yet.
//!
//! Fields are declared in alphabetical order, so that serialising them compactly *is* the canonical encoding of which the
//! circuit id is the hash (`audit`, which is not part of it, is read past and never written).

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::audit::Audit;
use crate::bounds::*;
use crate::json::{Hex, Label, List, Table};
use crate::strict::{Object, Word};

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawProtocol {
    pub advice_phases: List<u32, MAX_COLUMNS>,
    pub advice_queries: List<(u32, i32), MAX_QUERIES>,
    #[serde(skip_serializing)]
    #[allow(dead_code)]
    audit: Audit,
    pub blinding_factors: u32,
    pub challenge_phases: List<u32, MAX_CHALLENGES>,
    pub degree: u32,
    pub fixed_commitments: List<Hex<64>, MAX_COLUMNS>,
    pub fixed_queries: List<(u32, i32), MAX_QUERIES>,
    pub gates: List<u32, MAX_NODES>,
    pub instance_queries: List<(u32, i32), MAX_QUERIES>,
    pub instance_rows: List<u32, MAX_COLUMNS>,
    pub k: u32,
    pub kind: Label,
    pub lookups: List<Object<RawLookup>, MAX_LOOKUPS>,
    pub nodes: List<RawNode, MAX_NODES>,
    pub num_fixed: u32,
    pub permutation: Object<RawPermutation>,
    pub permutation_commitments: List<Hex<64>, MAX_PERMUTATION_COLUMNS>,
    pub source: Table<MAX_SOURCE_KEYS>,
    pub srs: Object<RawSrs>,
    pub statement: Object<RawStatement>,
    pub transcript_digest: Hex<32>,
    pub version: u32,
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawLookup {
    pub inputs: List<List<u32, MAX_COLUMNS>, MAX_NODES>,
    pub table: List<u32, MAX_COLUMNS>,
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawPermutation {
    pub chunk: u32,
    pub columns: List<(Word<ColumnKind>, u32), MAX_PERMUTATION_COLUMNS>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    Advice,
    Fixed,
    Instance,
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawSrs {
    pub g1: Hex<64>,
    pub g2: Hex<128>,
    pub tau_g2: Hex<128>,
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawStatement {
    pub tensors: List<Object<RawTensor>, MAX_NODES>,
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawTensor {
    pub column: u32,
    #[serde(deserialize_with = "present")]
    pub domain: Option<(Label, Label)>,
    pub dtype: Label,
    pub length: u32,
    pub name: Label,
    pub role: Word<Role>,
    pub row: u32,
    #[serde(deserialize_with = "present")]
    pub scale: Option<i64>,
    pub shape: List<u32, MAX_RANK>,
    pub visibility: Word<Visibility>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Input,
    Output,
    Parameters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    Public,
    Hashed,
    HashedPrivate,
}

/// A field that may be null but not absent: absence would be a second spelling of the same circuit.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// A node of the expressions; operands are indices of earlier nodes.
#[derive(Debug, Clone, Copy)]
pub enum RawNode {
    Constant(Hex<32>),
    Advice(u32),
    Fixed(u32),
    Instance(u32),
    Challenge(u32),
    Neg(u32),
    Sum(u32, u32),
    Product(u32, u32),
    Scaled(u32, Hex<32>),
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Tag {
    Constant,
    Advice,
    Fixed,
    Instance,
    Challenge,
    Neg,
    Sum,
    Product,
    Scaled,
}

impl Serialize for RawNode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(v) => (Tag::Constant, v).serialize(serializer),
            Self::Advice(q) => (Tag::Advice, q).serialize(serializer),
            Self::Fixed(q) => (Tag::Fixed, q).serialize(serializer),
            Self::Instance(q) => (Tag::Instance, q).serialize(serializer),
            Self::Challenge(i) => (Tag::Challenge, i).serialize(serializer),
            Self::Neg(a) => (Tag::Neg, a).serialize(serializer),
            Self::Sum(a, b) => (Tag::Sum, a, b).serialize(serializer),
            Self::Product(a, b) => (Tag::Product, a, b).serialize(serializer),
            Self::Scaled(a, v) => (Tag::Scaled, a, v).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RawNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = RawNode;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a node: its kind and its operands")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawNode, A::Error> {
                let Word(tag) = next(&mut seq)?;
                let node = match tag {
                    Tag::Constant => RawNode::Constant(next(&mut seq)?),
                    Tag::Advice => RawNode::Advice(next(&mut seq)?),
                    Tag::Fixed => RawNode::Fixed(next(&mut seq)?),
                    Tag::Instance => RawNode::Instance(next(&mut seq)?),
                    Tag::Challenge => RawNode::Challenge(next(&mut seq)?),
                    Tag::Neg => RawNode::Neg(next(&mut seq)?),
                    Tag::Sum => RawNode::Sum(next(&mut seq)?, next(&mut seq)?),
                    Tag::Product => RawNode::Product(next(&mut seq)?, next(&mut seq)?),
                    Tag::Scaled => RawNode::Scaled(next(&mut seq)?, next(&mut seq)?),
                };
                Ok(node)
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

/// The next part of a node; serde_json itself refuses what follows the last one.
fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(seq: &mut A) -> Result<T, A::Error> {
    seq.next_element()?
        .ok_or_else(|| A::Error::custom("a node lacks an operand"))
}
