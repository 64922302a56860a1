//! The graph laid out, node after node.

use std::collections::HashMap;

use ff::PrimeField;
use halo2curves::bn256::Fr;
use zkml_graph::execute::{cells, to_usize};
use zkml_graph::model::{Model, NodeType};
use zkml_graph::ops::{Constant, Input, InputType};
use zkml_graph::tensor::Visibility;
use zkml_graph::{Circuit, SupportedOp};

use super::assign::{Cell, Item, Items, Place, Record, Region};
use super::error::{LayoutError, Refusal, unsupported};
use super::marks::{Mark, Marks};
use super::selectors::Rows;
use super::shape::{Shape, Var};
use super::value::Value;
use crate::grid::Grid;
use crate::witness::Witness;

/// A circuit's cells: what its keys are made of.
pub struct Layout {
    pub(super) shape: Shape,
    /// The constants in the order of their first use, each with the cell that holds it.
    pub(super) scheduled: Vec<(Value, Cell)>,
    pub(super) copies: Vec<(Cell, Cell)>,
    pub(super) active: Vec<Rows>,
    pub(super) marks: Marks,
}

impl Layout {
    /// All copies in their order: those of the operators, then the constants.
    pub(super) fn all_copies(&self) -> impl Iterator<Item = (Cell, Cell)> {
        let usable = self.shape.usable;
        let constants = self
            .scheduled
            .iter()
            .enumerate()
            .map(move |(i, (_, cell))| {
                let column = self.shape.constant_column(i / usable) as u32;
                (
                    Cell {
                        column,
                        row: (i % usable) as u32,
                    },
                    *cell,
                )
            });
        self.copies.iter().copied().chain(constants)
    }
}

fn whole(refusal: Refusal) -> LayoutError {
    LayoutError {
        node: "-".to_owned(),
        operator: "settings".to_owned(),
        refusal,
    }
}

/// Lay a compiled circuit out. Refuses what EZKL's recipes are not known for, by node.
pub fn lay_out(circuit: &Circuit) -> Result<Layout, LayoutError> {
    Ok(walk(circuit, None, Record::Structure)?.0)
}

/// The cells of a compiled circuit with a witness in them. Refuses what [`lay_out`] refuses, and by node a value that the circuit's
/// digits cannot hold; whether all constraints hold is for [`super::check`] to say.
pub fn fill(circuit: &Circuit, witness: &Witness) -> Result<Grid, LayoutError> {
    Ok(walk(circuit, Some(witness), Record::Values)?.1)
}

/// Layout and cells in one walk.
pub(super) fn lay_out_and_fill(
    circuit: &Circuit,
    witness: &Witness,
) -> Result<(Layout, Grid), LayoutError> {
    walk(circuit, Some(witness), Record::Both)
}

fn walk(
    circuit: &Circuit,
    witness: Option<&Witness>,
    record: Record,
) -> Result<(Layout, Grid), LayoutError> {
    let settings = &circuit.core.settings;
    let shape = Shape::new(settings).map_err(whole)?;
    let args = &settings.run_args;
    let region = Region::new(shape, args.decomp_base, args.decomp_legs, record);
    let mut walk = Walk {
        region,
        circuit,
        witness,
        public: HashMap::new(),
        instances: Vec::new(),
        marks: Marks::default(),
    };
    walk.number_inputs().map_err(whole)?;
    walk.model(&circuit.core.model)?;
    let region = walk.region;
    if region.scheduled.len() > region.shape.constants * region.shape.usable {
        return Err(whole(Refusal::Full {
            column: "the constants",
        }));
    }
    let grid = Grid {
        advice: region.advice.into_iter().map(|c| c.finish()).collect(),
        instances: walk
            .instances
            .iter()
            .map(|v| v.known().unwrap_or_default())
            .collect(),
    };
    let layout = Layout {
        shape: region.shape,
        scheduled: region.scheduled,
        copies: region.copies,
        active: region.active,
        marks: walk.marks,
    };
    Ok((layout, grid))
}

pub(super) struct Walk<'a> {
    pub region: Region,
    pub circuit: &'a Circuit,
    witness: Option<&'a Witness>,
    /// The first instance row of each public input; the rows in use.
    public: HashMap<u64, u32>,
    instances: Vec<Value>,
    marks: Marks,
}

fn variant(op: &impl std::fmt::Debug) -> String {
    format!("{op:?}")
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric())
        .collect()
}

fn operator(op: &SupportedOp) -> String {
    match op {
        SupportedOp::Linear(op) => variant(op),
        SupportedOp::Nonlinear(op) => variant(op),
        SupportedOp::Hybrid(op) => variant(op),
        SupportedOp::Rescaled { inner, .. } | SupportedOp::RebaseScale { inner, .. } => {
            operator(inner)
        }
        SupportedOp::Input(_) => "Input".to_owned(),
        SupportedOp::Constant(_) => "Constant".to_owned(),
        SupportedOp::Unknown => "Unknown".to_owned(),
    }
}

impl Walk<'_> {
    /// Instance rows for these values. Returns the items.
    fn publish(
        &mut self,
        values: impl Iterator<Item = Value>,
        dims: &[usize],
    ) -> Result<Items, Refusal> {
        let first = self.instances.len();
        self.instances.extend(values);
        if self.instances.len() > self.region.shape.usable {
            return Err(Refusal::Full {
                column: "the instance column",
            });
        }
        let item = |(i, value): (usize, &Value)| Item {
            place: Place::Public((first + i) as u32),
            value: *value,
        };
        let all = self.instances[first..].iter().enumerate().map(item);
        Ok(Items::new(all.collect(), dims.to_vec()))
    }

    /// The witness's values of input number `at`; unknown without a witness.
    fn input_values(&self, at: usize, dims: &[usize]) -> Result<Vec<Value>, Refusal> {
        let count = cells(dims)?;
        let Some(witness) = self.witness else {
            return Ok(vec![Value::Unknown; count]);
        };
        let values = witness.inputs.get(at).ok_or(Refusal::Shape)?;
        if values.len() != count {
            return Err(Refusal::Length {
                expected: count,
                got: values.len(),
            });
        }
        Ok(values.iter().map(|v| Value::felt(*v)).collect())
    }
    fn number_inputs(&mut self) -> Result<(), Refusal> {
        if self.circuit.core.settings.run_args.input_visibility != Visibility::Public {
            return Ok(());
        }
        let graph = &self.circuit.core.model.graph;
        for (at, idx) in graph.inputs.iter().enumerate() {
            if let Some(NodeType::Node(node)) = graph.nodes.get(*idx) {
                let dims = to_usize(&node.out_dims)?;
                let values = self.input_values(at, &dims)?;
                let first = self.instances.len() as u32;
                self.publish(values.into_iter(), &dims)?;
                self.public.insert(*idx, first);
            }
        }
        Ok(())
    }

    fn model(&mut self, model: &Model) -> Result<(), LayoutError> {
        let mut values: HashMap<(u64, u64), Items> = HashMap::new();
        for (idx, node) in model.graph.nodes.iter() {
            let started = (self.region.at, self.region.table_at);
            let at = |operator: String, refusal| LayoutError {
                node: idx.to_string(),
                operator,
                refusal,
            };
            let NodeType::Node(node) = node else {
                let what = "a subgraph".to_owned();
                return Err(at("SubGraph".to_owned(), Refusal::Unsupported { what }));
            };
            let inputs: Option<Vec<&Items>> =
                node.inputs.iter().map(|slot| values.get(slot)).collect();
            let result = inputs
                .ok_or(Refusal::Shape)
                .and_then(|inputs| match &node.opkind {
                    SupportedOp::Input(op) => self.input(idx, op, &node.out_dims),
                    SupportedOp::Constant(op) => self.constant(op, node.num_uses),
                    op => self.apply(op, &inputs),
                });
            let name = operator(&node.opkind);
            self.mark(started, idx, &name);
            values.insert((idx, 0), result.map_err(|r| at(name, r))?);
        }
        for (number, slot) in model.graph.outputs.iter().enumerate() {
            let at = |refusal| LayoutError {
                node: slot.0.to_string(),
                operator: "Output".to_owned(),
                refusal,
            };
            let started = (self.region.at, self.region.table_at);
            let output = values.get(slot).ok_or(Refusal::Shape).map_err(at)?;
            let expected = self.witness.and_then(|w| w.outputs.as_ref());
            let expected = match expected.map(|all| all.get(number)) {
                Some(None) => return Err(at(Refusal::Shape)),
                Some(Some(values)) => Some(values.as_slice()),
                None => None,
            };
            self.output(output, expected).map_err(at)?;
            self.mark(started, slot.0, "Output");
        }
        Ok(())
    }

    fn mark(&mut self, (at, table_at): (usize, usize), node: u64, operator: &str) {
        self.marks.push(Mark {
            cells: at..self.region.at,
            table_cells: table_at..self.region.table_at,
            node: node.to_string(),
            operator: operator.to_owned(),
        });
    }

    fn input(&mut self, idx: u64, op: &Input, dims: &[u64]) -> Result<Items, Refusal> {
        let dims = to_usize(dims)?;
        let graph = &self.circuit.core.model.graph;
        let number = graph.inputs.iter().position(|i| *i == idx);
        let values = self.input_values(number.ok_or(Refusal::Shape)?, &dims)?;
        let items = match self.circuit.core.settings.run_args.input_visibility {
            Visibility::Public => {
                let first = self.public.get(&idx).copied().ok_or(Refusal::Shape)?;
                let item = |(row, value)| Item {
                    place: Place::Public(row),
                    value,
                };
                Items::new((first..).zip(values).map(item).collect(), dims)
            }
            Visibility::Private => Items::fresh(values.into_iter(), &dims),
            _ => return unsupported("an input that is fixed"),
        };
        if op.datum_type == InputType::Bool {
            self.region.bits(&items)
        } else if op.decomp {
            Ok(self.region.decompose(&items, false)?.1)
        } else {
            self.region.identity(&items)
        }
    }

    fn constant(&mut self, op: &Constant, uses: u64) -> Result<Items, Refusal> {
        let tensor = &op.quantized_values;
        let place = match self.circuit.core.settings.run_args.param_visibility {
            Visibility::Fixed => Place::Constant,
            Visibility::Private => Place::Free,
            _ => return unsupported("a parameter that is public"),
        };
        let item = |bytes: [u8; 32]| {
            let value = Option::<Fr>::from(Fr::from_repr(bytes.into()))?;
            Some(Item {
                place,
                value: Value::felt(value),
            })
        };
        let all: Option<Vec<Item>> = tensor.inner.iter().map(|f| item(f.0)).collect();
        let items = Items::new(all.ok_or(Refusal::Shape)?, to_usize(&tensor.dims)?);
        if uses <= 1 {
            Ok(items)
        } else if op.decomp {
            Ok(self.region.decompose(&items, false)?.1)
        } else {
            self.region.identity(&items)
        }
    }

    /// Tie an output to its public values: the expected ones, or its own where none are given.
    fn output(&mut self, output: &Items, expected: Option<&[Fr]>) -> Result<(), Refusal> {
        let args = &self.circuit.core.settings.run_args;
        let values: Vec<Value> = match expected {
            Some(values) if values.len() != output.len() => {
                return Err(Refusal::Length {
                    expected: output.len(),
                    got: values.len(),
                });
            }
            Some(values) => values.iter().map(|v| Value::felt(*v)).collect(),
            None => output.values().collect(),
        };
        let comparator = match args.output_visibility {
            Visibility::Private => return Ok(()),
            Visibility::Public => self.publish(values.into_iter(), &output.dims)?,
            _ => return unsupported("an output that is fixed"),
        };
        if args.ignore_range_check_inputs_outputs {
            let comparator = self.region.assign(Var::I1, &comparator)?;
            return self.region.equality(output, &comparator);
        }
        let (_, output) = self.region.decompose(output, false)?;
        let (_, comparator) = self.region.decompose(&comparator, false)?;
        self.region.equality(&output, &comparator)
    }
}
