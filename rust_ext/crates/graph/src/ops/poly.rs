//! Operators made of additions, multiplications and wiring.

use crate::tensor::Tensor;

choice! {
    /// The order of an image's axes.
    DataFormat {
        0 => NCHW,
        1 => NHWC,
        2 => CHW,
        3 => HWC,
    }
}

choice! {
    /// The order of a kernel's axes.
    KernelFormat {
        0 => HWIO,
        1 => OIHW,
        2 => OHWI,
    }
}

choice! {
    /// A polynomial operator.
    PolyOp {
        0 => Abs,
        1 => Sign,
        2 => LeakyReLU { slope: f32, scale: i32 },
        3 => GatherElements { dim: u64, constant_idx: Option<Tensor<u64>> },
        4 => GatherND { batch_dims: u64, indices: Option<Tensor<u64>> },
        5 => ScatterElements { dim: u64, constant_idx: Option<Tensor<u64>> },
        6 => ScatterND { constant_idx: Option<Tensor<u64>> },
        7 => MultiBroadcastTo { shape: Vec<u64> },
        8 => Einsum { equation: String },
        9 => Conv {
            padding: Vec<(u64, u64)>,
            stride: Vec<u64>,
            group: u64,
            data_format: DataFormat,
            kernel_format: KernelFormat,
        },
        10 => Downsample { axis: u64, stride: i64, modulo: u64 },
        11 => DeConv {
            padding: Vec<(u64, u64)>,
            output_padding: Vec<u64>,
            stride: Vec<u64>,
            group: u64,
            data_format: DataFormat,
            kernel_format: KernelFormat,
        },
        12 => Add,
        13 => Sub,
        14 => Neg,
        15 => Mult,
        16 => Identity { out_scale: Option<i32> },
        17 => Reshape(shape: Vec<u64>),
        18 => MoveAxis { source: u64, destination: u64 },
        19 => Flatten(shape: Vec<u64>),
        20 => Pad(padding: Vec<(u64, u64)>),
        21 => Sum { axes: Vec<u64> },
        22 => MeanOfSquares { axes: Vec<u64> },
        23 => Prod { axes: Vec<u64>, len_prod: u64 },
        24 => Pow(exponent: u32),
        25 => Concat { axis: u64 },
        26 => Slice { axis: u64, start: u64, end: u64 },
        27 => Iff,
        28 => Resize { scale_factor: Vec<u64> },
        29 => Not,
        30 => And,
        31 => Or,
        32 => Xor,
        33 => Trilu { upper: bool, k: i32 },
    }
}
