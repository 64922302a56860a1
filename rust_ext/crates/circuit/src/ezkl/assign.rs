//! The region under construction: cells taken one after the other, copies and constants noted as they come.

use std::collections::HashMap;

use ff::PrimeField;
use halo2curves::bn256::Fr;
use zkml_graph::ExecuteFault;
use zkml_graph::execute::{cells, offsets, strides};

use super::error::Refusal;
use super::selectors::Rows;
use super::shape::{Accumulate, Element, Shape, Var};

/// A cell of a column of the permutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub column: u32,
    pub row: u32,
}

/// One element of a tensor: where its value is, or what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// A value of the witness that no cell holds yet.
    Free,
    Cell(Cell),
    Constant(Fr),
    /// A constant that a cell holds.
    Assigned(Cell, Fr),
    /// A public value: a row of the instance column.
    Public(u32),
}

impl Item {
    pub fn constant(value: i128) -> Self {
        Self::Constant(felt(value))
    }

    pub fn is_assigned(&self) -> bool {
        matches!(self, Self::Cell(_) | Self::Assigned(..))
    }
}

/// The field element of a signed integer.
pub fn felt(value: i128) -> Fr {
    let magnitude = Fr::from_u128(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
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

    pub fn free(dims: &[usize]) -> Result<Self, Refusal> {
        Ok(Self::new(vec![Item::Free; cells(dims)?], dims.to_vec()))
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

/// See the module.
pub struct Region {
    pub shape: Shape,
    /// The digits of a decomposition.
    pub base: u64,
    pub legs: u64,
    /// The next free coordinate of the three variables, and of the dynamic tables.
    pub at: usize,
    pub table_at: usize,
    pub shuffles: u64,
    constants: HashMap<[u8; 32], Cell>,
    pub scheduled: Vec<(Fr, Cell)>,
    pub copies: Vec<(Cell, Cell)>,
    pub active: Vec<Rows>,
}

impl Region {
    pub fn new(shape: Shape, base: u64, legs: u64) -> Self {
        let active = vec![Rows::new(shape.n); shape.selector_count()];
        Self {
            shape,
            base,
            legs,
            at: 0,
            table_at: 0,
            shuffles: 0,
            constants: HashMap::new(),
            scheduled: Vec::new(),
            copies: Vec::new(),
            active,
        }
    }

    /// Block, inner column and row of a coordinate.
    pub fn position(&self, coordinate: usize) -> Result<(usize, usize, usize), Refusal> {
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

    /// Put an item into a cell: fresh, or copied from where it is.
    pub fn put(&mut self, cell: Cell, item: Item) -> Item {
        match item {
            Item::Free => Item::Cell(cell),
            Item::Cell(from) => {
                self.copies.push((cell, from));
                Item::Cell(cell)
            }
            Item::Assigned(from, value) => {
                self.copies.push((cell, from));
                Item::Assigned(cell, value)
            }
            Item::Public(row) => {
                let column = self.shape.instance_column() as u32;
                self.copies.push((cell, Cell { column, row }));
                Item::Cell(cell)
            }
            Item::Constant(value) => {
                let key = value.to_repr().into();
                match self.constants.get(&key) {
                    Some(first) => self.copies.push((cell, *first)),
                    None => {
                        self.constants.insert(key, cell);
                        self.scheduled.push((value, cell));
                    }
                }
                Item::Assigned(cell, value)
            }
        }
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
        self.active[self.shape.element_selector(gate, block, inner)].set(row);
        Ok(())
    }

    pub fn enable_accumulate(
        &mut self,
        gate: Accumulate,
        coordinate: usize,
    ) -> Result<(), Refusal> {
        let (block, _, row) = self.position(coordinate)?;
        self.active[self.shape.accumulate_selector(gate, block)].set(row);
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
