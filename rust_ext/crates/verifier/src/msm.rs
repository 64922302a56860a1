//! Σ s_i·P_i over G1, three ways that agree: plain, interleaved signed digits for few points, buckets for many.
//!
//! Both fast ways first halve the scalars with the curve's endomorphism (`endomorphism`), then sort signed multiples of the points
//! into bins and sum each bin by batched affine additions (`bins`). With few points the bins are the 128 bit positions and the
//! multiples come from small tables of odd multiples, which can be made ahead for points that are known ahead. With many points
//! the bins are the buckets of Pippenger's method.

mod bins;
mod buckets;
mod endomorphism;
mod interleaved;
#[cfg(test)]
mod tests;

use group::Group;
use halo2curves::bn256::{Fr, G1, G1Affine};

pub use interleaved::Tables;

/// Up to this many points interleaving wins over buckets (measured; see benches/verify.py).
const FEW: usize = 400;

/// Σ s_i·P_i.
pub fn sum_of_products(terms: &[(Fr, G1Affine)]) -> G1 {
    with_tables(&Tables::default(), &[], terms)
}

/// Σ over points whose tables were made ahead (`scalars` in their order) plus Σ over `terms`.
pub fn with_tables(tables: &Tables, scalars: &[Fr], terms: &[(Fr, G1Affine)]) -> G1 {
    if terms.len() > FEW {
        let known = interleaved::sum(tables, scalars, &[]);
        known + buckets::sum(terms)
    } else {
        interleaved::sum(tables, scalars, terms)
    }
}

/// The plain twin: one multiplication after the other.
pub fn plain(terms: &[(Fr, G1Affine)]) -> G1 {
    terms
        .iter()
        .fold(G1::identity(), |sum, (scalar, point)| sum + point * scalar)
}
