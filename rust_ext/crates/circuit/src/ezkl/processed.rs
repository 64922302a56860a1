//! What a witness shows of tensors that are hashed or committed: EZKL's `processed_inputs`, `processed_params` and
//! `processed_outputs`.

use std::path::Path;

use ff::{Field, PrimeField};
use group::{Curve, GroupEncoding};
use halo2curves::bn256::{Fr, G1};
use rayon::prelude::*;
use thiserror::Error;
use zkml_arithmetic::{ArithmeticError, Bases, Domain, Scalars, msm};
use zkml_graph::execute::Processed;
use zkml_graph::tensor::Visibility;
use zkml_graph::witness::{Counted, ModuleResult, Point};
use zkml_graph::{Circuit, Execution, Felt};
use zkml_srs::{SrsError, SrsFile};

use super::error::{Refusal, unsupported};
use super::modules::{Module, module};
use super::poseidon;
use super::shape::{UNUSABLE_ROWS, bounded, rows};
use crate::grid::felt;

/// Why a witness cannot show what it has to.
#[derive(Debug, Error)]
pub enum ProcessError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("a tensor is committed, which takes an SRS of 2^{k} points")]
    NoSrs { k: u32 },
    #[error("the SRS has 2^{got} points, the circuit 2^{expected} rows")]
    Size { expected: u32, got: u32 },
    #[error(transparent)]
    Srs(#[from] SrsError),
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

/// Refuse a circuit in which a hash takes the place of the input or output that it is of.
pub fn check_hashes(circuit: &Circuit) -> Result<(), ProcessError> {
    let args = &circuit.core.settings.run_args;
    let private = |v| matches!(module(v), Module::Hash { public: false });
    if private(&args.input_visibility) || private(&args.output_visibility) {
        return Ok(unsupported("a private hash of an input or output")?);
    }
    Ok(())
}

/// Hash or commit the tensors of one run as the circuit's visibilities say. `srs`: the file that commitments are made with, of as
/// many points as the circuit has rows, or more.
pub fn process(
    circuit: &Circuit,
    inputs: &[Vec<i128>],
    run: &Execution,
    srs: Option<&Path>,
) -> Result<Processed, ProcessError> {
    let args = &circuit.core.settings.run_args;
    let mut modules = Modules {
        k: args.logrows,
        srs,
        basis: None,
    };
    let integers = |values: &Vec<i128>| values.iter().map(|v| felt(*v)).collect();
    let inputs = || inputs.iter().map(integers).collect();
    let outputs = || run.outputs.iter().map(|t| integers(&t.data)).collect();
    let params = || Vec::from_iter(parameters(circuit));
    Ok(Processed {
        inputs: modules.result(&args.input_visibility, inputs)?,
        params: modules.result(&args.param_visibility, params)?,
        outputs: modules.result(&args.output_visibility, outputs)?,
    })
}

/// All parameters as one tensor; none where the circuit has none.
fn parameters(circuit: &Circuit) -> Option<Vec<Fr>> {
    let parameters = circuit.core.model.parameters().into_iter();
    let felts = parameters.flat_map(|(_, constant)| &constant.quantized_values.inner);
    let all: Vec<Fr> = felts.map(element).collect();
    (!all.is_empty()).then_some(all)
}

/// A decoded felt is below the modulus.
fn element(felt: &Felt) -> Fr {
    Option::from(Fr::from_repr(felt.0.into())).unwrap_or_default()
}

struct Modules<'a> {
    k: u32,
    srs: Option<&'a Path>,
    /// Opened by the first commitment.
    basis: Option<Basis>,
}

impl Modules<'_> {
    /// What becomes of these tensors; nothing where there are none, or nothing is asked of them.
    fn result(
        &mut self,
        visibility: &Visibility,
        tensors: impl FnOnce() -> Vec<Vec<Fr>>,
    ) -> Result<Option<ModuleResult>, ProcessError> {
        let module = module(visibility);
        if matches!(module, Module::None) {
            return Ok(None);
        }
        let tensors = tensors();
        if tensors.is_empty() {
            return Ok(None);
        }
        if matches!(module, Module::Commit) {
            let commitments: Result<_, _> = tensors.into_iter().map(|t| self.commit(t)).collect();
            return Ok(Some(ModuleResult {
                poseidon_hash: None,
                polycommit: Some(commitments?),
            }));
        }
        let hashes = tensors.into_par_iter().map(poseidon::hash);
        let felts = hashes.map(|hash| Felt(hash.to_repr().into())).collect();
        Ok(Some(ModuleResult {
            poseidon_hash: Some(Counted(felts)),
            polycommit: None,
        }))
    }

    /// The commitments of a tensor's columns. EZKL always opens another column behind a full one.
    fn commit(&mut self, tensor: Vec<Fr>) -> Result<Counted<Point>, ProcessError> {
        let basis = match &mut self.basis {
            Some(basis) => basis,
            none => none.insert(Basis::open(self.srs, self.k)?),
        };
        let columns = tensor.len() / basis.usable + 1;
        bounded(columns as u128, "columns of a committed tensor")?;
        let column = |i: usize| tensor.iter().skip(i * basis.usable).take(basis.usable);
        let points = (0..columns).map(|i| {
            let point = basis.commit(column(i).copied().collect())?.to_affine();
            let mut bytes = [0; 32];
            bytes.copy_from_slice(point.to_bytes().as_ref());
            Ok(Point(bytes))
        });
        points.collect::<Result<_, ProcessError>>().map(Counted)
    }
}

/// What columns are committed with. Nothing blinds them: the rows that hold no data are one.
struct Basis {
    usable: usize,
    points: Points,
}

enum Points {
    /// Those of the rows that hold data, and the sum of the others.
    Rows { data: Bases, rest: G1 },
    /// Those of the coefficients: a file of more rows has no points for these.
    Coefficients { domain: Domain, powers: Bases },
}

impl Basis {
    fn open(srs: Option<&Path>, k: u32) -> Result<Self, ProcessError> {
        let n = rows(k)?;
        let usable = n - UNUSABLE_ROWS;
        let path = srs.ok_or(ProcessError::NoSrs { k })?;
        let mut file = SrsFile::open(path)?;
        let points = match file.k() {
            got if got < k => return Err(ProcessError::Size { expected: k, got }),
            got if got == k => {
                let mut data = file.lagrange()?;
                let rest = data.drain(usable..).map(G1::from).sum();
                Points::Rows {
                    data: Bases::new(data),
                    rest,
                }
            }
            _ => Points::Coefficients {
                domain: Domain::new(k),
                powers: Bases::new(file.powers(n as u64)?),
            },
        };
        Ok(Self { usable, points })
    }

    /// The commitment of a column with these values in its first rows.
    fn commit(&self, mut values: Vec<Fr>) -> Result<G1, ArithmeticError> {
        match &self.points {
            Points::Rows { data, rest } => Ok(msm(data, Scalars::Full(&values))? + rest),
            Points::Coefficients { domain, powers } => {
                values.resize(self.usable, Fr::ZERO);
                values.resize(domain.n(), Fr::ONE);
                domain.ifft(&mut values);
                msm(powers, Scalars::Full(&values))
            }
        }
    }
}
