//! The checker on a compiled circuit: what fails, in which node, at which row.

use std::fmt;

use ff::Field;
use halo2curves::bn256::Fr;
use rand_core::OsRng;
use thiserror::Error;
use zkml_graph::Circuit;
use zkml_protocol::Protocol;

use super::error::LayoutError;
use super::key::{KeyOptions, fixed_columns};
use super::layout::{Layout, lay_out_and_fill};
use crate::check::{Assignment, Cell, CheckError, Constraint, Failure};
use crate::grid::Grid;
use crate::stop::Stop;
use crate::witness::Witness;

/// Why nothing could be checked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CircuitCheckError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// A constraint that fails: which, where, and the node that laid it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// `gate`, `lookup` or `copy`.
    pub kind: &'static str,
    /// Its name: the gate's, the table's, or the two cells of a copy.
    pub name: String,
    pub row: usize,
    /// The node's number; none where no node took the cells.
    pub node: Option<String>,
    pub operator: Option<String>,
    /// The advice cells that it reads, with their values.
    pub cells: Vec<(usize, usize, Fr)>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} fails at row {}", self.kind, self.name, self.row)?;
        if let (Some(node), Some(operator)) = (&self.node, &self.operator) {
            write!(f, " in node {node} ({operator})")?;
        }
        Ok(())
    }
}

/// How many constraints fail, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub failed: usize,
    pub first: Vec<Broken>,
}

/// Check a witness against every constraint of a compiled circuit, those of its Protocol, whose key was made with `options`.
pub fn check(
    circuit: &Circuit,
    witness: &Witness,
    protocol: &Protocol,
    options: KeyOptions,
    stop: &Stop,
) -> Result<Findings, CircuitCheckError> {
    let challenges: Vec<Fr> = (0..protocol.challenge_phases.len())
        .map(|_| Fr::random(OsRng))
        .collect();
    let (layout, grid) = lay_out_and_fill(circuit, witness, &challenges, stop)?;
    let fixed = fixed_columns(&layout, options);
    let assignment = Assignment::new(protocol, &fixed, &grid, challenges)?;
    let report = assignment.check(layout.all_copies())?;
    let broken = |failure: &Failure| layout.broken(failure, protocol, &grid);
    Ok(Findings {
        failed: report.failed,
        first: report.first.iter().map(broken).collect(),
    })
}

impl Layout {
    /// A failure in the words of the model.
    fn broken(&self, failure: &Failure, protocol: &Protocol, grid: &Grid) -> Broken {
        let mark = failure
            .advice
            .iter()
            .find_map(|(column, row)| self.marks.of(&self.shape, *column, *row));
        let (kind, name) = match &failure.constraint {
            Constraint::Gate(number) => ("gate", self.shape.gate_name(*number).to_owned()),
            Constraint::Lookup { argument, .. } => (
                "lookup",
                self.table_of(*argument, protocol)
                    .unwrap_or_else(|| "dynamic table".to_owned()),
            ),
            Constraint::Copy { left, right } => (
                "copy",
                format!("of {} to {}", self.cell_name(*right), self.cell_name(*left)),
            ),
        };
        let cells = failure.advice.iter();
        Broken {
            kind,
            name,
            row: failure.row,
            node: mark.map(|m| m.node.clone()),
            operator: mark.map(|m| m.operator.clone()),
            cells: cells
                .map(|(c, r)| (*c, *r, grid.advice[*c].get(*r)))
                .collect(),
        }
    }

    fn table_of(&self, argument: usize, protocol: &Protocol) -> Option<String> {
        let leaves = protocol.program.leaves(&protocol.lookups[argument].table);
        let columns = leaves.fixed.iter().rev();
        columns
            .map(|query| protocol.fixed_queries[*query].0)
            .find_map(|column| self.shape.table_name(column))
    }

    fn cell_name(&self, cell: Cell) -> String {
        let (column, row) = (cell.column as usize, cell.row);
        match self.shape.advice_of(column) {
            Some(advice) => format!("advice[{advice}] row {row}"),
            None if column == self.shape.instance_column() => format!("public value {row}"),
            None => format!("constant row {row}"),
        }
    }
}

#[cfg(test)]
mod tests;
