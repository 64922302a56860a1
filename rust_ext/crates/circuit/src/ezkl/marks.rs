//! Which node laid a cell out.

use std::ops::Range;

use super::shape::{Shape, Space};

/// The coordinates that one node took, of the model's columns, of the dynamic tables and of the Freivalds area.
pub struct Mark {
    pub cells: Range<usize>,
    pub table_cells: Range<usize>,
    pub area_cells: Range<usize>,
    pub node: String,
    pub operator: String,
}

/// The nodes in the order in which they were laid out.
#[derive(Default)]
pub struct Marks(Vec<Mark>);

impl Marks {
    /// Note a node, whose coordinates follow those of the node before.
    pub fn push(&mut self, mark: Mark) {
        if !mark.cells.is_empty() || !mark.table_cells.is_empty() {
            self.0.push(mark);
        }
    }

    /// The node that took a coordinate of the model's columns.
    pub fn at(&self, coordinate: usize) -> Option<&Mark> {
        let at = self.0.partition_point(|m| m.cells.end <= coordinate);
        self.0.get(at).filter(|m| m.cells.contains(&coordinate))
    }

    /// The node that laid an advice cell out; none for a cell that no node took.
    pub fn of(&self, shape: &Shape, column: usize, row: usize) -> Option<&Mark> {
        let (space, coordinate) = shape.coordinate(column, row)?;
        let range = |m: &Mark| match space {
            Space::Model => m.cells.clone(),
            Space::Table => m.table_cells.clone(),
            Space::Area => m.area_cells.clone(),
        };
        let at = self.0.partition_point(|m| range(m).end <= coordinate);
        self.0.get(at).filter(|m| range(m).contains(&coordinate))
    }
}
