//! Operators whose result is claimed and then checked: divisions, roots, sorts, comparisons, pooling.

use super::poly::DataFormat;
use crate::tensor::Tensor;

choice! {
    /// A hybrid operator.
    HybridOp {
        0 => Ln { scale: f32, eps: f64 },
        1 => Rsqrt { input_scale: f32, output_scale: f32, eps: f64 },
        2 => Sqrt { scale: f32 },
        3 => RoundHalfToEven { scale: f32, legs: u64 },
        4 => Ceil { scale: f32, legs: u64 },
        5 => Floor { scale: f32, legs: u64 },
        6 => Round { scale: f32, legs: u64 },
        7 => Recip { input_scale: f32, output_scale: f32, eps: f64 },
        8 => Div { denom: f32 },
        9 => ReduceMax { axes: Vec<u64> },
        10 => ReduceArgMax { dim: u64 },
        11 => SumPool {
            padding: Vec<(u64, u64)>,
            stride: Vec<u64>,
            kernel_shape: Vec<u64>,
            normalized: bool,
            data_format: DataFormat,
        },
        12 => MaxPool {
            padding: Vec<(u64, u64)>,
            stride: Vec<u64>,
            pool_dims: Vec<u64>,
            data_format: DataFormat,
        },
        13 => ReduceMin { axes: Vec<u64> },
        14 => ReduceArgMin { dim: u64 },
        15 => Max,
        16 => Min,
        17 => Softmax { input_scale: f32, output_scale: f32, axes: Vec<u64>, eps: f64 },
        18 => Output { decomp: bool },
        19 => Greater,
        20 => GreaterEqual,
        21 => Less,
        22 => LessEqual,
        23 => Equals,
        24 => Gather { dim: u64, constant_idx: Option<Tensor<u64>> },
        25 => TopK { dim: u64, k: u64, largest: bool },
        26 => OneHot { dim: u64, num_classes: u64 },
    }
}
