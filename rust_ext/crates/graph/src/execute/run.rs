//! The graph, node after node.

use std::collections::HashMap;

use super::context::{Context, Extremes};
use super::dispatch::apply;
use super::error::{ExecuteError, ExecuteFault};
use super::subgraph::scan;
use super::values::{Ints, cells, to_usize};
use crate::circuit::Circuit;
use crate::felt::Felt;
use crate::model::{Model, NodeType};
use crate::ops::{Constant, Input, InputType, SupportedOp};
use crate::settings::RunArgs;
use crate::tensor::{Tensor, Visibility};

/// What one run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    pub outputs: Vec<Ints>,
    pub extremes: Extremes,
}

/// Run a circuit on integers, one list for each of its inputs in the graph's order.
pub fn execute(circuit: &Circuit, inputs: &[Vec<i128>]) -> Result<Execution, ExecuteError> {
    let args = &circuit.core.settings.run_args;
    let model = &circuit.core.model;
    let mut run = Run {
        ctx: Context::new(args),
    };
    let at = |node: String, operator: &str, fault| ExecuteError {
        node,
        operator: operator.to_owned(),
        fault,
    };
    let expected = model.graph.inputs.len();
    if inputs.len() != expected {
        return Err(at(
            "-".to_owned(),
            "Input",
            ExecuteFault::Inputs {
                expected,
                got: inputs.len(),
            },
        ));
    }
    let mut fed = Vec::with_capacity(expected);
    for (idx, values) in model.graph.inputs.iter().zip(inputs) {
        let dims = match model.graph.nodes.get(*idx) {
            Some(NodeType::Node(node)) => to_usize(&node.out_dims),
            _ => Err(ExecuteFault::Unsupported {
                what: "an input that is no node".to_owned(),
            }),
        };
        let tensor = dims.and_then(|dims| match cells(&dims)? {
            n if n == values.len() => Ints::new(values.clone(), dims),
            n => Err(ExecuteFault::InputLength {
                expected: n,
                got: values.len(),
            }),
        });
        fed.push(tensor.map_err(|fault| at(idx.to_string(), "Input", fault))?);
    }
    let outputs = run.model(model, fed, &[])?;
    let checked = matches!(
        args.output_visibility,
        Visibility::Public | Visibility::Fixed
    );
    if checked && !args.ignore_range_check_inputs_outputs {
        for ((idx, _), output) in model.graph.outputs.iter().zip(&outputs) {
            run.ctx
                .decompose(&output.data)
                .map_err(|fault| at(idx.to_string(), "Output", fault))?;
        }
    }
    Ok(Execution {
        outputs,
        extremes: run.ctx.extremes,
    })
}

/// The result of one operator by itself.
pub fn operator(op: &SupportedOp, inputs: &[&Ints], args: &RunArgs) -> Result<Ints, ExecuteFault> {
    apply(op, inputs, &mut Context::new(args))
}

struct Run {
    ctx: Context,
}

/// A node's name in errors: its number after those around it.
fn name(path: &[u64], idx: u64) -> String {
    let mut out = String::new();
    for step in path {
        out.push_str(&format!("{step}."));
    }
    out + &idx.to_string()
}

/// The operator's own name.
fn operator_name(op: &SupportedOp) -> String {
    match op {
        SupportedOp::Input(_) => "Input".to_owned(),
        SupportedOp::Constant(_) => "Constant".to_owned(),
        SupportedOp::Rescaled { inner, .. } | SupportedOp::RebaseScale { inner, .. } => {
            operator_name(inner)
        }
        SupportedOp::Linear(op) => variant(op),
        SupportedOp::Nonlinear(op) => variant(op),
        SupportedOp::Hybrid(op) => variant(op),
        SupportedOp::Unknown => "Unknown".to_owned(),
    }
}

fn variant(op: &impl std::fmt::Debug) -> String {
    let text = format!("{op:?}");
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric())
        .collect()
}

/// Parameters as integers.
fn parameters(t: &Tensor<Felt>) -> Result<Ints, ExecuteFault> {
    let data = t
        .inner
        .iter()
        .map(|f| f.to_i128().ok_or(ExecuteFault::Overflow))
        .collect::<Result<_, _>>()?;
    Ints::new(data, to_usize(&t.dims)?)
}

impl Run {
    /// The outputs of a model. `path` names the subgraphs around it.
    fn model(
        &mut self,
        model: &Model,
        inputs: Vec<Ints>,
        path: &[u64],
    ) -> Result<Vec<Ints>, ExecuteError> {
        let mut left = uses(model);
        let mut fed: HashMap<u64, Ints> = model.graph.inputs.iter().copied().zip(inputs).collect();
        let mut values: HashMap<(u64, u64), Ints> = HashMap::new();
        for (idx, node) in model.graph.nodes.iter() {
            let results = self.node(idx, node, &values, &mut fed, path)?;
            for slot in node.inputs() {
                if let Some(n) = left.get_mut(slot) {
                    *n -= 1;
                    if *n == 0 {
                        values.remove(slot);
                    }
                }
            }
            for (slot, value) in results.into_iter().enumerate() {
                let key = (idx, slot as u64);
                if left.get(&key).is_some_and(|n| *n > 0) {
                    values.insert(key, value);
                }
            }
        }
        model
            .graph
            .outputs
            .iter()
            .map(|slot| fetch(&values, *slot, path).cloned())
            .collect()
    }

    fn node(
        &mut self,
        idx: u64,
        node: &NodeType,
        values: &HashMap<(u64, u64), Ints>,
        fed: &mut HashMap<u64, Ints>,
        path: &[u64],
    ) -> Result<Vec<Ints>, ExecuteError> {
        match node {
            NodeType::Node(node) => {
                let inputs = node
                    .inputs
                    .iter()
                    .map(|slot| fetch(values, *slot, path))
                    .collect::<Result<Vec<_>, _>>()?;
                let result = match &node.opkind {
                    SupportedOp::Input(op) => self.input(op, fed.remove(&idx), path.is_empty()),
                    SupportedOp::Constant(op) => self.constant(op, node.num_uses),
                    op => apply(op, &inputs, &mut self.ctx),
                };
                // EZKL goes on with the shape that an operator gives, not with the one that the node announces: () against (1).
                let fits = |t: Ints| match cells(&to_usize(&node.out_dims)?)? {
                    n if n == t.len() => Ok(t),
                    _ => Err(ExecuteFault::ResultShape {
                        expected: node.out_dims.clone(),
                        got: t.len(),
                    }),
                };
                match result.and_then(fits) {
                    Ok(t) => Ok(vec![t]),
                    Err(fault) => Err(ExecuteError {
                        node: name(path, idx),
                        operator: operator_name(&node.opkind),
                        fault,
                    }),
                }
            }
            NodeType::SubGraph {
                model,
                inputs,
                output_mappings,
                input_mappings,
                out_dims,
                ..
            } => {
                let inputs = inputs
                    .iter()
                    .map(|slot| fetch(values, *slot, path).cloned())
                    .collect::<Result<Vec<_>, _>>()?;
                let inner: Vec<u64> = path.iter().copied().chain([idx]).collect();
                let outlets = out_dims.len();
                let run = scan(&inputs, input_mappings, output_mappings, outlets, |fed| {
                    self.model(model, fed, &inner).map_err(Inner::Body)
                });
                run.map_err(|e| match e {
                    Inner::Body(error) => error,
                    Inner::Scan(fault) => ExecuteError {
                        node: name(path, idx),
                        operator: "SubGraph".to_owned(),
                        fault,
                    },
                })
            }
        }
    }

    /// A graph input. EZKL decomposes it here though its circuit does not decompose what is hashed or committed.
    fn input(
        &mut self,
        op: &Input,
        value: Option<Ints>,
        outermost: bool,
    ) -> Result<Ints, ExecuteFault> {
        let value = value.ok_or(ExecuteFault::Inputs {
            expected: 1,
            got: 0,
        })?;
        if outermost {
            if op.datum_type == InputType::Bool {
                self.ctx.bits(&value)?;
            } else if op.decomp {
                self.ctx.decompose(&value.data)?;
            }
        }
        Ok(value)
    }

    /// Parameters; those used more than once are decomposed where they are assigned.
    fn constant(&mut self, op: &Constant, uses: u64) -> Result<Ints, ExecuteFault> {
        let value = parameters(&op.quantized_values)?;
        if uses > 1 && op.decomp {
            self.ctx.decompose(&value.data)?;
        }
        Ok(value)
    }
}

/// A failure of the scan itself, or inside its body.
enum Inner {
    Scan(ExecuteFault),
    Body(ExecuteError),
}

impl From<ExecuteFault> for Inner {
    fn from(fault: ExecuteFault) -> Self {
        Self::Scan(fault)
    }
}

/// How often each result is read, the model's own outputs included.
fn uses(model: &Model) -> HashMap<(u64, u64), usize> {
    let mut count = HashMap::new();
    let read = model
        .graph
        .nodes
        .iter()
        .flat_map(|(_, node)| node.inputs().iter());
    for slot in read.chain(&model.graph.outputs) {
        *count.entry(*slot).or_insert(0) += 1;
    }
    count
}

fn fetch<'a>(
    values: &'a HashMap<(u64, u64), Ints>,
    slot: (u64, u64),
    path: &[u64],
) -> Result<&'a Ints, ExecuteError> {
    values.get(&slot).ok_or_else(|| ExecuteError {
        node: name(path, slot.0),
        operator: "SubGraph".to_owned(),
        fault: ExecuteFault::Inputs {
            expected: 1,
            got: 0,
        },
    })
}
