//! The whole file.

use crate::error::{DecodeError, Fault};
use crate::felt::Felt;
use crate::model::{Model, NodeType};
use crate::ops::SupportedOp;
use crate::settings::GraphSettings;
use crate::tensor::Tensor;
use crate::wire::{Reader, Wire};
use crate::witness::GraphWitness;

/// The one version whose files these types describe. The encoding has no version in front; the settings name it.
pub const EZKL_VERSION: &str = "23.0.5";

record! {
    /// The model and the settings it was compiled with.
    Core {
        model: Model,
        settings: GraphSettings,
    }
}

record! {
    /// A compiled circuit.
    Circuit {
        core: Core,
        graph_witness: GraphWitness,
    }
}

impl Circuit {
    /// The circuit in `bytes`, all of them. Fails on anything else, and on a file of another EZKL version.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let circuit = Self::read(&mut r)?;
        r.end()?;
        let got = &circuit.core.settings.version;
        if got != EZKL_VERSION {
            let fault = Fault::Version {
                expected: EZKL_VERSION,
                got: got.chars().take(32).collect(),
            };
            return Err(DecodeError {
                offset: 0,
                path: "core.settings.version".to_owned(),
                fault,
            });
        }
        Ok(circuit)
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Put the axes of every einsum in alphabetical order. EZKL writes them in the order of a hash map, which differs from run to
    /// run; sorted, one model and one settings file give one file.
    pub fn sort_axes(&mut self) {
        for (_, axes) in &mut self.core.settings.einsum_params.equations {
            axes.0.sort_unstable();
        }
    }

    /// The circuit as JSON. Parameters and witness values are counted, not shown: see [`Self::constant`].
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The parameters of a constant node; `path` gives its number, after those of the subgraphs around it.
    pub fn constant(&self, path: &[u64]) -> Option<&Tensor<Felt>> {
        let (last, around) = path.split_last()?;
        let mut model = &self.core.model;
        for idx in around {
            let NodeType::SubGraph { model: inner, .. } = model.graph.nodes.get(*idx)? else {
                return None;
            };
            model = inner;
        }
        match model.graph.nodes.get(*last)? {
            NodeType::Node(node) => match &node.opkind {
                SupportedOp::Constant(constant) => Some(&constant.quantized_values),
                _ => None,
            },
            NodeType::SubGraph { .. } => None,
        }
    }
}
