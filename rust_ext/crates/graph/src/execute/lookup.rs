//! EZKL's static tables: one function of one integer each, computed in `f64` and rounded half away from zero.

use crate::ops::LookupOp;

/// Chebyshev coefficients of erfc (Numerical Recipes, third edition, section 6.2.2).
const ERFC: [f64; 28] = [
    -1.3026537197817094,
    6.419697923564902e-1,
    1.9476473204185836e-2,
    -9.56151478680863e-3,
    -9.46595344482036e-4,
    3.66839497852761e-4,
    4.2523324806907e-5,
    -2.0278578112534e-5,
    -1.624290004647e-6,
    1.303655835580e-6,
    1.5626441722e-8,
    -8.5238095915e-8,
    6.529054439e-9,
    5.059343495e-9,
    -9.91364156e-10,
    -2.27365122e-10,
    9.6467911e-11,
    2.394038e-12,
    -6.886027e-12,
    8.94487e-13,
    3.13092e-13,
    -1.12708e-13,
    3.81e-16,
    7.106e-15,
    -1.523e-15,
    -9.4e-17,
    1.21e-16,
    -2.8e-17,
];

fn erfc(z: f64) -> f64 {
    let t = 2.0 / (2.0 + z);
    let ty = 4.0 * t - 2.0;
    let (mut d, mut dd) = (0.0, 0.0);
    for c in ERFC[1..27].iter().rev() {
        (d, dd) = (ty * d - dd + c, d);
    }
    t * (-z * z + 0.5 * (ERFC[0] + ty * d) - dd).exp()
}

fn erf(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 - erfc(x)
    } else {
        erfc(-x) - 1.0
    }
}

fn hard_swish(x: f64) -> f64 {
    if x <= -3.0 {
        0.0
    } else if x >= 3.0 {
        x
    } else {
        x * (x + 3.0) / 6.0
    }
}

/// Round half away from zero. Not a number gives 0; what is beyond the integers, the nearest of them.
pub(super) fn round(x: f64) -> i128 {
    x.round() as i128
}

/// f(x/scale) at that scale.
fn at_scale(scale: f32, a: f64, f: impl FnOnce(f64) -> f64) -> i128 {
    let scale = f64::from(scale);
    round(scale * f(a / scale))
}

/// The entry of the operator's table at `x`.
pub fn table(op: &LookupOp, x: i128) -> i128 {
    let a = x as f64;
    match *op {
        LookupOp::Div { denom } => round(a / f64::from(denom)),
        LookupOp::IsOdd => x & 1,
        LookupOp::PowersOfTwo { scale } => round(f64::from(scale) * a.exp2()),
        LookupOp::Ln { scale } => at_scale(scale, a, f64::ln),
        LookupOp::Sigmoid { scale } => at_scale(scale, a, |k| 1.0 / (1.0 + (-k).exp())),
        LookupOp::Exp { scale, base } => at_scale(scale, a, |k| f64::from(base).powf(k)),
        LookupOp::Cos { scale } => at_scale(scale, a, f64::cos),
        LookupOp::ACos { scale } => at_scale(scale, a, f64::acos),
        LookupOp::Cosh { scale } => at_scale(scale, a, f64::cosh),
        LookupOp::ACosh { scale } => at_scale(scale, a, f64::acosh),
        LookupOp::Sin { scale } => at_scale(scale, a, f64::sin),
        LookupOp::ASin { scale } => at_scale(scale, a, f64::asin),
        LookupOp::Sinh { scale } => at_scale(scale, a, f64::sinh),
        LookupOp::ASinh { scale } => at_scale(scale, a, f64::asinh),
        LookupOp::Tan { scale } => at_scale(scale, a, f64::tan),
        LookupOp::ATan { scale } => at_scale(scale, a, f64::atan),
        LookupOp::Tanh { scale } => at_scale(scale, a, f64::tanh),
        LookupOp::ATanh { scale } => at_scale(scale, a, f64::atanh),
        LookupOp::Erf { scale } => at_scale(scale, a, erf),
        LookupOp::Pow { scale, a: exponent } => at_scale(scale, a, |k| k.powf(f64::from(exponent))),
        LookupOp::HardSwish { scale } => at_scale(scale, a, hard_swish),
    }
}
