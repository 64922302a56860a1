//! The region under construction: cells taken one after the other, copies and constants noted as they come.

use std::collections::HashMap;

use halo2curves::bn256::Fr;
use zkml_graph::ExecuteFault;
use zkml_graph::execute::{cells, offsets, strides};

use super::error::Refusal;
use super::selectors::Rows;
use super::shape::{Accumulate, Element, Shape, Var};
use super::value::Value;
pub use crate::check::Cell;
use crate::grid::Column;
use crate::stop::Stop;

/// Where an element of a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A value of the witness that no cell holds yet.
    Free,
    Cell(Cell),
    Constant,
    /// A constant that a cell holds.
    Assigned(Cell),
    /// A public value: a row of the instance column.
    Public(u32),
}

/// One element of a tensor: where it is, and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub place: Place,
    pub value: Value,
}

impl Item {
    pub const UNKNOWN: Self = Self::free(Value::Unknown);

    pub const fn free(value: Value) -> Self {
        Self {
            place: Place::Free,
            value,
        }
    }

    pub fn fixed(value: Value) -> Self {
        Self {
            place: Place::Constant,
            value,
        }
    }

    pub fn constant(value: i128) -> Self {
        Self::fixed(Value::int(value))
    }

    pub fn is_assigned(&self) -> bool {
        matches!(self.place, Place::Cell(_) | Place::Assigned(_))
    }

    pub fn is_constant(&self) -> bool {
        matches!(self.place, Place::Constant | Place::Assigned(_))
    }
}

/// Items in row-major order with their dimensions.
#[derive(Clone, Debug)]
pub struct Items {
    pub all: Vec<Item>,
    pub dims: Vec<usize>,
}

impl Items {
    pub fn new(all: Vec<Item>, dims: Vec<usize>) -> Self {
        Self { all, dims }
    }

    /// Values that no cell holds yet.
    pub fn fresh(values: impl Iterator<Item = Value>, dims: &[usize]) -> Self {
        Self::new(values.map(Item::free).collect(), dims.to_vec())
    }

    /// Values that no cell holds yet, f of these.
    pub fn claim(&self, f: impl Fn(i128) -> i128) -> Result<Self, Refusal> {
        let values = self.values().map(|v| v.map(&f));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        Ok(Self::fresh(values.into_iter(), &self.dims))
    }

    pub fn values(&self) -> impl Iterator<Item = Value> + '_ {
        self.all.iter().map(|item| item.value)
    }

    pub fn list(all: Vec<Item>) -> Self {
        let dims = vec![all.len()];
        Self { all, dims }
    }

    pub fn one(item: Item) -> Self {
        Self::list(vec![item])
    }

    /// The same constant for every element of a shape.
    pub fn filled(value: i128, dims: &[usize]) -> Result<Self, Refusal> {
        Ok(Self::new(
            vec![Item::constant(value); cells(dims)?],
            dims.to_vec(),
        ))
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_assigned(&self) -> bool {
        self.all.iter().all(Item::is_assigned)
    }

    pub fn shaped(self, dims: &[usize]) -> Self {
        Self::new(self.all, dims.to_vec())
    }

    /// The items in a shape that their own broadcasts to.
    pub fn broadcast(&self, dims: &[usize]) -> Result<Self, Refusal> {
        if self.dims == dims {
            return Ok(self.clone());
        }
        let lead = dims
            .len()
            .checked_sub(self.dims.len())
            .ok_or(Refusal::Shape)?;
        let mut steps = vec![0; dims.len()];
        for (i, (dim, step)) in self.dims.iter().zip(strides(&self.dims)).enumerate() {
            match (*dim, dims[lead + i]) {
                (d, out) if d == out => steps[lead + i] = step,
                (1, _) => {}
                _ => return Err(Refusal::Shape),
            }
        }
        cells(dims)?;
        let all = offsets(dims, &steps)
            .into_iter()
            .map(|i| self.all[i])
            .collect();
        Ok(Self::new(all, dims.to_vec()))
    }
}

/// What a walk over the graph notes down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Constants, selectors and copies: what keys are made of.
    Structure,
    /// The values of the cells: what a proof is made of.
    Values,
    Both,
}

/// See the module.
pub struct Region {
    pub shape: Shape,
    /// The digits of a decomposition.
    pub base: u64,
    pub legs: u64,
    /// The next free coordinate of the three variables, and of the dynamic tables.
    pub at: usize,
    pub table_at: usize,
    /// How many shuffles and dynamic lookups there are so far.
    pub shuffles: u64,
    pub lookups: u64,
    /// The next free coordinate of the Freivalds area, and the next free row of the hash module.
    pub area_at: usize,
    pub hash_row: usize,
    /// The challenges of the Freivalds area, where they are drawn.
    pub challenges: Vec<Fr>,
    /// What the hash module's fixed columns hold.
    pub hash_fixed: Vec<Vec<(usize, Fr)>>,
    /// Looked at for every cell.
    pub stop: Stop,
    /// Whether a claim that the circuit refutes ends the walk.
    pub strict: bool,
    structure: bool,
    constants: HashMap<Value, Cell>,
    /// The constants in the order of their first use, each with the cell that holds it.
    pub scheduled: Vec<(Value, Cell)>,
    /// How many of them are tied to their fixed cells.
    tied: usize,
    pub copies: Vec<(Cell, Cell)>,
    pub active: Vec<Rows>,
    /// The advice columns, where values are noted.
    pub advice: Vec<Column>,
}

impl Region {
    pub fn new(shape: Shape, base: u64, legs: u64, record: Record, stop: Stop) -> Self {
        let structure = record != Record::Values;
        let (mut active, mut advice) = (Vec::new(), Vec::new());
        if structure {
            active = vec![Rows::new(shape.n); shape.selector_count()];
        }
        if record != Record::Structure {
            advice = vec![Column::default(); shape.advice_columns()];
        }
        Self {
            shape,
            base,
            legs,
            at: 0,
            table_at: 0,
            shuffles: 0,
            lookups: 0,
            area_at: 0,
            hash_row: 0,
            challenges: Vec::new(),
            hash_fixed: Vec::new(),
            stop,
            strict: record == Record::Values,
            structure,
            constants: HashMap::new(),
            scheduled: Vec::new(),
            tied: 0,
            copies: Vec::new(),
            active,
            advice,
        }
    }

    /// Fail once the work is to end.
    pub fn go_on(&self) -> Result<(), Refusal> {
        if self.stop.is_asked() {
            return Err(Refusal::Interrupted);
        }
        Ok(())
    }

    /// Block, inner column and row of a coordinate.
    pub fn position(&self, coordinate: usize) -> Result<(usize, usize, usize), Refusal> {
        self.go_on()?;
        let (area, width) = (self.shape.usable * self.shape.width, self.shape.width);
        let block = coordinate / area;
        if block >= self.shape.blocks {
            return Err(Refusal::Full {
                column: "the model's columns",
            });
        }
        Ok((block, coordinate % width, coordinate % area / width))
    }

    pub fn cell(&self, var: Var, coordinate: usize) -> Result<Cell, Refusal> {
        let (block, inner, row) = self.position(coordinate)?;
        Ok(Cell {
            column: self.shape.advice(var, block, inner) as u32,
            row: row as u32,
        })
    }

    /// A cell of dynamic table column `which`.
    pub fn table_cell(&self, which: usize, coordinate: usize) -> Result<Cell, Refusal> {
        self.go_on()?;
        let block = coordinate / self.shape.usable;
        if block >= self.shape.dynamic_blocks {
            return Err(Refusal::Full {
                column: "the dynamic tables",
            });
        }
        let row = coordinate % self.shape.usable;
        Ok(Cell {
            column: self.shape.dynamic_advice(which, block) as u32,
            row: row as u32,
        })
    }

    /// Both cells hold one value.
    pub fn copy(&mut self, left: Cell, right: Cell) {
        if self.structure {
            self.copies.push((left, right));
        }
    }

    /// Refuse values of a witness that some constraint will not hold for, where the walk is strict; unknown ones pass.
    pub fn hold(
        &self,
        mut values: impl Iterator<Item = (Value, Value)>,
        what: &str,
    ) -> Result<(), Refusal> {
        let differs = |(a, b): (Value, Value)| a != Value::Unknown && b != Value::Unknown && a != b;
        if self.strict && values.any(differs) {
            return Err(Refusal::Refuted {
                what: what.to_owned(),
            });
        }
        Ok(())
    }

    /// Refuse values beyond a table, where the walk is strict.
    pub fn hold_within(&self, t: &Items, (low, high): (i128, i128)) -> Result<(), Refusal> {
        if !self.strict {
            return Ok(());
        }
        let inside = |v: Value| match v {
            Value::Unknown => true,
            Value::Int(v) => (low..=high).contains(&i128::from(v)),
            Value::Felt(_) => matches!(v.integer(), Ok(Some(v)) if (low..=high).contains(&v)),
        };
        if t.values().all(inside) {
            return Ok(());
        }
        Err(Refusal::Refuted {
            what: format!("a value is outside the table of {low}..={high}"),
        })
    }

    /// Switch a selector on in a row.
    pub fn enable(&mut self, selector: usize, row: usize) {
        if self.structure {
            self.active[selector].set(row);
        }
    }

    /// Note what a cell is worth.
    pub fn write(&mut self, cell: Cell, value: Value) {
        if self.advice.is_empty() {
            return;
        }
        let column = self.shape.advice_of(cell.column as usize);
        let Some(column) = column.and_then(|i| self.advice.get_mut(i)) else {
            return;
        };
        match value {
            Value::Int(value) => column.set_small(cell.row, value),
            Value::Felt(value) => column.set_large(cell.row, value),
            Value::Unknown => {}
        }
    }

    /// Note what a cell of the hash module's third column is worth.
    pub fn write_box(&mut self, row: usize, value: Fr) {
        let column = self.shape.common_columns() + 2;
        if let Some(column) = self.advice.get_mut(column) {
            column.set_large(row as u32, value);
        }
    }

    /// Put an item into a cell: fresh, or copied from where it is.
    pub fn put(&mut self, cell: Cell, item: Item) -> Item {
        self.write(cell, item.value);
        let place = match item.place {
            Place::Free => Place::Cell(cell),
            Place::Cell(from) => {
                self.copy(cell, from);
                Place::Cell(cell)
            }
            Place::Assigned(from) => {
                self.copy(cell, from);
                Place::Assigned(cell)
            }
            Place::Public(row) => {
                let column = self.shape.instance_column() as u32;
                self.copy(cell, Cell { column, row });
                Place::Cell(cell)
            }
            Place::Constant => {
                self.schedule(cell, item.value);
                Place::Assigned(cell)
            }
        };
        Item {
            place,
            value: item.value,
        }
    }

    /// The first cell of a constant is tied to a fixed cell, later ones to the first.
    fn schedule(&mut self, cell: Cell, value: Value) {
        if !self.structure {
            return;
        }
        match self.constants.get(&value) {
            Some(first) => self.copies.push((cell, *first)),
            None => {
                self.constants.insert(value, cell);
                self.scheduled.push((value, cell));
            }
        }
    }

    /// A constant that no later one refers to.
    pub fn schedule_alone(&mut self, cell: Cell, value: Value) {
        if self.structure {
            self.scheduled.push((value, cell));
        }
    }

    /// Tie the constants since the last region to their fixed cells.
    pub fn end_region(&mut self) {
        let usable = self.shape.usable;
        for (i, (_, cell)) in self.scheduled.iter().enumerate().skip(self.tied) {
            let column = self.shape.constant_column(i / usable) as u32;
            let row = (i % usable) as u32;
            self.copies.push((Cell { column, row }, *cell));
        }
        self.tied = self.scheduled.len();
    }

    /// Put items into a variable from the current coordinate on, which does not move.
    pub fn assign(&mut self, var: Var, items: &Items) -> Result<Items, Refusal> {
        let at = self.at;
        let mut all = Vec::with_capacity(items.len());
        for (i, item) in items.all.iter().enumerate() {
            let cell = self.cell(var, at + i)?;
            all.push(self.put(cell, *item));
        }
        Ok(Items::new(all, items.dims.clone()))
    }

    /// Put items into a dynamic table column from the current table coordinate on.
    pub fn assign_table(&mut self, which: usize, items: &Items) -> Result<Items, Refusal> {
        let at = self.table_at;
        let mut all = Vec::with_capacity(items.len());
        for (i, item) in items.all.iter().enumerate() {
            let cell = self.table_cell(which, at + i)?;
            all.push(self.put(cell, *item));
        }
        Ok(Items::new(all, items.dims.clone()))
    }

    /// Move to the start of a row.
    pub fn flush(&mut self) {
        self.at = self.at.next_multiple_of(self.shape.width);
    }

    pub fn enable_element(&mut self, gate: Element, coordinate: usize) -> Result<(), Refusal> {
        let (block, inner, row) = self.position(coordinate)?;
        self.enable(self.shape.element_selector(gate, block, inner), row);
        Ok(())
    }

    pub fn enable_accumulate(
        &mut self,
        gate: Accumulate,
        coordinate: usize,
    ) -> Result<(), Refusal> {
        let (block, _, row) = self.position(coordinate)?;
        self.enable(self.shape.accumulate_selector(gate, block), row);
        Ok(())
    }
}

impl From<Refusal> for ExecuteFault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Operator(fault) => fault,
            other => Self::Unsupported {
                what: other.to_string(),
            },
        }
    }
}
