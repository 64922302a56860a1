//! `zkml._core.keys`: keys of EZKL's circuits, made without EZKL.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zkml_circuit::ezkl::{Columns, KeyError, KeyOptions, Progress};
use zkml_circuit::stop::Stop;
use zkml_circuit::witness::Witness;
use zkml_protocol::Protocol;
use zkml_prover::key::{Contents, Fixed, write};

use crate::errors::raised;
use crate::graph::CompiledCircuit;
use crate::prover;
use crate::watch::{Steps, watched};

/// The error to raise, with the circuit's own node in its details.
fn failed(py: Python<'_>, error: &KeyError) -> PyErr {
    let (class, code, hint) = match error {
        KeyError::Layout(_) => ("CircuitError", "engine-unsupported", "use --engine ezkl"),
        KeyError::Srs(_) => ("SrsError", "srs-file", "check it with `zkml srs check`"),
        KeyError::Size { .. } => ("SrsError", "srs-size", "trim it with `zkml srs trim`"),
        KeyError::Arithmetic(_) => ("InternalFault", "arithmetic", "please report this"),
        KeyError::Interrupted => ("InternalFault", "interrupted", "run the command again"),
        KeyError::Write(e) => return PyOSError::new_err(e.to_string()),
    };
    let kind = (class, Some(code), Some(hint));
    raised(py, kind, error.to_string(), |details| {
        if let KeyError::Layout(error) = error {
            details.set_item("circuit_node", &error.node)?;
            details.set_item("operator", &error.operator)?;
        }
        Ok(())
    })
}

/// Run `work`, on which signals and `progress(done, total)` are served. What they raise stops it and is raised.
fn run<T: Send>(
    py: Python<'_>,
    progress: Option<&Py<PyAny>>,
    work: impl FnOnce(&Stop, Progress<'_>) -> Result<T, KeyError> + Send,
) -> PyResult<T> {
    let tell = |py: Python<'_>, step: (u64, u64)| match progress {
        Some(progress) => progress.call1(py, step).map(drop),
        None => Ok(()),
    };
    let work = |stop: &Stop, steps: Steps<'_, (u64, u64)>| {
        work(stop, &mut |done, total| steps((done, total)))
    };
    match watched(py, (0, 1), tell, work) {
        (_, Some(error)) => Err(error),
        (Ok(value), None) => Ok(value),
        (Err(error), None) => Err(failed(py, &error)),
    }
}

/// The witness, the text of `witness.json`, if there is one.
fn parsed(
    py: Python<'_>,
    circuit: &CompiledCircuit,
    witness: Option<&[u8]>,
) -> PyResult<Option<Witness>> {
    let parse = |json| Witness::parse(circuit.inner(), json);
    let parsed = witness.map(parse).transpose();
    parsed.map_err(|e| prover::failed(py, &prover::Failure::File(e)))
}

/// Return the bytes of `vk.key` for a circuit under the SRS at `srs`, which has as many points as the circuit has rows. A circuit
/// with fixed inputs or outputs needs `witness`, the text of `witness.json`: their values are constants of the circuit.
#[pyfunction]
#[pyo3(signature = (circuit, srs, compress_selectors=true, progress=None, witness=None))]
fn make_verification_key<'py>(
    py: Python<'py>,
    circuit: &CompiledCircuit,
    srs: PathBuf,
    compress_selectors: bool,
    progress: Option<Py<PyAny>>,
    witness: Option<&[u8]>,
) -> PyResult<Bound<'py, PyBytes>> {
    let options = KeyOptions { compress_selectors };
    let witness = parsed(py, circuit, witness)?;
    let vk = run(py, progress.as_ref(), |stop, p| {
        Columns::new(circuit.inner(), witness.as_ref(), options, stop)?.verification_key(&srs, p)
    })?;
    Ok(PyBytes::new(py, &vk))
}

/// Write `pk.key` to the file at `out`, and return the bytes of `vk.key`.
#[pyfunction]
#[pyo3(signature = (circuit, srs, out, compress_selectors=true, progress=None, witness=None))]
fn make_proving_key<'py>(
    py: Python<'py>,
    circuit: &CompiledCircuit,
    srs: PathBuf,
    out: PathBuf,
    compress_selectors: bool,
    progress: Option<Py<PyAny>>,
    witness: Option<&[u8]>,
) -> PyResult<Bound<'py, PyBytes>> {
    let options = KeyOptions { compress_selectors };
    let witness = parsed(py, circuit, witness)?;
    let vk = run(py, progress.as_ref(), |stop, p| {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&out)?);
        let columns = Columns::new(circuit.inner(), witness.as_ref(), options, stop)?;
        columns.proving_key(&srs, &mut file, p)
    })?;
    Ok(PyBytes::new(py, &vk))
}

/// The columns that the keys of a circuit commit to.
#[pyclass(frozen, module = "zkml._core.keys")]
struct KeyColumns {
    inner: Columns,
}

#[pymethods]
impl KeyColumns {
    #[new]
    #[pyo3(signature = (circuit, compress_selectors=true, progress=None, witness=None))]
    fn new(
        py: Python<'_>,
        circuit: &CompiledCircuit,
        compress_selectors: bool,
        progress: Option<Py<PyAny>>,
        witness: Option<&[u8]>,
    ) -> PyResult<Self> {
        let options = KeyOptions { compress_selectors };
        let witness = parsed(py, circuit, witness)?;
        let inner = run(py, progress.as_ref(), |stop, _| {
            Ok(Columns::new(
                circuit.inner(),
                witness.as_ref(),
                options,
                stop,
            )?)
        })?;
        Ok(Self { inner })
    }

    /// Return the bytes of `vk.key` under the SRS at `srs`, which has as many points as the circuit has rows.
    #[pyo3(signature = (srs, progress=None))]
    fn verification_key<'py>(
        &self,
        py: Python<'py>,
        srs: PathBuf,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let vk = run(py, progress.as_ref(), |_, p| {
            self.inner.verification_key(&srs, p)
        })?;
        Ok(PyBytes::new(py, &vk))
    }

    /// Write the Rust engine's proving key to `out`, bound to the circuit of this `protocol.json`. Return its size in bytes.
    fn write_proving_key(&self, py: Python<'_>, out: PathBuf, protocol: &[u8]) -> PyResult<u64> {
        let written = py.detach(|| {
            let protocol = Protocol::parse(protocol)?;
            Ok(write(&out, &protocol, &Held(&self.inner))?)
        });
        written.map_err(|e| prover::failed(py, &e))
    }
}

/// The columns as the key's writer asks for them.
struct Held<'a>(&'a Columns);

impl Contents for Held<'_> {
    fn fixed(&self, column: usize) -> Fixed {
        Fixed::Full(self.0.fixed()[column].clone())
    }

    fn next(&self, column: usize) -> &[u32] {
        self.0.next(column)
    }
}

/// Add the module to its parent and to `sys.modules`.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = parent.py();
    let module = PyModule::new(py, "keys")?;
    module.add_class::<KeyColumns>()?;
    module.add_function(wrap_pyfunction!(make_verification_key, &module)?)?;
    module.add_function(wrap_pyfunction!(make_proving_key, &module)?)?;
    parent.add_submodule(&module)?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("zkml._core.keys", module)
}
