//! What a parser answers to bytes that it does not accept.

/// Bytes from outside that do not parse, or break a bound of their format.
///
/// `place` names the field or byte; `reason` says what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Malformed {
    pub place: String,
    pub reason: String,
}

impl Malformed {
    pub fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            reason: reason.into(),
        }
    }
}

/// Fails with `Malformed` unless `holds`; the message is only made when it is needed.
pub(crate) fn ensure(
    holds: bool,
    place: impl FnOnce() -> String,
    reason: &str,
) -> Result<(), Malformed> {
    if holds {
        Ok(())
    } else {
        Err(Malformed::new(place(), reason))
    }
}
