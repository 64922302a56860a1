//! Errors of the crates, raised as the classes of `zkml.errors`.

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What an error becomes: a class of `zkml.errors`, its code, its hint.
pub type Kind<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// The error to raise. `fill` writes its details. What goes wrong on the way is raised instead.
pub fn raised(
    py: Python<'_>,
    (class, code, hint): Kind,
    message: String,
    fill: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>,
) -> PyErr {
    let raise = || -> PyResult<PyErr> {
        let details = PyDict::new(py);
        fill(&details)?;
        let kwargs = PyDict::new(py);
        kwargs.set_item("details", details)?;
        if let Some(code) = code {
            kwargs.set_item("code", code)?;
        }
        if let Some(hint) = hint {
            kwargs.set_item("hint", hint)?;
        }
        let class = py.import("zkml.errors")?.getattr(class)?;
        Ok(PyErr::from_value(class.call((message,), Some(&kwargs))?))
    };
    raise().unwrap_or_else(|fault| fault)
}
