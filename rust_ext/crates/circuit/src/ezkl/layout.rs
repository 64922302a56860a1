//! The graph laid out, node after node.

use std::collections::HashMap;

use ff::PrimeField;
use halo2curves::bn256::Fr;
use zkml_graph::execute::{self, Ints, cells, to_usize};
use zkml_graph::model::{Model, NodeType};
use zkml_graph::ops::poly::{DataFormat, KernelFormat};
use zkml_graph::ops::{Constant, HybridOp, Input, InputType, PolyOp};
use zkml_graph::tensor::Visibility;
use zkml_graph::{Circuit, SupportedOp};

use super::assign::{Cell, Item, Items, Region};
use super::convolution::Slide;
use super::error::{LayoutError, Refusal, unsupported};
use super::selectors::Rows;
use super::shape::{Element, Shape, Var};

/// A circuit's cells: what its keys are made of.
pub struct Layout {
    pub(super) shape: Shape,
    /// The constants in the order of their first use, each with the cell that holds it.
    pub(super) scheduled: Vec<(Fr, Cell)>,
    pub(super) copies: Vec<(Cell, Cell)>,
    pub(super) active: Vec<Rows>,
}

impl Layout {
    /// All copies in their order: those of the operators, then the constants.
    pub(super) fn all_copies(&self) -> impl Iterator<Item = (Cell, Cell)> {
        let usable = self.shape.usable;
        let constants = self
            .scheduled
            .iter()
            .enumerate()
            .map(move |(i, (_, cell))| {
                let column = self.shape.constant_column(i / usable) as u32;
                (
                    Cell {
                        column,
                        row: (i % usable) as u32,
                    },
                    *cell,
                )
            });
        self.copies.iter().copied().chain(constants)
    }
}

/// Lay a compiled circuit out. Refuses what EZKL's recipes are not known for, by node.
pub fn lay_out(circuit: &Circuit) -> Result<Layout, LayoutError> {
    let settings = &circuit.core.settings;
    let whole = |refusal| LayoutError {
        node: "-".to_owned(),
        operator: "settings".to_owned(),
        refusal,
    };
    let shape = Shape::new(settings).map_err(whole)?;
    let args = &settings.run_args;
    let region = Region::new(shape, args.decomp_base, args.decomp_legs);
    let mut walk = Walk {
        region,
        circuit,
        public: HashMap::new(),
        rows: 0,
    };
    walk.number_inputs().map_err(whole)?;
    walk.model(&circuit.core.model)?;
    let region = walk.region;
    if region.scheduled.len() > region.shape.constants * region.shape.usable {
        return Err(whole(Refusal::Full {
            column: "the constants",
        }));
    }
    Ok(Layout {
        shape: region.shape,
        scheduled: region.scheduled,
        copies: region.copies,
        active: region.active,
    })
}

struct Walk<'a> {
    region: Region,
    circuit: &'a Circuit,
    /// The first instance row of each public input; the rows in use.
    public: HashMap<u64, u32>,
    rows: u32,
}

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

fn variant(op: &impl std::fmt::Debug) -> String {
    format!("{op:?}")
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric())
        .collect()
}

fn operator(op: &SupportedOp) -> String {
    match op {
        SupportedOp::Linear(op) => variant(op),
        SupportedOp::Nonlinear(op) => variant(op),
        SupportedOp::Hybrid(op) => variant(op),
        SupportedOp::Rescaled { inner, .. } | SupportedOp::RebaseScale { inner, .. } => {
            operator(inner)
        }
        SupportedOp::Input(_) => "Input".to_owned(),
        SupportedOp::Constant(_) => "Constant".to_owned(),
        SupportedOp::Unknown => "Unknown".to_owned(),
    }
}

impl Walk<'_> {
    fn rows_for(&mut self, dims: &[usize]) -> Result<u32, Refusal> {
        let first = self.rows;
        let count = cells(dims)?;
        self.rows = u32::try_from(first as usize + count).map_err(|_| Refusal::Shape)?;
        if self.rows as usize > self.region.shape.usable {
            return Err(Refusal::Full {
                column: "the instance column",
            });
        }
        Ok(first)
    }

    fn number_inputs(&mut self) -> Result<(), Refusal> {
        if self.circuit.core.settings.run_args.input_visibility != Visibility::Public {
            return Ok(());
        }
        let graph = &self.circuit.core.model.graph;
        for idx in &graph.inputs {
            if let Some(NodeType::Node(node)) = graph.nodes.get(*idx) {
                let first = self.rows_for(&to_usize(&node.out_dims)?)?;
                self.public.insert(*idx, first);
            }
        }
        Ok(())
    }

    fn model(&mut self, model: &Model) -> Result<(), LayoutError> {
        let mut values: HashMap<(u64, u64), Items> = HashMap::new();
        for (idx, node) in model.graph.nodes.iter() {
            let at = |operator: String, refusal| LayoutError {
                node: idx.to_string(),
                operator,
                refusal,
            };
            let NodeType::Node(node) = node else {
                let what = "a subgraph".to_owned();
                return Err(at("SubGraph".to_owned(), Refusal::Unsupported { what }));
            };
            let inputs: Option<Vec<&Items>> =
                node.inputs.iter().map(|slot| values.get(slot)).collect();
            let result = inputs
                .ok_or(Refusal::Shape)
                .and_then(|inputs| match &node.opkind {
                    SupportedOp::Input(op) => self.input(idx, op, &node.out_dims),
                    SupportedOp::Constant(op) => self.constant(op, node.num_uses),
                    op => self.apply(op, &inputs),
                });
            values.insert((idx, 0), result.map_err(|r| at(operator(&node.opkind), r))?);
        }
        for slot in &model.graph.outputs {
            let at = |refusal| LayoutError {
                node: slot.0.to_string(),
                operator: "Output".to_owned(),
                refusal,
            };
            let output = values.get(slot).ok_or(Refusal::Shape).map_err(at)?;
            self.output(output).map_err(at)?;
        }
        Ok(())
    }

    fn input(&mut self, idx: u64, op: &Input, dims: &[u64]) -> Result<Items, Refusal> {
        let dims = to_usize(dims)?;
        let items = match self.circuit.core.settings.run_args.input_visibility {
            Visibility::Public => {
                let first = self.public.get(&idx).copied().ok_or(Refusal::Shape)?;
                let count = cells(&dims)? as u32;
                Items::new((first..first + count).map(Item::Public).collect(), dims)
            }
            Visibility::Private => Items::free(&dims)?,
            _ => return unsupported("an input that is fixed"),
        };
        if op.datum_type == InputType::Bool {
            self.region.bits(&items)
        } else if op.decomp {
            Ok(self.region.decompose(&items, false)?.1)
        } else {
            self.region.identity(&items)
        }
    }

    fn constant(&mut self, op: &Constant, uses: u64) -> Result<Items, Refusal> {
        let tensor = &op.quantized_values;
        let item = match self.circuit.core.settings.run_args.param_visibility {
            Visibility::Fixed => {
                |bytes: [u8; 32]| Option::from(Fr::from_repr(bytes.into())).map(Item::Constant)
            }
            Visibility::Private => |_| Some(Item::Free),
            _ => return unsupported("a parameter that is public"),
        };
        let all: Option<Vec<Item>> = tensor.inner.iter().map(|f| item(f.0)).collect();
        let items = Items::new(all.ok_or(Refusal::Shape)?, to_usize(&tensor.dims)?);
        if uses <= 1 {
            Ok(items)
        } else if op.decomp {
            Ok(self.region.decompose(&items, false)?.1)
        } else {
            self.region.identity(&items)
        }
    }

    fn output(&mut self, output: &Items) -> Result<(), Refusal> {
        let args = &self.circuit.core.settings.run_args;
        let comparator = match args.output_visibility {
            Visibility::Private => return Ok(()),
            Visibility::Public => {
                let first = self.rows_for(&output.dims)?;
                let count = output.len() as u32;
                Items::new(
                    (first..first + count).map(Item::Public).collect(),
                    output.dims.clone(),
                )
            }
            _ => return unsupported("an output that is fixed"),
        };
        if args.ignore_range_check_inputs_outputs {
            let comparator = self.region.assign(Var::I1, &comparator)?;
            return self.region.equality(output, &comparator);
        }
        let (_, output) = self.region.decompose(output, false)?;
        let (_, comparator) = self.region.decompose(&comparator, false)?;
        self.region.equality(&output, &comparator)
    }

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

    fn apply(&mut self, op: &SupportedOp, inputs: &[&Items]) -> Result<Items, Refusal> {
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
