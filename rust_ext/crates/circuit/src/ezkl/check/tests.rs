use std::path::{Path, PathBuf};

use ff::Field;

use super::*;
use crate::grid::Cells;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../../tests/graph/keys/{name}"))
}

struct Filled {
    protocol: Protocol,
    layout: Layout,
    fixed: Vec<Vec<Fr>>,
    grid: Grid,
}

impl Filled {
    /// A committed circuit on small integers.
    fn new(name: &str) -> Self {
        let read = |file: &str| std::fs::read(case(name).join(file)).unwrap();
        let circuit = Circuit::decode(&read("c.ezkl")).unwrap();
        let graph = &circuit.core.model.graph;
        let count = |idx: &u64| match graph.nodes.get(*idx) {
            Some(zkml_graph::NodeType::Node(node)) => node.out_dims.iter().product::<u64>(),
            _ => 0,
        };
        let values = |n: u64| (0..n as i128).map(|i| i * 37 % 101 - 50).collect();
        let inputs: Vec<Vec<i128>> = graph.inputs.iter().map(|i| values(count(i))).collect();
        let witness = Witness::of_inputs(&inputs);
        let (layout, grid) = lay_out_and_fill(&circuit, &witness, &[], &Stop::default()).unwrap();
        Self {
            protocol: Protocol::parse(&read("protocol.json")).unwrap(),
            fixed: fixed_columns(&layout, KeyOptions::default()),
            layout,
            grid,
        }
    }

    fn first(&self, grid: &Grid) -> Option<Broken> {
        let assignment = Assignment::new(&self.protocol, &self.fixed, grid, Vec::new()).unwrap();
        let report = assignment.check(self.layout.all_copies()).unwrap();
        assert_eq!(report.failed == 0, report.first.is_empty());
        let first = report.first.first()?;
        Some(self.layout.broken(first, &self.protocol, grid))
    }
}

/// The grid with one more in a cell.
fn changed(grid: &Grid, column: usize, row: usize) -> Grid {
    let mut grid = grid.clone();
    let mut values = grid.advice[column].to_field(grid.advice[column].len());
    values[row] += Fr::ONE;
    grid.advice[column] = Cells::Full(values);
    grid
}

const NAMES: [&str; 3] = ["relu", "topk", "linear_ic4"];

#[test]
fn honest_witnesses_satisfy_every_constraint() {
    for name in NAMES {
        let filled = Filled::new(name);
        assert_eq!(filled.first(&filled.grid), None, "{name}");
    }
}

#[test]
fn a_changed_cell_is_found_in_the_node_that_laid_it_out() {
    for name in NAMES {
        let filled = Filled::new(name);
        let copies: Vec<(Cell, Cell)> = filled.layout.all_copies().collect();
        let columns = filled.grid.advice.len() as u32;
        for (cell, _) in copies
            .iter()
            .filter(|(c, _)| c.column < columns)
            .step_by(17)
        {
            let grid = changed(&filled.grid, cell.column as usize, cell.row as usize);
            let broken = filled
                .first(&grid)
                .unwrap_or_else(|| panic!("{name}: {cell:?}"));
            assert!(broken.node.is_some(), "{name}: {broken}");
        }
    }
}

#[test]
fn a_changed_public_value_breaks_a_copy() {
    let mut filled = Filled::new("linear_ic4");
    *filled.grid.instances.last_mut().unwrap() += Fr::ONE;
    let broken = filled.first(&filled.grid).unwrap();
    assert_eq!(
        (broken.kind, broken.operator.as_deref()),
        ("copy", Some("Output"))
    );
    assert!(broken.to_string().contains("public value"), "{broken}");
}

#[test]
fn the_protocol_of_another_circuit_is_a_misfit() {
    let (one, other) = (Filled::new("relu"), Filled::new("topk"));
    let misfit = Assignment::new(&other.protocol, &one.fixed, &one.grid, Vec::new());
    assert!(matches!(misfit.err(), Some(CheckError::Misfit { .. })));
}
