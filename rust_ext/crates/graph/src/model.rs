//! The graph: nodes in the order in which EZKL lays them out.

use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::error::{DecodeError, Fault};
use crate::ops::{Constant, InputType, SupportedOp};
use crate::tensor::Visibility;
use crate::wire::{Reader, Wire};

record! {
    /// One operator with its inputs (node, output slot) and the shape and scale of its result.
    Node {
        opkind: SupportedOp,
        out_scale: i32,
        inputs: Vec<(u64, u64)>,
        out_dims: Vec<u64>,
        idx: u64,
        num_uses: u64,
    }
}

choice! {
    /// Where an output of a subgraph goes.
    OutputMapping {
        0 => Single { outlet: u64, is_state: bool },
        1 => Stacked { outlet: u64, axis: u64, is_state: bool },
    }
}

choice! {
    /// Where an input of a subgraph comes from.
    InputMapping {
        0 => Full,
        1 => State,
        2 => Stacked { axis: u64, chunk: u64 },
    }
}

choice! {
    /// A node, or a whole model run as one (a scan).
    NodeType {
        0 => Node(node: Node),
        1 => SubGraph {
            model: Box<Model>,
            inputs: Vec<(u64, u64)>,
            idx: u64,
            output_mappings: Vec<Vec<OutputMapping>>,
            input_mappings: Vec<InputMapping>,
            out_dims: Vec<Vec<u64>>,
            out_scales: Vec<i32>,
        },
    }
}

impl NodeType {
    /// The nodes whose results this one reads.
    pub fn inputs(&self) -> &[(u64, u64)] {
        match self {
            Self::Node(node) => &node.inputs,
            Self::SubGraph { inputs, .. } => inputs,
        }
    }

    /// The number that the node gives itself.
    pub fn idx(&self) -> u64 {
        match self {
            Self::Node(node) => node.idx,
            Self::SubGraph { idx, .. } => *idx,
        }
    }

    /// How many results the node has.
    pub fn slots(&self) -> usize {
        match self {
            Self::Node(_) => 1,
            Self::SubGraph { out_dims, .. } => out_dims.len(),
        }
    }
}

/// Nodes by number, ascending; every input comes earlier.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeMap(Vec<(u64, NodeType)>);

impl NodeMap {
    /// The node with number `idx`.
    pub fn get(&self, idx: u64) -> Option<&NodeType> {
        let at = self.0.binary_search_by_key(&idx, |(key, _)| *key).ok()?;
        self.0.get(at).map(|(_, node)| node)
    }

    /// All nodes, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &NodeType)> {
        self.0.iter().map(|(key, node)| (*key, node))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether slot `slot` of node `idx` exists.
    fn has(&self, (idx, slot): (u64, u64)) -> bool {
        self.get(idx).is_some_and(|node| slot < node.slots() as u64)
    }
}

impl Wire for NodeMap {
    const MIN_BYTES: usize = 8;

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = r.length(u64::MIN_BYTES + NodeType::MIN_BYTES)?;
        let mut nodes = Self(Vec::new());
        for _ in 0..n {
            let start = r.offset();
            let key = u64::read(r)?;
            if let Some((previous, _)) = nodes.0.last()
                && *previous >= key
            {
                return Err(r.fault_at(
                    start,
                    Fault::NotAscending {
                        previous: *previous,
                        key,
                    },
                ));
            }
            let node = r.item(key, |r| {
                let start = r.offset();
                let node = NodeType::read(r)?;
                if node.idx() != key {
                    return Err(r.fault_at(
                        start,
                        Fault::Misnumbered {
                            key,
                            idx: node.idx(),
                        },
                    ));
                }
                match node.inputs().iter().find(|input| !nodes.has(**input)) {
                    Some((refers_to, _)) => {
                        let fault = Fault::DanglingInput {
                            node: key,
                            refers_to: *refers_to,
                        };
                        Err(r.fault_at(start, fault))
                    }
                    None => Ok(node),
                }
            })?;
            nodes.0.push((key, node));
        }
        Ok(nodes)
    }

    fn write(&self, out: &mut Vec<u8>) {
        (self.0.len() as u64).write(out);
        for (key, node) in &self.0 {
            key.write(out);
            node.write(out);
        }
    }
}

impl Serialize for NodeMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for (_, node) in &self.0 {
            seq.serialize_element(node)?;
        }
        seq.end()
    }
}

record! {
    /// The nodes with the graph's inputs and outputs.
    ParsedNodes {
        nodes: NodeMap,
        inputs: Vec<u64>,
        outputs: Vec<(u64, u64)>,
        output_types: Vec<InputType>,
    }
}

record! {
    /// Who sees inputs, parameters and outputs.
    VarVisibility {
        input: Visibility,
        params: Visibility,
        output: Visibility,
    }
}

/// A graph with its visibility. Inputs and outputs name nodes that exist.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Model {
    pub graph: ParsedNodes,
    pub visibility: VarVisibility,
}

impl Model {
    /// The parameters, each with its number after those of the scans around it: in the order of the nodes, those of a scan's body in
    /// its place.
    pub fn parameters(&self) -> Vec<(Vec<u64>, &Constant)> {
        let mut found = Vec::new();
        for (idx, node) in self.graph.nodes.iter() {
            match node {
                NodeType::Node(node) => {
                    if let SupportedOp::Constant(constant) = &node.opkind {
                        found.push((vec![idx], constant));
                    }
                }
                NodeType::SubGraph { model, .. } => {
                    let inner = model.parameters().into_iter();
                    found.extend(
                        inner.map(|(path, constant)| ([vec![idx], path].concat(), constant)),
                    );
                }
            }
        }
        found
    }
}

impl Wire for Model {
    const MIN_BYTES: usize = ParsedNodes::MIN_BYTES + VarVisibility::MIN_BYTES;

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let graph: ParsedNodes = r.field("graph")?;
        let ends = graph
            .inputs
            .iter()
            .map(|idx| (*idx, 0))
            .chain(graph.outputs.iter().copied());
        for end in ends {
            if !graph.nodes.has(end) {
                let fault = Fault::DanglingInput {
                    node: end.0,
                    refers_to: end.0,
                };
                return Err(r.fault_at(start, fault));
            }
        }
        Ok(Self {
            graph,
            visibility: r.field("visibility")?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.graph.write(out);
        self.visibility.write(out);
    }
}
