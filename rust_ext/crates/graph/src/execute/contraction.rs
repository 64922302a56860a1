//! Einstein summation.

use super::context::Context;
use super::error::ExecuteFault;
use super::values::{Ints, cells, offsets, strides};

/// The most products that one operator may take: minutes of work.
pub const MAX_PRODUCTS: u128 = 1 << 38;

/// Fail where an operator would take more than [`MAX_PRODUCTS`].
pub fn check_work(outputs: usize, each: usize) -> Result<(), ExecuteFault> {
    let products = outputs as u128 * each as u128;
    if products > MAX_PRODUCTS {
        return Err(ExecuteFault::TooMuchWork {
            products,
            limit: MAX_PRODUCTS,
        });
    }
    Ok(())
}

/// The axes of an equation with their lengths, those of the output first.
struct Plan {
    terms: Vec<Vec<char>>,
    output: Vec<(char, usize)>,
    summed: Vec<(char, usize)>,
}

fn plan(equation: &str, inputs: &[&Ints]) -> Result<Plan, ExecuteFault> {
    let misfit = || Ints::misfit(inputs);
    let (left, right) = equation.split_once("->").ok_or_else(misfit)?;
    let terms: Vec<Vec<char>> = left.split(',').map(|t| t.chars().collect()).collect();
    if terms.len() != inputs.len() {
        return Err(ExecuteFault::Inputs {
            expected: terms.len(),
            got: inputs.len(),
        });
    }
    let mut dims: Vec<(char, usize)> = Vec::new();
    for (term, input) in terms.iter().zip(inputs) {
        if term.len() != input.dims.len() {
            return Err(misfit());
        }
        for (axis, dim) in term.iter().zip(&input.dims) {
            match dims.iter_mut().find(|(a, _)| a == axis) {
                Some((_, known)) if *known == *dim || *dim == 1 => {}
                Some((_, known)) if *known == 1 => *known = *dim,
                Some(_) => return Err(misfit()),
                None => dims.push((*axis, *dim)),
            }
        }
    }
    let length = |axis: char| dims.iter().find(|(a, _)| *a == axis).map_or(1, |(_, d)| *d);
    // An axis of the output alone has length 1.
    let output: Vec<_> = right.chars().map(|a| (a, length(a))).collect();
    let summed = dims
        .iter()
        .filter(|(a, _)| !output.iter().any(|(o, _)| o == a))
        .copied()
        .collect();
    Ok(Plan {
        terms,
        output,
        summed,
    })
}

/// How far one step along each axis moves in the operand; an axis that it lacks, or broadcasts, does not move.
fn steps(term: &[char], input: &Ints, axes: &[(char, usize)]) -> Vec<usize> {
    let own = strides(&input.dims);
    axes.iter()
        .map(|(axis, _)| {
            term.iter()
                .zip(&own)
                .zip(&input.dims)
                .filter(|((a, _), dim)| *a == axis && **dim != 1)
                .map(|((_, step), _)| step)
                .sum()
        })
        .collect()
}

fn lengths(axes: &[(char, usize)]) -> Vec<usize> {
    axes.iter().map(|(_, d)| *d).collect()
}

/// The largest magnitude in a list.
pub fn magnitude(values: &[i128]) -> u128 {
    values.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0)
}

/// Σ a·b in 64 bits, for values of 32.
pub fn dot_narrow(a: &[i32], b: &[i32]) -> i64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| i64::from(*x) * i64::from(*y))
        .sum()
}

/// Σ a·b, checked.
pub fn dot_wide(a: &[i128], b: &[i128]) -> Result<i128, ExecuteFault> {
    a.iter()
        .zip(b)
        .try_fold(0i128, |acc, (x, y)| acc.checked_add(x.checked_mul(*y)?))
        .ok_or(ExecuteFault::Overflow)
}

/// Whether dot products of `length` terms fit [`dot_narrow`].
pub fn fits_narrow(a: &[i128], b: &[i128], length: usize) -> bool {
    let (x, y) = (magnitude(a), magnitude(b));
    x < 1 << 31 && y < 1 << 31 && (x * y).saturating_mul(length as u128) < 1 << 63
}

/// Values that are known to fit, in 32 bits.
pub fn narrow(values: impl Iterator<Item = i128>) -> Vec<i32> {
    values.map(|v| v as i32).collect()
}

impl Plan {
    /// Fail for a sum along an axis of three operands or more: EZKL's circuit takes its products once more for each element of the
    /// axis and each operand beyond two.
    fn check_sums(&self) -> Result<(), ExecuteFault> {
        let operands = |axis: &char| self.terms.iter().filter(|t| t.contains(axis)).count();
        let long = self.summed.iter().filter(|(_, length)| *length > 1);
        match long.map(|(a, _)| (*a, operands(a))).find(|(_, n)| *n > 2) {
            Some((axis, operands)) => Err(ExecuteFault::MiscountedSum { axis, operands }),
            None => Ok(()),
        }
    }
}

/// The einsum of any number of operands.
pub fn einsum(equation: &str, inputs: &[&Ints], ctx: &Context) -> Result<Ints, ExecuteFault> {
    let plan = plan(equation, inputs)?;
    if ctx.base_gates {
        plan.check_sums()?;
    }
    let (out_dims, in_dims) = (lengths(&plan.output), lengths(&plan.summed));
    let (count, depth) = (cells(&out_dims)?, cells(&in_dims)?);
    check_work(count, depth.saturating_mul(inputs.len()))?;
    let starts: Vec<Vec<usize>> = plan
        .terms
        .iter()
        .zip(inputs)
        .map(|(term, input)| offsets(&out_dims, &steps(term, input, &plan.output)))
        .collect();
    let walks: Vec<Vec<usize>> = plan
        .terms
        .iter()
        .zip(inputs)
        .map(|(term, input)| offsets(&in_dims, &steps(term, input, &plan.summed)))
        .collect();
    let data = match (inputs, starts.as_slice(), walks.as_slice()) {
        ([a, b], [start_a, start_b], [walk_a, walk_b]) => {
            two((a, start_a, walk_a), (b, start_b, walk_b), depth)?
        }
        _ => (0..count)
            .map(|o| {
                (0..depth).try_fold(0i128, |acc, i| {
                    let operands = inputs.iter().zip(&starts).zip(&walks);
                    let product = operands
                        .map(|((t, start), walk)| t.data[start[o] + walk[i]])
                        .try_fold(1i128, |p, x| p.checked_mul(x));
                    acc.checked_add(product?)
                })
            })
            .map(|sum| sum.ok_or(ExecuteFault::Overflow))
            .collect::<Result<_, _>>()?,
    };
    Ints::new(data, out_dims)
}

type Operand<'a> = (&'a Ints, &'a [usize], &'a [usize]);

/// Each operand's lines of `depth` values are packed once, where a line starts; each output is one dot product of two lines.
fn two(a: Operand<'_>, b: Operand<'_>, depth: usize) -> Result<Vec<i128>, ExecuteFault> {
    let (lines_a, at_a) = lines(a.1);
    let (lines_b, at_b) = lines(b.1);
    cells(&[lines_a.len(), depth])?;
    cells(&[lines_b.len(), depth])?;
    let packed = |(t, _, walk): Operand<'_>, lines: &[usize]| {
        let mut out = Vec::with_capacity(lines.len() * depth);
        for start in lines {
            out.extend(walk.iter().map(|w| t.data[start + w]));
        }
        out
    };
    let line = |i: usize| i * depth..(i + 1) * depth;
    let pairs = at_a.iter().zip(&at_b);
    if fits_narrow(&a.0.data, &b.0.data, depth) {
        let x = narrow(packed(a, &lines_a).into_iter());
        let y = narrow(packed(b, &lines_b).into_iter());
        Ok(pairs
            .map(|(i, j)| i128::from(dot_narrow(&x[line(*i)], &y[line(*j)])))
            .collect())
    } else {
        let (x, y) = (packed(a, &lines_a), packed(b, &lines_b));
        pairs
            .map(|(i, j)| dot_wide(&x[line(*i)], &y[line(*j)]))
            .collect()
    }
}

/// The distinct starts in ascending order, and for each output which of them it is.
fn lines(starts: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut distinct = starts.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let top = distinct.last().map_or(0, |s| s + 1);
    let mut rank = vec![0; top];
    for (i, start) in distinct.iter().enumerate() {
        rank[*start] = i;
    }
    let at = starts.iter().map(|s| rank[*s]).collect();
    (distinct, at)
}
