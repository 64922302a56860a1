//! Which recipe lays which operator out.

use zkml_graph::SupportedOp;
use zkml_graph::execute::{self, Ints, to_usize};
use zkml_graph::ops::poly::{DataFormat, KernelFormat};
use zkml_graph::ops::{HybridOp, PolyOp};

use super::assign::{Item, Items, Region};
use super::convolution::Slide;
use super::error::{Refusal, unsupported};
use super::layout::Walk;
use super::rounding::Rounding;
use super::shape::{Element, Var};

fn axis(value: u64) -> Result<usize, Refusal> {
    Ok(to_usize(&[value])?[0])
}

fn pairs(padding: &[(u64, u64)]) -> Result<Vec<(usize, usize)>, Refusal> {
    padding
        .iter()
        .map(|(a, b)| Ok((axis(*a)?, axis(*b)?)))
        .collect()
}

fn take<'b, const N: usize>(inputs: &[&'b Items]) -> Result<[&'b Items; N], Refusal> {
    inputs.try_into().map_err(|_| Refusal::Shape)
}

impl Walk<'_> {
    /// An operator that moves items about and takes no cells.
    fn rearrange(&mut self, op: &SupportedOp, inputs: &[&Items]) -> Result<Items, Refusal> {
        let mut items = vec![Item::constant(0)];
        let mut numbered = Vec::with_capacity(inputs.len());
        for input in inputs {
            let first = items.len() as i128;
            let numbers = (first..first + input.len() as i128).collect();
            numbered.push(Ints::new(numbers, input.dims.clone())?);
            items.extend(&input.all);
        }
        let args = &self.circuit.core.settings.run_args;
        let moved = execute::operator(op, &numbered.iter().collect::<Vec<_>>(), args)?;
        let all = moved.data.iter().map(|i| items[*i as usize]).collect();
        Ok(Items::new(all, moved.dims))
    }

    pub(super) fn apply(&mut self, op: &SupportedOp, inputs: &[&Items]) -> Result<Items, Refusal> {
        match op {
            SupportedOp::Linear(linear) => self.linear(op, linear, inputs),
            SupportedOp::Nonlinear(op) => self.region.look_up(op, take::<1>(inputs)?[0]),
            SupportedOp::Hybrid(hybrid) => self.hybrid(op, hybrid, inputs),
            SupportedOp::Rescaled { inner, scale } => {
                let mut scaled: Vec<Items> = inputs.iter().map(|t| (*t).clone()).collect();
                for (at, factor) in scale {
                    let t = scaled.get_mut(axis(*at)?).ok_or(Refusal::Shape)?;
                    if *factor != 1 {
                        *t = self
                            .region
                            .times(t, i128::try_from(*factor).map_err(|_| Refusal::Shape)?)?;
                    }
                }
                self.apply(inner, &scaled.iter().collect::<Vec<_>>())
            }
            SupportedOp::RebaseScale {
                inner, rebase_op, ..
            } => {
                let value = self.apply(inner, inputs)?;
                self.apply(&SupportedOp::Hybrid(rebase_op.clone()), &[&value])
            }
            _ => unsupported("this operator"),
        }
    }

    fn linear(
        &mut self,
        whole: &SupportedOp,
        op: &PolyOp,
        inputs: &[&Items],
    ) -> Result<Items, Refusal> {
        let r = &mut self.region;
        match op {
            PolyOp::Abs => r.abs(take::<1>(inputs)?[0]),
            PolyOp::Sign => r.sign(take::<1>(inputs)?[0], true),
            PolyOp::LeakyReLU { slope, scale } => {
                r.leaky_relu(take::<1>(inputs)?[0], *slope, *scale)
            }
            PolyOp::Einsum { equation } => r.einsum(equation, inputs),
            PolyOp::Conv {
                padding,
                stride,
                group,
                data_format: DataFormat::NCHW,
                kernel_format: KernelFormat::OIHW,
            } => {
                let (stride, padding) = (to_usize(stride)?, pairs(padding)?);
                let slide = Slide {
                    stride: &stride,
                    padding: &padding,
                };
                match *inputs {
                    [image, kernel] => r.convolve(image, kernel, None, &slide, axis(*group)?),
                    [image, kernel, bias] => {
                        r.convolve(image, kernel, Some(bias), &slide, axis(*group)?)
                    }
                    _ => Err(Refusal::Shape),
                }
            }
            PolyOp::Add => pairwise(r, Element::Add, inputs),
            PolyOp::Sub => pairwise(r, Element::Sub, inputs),
            PolyOp::Mult => pairwise(r, Element::Mult, inputs),
            PolyOp::Neg => {
                let [t] = take(inputs)?;
                r.sub(&Items::filled(0, &[1])?, t)
            }
            PolyOp::Identity { .. } => r.identity(take::<1>(inputs)?[0]),
            PolyOp::Reshape(_)
            | PolyOp::Flatten(_)
            | PolyOp::MoveAxis { .. }
            | PolyOp::Pad(_)
            | PolyOp::Concat { .. }
            | PolyOp::Slice { .. }
            | PolyOp::GatherElements {
                constant_idx: Some(_),
                ..
            }
            | PolyOp::GatherND {
                indices: Some(_), ..
            } => self.rearrange(whole, inputs),
            PolyOp::GatherElements { dim, .. } => {
                let [t, index] = take(inputs)?;
                r.gather_elements(t, index, axis(*dim)?)
            }
            PolyOp::GatherND { batch_dims: 0, .. } => {
                let [t, index] = take(inputs)?;
                r.gather_nd(t, index)
            }
            PolyOp::MultiBroadcastTo { shape } => {
                let t = take::<1>(inputs)?[0].broadcast(&to_usize(shape)?)?;
                let out = r
                    .assign(Var::I0, take::<1>(inputs)?[0])?
                    .broadcast(&t.dims)?;
                r.at += t.len();
                Ok(out)
            }
            PolyOp::Downsample { .. } => {
                let [t] = take(inputs)?;
                let taken = r.assign(Var::I0, t)?;
                let kept = self.rearrange(whole, &[&taken])?;
                let r = &mut self.region;
                let out = r.assign(Var::O, &kept)?;
                r.at += t.len();
                Ok(out)
            }
            PolyOp::Resize { .. } => {
                let [t] = take(inputs)?;
                let taken = r.assign(Var::O, t)?;
                r.at += t.len();
                self.rearrange(whole, &[&taken])
            }
            PolyOp::Trilu { .. } => {
                let [t] = take(inputs)?;
                let out = r.assign(Var::O, t)?;
                r.at += t.len();
                Ok(out)
            }
            PolyOp::Sum { axes } => {
                r.over_axes(take::<1>(inputs)?[0], &to_usize(axes)?, Region::sum)
            }
            PolyOp::Prod { axes, .. } => {
                r.over_axes(take::<1>(inputs)?[0], &to_usize(axes)?, Region::product)
            }
            PolyOp::MeanOfSquares { axes } => {
                let [t] = take(inputs)?;
                let axes = to_usize(axes)?;
                let squares = r.mult(t, t)?;
                let sums = r.over_axes(&squares, &axes, Region::sum)?;
                let count: usize = axes.iter().map(|a| t.dims[*a]).product();
                r.divide(&sums, count as f64)
            }
            PolyOp::Pow(exponent @ 1..=64) => {
                let [t] = take(inputs)?;
                let mut power = t.clone();
                for _ in 1..*exponent {
                    power = r.mult(&power, t)?;
                }
                Ok(power)
            }
            PolyOp::Iff => {
                let [mask, a, b] = take(inputs)?;
                r.iff(mask, a, b)
            }
            PolyOp::Not => r.not(take::<1>(inputs)?[0]),
            PolyOp::And => {
                let [a, b] = take(inputs)?;
                r.and(a, b)
            }
            PolyOp::Or => {
                let [a, b] = take(inputs)?;
                r.or(a, b)
            }
            PolyOp::Xor => {
                let [a, b] = take(inputs)?;
                r.xor(a, b)
            }
            _ => unsupported("this operator"),
        }
    }

    fn hybrid(
        &mut self,
        whole: &SupportedOp,
        op: &HybridOp,
        inputs: &[&Items],
    ) -> Result<Items, Refusal> {
        let r = &mut self.region;
        let two = || take::<2>(inputs);
        match op {
            HybridOp::Div { denom } => r.divide(take::<1>(inputs)?[0], f64::from(*denom)),
            HybridOp::Recip {
                input_scale,
                output_scale,
                eps,
            } => {
                let scales = (f64::from(*input_scale), f64::from(*output_scale));
                r.reciprocal(take::<1>(inputs)?[0], scales, *eps)
            }
            HybridOp::Sqrt { scale } => r.root(take::<1>(inputs)?[0], f64::from(*scale)),
            HybridOp::Rsqrt {
                input_scale,
                output_scale,
                eps,
            } => {
                let scales = (f64::from(*input_scale), f64::from(*output_scale));
                let root = r.root(take::<1>(inputs)?[0], scales.0)?;
                r.reciprocal(&root, scales, *eps)
            }
            HybridOp::ReduceMax { axes } | HybridOp::ReduceMin { axes } => {
                let maximum = matches!(op, HybridOp::ReduceMax { .. });
                r.over_axes(take::<1>(inputs)?[0], &to_usize(axes)?, |r, items| {
                    let sorted = r.sort(items)?;
                    let end = if maximum {
                        sorted.last()
                    } else {
                        sorted.first()
                    };
                    end.copied().ok_or(Refusal::Shape)
                })
            }
            HybridOp::SumPool {
                padding,
                stride,
                kernel_shape,
                normalized,
                data_format: DataFormat::NCHW,
            } => {
                let (stride, padding) = (to_usize(stride)?, pairs(padding)?);
                let slide = Slide {
                    stride: &stride,
                    padding: &padding,
                };
                r.sum_pool(
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
                data_format: DataFormat::NCHW,
            } => {
                let (stride, padding) = (to_usize(stride)?, pairs(padding)?);
                let slide = Slide {
                    stride: &stride,
                    padding: &padding,
                };
                r.max_pool(take::<1>(inputs)?[0], &to_usize(pool_dims)?, &slide)
            }
            HybridOp::Softmax {
                input_scale,
                output_scale,
                axes,
                eps,
            } => {
                let [t] = take(inputs)?;
                let [along] = to_usize(axes)?[..] else {
                    return unsupported("softmax over several axes");
                };
                let length = *t.dims.get(along).ok_or(Refusal::Shape)?;
                r.lines(t, along, length, |r, line| {
                    r.softmax(line, (*input_scale, *output_scale), *eps)
                })
            }
            HybridOp::Max | HybridOp::Min => {
                let [a, b] = two()?;
                r.extreme(a, b, *op == HybridOp::Max)
            }
            HybridOp::Greater => two().and_then(|[a, b]| r.greater(a, b)),
            HybridOp::GreaterEqual => two().and_then(|[a, b]| r.greater_equal(a, b)),
            HybridOp::Less => two().and_then(|[a, b]| r.greater(b, a)),
            HybridOp::LessEqual => two().and_then(|[a, b]| r.greater_equal(b, a)),
            HybridOp::Equals => two().and_then(|[a, b]| r.equals(a, b)),
            HybridOp::TopK { dim, k, largest } => {
                r.top_k(take::<1>(inputs)?[0], axis(*dim)?, axis(*k)?, *largest)
            }
            HybridOp::Gather {
                constant_idx: Some(_),
                ..
            } => self.rearrange(whole, inputs),
            HybridOp::Gather { dim, .. } => {
                let [t, index] = take(inputs)?;
                r.gather(t, index, axis(*dim)?)
            }
            HybridOp::OneHot { dim, num_classes } => {
                let [t] = take(inputs)?;
                if axis(*dim)? != t.dims.len() {
                    return unsupported("OneHot along another axis than a new last one");
                }
                r.one_hot(t, axis(*num_classes)?)
            }
            HybridOp::ReduceArgMax { dim } | HybridOp::ReduceArgMin { dim } => {
                let maximum = matches!(op, HybridOp::ReduceArgMax { .. });
                r.lines(take::<1>(inputs)?[0], axis(*dim)?, 1, |r, line| {
                    Ok(vec![r.arg_extreme(line, maximum)?])
                })
            }
            HybridOp::Floor { scale, legs } => {
                r.round_to(take::<1>(inputs)?[0], *scale, *legs, Rounding::Down)
            }
            HybridOp::Ceil { scale, legs } => {
                r.round_to(take::<1>(inputs)?[0], *scale, *legs, Rounding::Up)
            }
            HybridOp::RoundHalfToEven { scale, legs } => {
                r.round_to(take::<1>(inputs)?[0], *scale, *legs, Rounding::HalfToEven)
            }
            _ => unsupported("this operator"),
        }
    }
}

/// The operation folded over the inputs from the left.
fn pairwise(r: &mut Region, gate: Element, inputs: &[&Items]) -> Result<Items, Refusal> {
    let [a, b, rest @ ..] = inputs else {
        return Err(Refusal::Shape);
    };
    let first = r.pairwise(gate, a, b)?;
    rest.iter()
        .try_fold(first, |acc, t| r.pairwise(gate, &acc, t))
}
