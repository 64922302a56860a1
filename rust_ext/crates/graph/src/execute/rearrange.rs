//! Operators that move values about and compute nothing.

use super::context::Context;
use super::error::ExecuteFault;
use super::values::{Ints, cells, offsets, strides};

/// Axis `source` at place `destination`.
pub fn move_axis(t: &Ints, source: usize, destination: usize) -> Result<Ints, ExecuteFault> {
    let rank = t.dims.len();
    if source >= rank || destination >= rank {
        return Err(Ints::misfit(&[t]));
    }
    let mut order: Vec<usize> = (0..rank).filter(|i| *i != source).collect();
    order.insert(destination, source);
    let step = strides(&t.dims);
    let dims: Vec<usize> = order.iter().map(|i| t.dims[*i]).collect();
    let steps: Vec<usize> = order.iter().map(|i| step[*i]).collect();
    t.gather(&offsets(&dims, &steps), dims)
}

/// The values at `at` along an axis, in that order.
fn pick(t: &Ints, axis: usize, at: &[usize]) -> Result<Ints, ExecuteFault> {
    let size = t.dim(axis)?;
    if let Some(index) = at.iter().find(|i| **i >= size) {
        return Err(ExecuteFault::Index {
            index: *index as i128,
            size,
        });
    }
    let inner: usize = t.dims[axis + 1..].iter().product();
    let outer: usize = t.dims[..axis].iter().product();
    let mut dims = t.dims.clone();
    dims[axis] = at.len();
    let mut data = Vec::with_capacity(cells(&dims)?);
    for o in 0..outer {
        for i in at {
            let from = (o * size + i) * inner;
            data.extend_from_slice(&t.data[from..from + inner]);
        }
    }
    Ints::new(data, dims)
}

/// `start..end` along an axis.
pub fn slice(t: &Ints, axis: usize, start: usize, end: usize) -> Result<Ints, ExecuteFault> {
    if start > end || end > t.dim(axis)? {
        return Err(ExecuteFault::Index {
            index: end as i128,
            size: t.dim(axis)?,
        });
    }
    pick(t, axis, &(start..end).collect::<Vec<_>>())
}

/// Every `stride`-th value along an axis, from `modulo` on.
pub fn downsample(t: &Ints, axis: usize, stride: i64, modulo: usize) -> Result<Ints, ExecuteFault> {
    match usize::try_from(stride) {
        Ok(step) if step > 0 => pick(
            t,
            axis,
            &(modulo..t.dim(axis)?).step_by(step).collect::<Vec<_>>(),
        ),
        _ => Err(ExecuteFault::Unsupported {
            what: format!("a stride of {stride}"),
        }),
    }
}

/// Tensors one after the other along an axis.
pub fn concat(inputs: &[&Ints], axis: usize) -> Result<Ints, ExecuteFault> {
    let first = inputs.first().ok_or(ExecuteFault::Inputs {
        expected: 1,
        got: 0,
    })?;
    let mut dims = first.dims.clone();
    let fits = |t: &Ints| {
        t.dims.len() == first.dims.len()
            && t.dims
                .iter()
                .zip(&first.dims)
                .enumerate()
                .all(|(i, (a, b))| i == axis || a == b)
    };
    if axis >= dims.len() || !inputs.iter().all(|t| fits(t)) {
        return Err(Ints::misfit(inputs));
    }
    dims[axis] = inputs.iter().map(|t| t.dims[axis]).sum();
    let outer: usize = dims[..axis].iter().product();
    let mut data = Vec::with_capacity(cells(&dims)?);
    for o in 0..outer {
        for t in inputs {
            let run: usize = t.dims[axis..].iter().product();
            data.extend_from_slice(&t.data[o * run..(o + 1) * run]);
        }
    }
    Ints::new(data, dims)
}

/// Each value repeated along every axis.
pub fn resize(t: &Ints, factors: &[usize]) -> Result<Ints, ExecuteFault> {
    if factors.len() != t.dims.len() {
        return Err(Ints::misfit(&[t]));
    }
    let mut out = t.clone();
    for (axis, factor) in factors.iter().enumerate() {
        let mut dims = out.dims.clone();
        dims[axis] = dims[axis].saturating_mul(*factor);
        cells(&dims)?;
        let at: Vec<usize> = (0..out.dims[axis])
            .flat_map(|i| std::iter::repeat_n(i, *factor))
            .collect();
        out = pick(&out, axis, &at)?;
    }
    Ok(out)
}

fn index_in(value: i128, size: usize) -> Result<usize, ExecuteFault> {
    usize::try_from(value)
        .ok()
        .filter(|i| *i < size)
        .ok_or(ExecuteFault::Index { index: value, size })
}

/// The slices at `index` along an axis; the axes of the index stand in place of that axis.
pub fn gather(t: &Ints, index: &Ints, axis: usize) -> Result<Ints, ExecuteFault> {
    let size = t.dim(axis)?;
    let at = index
        .data
        .iter()
        .map(|i| index_in(*i, size))
        .collect::<Result<Vec<_>, _>>()?;
    let mut dims = t.dims[..axis].to_vec();
    dims.extend(&index.dims);
    dims.extend(&t.dims[axis + 1..]);
    pick(t, axis, &at)?.reshaped(dims)
}

/// The value at each index along an axis, the other coordinates being those of the index itself.
pub fn gather_elements(t: &Ints, index: &Ints, axis: usize) -> Result<Ints, ExecuteFault> {
    let size = t.dim(axis)?;
    let others = |(i, (a, b)): (usize, (&usize, &usize))| i == axis || a <= b;
    if index.dims.len() != t.dims.len() || !index.dims.iter().zip(&t.dims).enumerate().all(others) {
        return Err(Ints::misfit(&[t, index]));
    }
    let step = strides(&t.dims);
    let mut steps = step.clone();
    steps[axis] = 0;
    let positions = offsets(&index.dims, &steps)
        .into_iter()
        .zip(&index.data)
        .map(|(base, i)| Ok(base + index_in(*i, size)? * step[axis]))
        .collect::<Result<Vec<_>, ExecuteFault>>()?;
    t.gather(&positions, index.dims.clone())
}

/// The slices that the tuples along the index's last axis name.
pub fn gather_nd(t: &Ints, index: &Ints) -> Result<Ints, ExecuteFault> {
    let (width, lead) = index
        .dims
        .split_last()
        .ok_or_else(|| Ints::misfit(&[t, index]))?;
    if *width > t.dims.len() || *width == 0 {
        return Err(Ints::misfit(&[t, index]));
    }
    let (named, rest) = t.dims.split_at(*width);
    let run: usize = rest.iter().product();
    let mut dims = lead.to_vec();
    dims.extend(rest);
    let step = strides(&t.dims);
    let mut data = Vec::with_capacity(cells(&dims)?);
    for tuple in index.data.chunks_exact(*width) {
        let mut from = 0;
        for ((i, size), s) in tuple.iter().zip(named).zip(&step) {
            from += index_in(*i, *size)? * s;
        }
        data.extend_from_slice(&t.data[from..from + run]);
    }
    Ints::new(data, dims)
}

/// A last axis of `classes` bits, the one at the value set.
pub fn one_hot(ctx: &mut Context, t: &Ints, classes: usize) -> Result<Ints, ExecuteFault> {
    ctx.range(0, 1);
    let mut dims = t.dims.clone();
    dims.push(classes);
    let mut data = vec![0; cells(&dims)?];
    for (row, value) in data.chunks_exact_mut(classes.max(1)).zip(&t.data) {
        row[index_in(*value, classes)?] = 1;
    }
    Ints::new(data, dims)
}
