//! The graph laid out, node after node.

use std::collections::HashMap;

use ff::PrimeField;
use halo2curves::bn256::Fr;
use zkml_graph::execute::{cells, to_usize};
use zkml_graph::model::{Model, NodeType};
use zkml_graph::ops::{Constant, Input};
use zkml_graph::tensor::Visibility;
use zkml_graph::{Circuit, SupportedOp};

use super::assign::{Cell, Item, Items, Place, Record, Region};
use super::error::{LayoutError, Refusal, unsupported};
use super::marks::{Mark, Marks};
use super::selectors::Rows;
use super::shape::{Shape, Var};
use super::value::Value;
use crate::grid::Grid;
use crate::stop::Stop;
use crate::witness::Witness;

/// A circuit's cells: what its keys are made of.
pub struct Layout {
    pub(super) shape: Shape,
    /// The constants in the order of their first use, each with the cell that holds it.
    pub(super) scheduled: Vec<(Value, Cell)>,
    pub(super) copies: Vec<(Cell, Cell)>,
    pub(super) active: Vec<Rows>,
    pub(super) hash_fixed: Vec<Vec<(usize, Fr)>>,
    pub(super) marks: Marks,
}

impl Layout {
    /// All copies in their order: those of the operators of each region, then its constants.
    pub(super) fn all_copies(&self) -> impl Iterator<Item = (Cell, Cell)> {
        self.copies.iter().copied()
    }
}

fn whole(refusal: Refusal) -> LayoutError {
    LayoutError {
        node: "-".to_owned(),
        operator: "settings".to_owned(),
        refusal,
    }
}

/// Lay a compiled circuit out. Refuses what EZKL's recipes are not known for, by node. `witness` matters for a circuit with fixed
/// inputs or outputs alone, whose values are constants of it.
pub fn lay_out(
    circuit: &Circuit,
    witness: Option<&Witness>,
    stop: &Stop,
) -> Result<Layout, LayoutError> {
    let args = &circuit.core.settings.run_args;
    let fixed = [&args.input_visibility, &args.output_visibility].contains(&&Visibility::Fixed);
    let witness = witness.filter(|_| fixed);
    Ok(walk(circuit, witness, &[], Record::Structure, stop)?.0)
}

/// The cells of a compiled circuit with a witness in them; those that depend on challenges are zero until `challenges` are given.
/// Refuses what [`lay_out`] refuses, and by node what the circuit's digits and tables cannot hold and claims that are not so;
/// whether all constraints hold is for [`super::check`] to say.
pub fn fill(
    circuit: &Circuit,
    witness: &Witness,
    challenges: &[Fr],
    stop: &Stop,
) -> Result<Grid, LayoutError> {
    Ok(walk(circuit, Some(witness), challenges, Record::Values, stop)?.1)
}

/// Layout and cells in one walk; claims that are not so stay in the cells.
pub(super) fn lay_out_and_fill(
    circuit: &Circuit,
    witness: &Witness,
    challenges: &[Fr],
    stop: &Stop,
) -> Result<(Layout, Grid), LayoutError> {
    walk(circuit, Some(witness), challenges, Record::Both, stop)
}

fn walk(
    circuit: &Circuit,
    witness: Option<&Witness>,
    challenges: &[Fr],
    record: Record,
    stop: &Stop,
) -> Result<(Layout, Grid), LayoutError> {
    let settings = &circuit.core.settings;
    let shape = Shape::new(settings).map_err(whole)?;
    let args = &settings.run_args;
    let (base, legs) = (args.decomp_base, args.decomp_legs);
    let mut region = Region::new(shape, base, legs, record, stop.clone());
    region.challenges = challenges.to_vec();
    let mut walk = Walk {
        region,
        circuit,
        witness,
        inputs: HashMap::new(),
        params: HashMap::new(),
        commits: 0,
        instances: Vec::new(),
        marks: Marks::default(),
    };
    walk.prepare_inputs()?;
    walk.prepare_params()?;
    walk.number_inputs().map_err(whole)?;
    let outputs = walk.model(&circuit.core.model)?;
    walk.region.end_region();
    walk.close_outputs(&outputs)?;
    walk.region.close_commitments();
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
        hash_fixed: region.hash_fixed,
        marks: walk.marks,
    };
    Ok((layout, grid))
}

/// A layout under way.
pub(super) struct Walk<'a> {
    pub region: Region,
    pub circuit: &'a Circuit,
    witness: Option<&'a Witness>,
    /// The inputs that the model finds ready: those of modules in their cells, public ones with their instance rows.
    pub(super) inputs: HashMap<u64, Items>,
    /// The parameters in the cells of a module, by node: its number after those of the scans around it.
    pub(super) params: HashMap<Vec<u64>, Items>,
    /// The tensors committed so far.
    pub(super) commits: usize,
    /// The public values, row by row.
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

/// What a node is called: its number, after those of the scans around it.
pub(super) fn name(path: &[u64]) -> String {
    let numbers = path.iter().map(u64::to_string);
    numbers.collect::<Vec<_>>().join("/")
}

impl Walk<'_> {
    /// Instance rows for these values. Returns the items.
    pub(super) fn publish(
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
    pub(super) fn input_values(&self, at: usize, dims: &[usize]) -> Result<Vec<Value>, Refusal> {
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
                let items = self.publish(values.into_iter(), &dims)?;
                self.inputs.insert(*idx, items);
            }
        }
        Ok(())
    }

    /// The nodes of a model one after the other: their results. `fed` holds the inputs of the body of a scan, whose nodes have the
    /// numbers in `path` in front of their own.
    pub(super) fn nodes(
        &mut self,
        model: &Model,
        path: &[u64],
        mut fed: HashMap<u64, Items>,
    ) -> Result<HashMap<(u64, u64), Items>, LayoutError> {
        let mut values: HashMap<(u64, u64), Items> = HashMap::new();
        for (idx, node) in model.graph.nodes.iter() {
            let started = self.coordinates();
            let path = [path, &[idx]].concat();
            let at = |operator: &str, refusal| LayoutError {
                node: name(&path),
                operator: operator.to_owned(),
                refusal,
            };
            let slots = node.inputs().iter();
            self.region.go_on().map_err(|r| at("-", r))?;
            let inputs: Option<Vec<&Items>> = slots.map(|slot| values.get(slot)).collect();
            let node = match node {
                NodeType::Node(node) => node,
                NodeType::SubGraph { .. } => {
                    let inputs = inputs.ok_or_else(|| at("SubGraph", Refusal::Shape))?;
                    let inputs = inputs.into_iter().cloned().collect();
                    let results = self.scan(node, inputs, &path)?;
                    let numbered = (0u64..).zip(results);
                    values.extend(numbered.map(|(outlet, items)| ((idx, outlet), items)));
                    continue;
                }
            };
            let result = inputs
                .ok_or(Refusal::Shape)
                .and_then(|inputs| match &node.opkind {
                    SupportedOp::Input(op) => match fed.remove(&idx) {
                        Some(items) => self.body_input(op, items),
                        None => self.input(idx, op, &node.out_dims),
                    },
                    SupportedOp::Constant(op) => self.constant(&path, op, node.num_uses),
                    op => self.apply(op, &inputs),
                });
            let operator = operator(&node.opkind);
            self.mark(started, name(&path), &operator);
            values.insert((idx, 0), result.map_err(|r| at(&operator, r))?);
        }
        Ok(values)
    }

    /// The whole model, its outputs tied to what they are claimed to be. Returns the outputs.
    fn model(&mut self, model: &Model) -> Result<Vec<Items>, LayoutError> {
        let values = self.nodes(model, &[], HashMap::new())?;
        let mut outputs = Vec::with_capacity(model.graph.outputs.len());
        for (number, slot) in model.graph.outputs.iter().enumerate() {
            let at = |refusal| LayoutError {
                node: slot.0.to_string(),
                operator: "Output".to_owned(),
                refusal,
            };
            let started = self.coordinates();
            let output = values.get(slot).ok_or(Refusal::Shape).map_err(at)?;
            let expected = self.expected(number, output).map_err(at)?;
            self.output(output, &expected).map_err(at)?;
            self.mark(started, slot.0.to_string(), "Output");
            outputs.push(output.clone());
        }
        Ok(outputs)
    }

    /// What output `number` is claimed to be: the witness's values, or its own where none are given.
    pub(super) fn expected(&self, number: usize, output: &Items) -> Result<Vec<Value>, Refusal> {
        let Some(all) = self.witness.and_then(|w| w.outputs.as_ref()) else {
            return Ok(output.values().collect());
        };
        let values = all.get(number).ok_or(Refusal::Shape)?;
        if values.len() != output.len() {
            return Err(Refusal::Length {
                expected: output.len(),
                got: values.len(),
            });
        }
        Ok(values.iter().map(|v| Value::felt(*v)).collect())
    }

    fn coordinates(&self) -> [usize; 3] {
        let r = &self.region;
        [r.at, r.table_at, r.area_at]
    }

    fn mark(&mut self, [at, table_at, area_at]: [usize; 3], node: String, operator: &str) {
        self.marks.push(Mark {
            cells: at..self.region.at,
            table_cells: table_at..self.region.table_at,
            area_cells: area_at..self.region.area_at,
            node,
            operator: operator.to_owned(),
        });
    }

    fn input(&mut self, idx: u64, op: &Input, dims: &[u64]) -> Result<Items, Refusal> {
        let dims = to_usize(dims)?;
        let visibility = &self.circuit.core.settings.run_args.input_visibility;
        if let Some(ready) = self.inputs.get(&idx)
            && *visibility != Visibility::Public
        {
            return Ok(ready.clone());
        }
        let items = match self.inputs.remove(&idx) {
            Some(public) => public,
            None => {
                let graph = &self.circuit.core.model.graph;
                let number = graph.inputs.iter().position(|i| *i == idx);
                let values = self.input_values(number.ok_or(Refusal::Shape)?, &dims)?;
                match visibility {
                    Visibility::Private => Items::fresh(values.into_iter(), &dims),
                    Visibility::Fixed => self.fixed_items(values, dims)?,
                    _ => return Err(Refusal::Shape),
                }
            }
        };
        self.body_input(op, items)
    }

    /// A parameter's values, in no cell.
    pub(super) fn parameter(&self, op: &Constant, place: Place) -> Result<Items, Refusal> {
        let tensor = &op.quantized_values;
        let item = |bytes: [u8; 32]| {
            let value = Option::<Fr>::from(Fr::from_repr(bytes.into()))?;
            Some(Item {
                place,
                value: Value::felt(value),
            })
        };
        let all: Option<Vec<Item>> = tensor.inner.iter().map(|f| item(f.0)).collect();
        let all = all.ok_or(Refusal::Shape)?;
        let dims = to_usize(&tensor.dims)?;
        if cells(&dims)? != all.len() {
            return Err(Refusal::Shape);
        }
        Ok(Items::new(all, dims))
    }

    fn constant(&mut self, path: &[u64], op: &Constant, uses: u64) -> Result<Items, Refusal> {
        let place = match self.circuit.core.settings.run_args.param_visibility {
            Visibility::Fixed => Place::Constant,
            Visibility::Public => return unsupported("a parameter that is public"),
            // A tensor that is used once is read anew, whatever a module holds of it.
            _ => Place::Free,
        };
        if let Some(ready) = self.params.get(path).filter(|_| uses > 1) {
            return Ok(ready.clone());
        }
        let items = self.parameter(op, place)?;
        if uses <= 1 {
            Ok(items)
        } else if op.decomp {
            Ok(self.region.decompose(&items, false)?.1)
        } else {
            self.region.identity(&items)
        }
    }

    /// Constants of the circuit; without a witness there are none.
    fn fixed_items(&self, values: Vec<Value>, dims: Vec<usize>) -> Result<Items, Refusal> {
        if values.contains(&Value::Unknown) {
            return Err(Refusal::Missing {
                what: "fixed values without a witness".to_owned(),
            });
        }
        let all = values.into_iter().map(Item::fixed).collect();
        Ok(Items::new(all, dims))
    }

    /// Tie an output to its public or fixed values.
    fn output(&mut self, output: &Items, expected: &[Value]) -> Result<(), Refusal> {
        let args = &self.circuit.core.settings.run_args;
        let comparator = match args.output_visibility {
            Visibility::Public => self.publish(expected.iter().copied(), &output.dims)?,
            Visibility::Fixed => self.fixed_items(expected.to_vec(), output.dims.clone())?,
            _ => return Ok(()),
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
