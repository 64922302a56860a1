//! The columns and selectors of a circuit as a function of its settings, and the degree of its constraints.

use zkml_graph::GraphSettings;
use zkml_graph::ops::LookupOp;

use super::area::Area;
use super::error::{Refusal, unsupported};
use super::modules::{self, HashModule};

/// Rows at the end of each column that hold no data: five to blind, one to close.
pub const UNUSABLE_ROWS: usize = 6;
/// Rows at the end of each column that a table leaves free.
const TABLE_MARGIN: usize = 8;
const MAX_K: u32 = 26;
/// The most columns or selectors of one kind.
const MAX_COLUMNS: usize = 1 << 16;

/// The three columns of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Var {
    I0,
    I1,
    O,
}

/// The kinds of coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Model,
    Table,
    Area,
}

/// The gates with a selector in each block and inner column.
#[derive(Clone, Copy)]
pub enum Element {
    Add,
    Sub,
    Mult,
}

/// The gates with a selector in each block.
#[derive(Clone, Copy)]
pub enum Accumulate {
    DotInit,
    Dot,
    CumProd,
    CumProdInit,
    Sum,
    SumInit,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Shape {
    pub k: u32,
    /// Rows, and rows that hold data.
    pub n: usize,
    pub usable: usize,
    /// Inner columns of a block, and blocks.
    pub width: usize,
    pub blocks: usize,
    /// Blocks of the dynamic tables; 0 without any.
    pub dynamic_blocks: usize,
    pub constants: usize,
    pub lookups: Vec<LookupOp>,
    pub lookup_range: (i128, i128),
    pub ranges: Vec<(i128, i128)>,
    pub dynamic: bool,
    pub shuffles: bool,
    /// The columns of each committed tensor.
    pub commits: Vec<usize>,
    pub hash: Option<HashModule>,
    pub area: Option<Area>,
    /// The degree of each selector's gates: 0 where it may not be combined with another.
    pub selector_degrees: Vec<usize>,
    /// The degree of the system.
    pub degree: usize,
}

pub(super) fn bounded(count: u128, what: &'static str) -> Result<usize, Refusal> {
    match usize::try_from(count) {
        Ok(n) if n <= MAX_COLUMNS => Ok(n),
        _ => Err(Refusal::TooLarge {
            what,
            count,
            limit: MAX_COLUMNS,
        }),
    }
}

/// The blocks of a variable of `cells` cells, each of `area`.
pub(super) fn blocks(cells: u64, area: usize) -> Result<usize, Refusal> {
    let (cells, area) = (u128::from(cells), area as u128);
    let first = cells / area + 1;
    bounded((cells + first) / area + 1, "blocks")
}

fn distinct<T: PartialEq + Clone>(items: &[T]) -> Vec<T> {
    let mut out: Vec<T> = Vec::new();
    for item in items {
        if !out.contains(item) {
            out.push(item.clone());
        }
    }
    out
}

/// The rows of a circuit of this k.
pub(super) fn rows(k: u32) -> Result<usize, Refusal> {
    if (4..=MAX_K).contains(&k) {
        Ok(1 << k)
    } else {
        unsupported(format!("a circuit of 2^{k} rows"))
    }
}

impl Shape {
    /// The constraint system that the settings describe.
    pub fn new(settings: &GraphSettings) -> Result<Self, Refusal> {
        let args = &settings.run_args;
        let k = args.logrows;
        let n = rows(k)?;
        let usable = n - UNUSABLE_ROWS;
        let width = bounded(u128::from(args.num_inner_cols.max(1)), "inner columns")?;
        let nb = blocks(settings.total_assignments, usable * width)?;
        bounded(nb as u128 * width as u128 * 3, "advice columns")?;
        let dynamic = settings.dynamic_lookup_params.num_dynamic_lookups > 0;
        let shuffles = settings.shuffle_params.num_shuffles > 0;
        let tables = settings
            .dynamic_lookup_params
            .total_dynamic_col_size
            .saturating_add(settings.shuffle_params.total_shuffle_col_size);
        let hash = HashModule::of(settings);
        let constants = match settings.total_const_size {
            0 => usize::from(modules::any_hashed(settings)),
            cells => blocks(cells, usable)?,
        };
        let mut shape = Self {
            k,
            n,
            usable,
            width,
            blocks: nb,
            dynamic_blocks: if dynamic || shuffles {
                blocks(tables, usable)?
            } else {
                0
            },
            constants,
            lookups: distinct(&settings.required_lookups),
            lookup_range: args.lookup_range,
            ranges: distinct(&settings.required_range_checks),
            dynamic,
            shuffles,
            commits: modules::commit_columns(settings, usable)?,
            hash,
            area: Area::of(settings, usable * width)?,
            selector_degrees: Vec::new(),
            degree: 0,
        };
        let table_columns = (0..shape.ranges.len())
            .map(|r| shape.range_columns(r) as u128)
            .chain(std::iter::repeat_n(
                shape.lookup_columns() as u128,
                shape.lookups.len() + 1,
            ))
            .sum();
        bounded(table_columns, "table columns")?;
        bounded(shape.selector_count() as u128, "selectors")?;
        bounded(shape.advice_columns() as u128, "advice columns")?;
        shape.selector_degrees = shape.selector_degrees();
        shape.degree = shape.system_degree();
        Ok(shape)
    }

    /// The entries of one table column.
    pub fn table_rows(&self) -> usize {
        self.n - TABLE_MARGIN
    }

    fn columns_for(&self, (low, high): (i128, i128)) -> usize {
        let span = high.abs_diff(low) / self.table_rows() as u128;
        usize::try_from(span)
            .unwrap_or(usize::MAX - 1)
            .saturating_add(1)
    }

    /// The columns of each static table.
    pub fn lookup_columns(&self) -> usize {
        if self.lookups.is_empty() {
            0
        } else {
            self.columns_for(self.lookup_range)
        }
    }

    /// The columns of a range check.
    pub fn range_columns(&self, range: usize) -> usize {
        self.columns_for(self.ranges[range])
    }

    /// Inner columns in all blocks.
    pub(super) fn lanes(&self) -> usize {
        self.blocks * self.width
    }

    // ---- advice columns, in the order of their creation; the permutation numbers those of commits, model and tables alike

    /// The columns in front of the model's: those of commitments.
    fn first_model_column(&self) -> usize {
        self.commits.iter().sum()
    }

    pub fn advice(&self, var: Var, block: usize, inner: usize) -> usize {
        let at = match var {
            Var::I0 => 0,
            Var::I1 => 1,
            Var::O => 2,
        };
        self.first_model_column() + (at * self.blocks + block) * self.width + inner
    }

    pub fn dynamic_advice(&self, which: usize, block: usize) -> usize {
        self.first_model_column() + 3 * self.lanes() + which * self.dynamic_blocks + block
    }

    /// The columns of commitments, model and dynamic tables.
    pub(super) fn common_columns(&self) -> usize {
        self.first_model_column() + 3 * (self.lanes() + self.dynamic_blocks)
    }

    pub fn advice_columns(&self) -> usize {
        let hash = self.hash.map_or(0, |_| modules::HASH_ADVICE);
        self.common_columns() + hash + self.area_columns()
    }

    /// Where an advice cell of the model, of the dynamic tables or of the Freivalds area is among those of its variable.
    pub fn coordinate(&self, column: usize, row: usize) -> Option<(Space, usize)> {
        let lanes = self.lanes();
        let lane = |column: usize, blocks: usize| {
            let row = column % (blocks * self.width) / self.width * self.usable + row;
            row * self.width + column % self.width
        };
        let after = self.advice_columns() - self.area_columns();
        if let (Some(column), Some(area)) = (column.checked_sub(after), &self.area) {
            return Some((Space::Area, lane(column, area.blocks)));
        }
        let column = column.checked_sub(self.first_model_column())?;
        if column < 3 * lanes {
            return Some((Space::Model, lane(column, self.blocks)));
        }
        let table = column - 3 * lanes;
        (table < 3 * self.dynamic_blocks).then(|| {
            let block = table % self.dynamic_blocks;
            (Space::Table, block * self.usable + row)
        })
    }

    // ---- names

    /// What the gates of the base operations are called, in their order in the system.
    pub fn gate_name(&self, gate: usize) -> &'static str {
        let elements = self.lanes();
        let hash = self.hash.map_or(0, |_| modules::HASH_GATES);
        let Some(gate) = gate.checked_sub(hash) else {
            return "Poseidon";
        };
        match gate / elements {
            0 => return "Add",
            1 => return "Mult",
            2 => return "Sub",
            _ => {}
        }
        if gate >= 3 * elements + 6 * self.blocks + self.index_gates() {
            return "Freivalds";
        }
        match (gate - 3 * elements) / self.blocks {
            0 => "Dot",
            1 => "DotInit",
            2 => "CumProdInit",
            3 => "CumProd",
            4 => "SumInit",
            5 => "Sum",
            _ => "table index",
        }
    }

    /// What the table is called that a fixed column belongs to; none for another column.
    pub fn table_name(&self, column: usize) -> Option<String> {
        let hash = self.hash.map_or(0, |_| modules::HASH_FIXED);
        let mut at = column.checked_sub(self.constants + hash)?;
        let m = self.lookup_columns();
        let tables = match self.lookups.len() {
            0 => 0,
            ops => m * (1 + ops),
        };
        let (low, high) = self.lookup_range;
        if at < tables {
            let op = match at / m.max(1) {
                0 => None,
                i => self.lookups.get(i - 1),
            };
            let op = op.map_or_else(|| "table".to_owned(), |op| format!("{op:?}"));
            return Some(format!("{op} on {low}..={high}"));
        }
        at -= tables;
        for (r, (low, high)) in self.ranges.iter().enumerate() {
            let m = self.range_columns(r);
            if at < m {
                return Some(format!("range {low}..={high}"));
            }
            at -= m;
        }
        None
    }

    // ---- columns of the permutation: advice but for that of modules and area, constants, modules, the instance, the area

    pub fn constant_column(&self, i: usize) -> usize {
        self.common_columns() + i
    }

    /// The two columns of the hash module's state.
    pub fn state_column(&self, i: usize) -> usize {
        self.common_columns() + self.constants + i
    }

    pub fn instance_column(&self) -> usize {
        let before = match self.hash {
            None => 0,
            // The state, b0; and b1 in front unless the module itself has made the instance column.
            Some(module) => 4 - usize::from(module.public),
        };
        self.common_columns() + self.constants + before
    }

    pub(super) fn first_area_cell_column(&self) -> usize {
        let other = self.hash.map_or(1, |_| modules::HASH_ADVICE + 2);
        self.common_columns() + self.constants + other
    }

    pub fn permutation_columns(&self) -> usize {
        self.first_area_cell_column() + self.area_columns()
    }

    /// The advice column that a column of the permutation is; none for a fixed one and the instance.
    pub fn advice_of(&self, column: usize) -> Option<usize> {
        if column < self.common_columns() {
            return Some(column);
        }
        if let Some(at) = column.checked_sub(self.first_area_cell_column()) {
            return Some(self.advice_columns() - self.area_columns() + at);
        }
        self.hash?;
        let at = column.checked_sub(self.state_column(0))?;
        (at < 2).then(|| self.common_columns() + at)
    }

    // ---- selectors, in the order of their creation

    pub fn element_selector(&self, gate: Element, block: usize, inner: usize) -> usize {
        self.hash_selectors() + 3 * (block * self.width + inner) + gate as usize
    }

    pub fn accumulate_selector(&self, gate: Accumulate, block: usize) -> usize {
        self.hash_selectors() + 3 * self.lanes() + 6 * block + gate as usize
    }

    fn hash_selectors(&self) -> usize {
        self.hash.map_or(0, |_| modules::HASH_SELECTORS)
    }

    fn first_lookup_selector(&self) -> usize {
        self.hash_selectors() + 3 * self.lanes() + 6 * self.blocks
    }

    pub fn lookup_selector(&self, op: usize, block: usize, inner: usize) -> usize {
        self.first_lookup_selector() + op * self.lanes() + block * self.width + inner
    }

    pub fn range_selector(&self, range: usize, block: usize, inner: usize) -> usize {
        self.lookup_selector(self.lookups.len() + range, block, inner)
    }

    fn first_dynamic_selector(&self) -> usize {
        self.first_lookup_selector() + (self.lookups.len() + self.ranges.len()) * self.lanes()
    }

    /// The selector of table block `q`: of dynamic lookups, or of shuffles.
    pub fn table_selector(&self, shuffle: bool, q: usize) -> usize {
        let before = if shuffle && self.dynamic {
            self.dynamic_blocks
        } else {
            0
        };
        self.first_dynamic_selector() + (before + q) * (1 + self.lanes())
    }

    /// The selector of a row that looks into table block `q`.
    pub fn entry_selector(&self, shuffle: bool, q: usize, block: usize, inner: usize) -> usize {
        self.table_selector(shuffle, q) + 1 + block * self.width + inner
    }

    /// The selectors in front of those of the Freivalds area.
    pub(super) fn first_area_selector(&self) -> usize {
        let kinds = usize::from(self.dynamic) + usize::from(self.shuffles);
        self.first_dynamic_selector() + kinds * self.dynamic_blocks * (1 + self.lanes())
    }

    pub fn selector_count(&self) -> usize {
        self.first_area_selector() + self.area_selectors()
    }

    /// The block and inner column of the model's cells that a selector acts on; those of a dynamic table act on the first. None for
    /// the selectors of a module or of the Freivalds area.
    pub fn lane_of_selector(&self, selector: usize) -> Option<(usize, usize)> {
        let lanes = self.lanes();
        let of = |lane: usize| Some((lane / self.width, lane % self.width));
        let at = selector.checked_sub(self.hash_selectors())?;
        if selector >= self.first_area_selector() {
            return None;
        }
        if at < 3 * lanes {
            return of(at / 3);
        }
        if selector < self.first_lookup_selector() {
            return Some(((at - 3 * lanes) / 6, 0));
        }
        if selector < self.first_dynamic_selector() {
            return of((selector - self.first_lookup_selector()) % lanes);
        }
        match (selector - self.first_dynamic_selector()) % (1 + lanes) {
            0 => Some((0, 0)),
            i => of(i - 1),
        }
    }

    /// The gates that bind the index of a table's column.
    fn index_gates(&self) -> usize {
        (self.lookups.len() + self.ranges.len()) * self.lanes()
    }

    fn selector_degrees(&self) -> Vec<usize> {
        let mut out = vec![0; self.selector_count()];
        let hash = self.hash_selectors();
        out[..hash].copy_from_slice(&modules::HASH_DEGREES[..hash]);
        self.area_degrees(&mut out);
        for lane in 0..self.lanes() {
            let first = hash + 3 * lane;
            out[first..first + 3].copy_from_slice(&[2, 2, 3]);
        }
        for block in 0..self.blocks {
            let first = hash + 3 * self.lanes() + 6 * block;
            // DotInit, Dot, CumProd, CumProdInit, Sum, SumInit
            out[first..first + 6].copy_from_slice(&[
                3,
                3,
                self.width + 2,
                (self.width + 1).max(2),
                2,
                2,
            ]);
        }
        out
    }

    /// D: the largest degree of the gates and of the lookup arguments, packed as they are.
    fn system_degree(&self) -> usize {
        let index_gate = |m: usize| if m > 1 { m + 1 } else { 1 };
        let mut gates = self.selector_degrees.iter().copied().max().unwrap_or(0);
        // Each group of tuples that share a table: their number, their degree, the table's.
        let mut groups: Vec<(usize, usize, usize)> = Vec::new();
        let mut table = |m: usize| {
            gates = gates.max(index_gate(m));
            groups.extend(std::iter::repeat_n((self.lanes(), m + 1, 1), m));
        };
        for _ in &self.lookups {
            table(self.lookup_columns());
        }
        for r in 0..self.ranges.len() {
            table(self.range_columns(r));
        }
        let kinds = usize::from(self.dynamic) + usize::from(self.shuffles);
        groups.extend(std::iter::repeat_n(
            (self.lanes(), 2, 2),
            kinds * self.dynamic_blocks,
        ));
        let least = groups
            .iter()
            .map(|(_, d, t)| (t + 2).max(3) + d)
            .fold(gates, usize::max);
        let mut degree = gates.max(3);
        for (tuples, d, t) in groups {
            // Arguments are filled one after the other: all tuples of a group have one degree.
            let (mut in_argument, mut total) = (0, 0);
            for _ in 0..tuples {
                if in_argument > 0 && (3 + in_argument).max(t + total + 2) + d > least {
                    (in_argument, total) = (0, 0);
                }
                (in_argument, total) = (in_argument + 1, total + d);
                degree = degree.max(3 + in_argument).max(t + total + 2);
            }
        }
        degree
    }
}
