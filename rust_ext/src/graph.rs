//! `zkml._core.graph`: compiled circuits, decoded.

use std::path::PathBuf;

use crate::errors::raised;
use crate::witness;
use pyo3::exceptions::{PyKeyError, PyOverflowError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zkml_graph::execute::public_values;
use zkml_graph::{Circuit, DecodeError, EZKL_VERSION, Fault, Felt, Reader, Wire};

/// `zkml.errors.MalformedArtifact` with the byte and the field in its details.
fn malformed(py: Python<'_>, error: &DecodeError) -> PyErr {
    let (code, hint) = match error.fault {
        Fault::Version { .. } => (
            "ezkl-version",
            "compile the model again with the EZKL that this package needs",
        ),
        _ => (
            "compiled-circuit",
            "the file is damaged, or another version of EZKL made it",
        ),
    };
    raised(
        py,
        ("MalformedArtifact", Some(code), Some(hint)),
        format!("compiled circuit: {error}"),
        |details| {
            details.set_item("offset", error.offset)?;
            details.set_item("path", &error.path)
        },
    )
}

/// A compiled circuit, decoded.
#[pyclass(frozen, module = "zkml._core.graph")]
pub struct CompiledCircuit {
    inner: Circuit,
}

impl CompiledCircuit {
    pub fn inner(&self) -> &Circuit {
        &self.inner
    }
}

#[pymethods]
impl CompiledCircuit {
    /// The circuit as JSON; parameters are counted, not shown.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.inner.to_json())
            .map_err(|e| PyRuntimeError::new_err(e.to_string()))
    }

    /// The file's bytes.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.inner.encode()))
    }

    /// The file's bytes with everything that EZKL orders at random sorted.
    fn encode_sorted<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| {
            let mut sorted = self.inner.clone();
            sorted.sort_axes();
            sorted.encode()
        });
        PyBytes::new(py, &bytes)
    }

    /// The parameters of the constant node at `path` (its number, after those of the subgraphs around it), as little-endian
    /// signed 64-bit integers in row-major order. Raises KeyError for another node, OverflowError beyond 64 bits.
    fn constant<'py>(&self, py: Python<'py>, path: Vec<u64>) -> PyResult<Bound<'py, PyBytes>> {
        let tensor = self
            .inner
            .constant(&path)
            .ok_or_else(|| PyKeyError::new_err(format!("node {path:?} is not a constant")))?;
        let mut bytes = Vec::with_capacity(tensor.inner.len() * 8);
        for (i, value) in tensor.inner.iter().enumerate() {
            let narrow = value.to_i128().and_then(|v| i64::try_from(v).ok());
            let narrow = narrow.ok_or_else(|| {
                PyOverflowError::new_err(format!(
                    "value {i} of constant {path:?} is beyond 64 bits"
                ))
            })?;
            bytes.extend_from_slice(&narrow.to_le_bytes());
        }
        Ok(PyBytes::new(py, &bytes))
    }

    /// What the values of a proof's instance column (words of 32 bytes, big-endian) are, as the text of EZKL's
    /// `pretty_public_inputs`: `null` where they are not those of this circuit.
    fn public_values<'py>(&self, py: Python<'py>, words: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let text = py.detach(|| {
            let felt = |word: &[u8]| {
                let word: Vec<u8> = word.iter().rev().copied().collect();
                Felt::read(&mut Reader::new(&word)).ok()
            };
            let felts: Option<Vec<Felt>> = words.chunks(32).map(felt).collect();
            serde_json::to_vec(&felts.and_then(|felts| public_values(&self.inner, &felts)))
        });
        let text = text.map_err(|e| PyRuntimeError::new_err(e.to_string()))?;
        Ok(PyBytes::new(py, &text))
    }

    /// The text of EZKL's `witness.json` for an input, which is the text of its `input.json`. `srs` is the file that committed
    /// tensors are committed with: of as many points as the circuit has rows, or more.
    #[pyo3(signature = (input, srs=None))]
    fn witness<'py>(
        &self,
        py: Python<'py>,
        input: &[u8],
        srs: Option<PathBuf>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        match py.detach(|| witness::witness(&self.inner, input, srs.as_deref())) {
            Ok(text) => Ok(PyBytes::new(py, &text)),
            Err(failure) => Err(witness::failed(py, &failure)),
        }
    }
}

/// Return the compiled circuit in `data`. Raises `zkml.errors.MalformedArtifact`.
#[pyfunction]
fn decode(py: Python<'_>, data: &[u8]) -> PyResult<CompiledCircuit> {
    match py.detach(|| Circuit::decode(data)) {
        Ok(inner) => Ok(CompiledCircuit { inner }),
        Err(error) => Err(malformed(py, &error)),
    }
}

/// Add the module to its parent and to `sys.modules`.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = parent.py();
    let module = PyModule::new(py, "graph")?;
    module.add("EZKL_VERSION", EZKL_VERSION)?;
    module.add_class::<CompiledCircuit>()?;
    module.add_function(wrap_pyfunction!(decode, &module)?)?;
    parent.add_submodule(&module)?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("zkml._core.graph", module)
}
