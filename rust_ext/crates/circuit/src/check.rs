//! The constraint checker: every gate, lookup and copy of a Protocol on every row of a filled grid.
//!
//! What it calls satisfied has a proof; what a proof would be refused for it names by constraint and row. Cells of the rows that a
//! prover blinds are arbitrary numbers here, so that nothing passes which leans on them.

mod lanes;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use ff::Field;
use halo2curves::bn256::Fr;
use rand_core::OsRng;
use rayon::prelude::*;
use thiserror::Error;
use zkml_protocol::program::Program;
use zkml_protocol::{ColumnValue, Protocol, Query};

use self::lanes::{LANES, Lane, Lanes, Source};
use crate::grid::{Cells, Grid};

/// A cell of a column of the permutation: the column's number among those of the Protocol's permutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    pub column: u32,
    pub row: u32,
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// A gate, by its number in the Protocol.
    Gate(usize),
    /// A tuple of a lookup argument, which is not in its table.
    Lookup { argument: usize, tuple: usize },
    /// Two cells that should hold one value.
    Copy { left: Cell, right: Cell },
}

/// A constraint, and the row where it fails; `advice` names the advice cells it reads: column and row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub constraint: Constraint,
    pub row: usize,
    pub advice: Vec<(usize, usize)>,
}

/// What came of a check: how many constraints fail, and the first ones by kind and row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub failed: usize,
    pub first: Vec<Failure>,
}

impl Report {
    pub fn is_satisfied(&self) -> bool {
        self.failed == 0
    }

    fn note(&mut self, failure: Failure) {
        self.failed += 1;
        if self.first.len() < KEPT {
            self.first.push(failure);
        }
    }
}

/// Failures that a report spells out, of each kind.
const KEPT: usize = 16;

/// Why nothing could be checked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckError {
    #[error("the cells do not fit the protocol: {got} {what}, and the protocol has {expected}")]
    Misfit {
        what: &'static str,
        expected: usize,
        got: usize,
    },
    #[error("a copy names cell {row} of permutation column {column}, which does not exist")]
    Copy { column: u32, row: u32 },
    #[error("the protocol's expressions ask for queries that it does not list")]
    Program,
}

fn fits(what: &'static str, expected: usize, got: usize) -> Result<(), CheckError> {
    match expected == got {
        true => Ok(()),
        false => Err(CheckError::Misfit {
            what,
            expected,
            got,
        }),
    }
}

/// A circuit's cells, all of them.
pub struct Assignment<'a> {
    protocol: &'a Protocol,
    fixed: &'a [Vec<Fr>],
    grid: &'a Grid,
    n: usize,
    usable: usize,
    /// The values of the blinded rows of each advice column.
    blinds: Vec<Vec<Fr>>,
    /// Whatever they are, a satisfied circuit is satisfied.
    challenges: Vec<Fr>,
}

impl<'a> Assignment<'a> {
    /// Fixed columns of n rows and a grid that was filled with these challenges, if they have the sizes that the protocol says.
    pub fn new(
        protocol: &'a Protocol,
        fixed: &'a [Vec<Fr>],
        grid: &'a Grid,
        challenges: Vec<Fr>,
    ) -> Result<Self, CheckError> {
        let n = 1usize << protocol.k;
        let usable = n - protocol.blinding_factors as usize - 1;
        fits(
            "fixed columns",
            protocol.fixed_commitments.len(),
            fixed.len(),
        )?;
        for values in fixed {
            fits("rows of a fixed column", n, values.len())?;
        }
        let columns = protocol.advice_phases.len();
        fits("advice columns", columns, grid.advice.len())?;
        let long = |c: &&Cells| c.len() > usable && c.len() != n;
        if let Some(long) = grid.advice.iter().find(long) {
            fits("rows of an advice column", usable, long.len())?;
        }
        fits(
            "challenges",
            protocol.challenge_phases.len(),
            challenges.len(),
        )?;
        fits("public values", protocol.instances(), grid.instances.len())?;
        let blinds = (0..columns)
            .map(|_| (usable..n).map(|_| Fr::random(OsRng)).collect())
            .collect();
        Ok(Self {
            protocol,
            fixed,
            grid,
            n,
            usable,
            blinds,
            challenges,
        })
    }

    fn rotated(&self, row: usize, rotation: i32) -> usize {
        (row as i64 + i64::from(rotation)).rem_euclid(self.n as i64) as usize
    }

    fn advice(&self, column: usize, row: usize) -> Fr {
        let cells = &self.grid.advice[column];
        if row < self.usable || cells.len() == self.n {
            cells.get(row)
        } else {
            self.blinds[column][row - self.usable]
        }
    }

    fn instance(&self, column: usize, row: usize) -> Fr {
        let rows = &self.protocol.instance_rows;
        let first: usize = rows[..column].iter().sum();
        if row < rows[column] {
            self.grid.instances[first + row]
        } else {
            Fr::ZERO
        }
    }

    /// What `each` makes of the blocks of the rows 0..rows, in their order.
    fn blocks<T: Send>(
        &self,
        program: &Program,
        rows: usize,
        each: impl Fn(&mut Lanes<'_, Self>, Range<usize>, &mut Vec<T>) -> Result<(), CheckError> + Sync,
    ) -> Result<Vec<T>, CheckError> {
        let chunk = rows
            .div_ceil(rayon::current_num_threads() * 8)
            .next_multiple_of(LANES);
        let parts = (0..rows.div_ceil(chunk)).into_par_iter().map(|i| {
            let (mut out, mut lanes) = (Vec::new(), Lanes::new(program, self));
            let end = ((i + 1) * chunk).min(rows);
            for first in (i * chunk..end).step_by(LANES) {
                let block = first..(first + LANES).min(end);
                lanes.enter(first, block.len());
                each(&mut lanes, block, &mut out)?;
            }
            Ok(out)
        });
        let parts: Result<Vec<Vec<T>>, CheckError> = parts.collect();
        Ok(parts?.into_iter().flatten().collect())
    }

    /// The advice cells that these slots read on a row.
    fn reads(&self, slots: &[usize], row: usize) -> Vec<(usize, usize)> {
        let leaves = self.protocol.program.leaves(slots);
        let query = |i: usize| self.protocol.advice_queries[i];
        let cell = |(column, rotation): Query| (column, self.rotated(row, rotation));
        leaves.advice.into_iter().map(|i| cell(query(i))).collect()
    }

    /// Every gate and lookup on every row, then every copy.
    pub fn check(&self, copies: impl Iterator<Item = (Cell, Cell)>) -> Result<Report, CheckError> {
        let mut report = Report::default();
        let p = self.protocol;
        let theta = Fr::random(OsRng);
        // The tables, each once, however many arguments look into it.
        let mut tables: Vec<&[usize]> = Vec::new();
        let mut table_of = Vec::with_capacity(p.lookups.len());
        let mut numbers: HashMap<&[usize], usize> = HashMap::new();
        for lookup in &p.lookups {
            let number = *numbers.entry(&lookup.table).or_insert_with(|| {
                tables.push(&lookup.table);
                tables.len() - 1
            });
            table_of.push(number);
        }
        let roots: Vec<usize> = tables.iter().flat_map(|t| t.iter().copied()).collect();
        let (program, slots) = p.program.part(&roots);
        let mut slots = slots.as_slice();
        let places: Vec<&[usize]> = tables
            .iter()
            .map(|t| {
                let (place, rest) = slots.split_at(t.len());
                slots = rest;
                place
            })
            .collect();
        let entries = self.blocks(&program, self.usable, |lanes, block, out| {
            for (t, place) in places.iter().enumerate() {
                each_tuple(lanes, place, theta, block.clone(), |value, _| {
                    out.push((t, value))
                })?;
            }
            Ok(())
        })?;
        let mut held: Vec<Held> = vec![Held::default(); tables.len()];
        for (t, value) in entries {
            held[t].insert(value);
        }

        let mut failures = self.blocks(&p.program, self.n, |lanes, block, out| {
            for (number, gate) in p.gates.iter().enumerate() {
                let lane = lanes.get(*gate)?;
                if matches!(lane, Lane::Same(v) if bool::from(v.is_zero())) {
                    continue;
                }
                for row in block.clone() {
                    if !bool::from(lanes.at(lane, row - block.start).is_zero()) {
                        out.push((Constraint::Gate(number), row));
                    }
                }
            }
            let block = block.start..block.end.min(self.usable);
            if block.is_empty() {
                return Ok(());
            }
            for (argument, lookup) in p.lookups.iter().enumerate() {
                let table = &held[table_of[argument]];
                for (tuple, input) in lookup.inputs.iter().enumerate() {
                    each_tuple(lanes, input, theta, block.clone(), |value, rows| {
                        if !table.contains(&value) {
                            let failed = |row| (Constraint::Lookup { argument, tuple }, row);
                            out.extend(rows.map(failed));
                        }
                    })?;
                }
            }
            Ok(())
        })?;
        failures.sort_by_key(|(constraint, row)| {
            (matches!(constraint, Constraint::Lookup { .. }), *row)
        });
        let mut kept = [0; 2];
        for (constraint, row) in failures {
            let kind = match constraint {
                Constraint::Gate(_) => 0,
                _ => 1,
            };
            kept[kind] += 1;
            if kept[kind] > KEPT {
                report.failed += 1;
                continue;
            }
            let advice = match &constraint {
                Constraint::Gate(number) => self.reads(&[p.gates[*number]], row),
                Constraint::Lookup { argument, tuple } => {
                    self.reads(&p.lookups[*argument].inputs[*tuple], row)
                }
                Constraint::Copy { .. } => Vec::new(),
            };
            report.failed += 1;
            report.first.push(Failure {
                constraint,
                row,
                advice,
            });
        }
        self.copies(copies, &mut report)?;
        Ok(report)
    }

    /// The value of a cell of the permutation, and its advice cell if it is one.
    fn cell(&self, cell: Cell) -> Result<(Fr, Option<(usize, usize)>), CheckError> {
        let p = self.protocol;
        let missing = CheckError::Copy {
            column: cell.column,
            row: cell.row,
        };
        let row = cell.row as usize;
        let column = p.permutation.columns.get(cell.column as usize);
        let (Some(column), true) = (column, row < self.usable) else {
            return Err(missing);
        };
        Ok(match *column {
            ColumnValue::Advice(query) => {
                let column = p.advice_queries[query].0;
                (self.advice(column, row), Some((column, row)))
            }
            ColumnValue::Fixed(query) => (self.fixed[p.fixed_queries[query].0][row], None),
            ColumnValue::Instance(query) => (self.instance(p.instance_evals[query].0, row), None),
        })
    }

    fn copies(
        &self,
        copies: impl Iterator<Item = (Cell, Cell)>,
        report: &mut Report,
    ) -> Result<(), CheckError> {
        let mut found = Report::default();
        for (left, right) in copies {
            let (a, of_a) = self.cell(left)?;
            let (b, of_b) = self.cell(right)?;
            if a != b {
                found.note(Failure {
                    constraint: Constraint::Copy { left, right },
                    row: left.row as usize,
                    advice: of_a.into_iter().chain(of_b).collect(),
                });
            }
        }
        report.failed += found.failed;
        report.first.extend(found.first);
        Ok(())
    }
}

/// The compressed tuple on each row of a block: once with all rows where it is the same on them.
fn each_tuple<S: Source>(
    lanes: &mut Lanes<'_, S>,
    tuple: &[usize],
    theta: Fr,
    block: Range<usize>,
    mut f: impl FnMut(Fr, Range<usize>),
) -> Result<(), CheckError> {
    let parts = tuple.iter().map(|slot| lanes.get(*slot));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let value = |row: usize| {
        let parts = parts.iter();
        parts.fold(Fr::ZERO, |acc, part| acc * theta + lanes.at(*part, row))
    };
    if parts.iter().all(|part| matches!(part, Lane::Same(_))) {
        f(value(0), block);
        return Ok(());
    }
    for row in block.clone() {
        f(value(row - block.start), row..row + 1);
    }
    Ok(())
}

impl Source for Assignment<'_> {
    fn advice(&self, query: usize, first: usize, out: &mut [Fr]) -> Option<()> {
        let (column, rotation) = *self.protocol.advice_queries.get(query)?;
        for (i, value) in out.iter_mut().enumerate() {
            *value = self.advice(column, self.rotated(first + i, rotation));
        }
        Some(())
    }

    fn fixed(&self, query: usize, first: usize, out: &mut [Fr]) -> Option<()> {
        let (column, rotation) = *self.protocol.fixed_queries.get(query)?;
        for (i, value) in out.iter_mut().enumerate() {
            *value = self.fixed[column][self.rotated(first + i, rotation)];
        }
        Some(())
    }

    fn instance(&self, query: usize, first: usize, out: &mut [Fr]) -> Option<()> {
        let (column, rotation) = *self.protocol.instance_evals.get(query)?;
        for (i, value) in out.iter_mut().enumerate() {
            *value = self.instance(column, self.rotated(first + i, rotation));
        }
        Some(())
    }

    fn challenge(&self, at: usize) -> Option<Fr> {
        self.challenges.get(at).copied()
    }
}

/// The values of a table.
type Held = HashSet<Fr, BuildHasherDefault<Mixer>>;

/// Mixes the words of a field element, of which many are spread evenly already.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
