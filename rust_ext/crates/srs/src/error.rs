//! What can be wrong with an SRS file, as data.

use std::fmt;
use std::io;

/// A part of the file that holds points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Powers,
    Lagrange,
    G2Generator,
    TauG2,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Powers => "g",
            Part::Lagrange => "g_lagrange",
            Part::G2Generator => "[1]G2",
            Part::TauG2 => "[tau]G2",
        })
    }
}

/// Why some bytes are not a point that an SRS may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointProblem {
    NotReduced,
    OffCurve,
    Identity,
    OutsideSubgroup,
}

impl fmt::Display for PointProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PointProblem::NotReduced => "has a coordinate that is not below the field's modulus",
            PointProblem::OffCurve => "is not on the curve",
            PointProblem::Identity => "is the identity",
            PointProblem::OutsideSubgroup => "is not in the subgroup of order r",
        })
    }
}

/// Why a file is not a `.ptau` that can be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PtauProblem {
    #[error("it does not begin with `ptau`")]
    Magic,
    #[error("its version is {got}, not 1")]
    Version { got: u32 },
    #[error("it claims {got} sections, more than {max}")]
    SectionCount { got: u32, max: u32 },
    #[error("section {id} at byte {at} claims {size} bytes, but {left} are left")]
    SectionOverrun {
        id: u32,
        at: u64,
        size: u64,
        left: u64,
    },
    #[error("section {id} occurs twice")]
    SectionTwice { id: u32 },
    #[error("section {id} ({name}) is missing")]
    SectionMissing { id: u32, name: &'static str },
    #[error("section {id} has {got} bytes, not {expected}")]
    SectionSize { id: u32, expected: u64, got: u64 },
    #[error("its field elements have {got} bytes, not 32: another curve than BN254")]
    ElementSize { got: u32 },
    #[error("its base field has another modulus than BN254's")]
    Modulus,
    #[error("its power is {got}, not between 1 and {max}")]
    Power { got: u32, max: u32 },
    #[error("{left} bytes follow its last section")]
    TrailingBytes { left: u64 },
}

/// Everything that stops the work on an SRS.
#[derive(Debug, thiserror::Error)]
pub enum SrsError {
    #[error("cannot {doing}: {source}")]
    Io {
        doing: &'static str,
        source: io::Error,
    },
    #[error("the operating system's random generator failed: {0}")]
    Random(getrandom::Error),
    #[error("k is {got}, not between {min} and {max}")]
    PowerRange { got: u32, min: u32, max: u32 },
    #[error("the file has {got} bytes, too few for a header")]
    NoHeader { got: u64 },
    #[error("the file is {found}, not a raw halo2 SRS")]
    Encoding { found: &'static str },
    #[error("an SRS with k = {k} has {expected} bytes, this file has {got}")]
    Size { k: u32, expected: u64, got: u64 },
    #[error("{part}[{index}] {problem}")]
    Point {
        part: Part,
        index: u64,
        problem: PointProblem,
    },
    #[error("[1]G2 is not the generator of G2")]
    G2Generator,
    #[error("g[0] is the generator's negative or another point, not the generator (1, 2) of G1")]
    G1Generator,
    #[error("g[{index}] is not [tau]g[{}]", index - 1)]
    Powers { index: u64 },
    #[error("g_lagrange does not belong to g{}", match index { Some(i) => format!(": g_lagrange[{i}] is wrong"), None => String::new() })]
    Lagrange { index: Option<u64> },
    #[error("not a usable .ptau file: {0}")]
    Ptau(#[from] PtauProblem),
    #[error("k = {want} was asked, the source has k = {have}")]
    TooSmall { have: u32, want: u32 },
    #[error("stopped by the caller")]
    Stopped,
}

impl SrsError {
    /// Wrap an I/O error, saying what was being done.
    pub fn io(doing: &'static str) -> impl FnOnce(io::Error) -> SrsError {
        move |source| SrsError::Io { doing, source }
    }

    /// Whether the bytes break the format, rather than the structure that they encode.
    pub fn is_malformed(&self) -> bool {
        matches!(
            self,
            SrsError::NoHeader { .. }
                | SrsError::Encoding { .. }
                | SrsError::Size { .. }
                | SrsError::PowerRange { .. }
                | SrsError::Ptau(_)
                | SrsError::Point {
                    problem: PointProblem::NotReduced,
                    ..
                }
        )
    }
}
