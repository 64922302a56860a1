//! Work on a thread of its own, without the interpreter's lock, while the calling thread serves signals.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use pyo3::prelude::*;
use zkml_circuit::stop::Stop;

/// How long a signal may wait.
const TICK: Duration = Duration::from_millis(50);

/// Told of each step; false ends the work.
pub type Steps<'a, S> = &'a mut (dyn FnMut(S) -> bool + Send);

/// Run `work`. At each of its steps, and every [`TICK`] between them, signals are served and `tell` is called with the latest step,
/// at first `step`; what they raise stops the work, and is returned beside its result.
pub fn watched<S: Copy + Send, T: Send>(
    py: Python<'_>,
    mut step: S,
    mut tell: impl FnMut(Python<'_>, S) -> PyResult<()> + Send,
    work: impl FnOnce(&Stop, Steps<'_, S>) -> T + Send,
) -> (T, Option<PyErr>) {
    let mut raised: Option<PyErr> = None;
    let stop = Stop::default();
    let mut goes_on = |step: S| {
        if raised.is_none() {
            raised = Python::attach(|py| {
                py.check_signals()?;
                tell(py, step)
            })
            .err();
        }
        if raised.is_some() {
            stop.ask();
        }
        raised.is_none()
    };
    let result = py.detach(|| {
        let (ask, asked) = sync_channel::<S>(0);
        let (answer, answered) = sync_channel::<bool>(0);
        std::thread::scope(|scope| {
            let stop = &stop;
            let worker = scope.spawn(move || {
                work(stop, &mut move |step| {
                    ask.send(step).is_ok() && answered.recv() == Ok(true)
                })
            });
            loop {
                match asked.recv_timeout(TICK) {
                    Ok(next) => {
                        step = next;
                        // The work may have ended meanwhile: then the channel says so.
                        let _ = answer.send(goes_on(step));
                    }
                    Err(RecvTimeoutError::Timeout) => _ = goes_on(step),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    });
    (result, raised)
}
