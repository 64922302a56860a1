//! The settings a circuit was compiled with. The JSON has the keys and the nesting of EZKL's `settings.json`.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::DecodeError;
use crate::ops::{InputType, LookupOp};
use crate::tensor::Visibility;
use crate::wire::{Reader, Wire};

choice! {
    /// Whether EZKL checks, while it lays out a witness, what the circuit will check anyway.
    CheckMode {
        0 => SAFE,
        1 => UNSAFE,
    }
}

record! {
    /// The options of the run that made the circuit.
    RunArgs {
        input_scale: i32,
        param_scale: i32,
        rebase_scale: Option<i32>,
        scale_rebase_multiplier: u32,
        lookup_range: (i128, i128),
        logrows: u32,
        num_inner_cols: u64,
        variables: Vec<(String, u64)>,
        input_visibility: Visibility,
        output_visibility: Visibility,
        param_visibility: Visibility,
        rebase_frac_zero_constants: bool,
        check_mode: CheckMode,
        decomp_base: u64,
        decomp_legs: u64,
        bounded_log_lookup: bool,
        ignore_range_check_inputs_outputs: bool,
        epsilon: Option<f64>,
        disable_freivalds: bool,
    }
}

record! {
    /// Dynamic lookups in the layout.
    DynamicLookupParams {
        total_dynamic_col_size: u64,
        max_dynamic_input_len: u64,
        num_dynamic_lookups: u64,
    }
}

record! {
    /// Shuffles in the layout.
    ShuffleParams {
        num_shuffles: u64,
        total_shuffle_col_size: u64,
    }
}

/// The dimension of each axis of an einsum, in the order of the file: EZKL writes a hash map.
#[derive(Clone, Debug, PartialEq)]
pub struct Axes(pub Vec<(char, u64)>);

impl Wire for Axes {
    const MIN_BYTES: usize = 8;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Vec::read(r).map(Self)
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl Serialize for Axes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (axis, dim) in &self.0 {
            map.serialize_entry(axis, dim)?;
        }
        map.end()
    }
}

record! {
    /// Every einsum that the layout ran, and the size of the Freivalds area (0: there is none).
    EinsumParams {
        equations: Vec<(String, Axes)>,
        total_einsum_col_size: u64,
    }
}

record! {
    /// The modules: element counts of committed tensors; rows and counts of hashes.
    ModuleSizes {
        polycommit: Vec<u64>,
        poseidon: (u64, Vec<u64>),
    }
}

record! {
    /// What EZKL writes to `settings.json`.
    GraphSettings {
        run_args: RunArgs,
        num_rows: u64,
        total_assignments: u64,
        total_const_size: u64,
        #[serde(flatten)]
        dynamic_lookup_params: DynamicLookupParams,
        #[serde(flatten)]
        shuffle_params: ShuffleParams,
        einsum_params: EinsumParams,
        model_instance_shapes: Vec<Vec<u64>>,
        model_output_scales: Vec<i32>,
        model_input_scales: Vec<i32>,
        module_sizes: ModuleSizes,
        required_lookups: Vec<LookupOp>,
        required_range_checks: Vec<(i128, i128)>,
        check_mode: CheckMode,
        version: String,
        num_blinding_factors: Option<u64>,
        timestamp: Option<u128>,
        input_types: Option<Vec<InputType>>,
        output_types: Option<Vec<InputType>>,
    }
}
