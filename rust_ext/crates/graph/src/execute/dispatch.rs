//! Which function computes which operator.

use super::claims::{Rounding, reciprocal, reciprocal_root, root, round_to, softmax};
use super::compare::{
    abs, equals, extreme, greater, greater_equal, iff, leaky_relu, logic, not, sign,
};
use super::context::Context;
use super::contraction::einsum;
use super::convolution::{Slide, convolve, max_pool, sum_pool};
use super::error::ExecuteFault;
use super::pairwise::{
    Pair, broadcast, divide, mean_of_squares, pairwise, power, product, sum, with_constant,
};
use super::rearrange::{
    concat, downsample, gather, gather_elements, gather_nd, move_axis, one_hot, resize, slice,
};
use super::sort::{arg_extreme, reduce_extreme, top_k};
use super::values::{Ints, to_usize};
use super::windows::pad;
use crate::ops::poly::{DataFormat, KernelFormat};
use crate::ops::{HybridOp, PolyOp, SupportedOp};
use crate::tensor::Tensor;

fn unsupported<T>(what: impl Into<String>) -> Result<T, ExecuteFault> {
    Err(ExecuteFault::Unsupported { what: what.into() })
}

/// Exactly N inputs.
fn take<'a, const N: usize>(inputs: &[&'a Ints]) -> Result<[&'a Ints; N], ExecuteFault> {
    inputs.try_into().map_err(|_| ExecuteFault::Inputs {
        expected: N,
        got: inputs.len(),
    })
}

fn axis(value: u64) -> Result<usize, ExecuteFault> {
    Ok(to_usize(&[value])?[0])
}

fn pairs(padding: &[(u64, u64)]) -> Result<Vec<(usize, usize)>, ExecuteFault> {
    padding
        .iter()
        .map(|(a, b)| Ok((axis(*a)?, axis(*b)?)))
        .collect()
}

/// A constant index as values.
fn indices(t: &Tensor<u64>) -> Result<Ints, ExecuteFault> {
    Ints::new(
        t.inner.iter().map(|i| i128::from(*i)).collect(),
        to_usize(&t.dims)?,
    )
}

/// The tensor, and its index: the operator's constant or its second input.
fn indexed<'a>(
    inputs: &[&'a Ints],
    constant: Option<&Tensor<u64>>,
) -> Result<(&'a Ints, Ints), ExecuteFault> {
    match constant {
        Some(index) => Ok((take::<1>(inputs)?[0], indices(index)?)),
        None => {
            let [t, index] = take(inputs)?;
            Ok((t, index.clone()))
        }
    }
}

/// The result of one operator.
pub fn apply(op: &SupportedOp, inputs: &[&Ints], ctx: &mut Context) -> Result<Ints, ExecuteFault> {
    match op {
        SupportedOp::Linear(op) => linear(op, inputs, ctx),
        SupportedOp::Nonlinear(op) => Ok(ctx.look_up(op, take::<1>(inputs)?[0])),
        SupportedOp::Hybrid(op) => hybrid(op, inputs, ctx),
        SupportedOp::Rescaled { inner, scale } => {
            let mut scaled: Vec<Ints> = inputs.iter().map(|t| (*t).clone()).collect();
            for (at, factor) in scale {
                let factor = i128::try_from(*factor).map_err(|_| ExecuteFault::Overflow)?;
                let got = scaled.len();
                let t = scaled.get_mut(axis(*at)?).ok_or(ExecuteFault::Inputs {
                    expected: got + 1,
                    got,
                })?;
                *t = with_constant(Pair::Mult, t, factor)?;
            }
            apply(inner, &scaled.iter().collect::<Vec<_>>(), ctx)
        }
        SupportedOp::RebaseScale {
            inner, rebase_op, ..
        } => {
            let value = apply(inner, inputs, ctx)?;
            hybrid(rebase_op, &[&value], ctx)
        }
        SupportedOp::Input(_) | SupportedOp::Constant(_) => {
            unsupported("an input or constant inside another operator")
        }
        SupportedOp::Unknown => unsupported("an operator unknown to EZKL"),
    }
}

fn linear(op: &PolyOp, inputs: &[&Ints], ctx: &mut Context) -> Result<Ints, ExecuteFault> {
    match op {
        PolyOp::Abs => abs(ctx, take::<1>(inputs)?[0]),
        PolyOp::Sign => sign(ctx, take::<1>(inputs)?[0]),
        PolyOp::LeakyReLU { slope, scale } => {
            leaky_relu(ctx, take::<1>(inputs)?[0], *slope, *scale)
        }
        PolyOp::GatherElements { dim, constant_idx } => {
            let (t, index) = indexed(inputs, constant_idx.as_ref())?;
            gather_elements(t, &index, axis(*dim)?)
        }
        PolyOp::GatherND {
            batch_dims: 0,
            indices,
        } => {
            let (t, index) = indexed(inputs, indices.as_ref())?;
            gather_nd(t, &index)
        }
        PolyOp::GatherND { batch_dims, .. } => {
            unsupported(format!("GatherND with {batch_dims} batch axes"))
        }
        PolyOp::ScatterElements { .. } => unsupported("ScatterElements"),
        PolyOp::ScatterND { .. } => unsupported("ScatterND"),
        PolyOp::MultiBroadcastTo { shape } => broadcast(take::<1>(inputs)?[0], &to_usize(shape)?),
        PolyOp::Einsum { equation } => einsum(equation, inputs, ctx),
        PolyOp::Conv {
            padding,
            stride,
            group,
            data_format,
            kernel_format,
        } => {
            if (data_format, kernel_format) != (&DataFormat::NCHW, &KernelFormat::OIHW) {
                return unsupported(format!(
                    "a convolution of {data_format:?} with {kernel_format:?}"
                ));
            }
            let (stride, padding) = (to_usize(stride)?, pairs(padding)?);
            let slide = Slide {
                stride: &stride,
                padding: &padding,
            };
            match *inputs {
                [image, kernel] => convolve(image, kernel, None, &slide, axis(*group)?),
                [image, kernel, bias] => convolve(image, kernel, Some(bias), &slide, axis(*group)?),
                _ => Err(ExecuteFault::Inputs {
                    expected: 3,
                    got: inputs.len(),
                }),
            }
        }
        PolyOp::Downsample {
            axis: a,
            stride,
            modulo,
        } => downsample(take::<1>(inputs)?[0], axis(*a)?, *stride, axis(*modulo)?),
        PolyOp::DeConv { .. } => unsupported("a transposed convolution"),
        PolyOp::Add => fold(Pair::Add, inputs),
        PolyOp::Sub => fold(Pair::Sub, inputs),
        PolyOp::Mult => fold(Pair::Mult, inputs),
        PolyOp::Neg => take::<1>(inputs)?[0].try_map(|x| Pair::Sub.of(0, *x)),
        PolyOp::Identity { .. } | PolyOp::Trilu { .. } => Ok(take::<1>(inputs)?[0].clone()),
        PolyOp::Reshape(shape) | PolyOp::Flatten(shape) => {
            take::<1>(inputs)?[0].clone().reshaped(to_usize(shape)?)
        }
        PolyOp::MoveAxis {
            source,
            destination,
        } => move_axis(take::<1>(inputs)?[0], axis(*source)?, axis(*destination)?),
        PolyOp::Pad(padding) => pad(take::<1>(inputs)?[0], &pairs(padding)?),
        PolyOp::Sum { axes } => sum(take::<1>(inputs)?[0], &to_usize(axes)?),
        PolyOp::MeanOfSquares { axes } => {
            mean_of_squares(ctx, take::<1>(inputs)?[0], &to_usize(axes)?)
        }
        PolyOp::Prod { axes, .. } => product(take::<1>(inputs)?[0], &to_usize(axes)?),
        PolyOp::Pow(exponent) => power(take::<1>(inputs)?[0], *exponent),
        PolyOp::Concat { axis: a } => concat(inputs, axis(*a)?),
        PolyOp::Slice {
            axis: a,
            start,
            end,
        } => slice(take::<1>(inputs)?[0], axis(*a)?, axis(*start)?, axis(*end)?),
        PolyOp::Iff => {
            let [mask, a, b] = take(inputs)?;
            iff(ctx, mask, a, b)
        }
        PolyOp::Resize { scale_factor } => resize(take::<1>(inputs)?[0], &to_usize(scale_factor)?),
        PolyOp::Not => not(ctx, take::<1>(inputs)?[0]),
        PolyOp::And => bits(inputs, ctx, |a, b| a && b),
        PolyOp::Or => bits(inputs, ctx, |a, b| a || b),
        PolyOp::Xor => bits(inputs, ctx, |a, b| a != b),
    }
}

/// The operation folded over the inputs from the left.
fn fold(op: Pair, inputs: &[&Ints]) -> Result<Ints, ExecuteFault> {
    let [a, b, rest @ ..] = inputs else {
        return Err(ExecuteFault::Inputs {
            expected: 2,
            got: inputs.len(),
        });
    };
    rest.iter()
        .try_fold(pairwise(op, a, b)?, |acc, t| pairwise(op, &acc, t))
}

fn bits(
    inputs: &[&Ints],
    ctx: &mut Context,
    f: impl Fn(bool, bool) -> bool,
) -> Result<Ints, ExecuteFault> {
    let [a, b] = take(inputs)?;
    logic(ctx, a, b, f)
}

fn hybrid(op: &HybridOp, inputs: &[&Ints], ctx: &mut Context) -> Result<Ints, ExecuteFault> {
    match op {
        HybridOp::Ln { .. } => unsupported("a logarithm without a table"),
        HybridOp::Rsqrt {
            input_scale,
            output_scale,
            eps,
        } => reciprocal_root(
            ctx,
            take::<1>(inputs)?[0],
            (*input_scale, *output_scale),
            *eps,
        ),
        HybridOp::Sqrt { scale } => root(ctx, take::<1>(inputs)?[0], *scale),
        HybridOp::RoundHalfToEven { scale, legs } => round_to(
            ctx,
            take::<1>(inputs)?[0],
            *scale,
            *legs,
            Rounding::HalfToEven,
        ),
        HybridOp::Ceil { scale, legs } => {
            round_to(ctx, take::<1>(inputs)?[0], *scale, *legs, Rounding::Up)
        }
        HybridOp::Floor { scale, legs } => {
            round_to(ctx, take::<1>(inputs)?[0], *scale, *legs, Rounding::Down)
        }
        HybridOp::Round { .. } => unsupported("rounding half away from zero"),
        HybridOp::Recip {
            input_scale,
            output_scale,
            eps,
        } => reciprocal(
            ctx,
            take::<1>(inputs)?[0],
            (*input_scale, *output_scale),
            *eps,
        ),
        HybridOp::Div { denom } => divide(ctx, take::<1>(inputs)?[0], *denom),
        HybridOp::ReduceMax { axes } => {
            reduce_extreme(ctx, take::<1>(inputs)?[0], &to_usize(axes)?, true)
        }
        HybridOp::ReduceMin { axes } => {
            reduce_extreme(ctx, take::<1>(inputs)?[0], &to_usize(axes)?, false)
        }
        HybridOp::ReduceArgMax { dim } => {
            arg_extreme(ctx, take::<1>(inputs)?[0], axis(*dim)?, true)
        }
        HybridOp::ReduceArgMin { dim } => {
            arg_extreme(ctx, take::<1>(inputs)?[0], axis(*dim)?, false)
        }
        HybridOp::SumPool {
            padding,
            stride,
            kernel_shape,
            normalized,
            data_format,
        } => {
            only_nchw(data_format)?;
            let (stride, padding) = (to_usize(stride)?, pairs(padding)?);
            let slide = Slide {
                stride: &stride,
                padding: &padding,
            };
            sum_pool(
                ctx,
                take::<1>(inputs)?[0],
                &to_usize(kernel_shape)?,
                &slide,
                *normalized,
            )
        }
        HybridOp::MaxPool {
            padding,
            stride,
            pool_dims,
            data_format,
        } => {
            only_nchw(data_format)?;
            let (stride, padding) = (to_usize(stride)?, pairs(padding)?);
            let slide = Slide {
                stride: &stride,
                padding: &padding,
            };
            max_pool(ctx, take::<1>(inputs)?[0], &to_usize(pool_dims)?, &slide)
        }
        HybridOp::Max | HybridOp::Min => {
            let [a, b] = take(inputs)?;
            extreme(ctx, a, b, *op == HybridOp::Max)
        }
        HybridOp::Softmax {
            input_scale,
            output_scale,
            axes,
            eps,
        } => softmax(
            ctx,
            take::<1>(inputs)?[0],
            &to_usize(axes)?,
            (*input_scale, *output_scale),
            *eps,
        ),
        HybridOp::Output { decomp } => {
            let t = take::<1>(inputs)?[0];
            if *decomp {
                ctx.decompose(&t.data)?;
            }
            Ok(t.clone())
        }
        HybridOp::Greater
        | HybridOp::GreaterEqual
        | HybridOp::Less
        | HybridOp::LessEqual
        | HybridOp::Equals => {
            let [a, b] = take(inputs)?;
            match op {
                HybridOp::Greater => greater(ctx, a, b),
                HybridOp::GreaterEqual => greater_equal(ctx, a, b),
                HybridOp::Less => greater(ctx, b, a),
                HybridOp::LessEqual => greater_equal(ctx, b, a),
                _ => equals(a, b),
            }
        }
        HybridOp::Gather { dim, constant_idx } => {
            let (t, index) = indexed(inputs, constant_idx.as_ref())?;
            gather(t, &index, axis(*dim)?)
        }
        HybridOp::TopK { dim, k, largest } => {
            top_k(ctx, take::<1>(inputs)?[0], axis(*dim)?, axis(*k)?, *largest)
        }
        HybridOp::OneHot { dim, num_classes } => {
            let t = take::<1>(inputs)?[0];
            if axis(*dim)? != t.dims.len() {
                return unsupported("OneHot along another axis than a new last one");
            }
            one_hot(ctx, t, axis(*num_classes)?)
        }
    }
}

fn only_nchw(format: &DataFormat) -> Result<(), ExecuteFault> {
    match format {
        DataFormat::NCHW => Ok(()),
        other => unsupported(format!("pooling of {other:?}")),
    }
}
