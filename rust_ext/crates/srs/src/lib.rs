//! The structured reference string (SRS) of KZG on BN254: made, imported, checked, cut down.
//!
//! For a secret τ and n = 2^k it holds g[i] = [τ^i]G1 and g_lagrange[i] = [L_i(τ)]G1 for 0 ≤ i < n, where
//! L_i(X) = ω^i (X^n − 1) / (n (X − ω^i)) is the Lagrange basis of the subgroup of order n, and [1]G2, [τ]G2. Whoever knows τ can
//! prove anything: a string made here by [`generate`] is for tests, a real one comes from a ceremony and is imported.
//!
//! The file is halo2's *raw* one: `k` as u32 LE, n points g, n points g_lagrange, [1]G2, [τ]G2, each coordinate 32 bytes
//! little-endian in Montgomery form.

mod affine;
mod check;
mod error;
mod file;
mod fixed_base;
mod generate;
mod glv;
mod group_fft;
mod points;
mod progress;
mod ptau;
mod trim;

/// The number of threads that the work of this crate is spread over.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

pub use check::{check, check_used};
pub use error::{Part, PointProblem, PtauProblem, SrsError};
pub use file::{MAX_K, SrsFile, VerifierPoints, file_size};
pub use generate::{Tau, generate};
pub use points::{g1_to_canonical, g1_to_raw, g2_to_canonical};
pub use progress::{Progress, Stage};
pub use ptau::{Ptau, import_ptau};
pub use trim::{Bases, trim};
