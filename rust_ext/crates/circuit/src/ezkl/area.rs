//! The area in which EZKL checks matrix products by Freivalds' method: its size, its columns and its selectors.
//!
//! Columns in two phases: E0, E1, F0 before the challenges, E2, E3, F1 after. A product is reduced axis by axis: output axes by random
//! linear combination with one challenge each, the others by dot products.

use zkml_graph::GraphSettings;

use super::error::Refusal;
use super::shape::{Shape, blocks, bounded};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub blocks: usize,
    /// Challenges: the most output axes of any equation.
    pub rounds: usize,
}

/// The six columns of the area, in the order of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AreaVar {
    E0,
    E1,
    E2,
    E3,
    F0,
    F1,
}

const VARIABLES: usize = 6;

/// Which phases the two inputs of a gate are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    BothFirst,
    Mixed,
    BothSecond,
}

impl Pair {
    pub fn of(a_second: bool, b_second: bool) -> Self {
        match (a_second, b_second) {
            (false, false) => Self::BothFirst,
            (true, true) => Self::BothSecond,
            _ => Self::Mixed,
        }
    }

    pub fn columns(self) -> (AreaVar, AreaVar, AreaVar) {
        match self {
            Self::BothFirst => (AreaVar::E0, AreaVar::E1, AreaVar::F0),
            Self::Mixed => (AreaVar::E0, AreaVar::E2, AreaVar::F1),
            Self::BothSecond => (AreaVar::E2, AreaVar::E3, AreaVar::F1),
        }
    }
}

/// The gates that run over one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    SumInit,
    Sum,
    CumProdInit,
    CumProd,
}

/// An equation without its axes of length 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    pub terms: Vec<Vec<char>>,
    pub output: Vec<char>,
    sizes: Vec<(char, usize)>,
}

/// One step of a reduction: the terms at these places of the list go, and their result comes last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: Kind,
    pub holding: Vec<usize>,
    pub result: Vec<char>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The element-wise product over all axes of the terms.
    Multiply,
    /// The random combination along this axis of the output, by number.
    Combine(usize),
    /// The sum of products along this axis.
    Contract(char),
}

impl Equation {
    /// The equation with its axes of length 1 dropped. `size` gives the length of an axis of a term.
    pub fn new(text: &str, size: impl Fn(char) -> Option<usize>) -> Result<Self, Refusal> {
        let (left, right) = text.split_once("->").ok_or(Refusal::Shape)?;
        let mut sizes: Vec<(char, usize)> = Vec::new();
        let mut terms = Vec::new();
        for term in left.split(',') {
            let mut kept = Vec::new();
            for axis in term.chars() {
                let length = size(axis).ok_or(Refusal::Shape)?;
                if length <= 1 {
                    continue;
                }
                if kept.contains(&axis) {
                    return Err(Refusal::Shape);
                }
                kept.push(axis);
                if !sizes.iter().any(|(a, _)| *a == axis) {
                    sizes.push((axis, length));
                }
            }
            terms.push(kept);
        }
        let known = |axis: &char| sizes.iter().any(|(a, _)| a == axis);
        let output = right.chars().filter(known).collect();
        Ok(Self {
            terms,
            output,
            sizes,
        })
    }

    pub fn size(&self, axis: char) -> usize {
        let found = self.sizes.iter().find(|(a, _)| *a == axis);
        found.map_or(1, |(_, n)| *n)
    }

    pub fn dims(&self, axes: &[char]) -> Vec<usize> {
        axes.iter().map(|a| self.size(*a)).collect()
    }

    /// The reduced equation as text.
    pub fn text(&self) -> String {
        let terms: Vec<String> = self.terms.iter().map(|t| t.iter().collect()).collect();
        let output: String = self.output.iter().collect();
        format!("{}->{output}", terms.join(","))
    }

    /// Whether EZKL checks this product in the area: a contraction of operands, and at least two axes that some operand lacks.
    pub fn is_checked_by_combination(&self) -> bool {
        let holders = |axis: char| self.terms.iter().filter(|t| t.contains(&axis)).count();
        let lacking = |(axis, _): &&(char, usize)| holders(*axis) < self.terms.len();
        let contracted = |axis: char| !self.output.contains(&axis) && holders(axis) >= 2;
        self.sizes.iter().filter(lacking).count() >= 2
            && self.sizes.iter().any(|(axis, _)| contracted(*axis))
    }

    /// The steps that reduce the terms to scalars.
    pub fn plan(&self) -> Vec<Step> {
        let mut terms = self.terms.clone();
        let mut steps = Vec::new();
        let mut take = |terms: &mut Vec<Vec<char>>, kind: Kind, axis: char| {
            let holding: Vec<usize> = (0..terms.len())
                .filter(|i| terms[*i].contains(&axis))
                .collect();
            let mut result: Vec<char> = holding.iter().flat_map(|i| terms[*i].clone()).collect();
            result.sort_unstable();
            result.dedup();
            if kind != Kind::Multiply {
                result.retain(|a| *a != axis);
            }
            let mut at = 0;
            terms.retain(|_| {
                at += 1;
                !holding.contains(&(at - 1))
            });
            terms.push(result.clone());
            steps.push(Step {
                kind,
                holding,
                result,
            });
        };
        for (number, axis) in self.output.iter().enumerate() {
            loop {
                match terms.iter().filter(|t| t.contains(axis)).count() {
                    0 => break,
                    1 => take(&mut terms, Kind::Combine(number), *axis),
                    _ => take(&mut terms, Kind::Multiply, *axis),
                }
            }
        }
        let mut rest: Vec<char> = terms.iter().flatten().copied().collect();
        rest.sort_unstable();
        rest.dedup();
        for axis in rest {
            take(&mut terms, Kind::Contract(axis), axis);
        }
        steps
    }

    /// The cells that the check of the product takes in the area.
    fn cells(&self) -> u64 {
        let volume = |axes: &[char]| {
            axes.iter()
                .fold(1u64, |n, a| n.saturating_mul(self.size(*a) as u64))
        };
        let mut cells = 0u64;
        for i in 0..self.output.len() {
            cells = cells.saturating_add(volume(&self.output[..=i]));
        }
        for step in self.plan() {
            let along = match step.kind {
                Kind::Multiply => 1,
                Kind::Combine(number) => self.size(self.output[number]) as u64,
                Kind::Contract(axis) => self.size(axis) as u64,
            };
            let times = match step.holding.len() as u64 {
                n @ 3.. => n,
                _ => 1,
            };
            let cost = volume(&step.result)
                .saturating_mul(along)
                .saturating_mul(times);
            cells = cells.saturating_add(cost);
        }
        cells
    }
}

impl Area {
    /// The area that the settings describe: none if no product asks for one. `block` is the cells of a block.
    pub fn of(settings: &GraphSettings, block: usize) -> Result<Option<Self>, Refusal> {
        let params = &settings.einsum_params;
        if params.total_einsum_col_size == 0 {
            return Ok(None);
        }
        let (mut cells, mut rounds) = (0u64, 0);
        for (text, axes) in &params.equations {
            let size = |axis: char| {
                let found = axes.0.iter().find(|(a, _)| *a == axis);
                found.and_then(|(_, n)| usize::try_from(*n).ok())
            };
            let equation = Equation::new(text, size)?;
            cells = cells.saturating_add(equation.cells());
            rounds = rounds.max(equation.output.len());
        }
        let blocks = blocks(cells, block)?;
        bounded(blocks as u128 * blocks as u128 * 6, "Freivalds selectors")?;
        bounded(blocks as u128 * rounds as u128 * 4, "Freivalds selectors")?;
        Ok(Some(Self { blocks, rounds }))
    }
}

impl Shape {
    pub(super) fn area_columns(&self) -> usize {
        self.area.map_or(0, |a| VARIABLES * a.blocks * self.width)
    }

    /// The column of the permutation that a cell of the area is in.
    pub fn area_column(&self, var: AreaVar, block: usize, inner: usize) -> usize {
        let blocks = self.area.map_or(0, |a| a.blocks);
        self.first_area_cell_column() + (var as usize * blocks + block) * self.width + inner
    }

    /// The selectors of one kind of pair: products, and the dot products that EZKL makes again for each block.
    fn pair_selectors(&self, blocks: usize) -> usize {
        blocks * (self.width + 2 * blocks)
    }

    pub(super) fn area_selectors(&self) -> usize {
        self.area.map_or(0, |a| {
            3 * self.pair_selectors(a.blocks) + 8 * a.blocks + 4 * a.blocks * a.rounds
        })
    }

    fn pair_selector(&self, pair: Pair, block: usize, at: usize) -> usize {
        let blocks = self.area.map_or(0, |a| a.blocks);
        let first = self.first_area_selector() + pair as usize * self.pair_selectors(blocks);
        first + block * (self.width + 2 * blocks) + at
    }

    pub fn area_product_selector(&self, pair: Pair, block: usize, inner: usize) -> usize {
        self.pair_selector(pair, block, inner)
    }

    /// Of the selectors for dot products those made last are used.
    pub fn area_dot_selector(&self, pair: Pair, block: usize, init: bool) -> usize {
        let last = self.area.map_or(0, |a| a.blocks - 1);
        let at = self.width + 2 * block + usize::from(!init);
        self.pair_selector(pair, last, at)
    }

    pub fn area_run_selector(&self, run: Run, second: bool, block: usize) -> usize {
        let blocks = self.area.map_or(0, |a| a.blocks);
        let first = self.first_area_selector() + 3 * self.pair_selectors(blocks);
        first + (usize::from(second) * blocks + block) * 4 + run as usize
    }

    pub fn area_combine_selector(
        &self,
        round: usize,
        second: bool,
        block: usize,
        init: bool,
    ) -> usize {
        let blocks = self.area.map_or(0, |a| a.blocks);
        let first = self.first_area_selector() + 3 * self.pair_selectors(blocks) + 8 * blocks;
        let lane = (2 * round + usize::from(second)) * blocks + block;
        first + 2 * lane + usize::from(!init)
    }

    /// The degrees of the area's gates by selector; those that EZKL leaves unused have none.
    pub(super) fn area_degrees(&self, out: &mut [usize]) {
        let Some(area) = self.area else { return };
        for pair in [Pair::BothFirst, Pair::Mixed, Pair::BothSecond] {
            for block in 0..area.blocks {
                for inner in 0..self.width {
                    out[self.area_product_selector(pair, block, inner)] = 3;
                }
                for init in [true, false] {
                    out[self.area_dot_selector(pair, block, init)] = 3;
                }
            }
        }
        for second in [false, true] {
            for block in 0..area.blocks {
                let product = self.width + 1;
                for (run, degree) in [
                    (Run::SumInit, 2),
                    (Run::Sum, 2),
                    (Run::CumProdInit, product.max(2)),
                    (Run::CumProd, product + 1),
                ] {
                    out[self.area_run_selector(run, second, block)] = degree;
                }
                for round in 0..area.rounds {
                    for init in [true, false] {
                        out[self.area_combine_selector(round, second, block, init)] = 2;
                    }
                }
            }
        }
    }
}
