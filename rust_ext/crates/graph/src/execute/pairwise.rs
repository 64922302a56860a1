//! Element by element: sums, products, quotients, and reductions of them.

use super::context::Context;
use super::error::ExecuteFault;
use super::lookup::round;
use super::values::{Ints, cells, offsets, strides};
use crate::ops::LookupOp;

/// The operations of the base gates.
#[derive(Clone, Copy)]
pub enum Pair {
    Add,
    Sub,
    Mult,
}

impl Pair {
    pub fn of(self, a: i128, b: i128) -> Result<i128, ExecuteFault> {
        match self {
            Self::Add => a.checked_add(b),
            Self::Sub => a.checked_sub(b),
            Self::Mult => a.checked_mul(b),
        }
        .ok_or(ExecuteFault::Overflow)
    }
}

/// The shape that two shapes broadcast to: aligned at the last axis, the larger of each.
pub fn broadcast_dims(a: &Ints, b: &Ints) -> Result<Vec<usize>, ExecuteFault> {
    let rank = a.dims.len().max(b.dims.len());
    let dim = |t: &Ints, i: usize| {
        (i + t.dims.len())
            .checked_sub(rank)
            .map_or(1, |j| t.dims[j])
    };
    (0..rank)
        .map(|i| match (dim(a, i), dim(b, i)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => Err(Ints::misfit(&[a, b])),
        })
        .collect()
}

/// The tensor in a shape that its own broadcasts to.
pub fn broadcast(t: &Ints, dims: &[usize]) -> Result<Ints, ExecuteFault> {
    if t.dims == dims {
        return Ok(t.clone());
    }
    let misfit = || ExecuteFault::Shape {
        shapes: vec![t.dims.clone(), dims.to_vec()],
    };
    cells(dims)?;
    let lead = dims.len().checked_sub(t.dims.len()).ok_or_else(misfit)?;
    let own = strides(&t.dims);
    let mut steps = vec![0; dims.len()];
    for (i, (dim, step)) in t.dims.iter().zip(own).enumerate() {
        match (*dim, dims[lead + i]) {
            (d, out) if d == out => steps[lead + i] = step,
            (1, _) => {}
            _ => return Err(misfit()),
        }
    }
    t.gather(&offsets(dims, &steps), dims.to_vec())
}

/// a ∘ b, broadcast.
pub fn pairwise(op: Pair, a: &Ints, b: &Ints) -> Result<Ints, ExecuteFault> {
    zip(a, b, |x, y| op.of(x, y))
}

/// f(a, b), broadcast.
pub fn zip(
    a: &Ints,
    b: &Ints,
    mut f: impl FnMut(i128, i128) -> Result<i128, ExecuteFault>,
) -> Result<Ints, ExecuteFault> {
    let dims = broadcast_dims(a, b)?;
    if let ([y], true) = (b.data.as_slice(), a.dims == dims) {
        return a.try_map(|x| f(*x, *y));
    }
    let (a, b) = (broadcast(a, &dims)?, broadcast(b, &dims)?);
    let data = a
        .data
        .iter()
        .zip(&b.data)
        .map(|(x, y)| f(*x, *y))
        .collect::<Result<_, _>>()?;
    Ints::new(data, dims)
}

/// t ∘ c.
pub fn with_constant(op: Pair, t: &Ints, c: i128) -> Result<Ints, ExecuteFault> {
    t.try_map(|x| op.of(*x, c))
}

/// The quotient that a division claims: t/denom rounded half away from zero, in `f64`.
pub fn quotient(t: i128, denom: f32) -> i128 {
    round(t as f64 / f64::from(denom))
}

/// Division by a constant: a claim checked by its remainder, or a table where the constant is no integer.
pub fn divide(ctx: &mut Context, t: &Ints, denom: f32) -> Result<Ints, ExecuteFault> {
    if denom == 1.0 {
        return Ok(t.clone());
    }
    if denom.fract() != 0.0 {
        return Ok(ctx.look_up(&LookupOp::Div { denom }, t));
    }
    let claimed = t.map(|x| quotient(*x, denom));
    ctx.decompose(&claimed.data)?;
    let d = round(f64::from(denom));
    let mut remainders = Vec::with_capacity(t.len());
    for (x, q) in t.data.iter().zip(&claimed.data) {
        let product = Pair::Mult.of(*q, d)?;
        let remainder = Pair::Sub.of(*x, product)?;
        if remainder.abs() >= d.abs() {
            return Err(ExecuteFault::ClaimRefused {
                claimed: *q,
                of: *x,
            });
        }
        remainders.push(remainder);
    }
    ctx.decompose(&remainders)?;
    for r in &mut remainders {
        *r = d - r.abs();
    }
    ctx.decompose(&remainders)?;
    Ok(claimed)
}

/// t to a positive integer power.
pub fn power(t: &Ints, exponent: u32) -> Result<Ints, ExecuteFault> {
    t.try_map(|x| x.checked_pow(exponent).ok_or(ExecuteFault::Overflow))
}

/// Reduce over `axes`, which stay with length 1, the values of each output in row-major order.
pub fn reduce(
    t: &Ints,
    axes: &[usize],
    mut f: impl FnMut(&[i128]) -> Result<i128, ExecuteFault>,
) -> Result<Ints, ExecuteFault> {
    if axes.iter().any(|a| *a >= t.dims.len()) {
        return Err(Ints::misfit(&[t]));
    }
    let step = strides(&t.dims);
    let (mut kept, mut gone) = (t.dims.clone(), t.dims.clone());
    for (i, (k, g)) in kept.iter_mut().zip(&mut gone).enumerate() {
        *(if axes.contains(&i) { k } else { g }) = 1;
    }
    let inner = offsets(&gone, &step);
    let mut values = Vec::with_capacity(inner.len());
    let mut data = Vec::new();
    for base in offsets(&kept, &step) {
        values.clear();
        values.extend(inner.iter().map(|i| t.data[base + i]));
        data.push(f(&values)?);
    }
    Ints::new(data, kept)
}

/// Σ over axes.
pub fn sum(t: &Ints, axes: &[usize]) -> Result<Ints, ExecuteFault> {
    reduce(t, axes, |values| {
        values.iter().try_fold(0, |a, b| Pair::Add.of(a, *b))
    })
}

/// Π over axes.
pub fn product(t: &Ints, axes: &[usize]) -> Result<Ints, ExecuteFault> {
    reduce(t, axes, |values| {
        values.iter().try_fold(1, |a, b| Pair::Mult.of(a, *b))
    })
}

/// The mean of squares over axes.
pub fn mean_of_squares(ctx: &mut Context, t: &Ints, axes: &[usize]) -> Result<Ints, ExecuteFault> {
    let squares = pairwise(Pair::Mult, t, t)?;
    let sums = sum(&squares, axes)?;
    let count: usize = axes.iter().map(|a| t.dims[*a]).product();
    divide(ctx, &sums, count as f32)
}
