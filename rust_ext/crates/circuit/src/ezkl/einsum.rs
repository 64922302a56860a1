//! Einstein summation on the base gates.

use zkml_graph::execute::{cells, offsets, strides};

use super::assign::{Item, Items, Region};
use super::error::{Refusal, unsupported};

struct Axes {
    terms: Vec<Vec<char>>,
    output: Vec<(char, usize)>,
    /// The axes that are summed over, in the order of the first operand that has them.
    summed: Vec<(char, usize)>,
}

fn axes(equation: &str, inputs: &[&Items]) -> Result<Axes, Refusal> {
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

impl Region {
    /// The einsum of two operands, one dot product for each output. Refuses axes that one operand alone has and the output lacks.
    pub fn einsum(&mut self, equation: &str, inputs: &[&Items]) -> Result<Items, Refusal> {
        let axes = axes(equation, inputs)?;
        let shared = |(a, d): &(char, usize)| *d == 1 || axes.terms.iter().all(|t| t.contains(a));
        let ([a, b], true) = (inputs, axes.summed.iter().all(shared)) else {
            return unsupported(format!("an einsum such as {equation}"));
        };
        self.flush();
        let out_dims: Vec<usize> = axes.output.iter().map(|(_, d)| *d).collect();
        let in_dims: Vec<usize> = axes.summed.iter().map(|(_, d)| *d).collect();
        cells(&out_dims)?;
        cells(&in_dims)?;
        let lines = |i: usize, t: &Items| {
            let starts = offsets(&out_dims, &steps(&axes.terms[i], t, &axes.output));
            (
                starts,
                offsets(&in_dims, &steps(&axes.terms[i], t, &axes.summed)),
            )
        };
        let ((starts_a, walk_a), (starts_b, walk_b)) = (lines(0, a), lines(1, b));
        let line = |t: &Items, start: usize, walk: &[usize]| -> Vec<Item> {
            walk.iter().map(|w| t.all[start + w]).collect()
        };
        let mut all = Vec::with_capacity(starts_a.len());
        for (start_a, start_b) in starts_a.into_iter().zip(starts_b) {
            all.push(self.dot(&line(a, start_a, &walk_a), &line(b, start_b, &walk_b))?);
        }
        Ok(Items::new(all, out_dims))
    }
}
