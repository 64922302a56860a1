//! What the verifier answers.

use zkml_protocol::Malformed;

/// The answer to one proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    /// Well formed, but the numbered step does not hold.
    Rejected {
        step: u8,
        reason: &'static str,
    },
    /// Does not parse.
    Malformed {
        place: String,
        reason: String,
    },
}

impl Verdict {
    pub fn is_accepted(&self) -> bool {
        *self == Self::Accepted
    }
}

/// Why a proof is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    Rejected { step: u8, reason: &'static str },
    Malformed(Malformed),
}

impl Failure {
    pub(crate) fn rejected(step: u8, reason: &'static str) -> Self {
        Self::Rejected { step, reason }
    }

    /// An index that the Protocol promised is missing. A checked Protocol rules this out; were it wrong, the answer is still no.
    pub(crate) fn missing(step: u8) -> Self {
        Self::rejected(step, "a value that the protocol refers to does not exist")
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Rejected { step, reason } => Self::Rejected { step, reason },
            Failure::Malformed(Malformed { place, reason }) => Self::Malformed { place, reason },
        }
    }
}
