//! `zkml._core.verifier`: the fast verifier and the decoders it needs.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zkml_protocol::{Malformed, ProofFile, Protocol, canonical, wire};
use zkml_verifier::{Item, Verdict, Verifier as Inner, read_instances, verify_batch};

use crate::errors::raised;

/// Outcome, step, place, reason: what `zkml.verdict.Verdict` is made from.
type Answer = (&'static str, Option<u8>, Option<String>, Option<String>);

/// One word of an instance column, 32 bytes big-endian.
const WORD: usize = 32;

/// An instance of an error class of `zkml.errors`.
fn error(
    py: Python<'_>,
    class: &str,
    message: String,
    code: Option<&str>,
    place: Option<&str>,
) -> PyErr {
    raised(py, (class, code, None), message, |details| match place {
        Some(place) => details.set_item("where", place),
        None => Ok(()),
    })
}

fn malformed(py: Python<'_>, what: &str, fault: &Malformed) -> PyErr {
    error(
        py,
        "MalformedArtifact",
        format!("{what} {fault}"),
        Some(what),
        Some(&fault.place),
    )
}

/// Runs `work` without the GIL. The crates do not panic; were one to, it must become an error and never a verdict.
fn guarded<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let caught =
        py.detach(|| catch_unwind(AssertUnwindSafe(work)).map_err(|panic| described(&*panic)));
    caught.map_err(|text| {
        error(
            py,
            "InternalFault",
            format!("the native verifier panicked: {text}"),
            None,
            None,
        )
    })
}

fn described(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Accepted => ("accepted", None, None, None),
        Verdict::Rejected { step, reason } => {
            ("rejected", Some(step), None, Some(reason.to_owned()))
        }
        Verdict::Malformed { place, reason } => ("malformed", None, Some(place), Some(reason)),
    }
}

/// A proof as Python hands it over: for each instance column its words, one after the other; the bytes.
type Message = (Vec<Vec<u8>>, Vec<u8>);

fn instances(columns: &[Vec<u8>]) -> Result<Vec<Vec<zkml_verifier::Scalar>>, Malformed> {
    let ragged = columns.iter().position(|column| column.len() % WORD != 0);
    if let Some(c) = ragged {
        return Err(Malformed::new(
            format!("instances[{c}]"),
            "not a whole number of 32-byte words",
        ));
    }
    read_instances(columns.iter().map(|column| column.as_chunks::<WORD>().0))
}

/// One circuit, ready to check proofs. Raises `MalformedArtifact` unless the JSON is a Protocol.
#[pyclass(frozen, module = "zkml._core.verifier")]
struct Verifier {
    inner: Arc<Inner>,
}

#[pymethods]
impl Verifier {
    #[new]
    fn new(py: Python<'_>, protocol_json: &[u8]) -> PyResult<Self> {
        let protocol = guarded(py, || {
            Protocol::parse(protocol_json).map(|protocol| Arc::new(Inner::new(protocol)))
        })?;
        protocol
            .map(|inner| Self { inner })
            .map_err(|fault| malformed(py, "protocol", &fault))
    }

    /// 64 hex digits.
    #[getter]
    fn circuit_id(&self) -> String {
        wire::to_hex(&self.inner.protocol().circuit_id).split_off(2)
    }

    /// The exact length of a proof of this circuit, in bytes.
    #[getter]
    fn proof_length(&self) -> usize {
        self.inner.protocol().plan.sizes.proof_bytes()
    }

    /// The answer to one proof; `columns` holds each instance column as 32-byte big-endian words.
    fn check(&self, py: Python<'_>, columns: Vec<Vec<u8>>, proof: &[u8]) -> PyResult<Answer> {
        guarded(py, || match instances(&columns) {
            Ok(instances) => answer(self.inner.check(&instances, proof)),
            Err(fault) => answer(Verdict::Malformed {
                place: fault.place,
                reason: fault.reason,
            }),
        })
    }
}

/// The answers to many proofs, of any circuits, in order. `threads`: None uses all cores.
#[pyfunction]
#[pyo3(signature = (items, threads=None))]
fn check_batch(
    py: Python<'_>,
    items: Vec<(Py<Verifier>, Message)>,
    threads: Option<usize>,
) -> PyResult<Vec<Answer>> {
    if threads == Some(0) {
        return Err(PyValueError::new_err("threads must be at least 1"));
    }
    let items: Vec<(Arc<Inner>, Message)> = items
        .into_iter()
        .map(|(verifier, message)| (verifier.get().inner.clone(), message))
        .collect();
    let pool = threads
        .map(|count| rayon::ThreadPoolBuilder::new().num_threads(count).build())
        .transpose();
    let pool = pool.map_err(|e| {
        error(
            py,
            "EnvironmentFault",
            format!("cannot start threads: {e}"),
            Some("threads"),
            None,
        )
    })?;
    guarded(py, || match &pool {
        Some(pool) => pool.install(|| batch(&items)),
        None => batch(&items),
    })
}

fn batch(items: &[(Arc<Inner>, Message)]) -> Vec<Answer> {
    let read: Vec<_> = items
        .iter()
        .map(|(_, (columns, _))| instances(columns))
        .collect();
    let parsed = items
        .iter()
        .zip(&read)
        .filter_map(|((verifier, (_, proof)), instances)| {
            let instances = instances.as_ref().ok()?;
            Some(Item {
                verifier,
                instances,
                proof,
            })
        });
    let mut verdicts = verify_batch(&parsed.collect::<Vec<_>>()).into_iter();
    let each = read.into_iter().map(|instances| match instances {
        Ok(_) => verdicts.next(),
        Err(fault) => Some(Verdict::Malformed {
            place: fault.place,
            reason: fault.reason,
        }),
    });
    each.flatten().map(answer).collect()
}

/// Return the instance columns (32-byte big-endian words, concatenated) and the bytes of a `proof.json`. Raises `MalformedArtifact`.
#[pyfunction]
fn parse_proof_json<'py>(
    py: Python<'py>,
    data: &[u8],
) -> PyResult<(Vec<Bound<'py, PyBytes>>, Bound<'py, PyBytes>)> {
    let file =
        guarded(py, || ProofFile::parse(data))?.map_err(|fault| malformed(py, "proof", &fault))?;
    let column = |values: &Vec<zkml_verifier::Scalar>| {
        let words: Vec<u8> = values.iter().flat_map(wire::scalar_bytes).collect();
        PyBytes::new(py, &words)
    };
    Ok((
        file.instances.iter().map(column).collect(),
        PyBytes::new(py, &file.proof),
    ))
}

/// Return the canonical encoding, without `audit`, of a `protocol.json`. Raises `MalformedArtifact`.
#[pyfunction]
fn canonical_protocol<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let bytes =
        guarded(py, || canonical(data))?.map_err(|fault| malformed(py, "protocol", &fault))?;
    Ok(PyBytes::new(py, &bytes))
}

/// Add the module to its parent and to `sys.modules`.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = parent.py();
    let module = PyModule::new(py, "verifier")?;
    module.add_class::<Verifier>()?;
    module.add_function(wrap_pyfunction!(check_batch, &module)?)?;
    module.add_function(wrap_pyfunction!(parse_proof_json, &module)?)?;
    module.add_function(wrap_pyfunction!(canonical_protocol, &module)?)?;
    parent.add_submodule(&module)?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("zkml._core.verifier", module)
}
