//! What a node does: EZKL's operators, in the families in which EZKL encodes them.

pub mod hybrid;
pub mod lookup;
pub mod poly;

use crate::felt::Felt;
use crate::tensor::Tensor;
pub use hybrid::HybridOp;
pub use lookup::LookupOp;
pub use poly::PolyOp;

choice! {
    /// The type of an input as the ONNX file gives it.
    InputType {
        0 => Bool,
        1 => F16,
        2 => F32,
        3 => F64,
        4 => Int,
        5 => TDim,
        6 => Unknown,
    }
}

record! {
    /// A graph input. `decomp` asks for the range decomposition of its values.
    Input {
        scale: i32,
        datum_type: InputType,
        decomp: bool,
    }
}

record! {
    /// Parameters. `raw_values` is emptied when EZKL imports the model.
    Constant {
        quantized_values: Tensor<Felt>,
        raw_values: Tensor<f32>,
        decomp: bool,
    }
}

choice! {
    /// One operator. `Rescaled` multiplies inputs first; `RebaseScale` divides the result afterwards.
    SupportedOp {
        0 => Linear(op: PolyOp),
        1 => Nonlinear(op: LookupOp),
        2 => Hybrid(op: HybridOp),
        3 => Input(op: Input),
        4 => Constant(op: Constant),
        5 => Unknown,
        6 => Rescaled { inner: Box<SupportedOp>, scale: Vec<(u64, u128)> },
        7 => RebaseScale {
            inner: Box<SupportedOp>,
            rebase_op: HybridOp,
            target_scale: i32,
            original_scale: i32,
            multiplier: f64,
        },
    }
}
