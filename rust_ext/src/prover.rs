//! `zkml._core.prover`: proofs of EZKL's circuits, made without EZKL.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use rand_core::OsRng;
use zkml_arithmetic::ArithmeticError;
use zkml_circuit::ezkl::{LayoutError, Refusal, fill};
use zkml_circuit::stop::Stop;
use zkml_circuit::witness::{Witness, WitnessError as WitnessFileError};
use zkml_graph::{Circuit, ExecuteFault};
use zkml_protocol::{Protocol, wire};
use zkml_prover::{
    KeyError, Proved, Prover as Inner, ProverError, ProvingKey, Stage, WitnessError,
};
use zkml_srs::SrsFile;

use crate::errors::raised;
use crate::graph::CompiledCircuit;
use crate::watch::{Steps, watched};

const UNSATISFIED: &str =
    "this input has no valid proof in this circuit: was the circuit or the witness edited?";
const AGAIN: &str = "run `zkml setup` again";

/// Why there is no prover, or no proof.
pub enum Failure {
    Prover(ProverError),
    Layout(LayoutError),
    File(WitnessFileError),
    Threads(rayon::ThreadPoolBuildError),
    Panic(String),
}

impl<E: Into<ProverError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Prover(error.into())
    }
}

fn key_kind(error: &KeyError) -> (&'static str, &'static str, Option<&'static str>) {
    match error {
        KeyError::Io { .. } => ("EnvironmentFault", "key-file", None),
        KeyError::OtherCircuit(_) => ("MismatchedArtifacts", "another-circuit", Some(AGAIN)),
        KeyError::TooLarge { .. } => (
            "CircuitError",
            "engine-unsupported",
            Some("use --engine ezkl"),
        ),
        KeyError::Version { .. } => ("MalformedArtifact", "key-version", Some(AGAIN)),
        KeyError::Truncated { .. }
        | KeyError::Trailing { .. }
        | KeyError::Unknown(_)
        | KeyError::Damaged(_) => ("MalformedArtifact", "key-file", Some(AGAIN)),
    }
}

fn kind(failure: &Failure) -> (&'static str, &'static str, Option<&'static str>) {
    match failure {
        Failure::Prover(ProverError::Key(error)) => key_kind(error),
        Failure::Prover(ProverError::Srs(_)) => (
            "SrsError",
            "srs-file",
            Some("check it with `zkml srs check`"),
        ),
        Failure::Prover(ProverError::SrsTooSmall { .. }) => (
            "SrsError",
            "srs-too-small",
            Some("import a larger one with `zkml srs import`"),
        ),
        Failure::Prover(ProverError::OtherCeremony) => (
            "MismatchedArtifacts",
            "srs-mismatch",
            Some("give the SRS of `zkml setup` with --srs, or run setup again"),
        ),
        Failure::Prover(ProverError::Witness(
            WitnessError::Columns { .. }
            | WitnessError::Rows { .. }
            | WitnessError::Missing { .. }
            | WitnessError::Instances(_),
        )) => ("MismatchedArtifacts", "another-circuit", Some(AGAIN)),
        Failure::Prover(ProverError::Witness(_)) => {
            ("WitnessError", "unsatisfied", Some(UNSATISFIED))
        }
        Failure::Prover(ProverError::Protocol(_)) => ("MalformedArtifact", "protocol", None),
        Failure::Prover(ProverError::Interrupted) => (
            "InternalFault",
            "interrupted",
            Some("run the command again"),
        ),
        Failure::Prover(ProverError::Randomness(_)) => ("EnvironmentFault", "randomness", None),
        Failure::Prover(ProverError::Arithmetic(
            ArithmeticError::PathUnknown | ArithmeticError::NoAvx2 | ArithmeticError::NoAvx512,
        )) => (
            "EnvironmentFault",
            "arithmetic",
            Some("unset ZKML_ARITHMETIC: the fastest path that this CPU has is chosen"),
        ),
        Failure::Prover(ProverError::Arithmetic(_) | ProverError::SelfCheck(_))
        | Failure::Panic(_) => ("InternalFault", "bad-proof", Some("please report this")),
        Failure::Threads(_) => ("EnvironmentFault", "threads", None),
        Failure::File(_) => (
            "MalformedArtifact",
            "witness-file",
            Some("make it again with `zkml witness`"),
        ),
        Failure::Layout(error) => match &error.refusal {
            Refusal::Operator(ExecuteFault::TooFewDigits { .. } | ExecuteFault::Overflow) => (
                "WitnessError",
                "value-too-large",
                Some("the input lies outside the range that the circuit was made for"),
            ),
            Refusal::Unsupported { .. } | Refusal::TooLarge { .. } => (
                "CircuitError",
                "engine-unsupported",
                Some("use --engine ezkl"),
            ),
            Refusal::Refuted { .. } => ("WitnessError", "unsatisfied", Some(UNSATISFIED)),
            Refusal::Length { .. } => ("MalformedArtifact", "witness-file", None),
            _ => (
                "MalformedArtifact",
                "compiled-circuit",
                Some("the circuit contradicts itself: compile the model again"),
            ),
        },
    }
}

/// The error to raise, with the circuit's own node in its details.
pub fn failed(py: Python<'_>, failure: &Failure) -> PyErr {
    let (class, code, hint) = kind(failure);
    let message = match failure {
        Failure::Prover(error) => error.to_string(),
        Failure::Layout(error) => error.to_string(),
        Failure::File(error) => error.to_string(),
        Failure::Threads(error) => format!("cannot start threads: {error}"),
        Failure::Panic(text) => format!("the prover panicked: {text}"),
    };
    raised(py, (class, Some(code), hint), message, |details| {
        if let Failure::Layout(LayoutError { node, operator, .. }) = failure {
            details.set_item("circuit_node", node)?;
            details.set_item("operator", operator)?;
        }
        Ok(())
    })
}

fn described(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// The path of the arithmetic that runs on this machine, and what single products are computed with.
#[pyfunction]
fn arithmetic(py: Python<'_>) -> PyResult<(&'static str, &'static str)> {
    let path = zkml_arithmetic::arithmetic()
        .map_err(|error| failed(py, &Failure::Prover(ProverError::Arithmetic(error))))?;
    Ok((path, zkml_arithmetic::multiplier()))
}

/// One circuit, ready to prove: Protocol, key and SRS opened once. Any number of threads may use it.
#[pyclass(frozen, module = "zkml._core.prover")]
struct Prover {
    inner: Inner,
    pool: rayon::ThreadPool,
}

/// What comes before the stages of the proof itself.
const LAYOUT: &str = "layout";

/// A stage, how many of its steps are done, and how many there are.
type Step = (&'static str, u64, u64);

/// Proof, instance columns as words of 32 bytes big-endian, and the seconds of each stage.
type Answer<'py> = (
    Bound<'py, PyBytes>,
    Vec<Bound<'py, PyBytes>>,
    Bound<'py, PyDict>,
);

#[pymethods]
impl Prover {
    /// Open a prover. `threads`: None uses all cores.
    #[new]
    #[pyo3(signature = (protocol, key, srs, threads=None))]
    fn new(
        py: Python<'_>,
        protocol: &[u8],
        key: PathBuf,
        srs: PathBuf,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        if threads == Some(0) {
            return Err(PyValueError::new_err("threads must be at least 1"));
        }
        let open = || -> Result<Self, Failure> {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads.unwrap_or(0))
                .build()
                .map_err(Failure::Threads)?;
            let inner = pool.install(|| -> Result<Inner, Failure> {
                let protocol = Protocol::parse(protocol)?;
                let key = ProvingKey::open(&key, &protocol)?;
                let mut srs = SrsFile::open(&srs).map_err(ProverError::from)?;
                Ok(Inner::new(protocol, key, &mut srs)?)
            })?;
            Ok(Self { inner, pool })
        };
        py.detach(|| guarded(open))
            .map_err(|failure| failed(py, &failure))
    }

    /// 64 hex digits.
    #[getter]
    fn circuit_id(&self) -> String {
        wire::to_hex(&self.inner.protocol().circuit_id).split_off(2)
    }

    /// What made the key: `zkml` or `ezkl`.
    #[getter]
    fn key_format(&self) -> &'static str {
        self.inner.key().format()
    }

    /// What the proof is computed on.
    #[getter]
    fn device(&self) -> &'static str {
        self.inner.device()
    }

    /// The path of the arithmetic: `scalar`, `avx2` or `avx512`.
    #[getter]
    fn arithmetic(&self) -> &'static str {
        self.inner.arithmetic()
    }

    #[getter]
    fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Prove that `circuit` runs as `witness`, the text of `witness.json`, says. The proof is verified before it is returned.
    /// `progress(stage, done, total)` is called between steps, and again while one takes long; what it raises stops the work, as
    /// signals do.
    #[pyo3(signature = (circuit, witness, progress=None))]
    fn prove<'py>(
        &self,
        py: Python<'py>,
        circuit: &CompiledCircuit,
        witness: &[u8],
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Answer<'py>> {
        let tell = |py: Python<'_>, step: Step| match &progress {
            Some(progress) => progress.call1(py, step).map(drop),
            None => Ok(()),
        };
        let work = |stop: &Stop, steps: Steps<'_, Step>| {
            let prove = || self.proved(circuit.inner(), witness, stop, steps);
            guarded(|| self.pool.install(prove))
        };
        let (result, raised) = watched(py, (LAYOUT, 0, 1), tell, work);
        if let Some(error) = raised {
            return Err(error);
        }
        let (proved, instances, filled) = result.map_err(|failure| failed(py, &failure))?;
        let seconds = PyDict::new(py);
        seconds.set_item(LAYOUT, filled.as_secs_f64())?;
        for (stage, time) in &proved.stages {
            seconds.set_item(stage.name(), time.as_secs_f64())?;
        }
        let columns = instances.iter().map(|values| {
            let words: Vec<u8> = values.iter().flat_map(wire::scalar_bytes).collect();
            PyBytes::new(py, &words)
        });
        Ok((PyBytes::new(py, &proved.proof), columns.collect(), seconds))
    }
}

impl Prover {
    /// The proof, the instance columns, and how long the layout took.
    fn proved(
        &self,
        circuit: &Circuit,
        witness: &[u8],
        stop: &Stop,
        steps: Steps<'_, Step>,
    ) -> Result<(Proved, Vec<Vec<zkml_verifier::Scalar>>, Duration), Failure> {
        let started = Instant::now();
        let witness = Witness::parse(circuit, witness).map_err(Failure::File)?;
        let grid = fill(circuit, &witness, &[], stop).map_err(Failure::Layout)?;
        let filled = started.elapsed();
        let instances = instances(self.inner.protocol(), grid.instances)?;
        let mut advice = Phases {
            circuit,
            witness: &witness,
            stop,
            phases: &self.inner.protocol().advice_phases,
            first: Some(grid.advice),
        };
        let proved = self.inner.prove(
            &mut advice,
            &instances,
            &mut OsRng,
            &mut |stage, done, total| steps((stage.name(), done, total)),
        )?;
        Ok((proved, instances, filled))
    }
}

/// The cells of a circuit phase by phase: those behind the first are filled once the challenges are drawn.
struct Phases<'a> {
    circuit: &'a Circuit,
    witness: &'a Witness,
    stop: &'a Stop,
    /// The phase of each advice column.
    phases: &'a [u32],
    first: Option<Vec<zkml_prover::Cells>>,
}

impl zkml_prover::Witness for Phases<'_> {
    fn phase(
        &mut self,
        phase: u32,
        challenges: &[Option<zkml_verifier::Scalar>],
    ) -> Result<Vec<(usize, zkml_prover::Cells)>, WitnessError> {
        let columns = match self.first.take() {
            Some(columns) => columns,
            None => {
                let known: Vec<_> = challenges.iter().flatten().copied().collect();
                let grid = fill(self.circuit, self.witness, &known, self.stop);
                grid.map_err(|e| WitnessError::Source(e.to_string()))?
                    .advice
            }
        };
        let expected = self.phases.len();
        if columns.len() != expected {
            let got = columns.len();
            return Err(WitnessError::Columns { expected, got });
        }
        let numbered = columns.into_iter().enumerate();
        Ok(numbered.filter(|(i, _)| self.phases[*i] == phase).collect())
    }
}

/// The values column by column, as many as the Protocol says.
fn instances(
    protocol: &Protocol,
    mut values: Vec<zkml_verifier::Scalar>,
) -> Result<Vec<Vec<zkml_verifier::Scalar>>, Failure> {
    let expected: usize = protocol.instance_rows.iter().sum();
    if values.len() != expected {
        let message = format!("{} values of {expected}", values.len());
        return Err(ProverError::Witness(WitnessError::Instances(message)).into());
    }
    let mut columns = Vec::with_capacity(protocol.instance_rows.len());
    for rows in &protocol.instance_rows {
        let rest = values.split_off(*rows);
        columns.push(std::mem::replace(&mut values, rest));
    }
    Ok(columns)
}

/// Runs `work`. A panic becomes an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Failure::Panic(described(&*panic))))
}

/// Read every column of the key in `key`, one of this engine's or EZKL's `pk.key`, made for the circuit of `protocol.json`. Return
/// what made it.
#[pyfunction]
fn read_key(py: Python<'_>, protocol: &[u8], key: &[u8]) -> PyResult<&'static str> {
    let read = || -> Result<&'static str, Failure> {
        let protocol = Protocol::parse(protocol)?;
        let key = ProvingKey::parse(key, &protocol)?;
        key.check_digest()?;
        (0..protocol.fixed_commitments.len()).try_for_each(|i| key.fixed(i).map(drop))?;
        (0..protocol.permutation.columns.len()).try_for_each(|i| key.sigma(i).map(drop))?;
        Ok(key.format())
    };
    py.detach(|| guarded(read))
        .map_err(|failure| failed(py, &failure))
}

/// Add the module to its parent and to `sys.modules`.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = parent.py();
    let module = PyModule::new(py, "prover")?;
    module.add_class::<Prover>()?;
    module.add_function(wrap_pyfunction!(arithmetic, &module)?)?;
    module.add_function(wrap_pyfunction!(read_key, &module)?)?;
    let stages: Vec<&str> = Stage::ALL.iter().map(|stage| stage.name()).collect();
    module.add("STAGES", stages)?;
    parent.add_submodule(&module)?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("zkml._core.prover", module)
}
