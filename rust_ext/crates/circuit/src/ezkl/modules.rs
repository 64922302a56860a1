//! Tensors that a circuit does not show as they are: hashed by Poseidon, or committed in columns of their own.

use halo2curves::bn256::Fr;
use zkml_graph::GraphSettings;
use zkml_graph::execute::to_usize;
use zkml_graph::model::NodeType;
use zkml_graph::tensor::Visibility;

use super::assign::{Cell, Item, Items, Place, Region};
use super::error::{LayoutError, Refusal, unsupported};
use super::layout::{Walk, name};
use super::poseidon::{self, FULL, PARTIAL};
use super::shape::{UNUSABLE_ROWS, blocks};
use super::value::Value;

pub const HASH_ADVICE: usize = 3;
pub const HASH_FIXED: usize = 4;
pub const HASH_SELECTORS: usize = 3;
/// The polynomials of its gates, and the degree of the gates of each selector.
pub const HASH_GATES: usize = 7;
pub const HASH_DEGREES: [usize; HASH_SELECTORS] = [6, 6, 2];

const FULL_ROUND: usize = 0;
const PARTIAL_ROUND: usize = 1;
const PAD: usize = 2;
/// Rows of one permutation: a full round each, two partial rounds each, and the state behind them.
const PERMUTATION_ROWS: usize = FULL + PARTIAL / 2 + 1;

/// The hash module of a circuit: whether some hash is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashModule {
    pub public: bool,
}

fn visibilities(settings: &GraphSettings) -> [&Visibility; 3] {
    let args = &settings.run_args;
    [
        &args.input_visibility,
        &args.param_visibility,
        &args.output_visibility,
    ]
}

pub fn any_hashed(settings: &GraphSettings) -> bool {
    let hashed = |v: &&Visibility| matches!(v, Visibility::Hashed { .. });
    visibilities(settings).iter().any(hashed)
}

impl HashModule {
    pub fn of(settings: &GraphSettings) -> Option<Self> {
        let hashes = settings.module_sizes.poseidon.1.first().copied();
        let shown = |v: &&Visibility| {
            let public = true;
            matches!(v, Visibility::Hashed { hash_is_public, .. } if *hash_is_public == public)
        };
        (any_hashed(settings) && hashes.unwrap_or(0) > 0).then(|| Self {
            public: visibilities(settings).iter().any(shown),
        })
    }
}

/// The columns of each committed tensor.
pub fn commit_columns(settings: &GraphSettings, usable: usize) -> Result<Vec<usize>, Refusal> {
    let lengths = settings.module_sizes.polycommit.iter();
    lengths.map(|length| blocks(*length, usable)).collect()
}

/// What becomes of one tensor.
pub(super) enum Module {
    None,
    Hash { public: bool },
    Commit,
}

pub(super) fn module(visibility: &Visibility) -> Module {
    match visibility {
        Visibility::Hashed { hash_is_public, .. } => Module::Hash {
            public: *hash_is_public,
        },
        Visibility::KZGCommit => Module::Commit,
        _ => Module::None,
    }
}

impl Walk<'_> {
    fn through(
        &mut self,
        visibility: &Visibility,
        items: &Items,
        claimed: Option<&[Value]>,
    ) -> Result<Items, Refusal> {
        match module(visibility) {
            Module::None => Ok(items.clone()),
            Module::Commit => {
                self.commits += 1;
                self.region.commit(self.commits - 1, items)
            }
            Module::Hash { public } => {
                let values: Vec<Value> = match claimed {
                    Some(values) => values.to_vec(),
                    None => items.values().collect(),
                };
                let known: Option<Vec<Fr>> = values.iter().map(|v| v.known()).collect();
                let value = known.map_or(Value::Unknown, |v| Value::felt(poseidon::hash(v)));
                let shown = self.publish(std::iter::once(value), &[1])?;
                let Place::Public(row) = shown.all[0].place else {
                    return Err(Refusal::Shape);
                };
                let (message, hash) = self.region.hash(items, public.then_some((row, value)))?;
                if public {
                    return Ok(message);
                }
                if message.len() != 1 {
                    return unsupported("a private hash of more than one element");
                }
                Ok(Items::new(vec![hash], message.dims))
            }
        }
    }

    /// Hash or commit the inputs, in the graph's order.
    pub(super) fn prepare_inputs(&mut self) -> Result<(), LayoutError> {
        let circuit = self.circuit;
        let visibility = &circuit.core.settings.run_args.input_visibility;
        if matches!(module(visibility), Module::None) {
            return Ok(());
        }
        let graph = &circuit.core.model.graph;
        for (number, idx) in graph.inputs.iter().enumerate() {
            let at = |refusal| at(idx.to_string(), "Input", refusal);
            let Some(NodeType::Node(node)) = graph.nodes.get(*idx) else {
                return Err(at(Refusal::Shape));
            };
            let dims = to_usize(&node.out_dims)
                .map_err(Refusal::from)
                .map_err(at)?;
            let values = self.input_values(number, &dims).map_err(at)?;
            let items = Items::fresh(values.into_iter(), &dims);
            let ready = self.through(visibility, &items, None).map_err(at)?;
            self.inputs.insert(*idx, ready);
        }
        Ok(())
    }

    /// Hash or commit all parameters as one tensor.
    pub(super) fn prepare_params(&mut self) -> Result<(), LayoutError> {
        let circuit = self.circuit;
        let visibility = &circuit.core.settings.run_args.param_visibility;
        if matches!(module(visibility), Module::None) {
            return Ok(());
        }
        if matches!(module(visibility), Module::Hash { public: false }) {
            let refusal = Refusal::Unsupported {
                what: "a private hash of parameters".to_owned(),
            };
            return Err(at("-".to_owned(), "Constant", refusal));
        }
        let (mut all, mut parts) = (Vec::new(), Vec::new());
        for (path, op) in circuit.core.model.parameters() {
            let items = self.parameter(op, Place::Free);
            let items = items.map_err(|r| at(name(&path), "Constant", r))?;
            parts.push((path, items.dims, items.all.len()));
            all.extend(items.all);
        }
        if all.is_empty() {
            return Ok(());
        }
        let whole = |refusal| at("-".to_owned(), "Constant", refusal);
        let ready = self.through(visibility, &Items::list(all), None);
        let mut cells = ready.map_err(whole)?.all.into_iter();
        for (path, dims, count) in parts {
            let items = cells.by_ref().take(count).collect();
            self.params.insert(path, Items::new(items, dims));
        }
        Ok(())
    }

    /// Hash or commit the outputs.
    pub(super) fn close_outputs(&mut self, outputs: &[Items]) -> Result<(), LayoutError> {
        let circuit = self.circuit;
        let visibility = &circuit.core.settings.run_args.output_visibility;
        if matches!(module(visibility), Module::None) {
            return Ok(());
        }
        for (number, output) in outputs.iter().enumerate() {
            let at = |refusal| at(number.to_string(), "Output", refusal);
            let expected = self.expected(number, output).map_err(at)?;
            self.through(visibility, output, Some(&expected))
                .map_err(at)?;
        }
        Ok(())
    }
}

fn at(node: String, operator: &str, refusal: Refusal) -> LayoutError {
    LayoutError {
        node,
        operator: operator.to_owned(),
        refusal,
    }
}

impl Region {
    fn state_cell(&self, i: usize) -> Cell {
        Cell {
            column: self.shape.state_column(i) as u32,
            row: self.hash_row as u32,
        }
    }

    fn next_hash_row(&mut self, rows: usize) -> Result<(), Refusal> {
        self.go_on()?;
        self.hash_row += rows;
        if self.hash_row >= self.shape.usable {
            return Err(Refusal::Full {
                column: "the hash module",
            });
        }
        Ok(())
    }

    /// Both words of the state in this row: fresh, or copied from where they are.
    fn put_state(&mut self, state: [Item; 2]) -> [Item; 2] {
        [0, 1].map(|i| {
            let cell = self.state_cell(i);
            self.put(cell, state[i])
        })
    }

    /// The hash of a tensor. `public`: the row of the instance column that shows it, with the value that it is claimed to have.
    ///
    /// Returns what the circuit goes on with: the tensor in cells, and the hash.
    pub fn hash(
        &mut self,
        message: &Items,
        public: Option<(u32, Value)>,
    ) -> Result<(Items, Item), Refusal> {
        if self.shape.hash.is_none() {
            return Err(Refusal::Missing {
                what: "hash module".to_owned(),
            });
        }
        let message = self.load(message)?;
        let mut state = poseidon::initial().map(|v| Item::fixed(Value::felt(v)));
        for (i, word) in state.iter_mut().enumerate() {
            let cell = self.state_cell(i);
            self.write(cell, word.value);
            self.schedule_alone(cell, word.value);
            word.place = Place::Cell(cell);
        }
        self.next_hash_row(1)?;
        self.end_region();
        for item in &message.all {
            state = self.absorb(state, *item)?;
            state = self.permute(state)?;
        }
        let hash = state[0];
        if let (Some((row, value)), Place::Cell(made)) = (public, hash.place) {
            let ends = std::iter::once((hash.value, value));
            self.hold(ends, "a hash is not that of its tensor")?;
            let cell = self.state_cell(0);
            self.put(
                cell,
                Item {
                    place: Place::Public(row),
                    value,
                },
            );
            self.copy(made, cell);
            self.next_hash_row(1)?;
        }
        Ok((message, hash))
    }

    /// The elements that no cell holds, in the state's columns one after the other.
    fn load(&mut self, message: &Items) -> Result<Items, Refusal> {
        if message.is_assigned() {
            return Ok(message.clone());
        }
        if message.all.iter().any(|item| item.place != Place::Free) {
            return unsupported("a hashed tensor with constants in it");
        }
        let first = self.hash_row;
        let mut all = Vec::with_capacity(message.len());
        for (i, item) in message.all.iter().enumerate() {
            self.hash_row = first + i / 2;
            if self.hash_row >= self.shape.usable {
                break;
            }
            let cell = self.state_cell(i % 2);
            all.push(self.put(cell, *item));
        }
        self.hash_row = first;
        self.next_hash_row(message.len().div_ceil(2))?;
        Ok(Items::new(all, message.dims.clone()))
    }

    /// Add one element to the first word.
    fn absorb(&mut self, state: [Item; 2], item: Item) -> Result<[Item; 2], Refusal> {
        let state = self.put_state(state);
        self.next_hash_row(1)?;
        let cell = self.state_cell(0);
        let item = self.put(cell, item);
        self.enable(PAD, self.hash_row);
        self.next_hash_row(1)?;
        let sum = Item::free(state[0].value.plus(item.value));
        let state = self.put_state([sum, Item::free(state[1].value)]);
        self.next_hash_row(1)?;
        Ok(state)
    }

    fn permute(&mut self, state: [Item; 2]) -> Result<[Item; 2], Refusal> {
        let constants = poseidon::constants();
        let mut state = self.put_state(state);
        let mut done = 0;
        for _ in 1..PERMUTATION_ROWS {
            let full = !(FULL / 2..FULL / 2 + PARTIAL).contains(&done);
            let rounds = if full { 1 } else { 2 };
            let row = self.hash_row;
            self.enable(if full { FULL_ROUND } else { PARTIAL_ROUND }, row);
            for (pair, round) in (done..done + rounds).enumerate() {
                for (i, constant) in constants.rounds[round].iter().enumerate() {
                    self.set_hash_fixed(2 * pair + i, row, *constant);
                }
            }
            let known = state[0].value.known().zip(state[1].value.known());
            let values = known.map(|(a, b)| [a, b]);
            if let (false, Some(values)) = (full, values) {
                let boxed = poseidon::fifth(values[0] + constants.rounds[done][0]);
                self.write_box(row, boxed);
            }
            let after = values.map(|v| (done..done + rounds).fold(v, poseidon::round));
            done += rounds;
            self.next_hash_row(1)?;
            let words = after.map_or([Value::Unknown; 2], |v| v.map(Value::felt));
            state = self.put_state(words.map(Item::free));
        }
        self.next_hash_row(1)?;
        Ok(state)
    }

    fn set_hash_fixed(&mut self, column: usize, row: usize, value: Fr) {
        if self.hash_fixed.len() <= column {
            self.hash_fixed.resize_with(HASH_FIXED, Vec::new);
        }
        self.hash_fixed[column].push((row, value));
    }

    /// A tensor in the columns of commitment number `at`.
    pub fn commit(&mut self, at: usize, items: &Items) -> Result<Items, Refusal> {
        let columns = self.shape.commits.get(at).copied().unwrap_or(0);
        let first: usize = self.shape.commits.iter().take(at).sum();
        let usable = self.shape.usable;
        if items.len() > columns * usable {
            return Err(Refusal::Full {
                column: "a commitment",
            });
        }
        if items.all.iter().any(Item::is_constant) {
            return unsupported("a committed tensor with constants in it");
        }
        let cell = |i: usize| Cell {
            column: (first + i / usable) as u32,
            row: (i % usable) as u32,
        };
        let all = items.all.iter().enumerate();
        let all = all.map(|(i, item)| self.put(cell(i), *item)).collect();
        Ok(Items::new(all, items.dims.clone()))
    }

    /// The last rows of the committed columns, which nothing blinds.
    pub fn close_commitments(&mut self) {
        let columns: usize = self.shape.commits.iter().sum();
        for column in self.advice.iter_mut().take(columns) {
            for i in 0..UNUSABLE_ROWS {
                column.set_small((self.shape.usable + i) as u32, 1);
            }
        }
    }
}
