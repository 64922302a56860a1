//! Operators whose result is claimed in floating point and then checked to be the best integer near it.

use super::compare::{abs, equals_constant, greater, greater_equal, largest};
use super::context::Context;
use super::error::ExecuteFault;
use super::lookup::round;
use super::pairwise::{Pair, pairwise, sum, with_constant};
use super::sort::lines;
use super::values::Ints;
use crate::ops::LookupOp;

/// Base e as EZKL's exponential table has it.
const E: f32 = std::f32::consts::E;

/// |a − b|, whose digits are checked.
fn distance(ctx: &mut Context, a: &Ints, b: &Ints) -> Result<Ints, ExecuteFault> {
    abs(ctx, &pairwise(Pair::Sub, a, b)?)
}

/// 1 where `f` at `claimed` is less than at the integer below and no more than at the one above.
fn is_best(
    ctx: &mut Context,
    claimed: &Ints,
    f: impl Fn(&mut Context, &Ints) -> Result<Ints, ExecuteFault>,
) -> Result<Ints, ExecuteFault> {
    let here = f(ctx, claimed)?;
    let above = f(ctx, &with_constant(Pair::Add, claimed, 1)?)?;
    let below = f(ctx, &with_constant(Pair::Sub, claimed, 1)?)?;
    let a = greater_equal(ctx, &above, &here)?;
    let b = greater(ctx, &below, &here)?;
    ctx.bits(&a)?;
    pairwise(Pair::Mult, &a, &b)
}

/// The first claim that its check refuses, as a fault.
fn all_best(best: &Ints, claimed: &Ints, t: &Ints) -> Result<(), ExecuteFault> {
    for ((ok, claimed), of) in best.data.iter().zip(&claimed.data).zip(&t.data) {
        if *ok != 1 {
            return Err(ExecuteFault::ClaimRefused {
                claimed: *claimed,
                of: *of,
            });
        }
    }
    Ok(())
}

/// s·√(t/s) to the nearest integer.
pub fn root(ctx: &mut Context, t: &Ints, scale: f32) -> Result<Ints, ExecuteFault> {
    let s = f64::from(scale);
    let claimed = t.map(|x| round(s * (*x as f64 / s).sqrt()));
    abs(ctx, &claimed)?;
    let target = with_constant(Pair::Mult, t, round(s))?;
    let best = is_best(ctx, &claimed, |ctx, x| {
        distance(ctx, &pairwise(Pair::Mult, x, x)?, &target)
    })?;
    all_best(&best, &claimed, t)?;
    Ok(claimed)
}

/// sᵢ·sₒ/t to the nearest integer; sₒ/ε where t = 0.
pub fn reciprocal(
    ctx: &mut Context,
    t: &Ints,
    (from, to): (f32, f32),
    epsilon: f64,
) -> Result<Ints, ExecuteFault> {
    let (from, to) = (f64::from(from), f64::from(to));
    let at_zero = round(to * (1.0 / epsilon));
    let claimed = t.map(|x| {
        if *x == 0 {
            at_zero
        } else {
            round(to * (1.0 / (*x as f64 / from)))
        }
    });
    ctx.decompose(&claimed.data)?;
    ctx.range(0, 1);
    let zero = equals_constant(t, 0);
    for ((z, claim), of) in zero.data.iter().zip(&claimed.data).zip(&t.data) {
        if *z != i128::from(*claim == at_zero) {
            return Err(ExecuteFault::ClaimRefused {
                claimed: *claim,
                of: *of,
            });
        }
    }
    let unit = Ints::new(vec![round(from * to)], vec![1])?;
    let target = pairwise(Pair::Mult, &unit, &zero.map(|z| 1 - z))?;
    let best = is_best(ctx, &claimed, |ctx, x| {
        distance(ctx, &pairwise(Pair::Mult, x, t)?, &target)
    })?;
    all_best(&pairwise(Pair::Add, &best, &zero)?, &claimed, t)?;
    Ok(claimed)
}

/// 1/√t: the root, then its reciprocal.
pub fn reciprocal_root(
    ctx: &mut Context,
    t: &Ints,
    (from, to): (f32, f32),
    epsilon: f64,
) -> Result<Ints, ExecuteFault> {
    let roots = root(ctx, t, from)?;
    reciprocal(ctx, &roots, (from, to), epsilon)
}

/// Softmax along one axis: exponentials of differences to the largest, times the reciprocal of their sum.
pub fn softmax(
    ctx: &mut Context,
    t: &Ints,
    axes: &[usize],
    (from, to): (f32, f32),
    epsilon: f64,
) -> Result<Ints, ExecuteFault> {
    let [axis] = *axes else {
        return Err(ExecuteFault::Unsupported {
            what: "softmax over several axes".to_owned(),
        });
    };
    let exp = LookupOp::Exp {
        scale: from,
        base: E,
    };
    lines(t, axis, t.dim(axis)?, |line| {
        let top = largest(ctx, line)?;
        let line = Ints::new(line.to_vec(), vec![line.len()])?;
        let differences = with_constant(Pair::Sub, &line, top)?;
        let exponentials = ctx.look_up(&exp, &differences);
        let total = sum(&exponentials, &[0])?;
        let inverse = reciprocal(ctx, &total, (from, to), epsilon)?;
        Ok(pairwise(Pair::Mult, &exponentials, &inverse)?.data)
    })
}

/// How a value is rounded to a multiple of the unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    Down,
    Up,
    HalfToEven,
}

/// t to a multiple of `unit`: the last digit in that base goes, and the one before it may take one more.
pub fn round_to(
    ctx: &mut Context,
    t: &Ints,
    unit: f32,
    legs: u64,
    rounding: Rounding,
) -> Result<Ints, ExecuteFault> {
    if unit.fract() != 0.0 || !(2.0..=16_777_216.0).contains(&unit) || legs < 2 {
        let what = format!("rounding to a unit of {unit} with {legs} digits");
        return Err(ExecuteFault::Unsupported { what });
    }
    let base = unit as u64;
    ctx.decompose_into(&t.data, base, legs)?;
    ctx.range(0, 1);
    let b = i128::from(base);
    if rounding == Rounding::HalfToEven {
        // Whether the kept digit is odd is looked up; EZKL asks its table for every digit, and for the base itself.
        ctx.asks_table(b);
        ctx.decompose(&t.map(|x| x.abs() % b - b / 2).data)?;
    }
    Ok(t.map(|x| {
        let (magnitude, sign) = (x.abs(), x.signum());
        let (whole, rest) = (magnitude / b, magnitude % b);
        let more = match rounding {
            Rounding::Down => sign < 0 && rest != 0,
            Rounding::Up => sign > 0 && rest != 0,
            Rounding::HalfToEven => 2 * rest > b || (2 * rest == b && whole % 2 != 0),
        };
        sign * (whole + i128::from(more)) * b
    }))
}
