//! Signs, comparisons, and the logic of bits.

use super::context::Context;
use super::error::ExecuteFault;
use super::lookup::round;
use super::pairwise::{Pair, pairwise, with_constant, zip};
use super::sort::check_ascending;
use super::values::Ints;

/// −1, 0 or 1 for each value.
pub fn sign(ctx: &mut Context, t: &Ints) -> Result<Ints, ExecuteFault> {
    ctx.decompose(&t.data)?;
    Ok(t.map(|x| x.signum()))
}

/// |t|.
pub fn abs(ctx: &mut Context, t: &Ints) -> Result<Ints, ExecuteFault> {
    ctx.decompose(&t.data)?;
    Ok(t.map(|x| x.abs()))
}

/// 1 where a = b.
pub fn equals(a: &Ints, b: &Ints) -> Result<Ints, ExecuteFault> {
    zip(a, b, |x, y| Ok(i128::from(x == y)))
}

/// 1 where t = c.
pub fn equals_constant(t: &Ints, c: i128) -> Ints {
    t.map(|x| i128::from(*x == c))
}

/// 1 where a > b: the sign of the difference.
pub fn greater(ctx: &mut Context, a: &Ints, b: &Ints) -> Result<Ints, ExecuteFault> {
    let difference = pairwise(Pair::Sub, a, b)?;
    ctx.decompose(&difference.data)?;
    Ok(difference.map(|x| i128::from(*x > 0)))
}

/// 1 where a ≥ b.
pub fn greater_equal(ctx: &mut Context, a: &Ints, b: &Ints) -> Result<Ints, ExecuteFault> {
    greater(ctx, &with_constant(Pair::Add, a, 1)?, b)
}

/// a where the mask is 1, b where it is 0.
pub fn iff(ctx: &mut Context, mask: &Ints, a: &Ints, b: &Ints) -> Result<Ints, ExecuteFault> {
    ctx.bits(mask)?;
    let kept = pairwise(Pair::Mult, a, mask)?;
    let rest = mask.map(|m| 1 - m);
    pairwise(Pair::Add, &kept, &pairwise(Pair::Mult, b, &rest)?)
}

/// 1 − t, for bits.
pub fn not(ctx: &mut Context, t: &Ints) -> Result<Ints, ExecuteFault> {
    ctx.bits(t)?;
    Ok(t.map(|x| 1 - x))
}

/// A function of two bits.
pub fn logic(
    ctx: &mut Context,
    a: &Ints,
    b: &Ints,
    f: impl Fn(bool, bool) -> bool,
) -> Result<Ints, ExecuteFault> {
    ctx.bits(a)?;
    ctx.bits(b)?;
    zip(a, b, |x, y| Ok(i128::from(f(x == 1, y == 1))))
}

/// The larger, or the smaller, of a and b.
pub fn extreme(ctx: &mut Context, a: &Ints, b: &Ints, largest: bool) -> Result<Ints, ExecuteFault> {
    let g = greater(ctx, a, b)?;
    let n = not(ctx, &g)?;
    let (of_a, of_b) = if largest { (&g, &n) } else { (&n, &g) };
    pairwise(
        Pair::Add,
        &pairwise(Pair::Mult, a, of_a)?,
        &pairwise(Pair::Mult, b, of_b)?,
    )
}

/// The largest of a list, as the last when sorted.
pub fn largest(ctx: &mut Context, values: &[i128]) -> Result<i128, ExecuteFault> {
    check_ascending(ctx, values)?;
    values
        .iter()
        .max()
        .copied()
        .ok_or(ExecuteFault::Index { index: 0, size: 0 })
}

/// The smallest of a list, as the first when sorted.
pub fn smallest(ctx: &mut Context, values: &[i128]) -> Result<i128, ExecuteFault> {
    check_ascending(ctx, values)?;
    values
        .iter()
        .min()
        .copied()
        .ok_or(ExecuteFault::Index { index: 0, size: 0 })
}

/// Leaky ReLU. With a slope the result is at a scale larger by 2^`scale`.
pub fn leaky_relu(
    ctx: &mut Context,
    t: &Ints,
    slope: f32,
    scale: i32,
) -> Result<Ints, ExecuteFault> {
    ctx.decompose(&t.data)?;
    if slope == 0.0 {
        return Ok(t.map(|x| (*x).max(0)));
    }
    ctx.range(0, 1);
    let unit = f64::from(scale).exp2();
    let (whole, part) = (round(unit), round(f64::from(slope) * unit));
    t.try_map(|x| Pair::Mult.of(*x, if *x > 0 { whole } else { part }))
}
