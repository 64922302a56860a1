//! Values as people read them: EZKL's `pretty_elements` of a witness, and `pretty_public_inputs` of a proof.

use serde::Serialize;

use crate::circuit::Circuit;
use crate::felt::Felt;
use crate::tensor::Visibility;

type Lists = Vec<Vec<String>>;

/// Felts as hexadecimal numbers, numbers as decimals; a list for each tensor, and for each hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pretty {
    pub rescaled_inputs: Lists,
    pub inputs: Lists,
    pub processed_inputs: Lists,
    pub processed_params: Lists,
    pub processed_outputs: Lists,
    pub rescaled_outputs: Lists,
    pub outputs: Lists,
}

pub(super) fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(66);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
    out
}

/// A felt as a hexadecimal number.
pub(super) fn shown(felt: Felt) -> String {
    format!("0x{}", hex(felt.0.iter().rev()))
}

/// The number that an integer of this scale stands for.
pub(super) fn rescaled(value: i128, scale: i32) -> String {
    (value as f64 / f64::from(scale).exp2()).to_string()
}

/// The values of a proof's instance column, in its order.
struct Rows<'a>(&'a [Felt]);

impl<'a> Rows<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [Felt]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn hashes(&mut self, visibility: &Visibility, count: usize) -> Option<Lists> {
        match visibility {
            Visibility::Hashed { .. } => {
                let hashes = self.take(count as u64)?;
                Some(hashes.iter().map(|felt| vec![shown(*felt)]).collect())
            }
            _ => Some(Vec::new()),
        }
    }

    /// The felts and the numbers of tensors, where they are public.
    fn tensors(
        &mut self,
        visibility: &Visibility,
        shapes: &[Vec<u64>],
        scales: &[i32],
    ) -> Option<(Lists, Lists)> {
        let (mut felts, mut numbers) = (Vec::new(), Vec::new());
        if *visibility == Visibility::Public {
            for (shape, scale) in shapes.iter().zip(scales) {
                let count = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d))?;
                let values = self.take(count)?;
                felts.push(values.iter().map(|felt| shown(*felt)).collect());
                let number = |felt: &Felt| rescaled(felt.to_i128_lossy(), *scale);
                numbers.push(values.iter().map(number).collect());
            }
        }
        Some((felts, numbers))
    }
}

/// What the public values of a proof are; nothing where they are not those of this circuit.
///
/// Their order is EZKL's: hashes of inputs and of parameters, public inputs, then public outputs or the hashes of outputs.
pub fn public_values(circuit: &Circuit, values: &[Felt]) -> Option<Pretty> {
    let (model, settings) = (&circuit.core.model, &circuit.core.settings);
    let args = &settings.run_args;
    let (inputs, outputs) = (model.graph.inputs.len(), model.graph.outputs.len());
    let some = |constant: &crate::ops::Constant| !constant.quantized_values.inner.is_empty();
    let params = model
        .parameters()
        .iter()
        .any(|(_, constant)| some(constant));
    let first = if args.input_visibility == Visibility::Public {
        inputs
    } else {
        0
    };
    let (input_shapes, output_shapes) = settings.model_instance_shapes.split_at_checked(first)?;
    let mut rows = Rows(values);
    let processed_inputs = rows.hashes(&args.input_visibility, inputs)?;
    let processed_params = rows.hashes(&args.param_visibility, params.into())?;
    let (inputs, rescaled_inputs) = rows.tensors(
        &args.input_visibility,
        input_shapes,
        &settings.model_input_scales,
    )?;
    let processed_outputs = rows.hashes(&args.output_visibility, outputs)?;
    let (outputs, rescaled_outputs) = rows.tensors(
        &args.output_visibility,
        output_shapes,
        &settings.model_output_scales,
    )?;
    rows.0.is_empty().then_some(Pretty {
        rescaled_inputs,
        inputs,
        processed_inputs,
        processed_params,
        processed_outputs,
        rescaled_outputs,
        outputs,
    })
}
