//! Einstein summation on the base gates.

use zkml_graph::execute::{cells, check_work, offsets, strides};

use super::assign::{Item, Items, Region};
use super::error::{Refusal, unsupported};
use super::value::Value;

pub(super) struct Axes {
    pub terms: Vec<Vec<char>>,
    pub output: Vec<(char, usize)>,
    /// The axes that are summed over, in the order of the first operand that has them.
    pub summed: Vec<(char, usize)>,
}

impl Axes {
    pub fn length(&self, axis: char) -> usize {
        let all = self.output.iter().chain(&self.summed);
        all.clone().find(|(a, _)| *a == axis).map_or(1, |(_, d)| *d)
    }
}

pub(super) fn axes(equation: &str, inputs: &[&Items]) -> Result<Axes, Refusal> {
    let (left, right) = equation.split_once("->").ok_or(Refusal::Shape)?;
    let terms: Vec<Vec<char>> = left.split(',').map(|t| t.chars().collect()).collect();
    if terms.len() != inputs.len() {
        return Err(Refusal::Shape);
    }
    let mut dims: Vec<(char, usize)> = Vec::new();
    for (term, input) in terms.iter().zip(inputs) {
        if term.len() != input.dims.len() {
            return Err(Refusal::Shape);
        }
        for (axis, dim) in term.iter().zip(&input.dims) {
            match dims.iter().find(|(a, _)| a == axis) {
                Some((_, known)) if known != dim => return Err(Refusal::Shape),
                Some(_) => {}
                None => dims.push((*axis, *dim)),
            }
        }
    }
    let length = |axis: char| dims.iter().find(|(a, _)| *a == axis).map_or(1, |(_, d)| *d);
    let output: Vec<_> = right.chars().map(|a| (a, length(a))).collect();
    let summed = dims
        .iter()
        .filter(|(a, _)| !output.iter().any(|(o, _)| o == a))
        .copied()
        .collect();
    Ok(Axes {
        terms,
        output,
        summed,
    })
}

/// How far one step along each axis moves in an operand.
fn steps(term: &[char], input: &Items, axes: &[(char, usize)]) -> Vec<usize> {
    let own = strides(&input.dims);
    let step = |axis: char| {
        term.iter()
            .zip(&own)
            .filter(|(a, _)| **a == axis)
            .map(|(_, s)| s)
            .sum()
    };
    axes.iter().map(|(axis, _)| step(*axis)).collect()
}

/// Where the operands are read for one output: the first element of each output, and the steps from there along the summed axes.
struct Reading {
    starts: Vec<Vec<usize>>,
    walks: Vec<Vec<usize>>,
    depth: usize,
}

impl Reading {
    fn new(axes: &Axes, inputs: &[&Items]) -> Result<Self, Refusal> {
        let out_dims: Vec<usize> = axes.output.iter().map(|(_, d)| *d).collect();
        let in_dims: Vec<usize> = axes.summed.iter().map(|(_, d)| *d).collect();
        let count = cells(&out_dims)?;
        let depth = cells(&in_dims)?;
        check_work(count, depth.saturating_mul(inputs.len()))?;
        let each = |dims: &[usize], along: &[(char, usize)]| {
            let terms = axes.terms.iter().zip(inputs);
            terms
                .map(|(term, t)| offsets(dims, &steps(term, t, along)))
                .collect()
        };
        Ok(Self {
            starts: each(&out_dims, &axes.output),
            walks: each(&in_dims, &axes.summed),
            depth,
        })
    }

    fn outputs(&self) -> usize {
        self.starts.first().map_or(0, Vec::len)
    }

    /// The elements of each operand for summand `i` of an output.
    fn factors<'a>(
        &'a self,
        inputs: &'a [&Items],
        output: usize,
        i: usize,
    ) -> impl Iterator<Item = Item> + 'a {
        let operands = inputs.iter().zip(&self.starts).zip(&self.walks);
        operands.map(move |((t, starts), walk)| t.all[starts[output] + walk[i]])
    }
}

/// What the einsum of these operands is worth, in the order of its output.
pub(super) fn values(equation: &str, inputs: &[&Items]) -> Result<Vec<Value>, Refusal> {
    let reading = Reading::new(&axes(equation, inputs)?, inputs)?;
    let sum = |output: usize| {
        (0..reading.depth).fold(Value::ZERO, |total, i| {
            let factors = reading.factors(inputs, output, i);
            total.plus(factors.fold(Value::Int(1), |product, x| product.times(x.value)))
        })
    };
    Ok((0..reading.outputs()).map(sum).collect())
}

impl Region {
    /// The einsum of any operands.
    pub fn einsum(&mut self, equation: &str, inputs: &[&Items]) -> Result<Items, Refusal> {
        if self.shape.area.is_some() {
            return self.unlinked_einsum(equation, inputs);
        }
        self.linked_einsum(equation, inputs)
    }

    /// On the base gates: a dot product for each output where two operands share all axes that are summed over; where not, the
    /// products of single elements, added up.
    pub(super) fn linked_einsum(
        &mut self,
        equation: &str,
        inputs: &[&Items],
    ) -> Result<Items, Refusal> {
        let axes = axes(equation, inputs)?;
        let reading = Reading::new(&axes, inputs)?;
        let out_dims: Vec<usize> = axes.output.iter().map(|(_, d)| *d).collect();
        let shared = |(a, d): &(char, usize)| *d == 1 || axes.terms.iter().all(|t| t.contains(a));
        // EZKL takes the elements along such an axis more than once: its result is another number.
        let held = |axis: char| axes.terms.iter().filter(|t| t.contains(&axis)).count();
        if axes.summed.iter().any(|(a, d)| *d > 1 && held(*a) > 2) {
            return unsupported("a sum along an axis of three operands or more");
        }
        let is_dot = inputs.len() == 2 && axes.summed.iter().all(shared);
        self.flush();
        let mut all = Vec::with_capacity(reading.outputs());
        for output in 0..reading.outputs() {
            if is_dot {
                let line = |side: usize| -> Vec<Item> {
                    let start = reading.starts[side][output];
                    let walk = reading.walks[side].iter();
                    walk.map(|w| inputs[side].all[start + w]).collect()
                };
                all.push(self.dot(&line(0), &line(1))?);
                continue;
            }
            let mut total: Option<Item> = None;
            for i in 0..reading.depth {
                let factors: Vec<Item> = reading.factors(inputs, output, i).collect();
                let product = self.product(&factors)?;
                total = Some(match total {
                    None => product,
                    Some(sum) => self.add(&Items::one(sum), &Items::one(product))?.all[0],
                });
            }
            all.push(total.ok_or(Refusal::Shape)?);
        }
        Ok(Items::new(all, out_dims))
    }
}
