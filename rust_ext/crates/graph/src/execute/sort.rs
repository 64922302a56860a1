//! Sorting along an axis, and what is read off a sorted list.

use super::compare::{largest, smallest};
use super::context::Context;
use super::error::ExecuteFault;
use super::pairwise::{Pair, reduce};
use super::values::{Ints, cells, offsets, strides};

/// Check what a circuit checks of a sorted list: that each neighbour's difference, and one more, has the digits it needs.
pub fn check_ascending(ctx: &mut Context, values: &[i128]) -> Result<(), ExecuteFault> {
    if values.len() < 2 {
        return Ok(());
    }
    let (mut low, mut high) = (values[0], values[0]);
    for value in values {
        (low, high) = (low.min(*value), high.max(*value));
    }
    let span = Pair::Sub.of(high, low)?;
    if ctx.holds(0, Pair::Add.of(span, 1)?) {
        return ctx.decompose(&[span + 1]);
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let steps: Vec<i128> = sorted.windows(2).map(|w| w[1] - w[0] + 1).collect();
    ctx.decompose(&steps)
}

/// f of each line along `axis`, whose result is the line in the output.
pub fn lines(
    t: &Ints,
    axis: usize,
    length: usize,
    mut f: impl FnMut(&[i128]) -> Result<Vec<i128>, ExecuteFault>,
) -> Result<Ints, ExecuteFault> {
    let size = t.dim(axis)?;
    let mut dims = t.dims.clone();
    dims[axis] = 1;
    let from = offsets(&dims, &strides(&t.dims));
    let step = strides(&t.dims)[axis];
    dims[axis] = length;
    let mut data = vec![0; cells(&dims)?];
    let (out_steps, mut outer) = (strides(&dims), dims.clone());
    outer[axis] = 1;
    let to = offsets(&outer, &out_steps);
    for (a, b) in from.into_iter().zip(to) {
        let line: Vec<i128> = (0..size).map(|i| t.data[a + i * step]).collect();
        for (i, value) in f(&line)?.into_iter().take(length).enumerate() {
            data[b + i * out_steps[axis]] = value;
        }
    }
    Ints::new(data, dims)
}

/// The k largest or smallest along an axis, the most extreme first.
pub fn top_k(
    ctx: &mut Context,
    t: &Ints,
    axis: usize,
    k: usize,
    largest: bool,
) -> Result<Ints, ExecuteFault> {
    if k > t.dim(axis)? {
        return Err(Ints::misfit(&[t]));
    }
    lines(t, axis, k, |line| {
        check_ascending(ctx, line)?;
        let mut sorted = line.to_vec();
        sorted.sort_unstable();
        if largest {
            sorted.reverse();
        }
        Ok(sorted)
    })
}

/// The position of the largest or smallest along an axis.
pub fn arg_extreme(
    ctx: &mut Context,
    t: &Ints,
    axis: usize,
    maximum: bool,
) -> Result<Ints, ExecuteFault> {
    ctx.range(0, 1);
    lines(t, axis, 1, |line| {
        check_ascending(ctx, line)?;
        ctx.decompose(&[line.len() as i128])?;
        // The first among equals.
        let extreme = if maximum {
            line.iter().max()
        } else {
            line.iter().min()
        };
        let at = extreme.and_then(|e| line.iter().position(|v| v == e));
        at.map(|i| vec![i as i128])
            .ok_or(ExecuteFault::Index { index: 0, size: 0 })
    })
}

/// The largest, or the smallest, over axes.
pub fn reduce_extreme(
    ctx: &mut Context,
    t: &Ints,
    axes: &[usize],
    maximum: bool,
) -> Result<Ints, ExecuteFault> {
    reduce(t, axes, |line| {
        if maximum {
            largest(ctx, line)
        } else {
            smallest(ctx, line)
        }
    })
}
