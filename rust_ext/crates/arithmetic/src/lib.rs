//! Arithmetic of a prover over BN254: multi-scalar multiplication, Fourier transforms, and the vector operations between them.
//!
//! Points and scalars are halo2curves' types, and every result equals what its own functions give, bit for bit, whatever the number
//! of threads. Work is spread over rayon's current pool: callers choose the number of threads by the pool that they call from.
//! Nothing here takes the same time for all inputs.

#![deny(unsafe_code)]

mod backend;
pub mod block;
mod domain;
mod endomorphism;
mod error;
mod fft;
mod field;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod msm;
mod path;
mod point;
mod poly;
mod prefetch;
mod sums;
mod table;
mod transforms;
#[cfg(target_arch = "x86_64")]
mod vector;

pub use backend::{Backend, Cpu};
pub use domain::Domain;
pub use error::ArithmeticError;
pub use field::multiplier;
pub use msm::{Bases, Scalars, msm, msm_many};
pub use path::arithmetic;
pub use poly::{
    batch_invert, divide_by_linear, evaluate, linear_combination, powers, running_products,
    running_sums,
};
pub use table::{Table, Term};
