//! `zkml._core.srs`: structured reference strings made, imported, checked and cut down.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zkml_srs::{
    Ptau, SrsError, SrsFile, Stage, Tau, VerifierPoints, g1_to_canonical, g2_to_canonical,
};

use crate::errors::raised;

/// The code and hint of an error, and the class in `zkml.errors` that it becomes.
fn kind(error: &SrsError) -> (&'static str, &'static str, Option<&'static str>) {
    let again =
        Some("get the file again from where the ceremony publishes it, and compare its checksum");
    match error {
        SrsError::Io { .. } => (
            "EnvironmentFault",
            "disk",
            Some("check that the file exists and the disk has room"),
        ),
        SrsError::Random(_) => ("EnvironmentFault", "random", None),
        SrsError::TooSmall { .. } => (
            "SrsError",
            "srs-too-small",
            Some("take a larger file of the same ceremony"),
        ),
        SrsError::Encoding { .. } => (
            "MalformedArtifact",
            "srs-encoding",
            Some("import takes halo2's raw `.srs` and snarkjs's `.ptau`"),
        ),
        e if e.is_malformed() => ("MalformedArtifact", "srs-malformed", again),
        _ => ("SrsError", "srs-invalid", again),
    }
}

fn as_python(py: Python<'_>, path: &Path, error: &SrsError) -> PyErr {
    let (class, code, hint) = kind(error);
    let message = format!("{}: {error}", path.display());
    raised(py, (class, Some(code), hint), message, |details| {
        match error {
            SrsError::Point { part, index, .. } => {
                details.set_item("part", part.to_string())?;
                details.set_item("index", index)?;
            }
            SrsError::Powers { index } => {
                details.set_item("part", "g")?;
                details.set_item("index", index)?;
            }
            SrsError::Lagrange { index } => {
                details.set_item("part", "g_lagrange")?;
                details.set_item("index", index)?;
            }
            SrsError::Size { k, expected, got } => {
                details.set_item("k", k)?;
                details.set_item("expected", expected)?;
                details.set_item("got", got)?;
            }
            SrsError::TooSmall { have, want } => {
                details.set_item("have", have)?;
                details.set_item("want", want)?;
            }
            _ => {}
        }
        Ok(())
    })
}

/// Run `work` without the interpreter's lock. Between its pieces signals are served and `progress(stage, done, total)` is called;
/// what they raise stops the work and is raised.
fn run<T: Send>(
    py: Python<'_>,
    path: &Path,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&mut dyn FnMut(Stage, u64, u64) -> bool) -> Result<T, SrsError> + Send,
) -> PyResult<T> {
    let mut raised: Option<PyErr> = None;
    let result = py.detach(|| {
        work(&mut |stage, done, total| {
            let outcome = Python::attach(|py| {
                py.check_signals()?;
                if let Some(progress) = &progress {
                    progress.call1(py, (stage.name(), done, total))?;
                }
                Ok(())
            });
            raised = outcome.err();
            raised.is_none()
        })
    });
    match (result, raised) {
        (_, Some(error)) => Err(error),
        (Ok(value), None) => Ok(value),
        (Err(error), None) => Err(as_python(py, path, &error)),
    }
}

/// (g1, g2, tau_g2) as canonical big-endian bytes.
type PointBytes<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
);

fn point_bytes<'py>(py: Python<'py>, points: &VerifierPoints) -> PointBytes<'py> {
    (
        PyBytes::new(py, &g1_to_canonical(&points.g1)),
        PyBytes::new(py, &g2_to_canonical(&points.g2)),
        PyBytes::new(py, &g2_to_canonical(&points.tau_g2)),
    )
}

/// The number of threads that this module works on.
#[pyfunction]
fn threads() -> usize {
    zkml_srs::threads()
}

/// Write an SRS with a τ of the operating system's generator to `path`, which is overwritten.
#[pyfunction]
#[pyo3(signature = (path, k, progress=None))]
fn generate(py: Python<'_>, path: PathBuf, k: u32, progress: Option<Py<PyAny>>) -> PyResult<()> {
    run(py, &path, progress, |tick| {
        zkml_srs::generate(&path, k, &Tau::random()?, tick)
    })
}

/// Return (k, g1, g2, tau_g2) of an SRS file whose header, size, g[0] and points of G2 hold.
#[pyfunction]
fn head<'py>(py: Python<'py>, path: PathBuf) -> PyResult<(u32, PointBytes<'py>)> {
    let (k, points) = run(py, &path, None, |_| {
        let mut srs = SrsFile::open(&path)?;
        Ok((srs.k(), srs.verifier_points()?))
    })?;
    Ok((k, point_bytes(py, &points)))
}

/// Check a whole SRS file, or what a circuit of 2^k rows uses of it.
#[pyfunction]
#[pyo3(signature = (path, progress=None, k=None))]
fn check(
    py: Python<'_>,
    path: PathBuf,
    progress: Option<Py<PyAny>>,
    k: Option<u32>,
) -> PyResult<()> {
    run(py, &path, progress, |tick| {
        let mut srs = SrsFile::open(&path)?;
        let k = k.unwrap_or(srs.k());
        zkml_srs::check_used(&mut srs, k, tick).map(|_| ())
    })
}

/// Write the SRS of size `k` cut from `source` to `target`, which is overwritten.
#[pyfunction]
#[pyo3(signature = (source, target, k, progress=None))]
fn trim(
    py: Python<'_>,
    source: PathBuf,
    target: PathBuf,
    k: u32,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    run(py, &source, progress, |tick| {
        zkml_srs::trim(&mut SrsFile::open(&source)?, &target, k, tick)
    })
}

/// Write the SRS of size `k` (the file's own if None) from a `.ptau` to `target`, which is overwritten. Its structure is not checked.
#[pyfunction]
#[pyo3(signature = (source, target, k=None, progress=None))]
fn import_ptau(
    py: Python<'_>,
    source: PathBuf,
    target: PathBuf,
    k: Option<u32>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    run(py, &source, progress, |tick| {
        zkml_srs::import_ptau(&mut Ptau::open(&source)?, &target, k, tick)
    })
}

/// Add the module to its parent and to `sys.modules`.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = parent.py();
    let module = PyModule::new(py, "srs")?;
    module.add_function(wrap_pyfunction!(threads, &module)?)?;
    module.add_function(wrap_pyfunction!(generate, &module)?)?;
    module.add_function(wrap_pyfunction!(head, &module)?)?;
    module.add_function(wrap_pyfunction!(check, &module)?)?;
    module.add_function(wrap_pyfunction!(trim, &module)?)?;
    module.add_function(wrap_pyfunction!(import_ptau, &module)?)?;
    parent.add_submodule(&module)?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("zkml._core.srs", module)
}
