//! Checks proofs against a [`Protocol`](zkml_protocol::Protocol): halo2's Plonk with logUp lookups, KZG over BN254, SHPLONK.
//!
//! Relation: for the public instances there are advice columns such that every gate vanishes on every row, every copied cell equals
//! its source, and every looked-up row is in its table. The steps bear the numbers that they have in the Python verifier and in the
//! contract: 1 instances, 2 reading, 3 challenges, 4 Lagrange values, 5 gates, 6 permutation, 7 lookups, 8 quotient, 9 openings,
//! 10 the pairing. Everything malformed is found (1 and 2) before anything is rejected.
//!
//! Nothing here panics, indexes or is unsafe. Values are public, so nothing is in constant time.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod batch;
mod challenges;
mod gates;
mod instances;
mod lagrange;
mod lookup;
pub mod msm;
mod pairing;
mod permutation;
mod proof;
mod shplonk;
mod vanishing;
mod verdict;

use halo2curves::bn256::{Fr, G1Affine};
use zkml_protocol::Protocol;
use zkml_protocol::program::Inputs;

/// An element of the scalar field.
pub use halo2curves::bn256::Fr as Scalar;

pub use batch::{Item, verify_batch};
pub use instances::read_instances;
pub use verdict::{Failure, Verdict};

use shplonk::Claim;

/// One circuit, ready to check proofs: the Protocol and tables of multiples of its own points.
pub struct Verifier {
    protocol: Protocol,
    /// Fixed commitments, permutation commitments, [1]₁: in the order of `Claim::shared`.
    shared: Vec<G1Affine>,
    tables: msm::Tables,
    pairings: pairing::Pairings,
}

impl Verifier {
    pub fn new(protocol: Protocol) -> Self {
        let own = protocol
            .fixed_commitments
            .iter()
            .chain(&protocol.permutation_commitments);
        let shared: Vec<G1Affine> = own.copied().chain([protocol.srs.g1]).collect();
        let tables = msm::Tables::new(&shared);
        let pairings = pairing::Pairings::new(&protocol.srs);
        Self {
            protocol,
            shared,
            tables,
            pairings,
        }
    }

    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The verdict on one proof.
    pub fn check(&self, instances: &[Vec<Fr>], proof: &[u8]) -> Verdict {
        let claim = match self.reduce(instances, proof) {
            Ok(claim) => claim,
            Err(failure) => return failure.into(),
        };
        // 10. e(W', [τ]₂) = e(right, [1]₂)
        let right = msm::with_tables(&self.tables, &claim.shared, &claim.own);
        if self.pairings.hold(&claim.left, right) {
            Verdict::Accepted
        } else {
            final_rejection()
        }
    }

    /// Whether adding the equations of these proofs up, without weights, would accept them all. **Not a check**: see `batch`.
    #[doc(hidden)]
    pub fn equal_weights_would_accept(&self, proofs: &[(&[Vec<Fr>], &[u8])]) -> bool {
        let claims = proofs
            .iter()
            .map(|(instances, proof)| self.reduce(instances, proof));
        claims
            .collect::<Result<Vec<_>, _>>()
            .is_ok_and(|claims| batch::equal_weights_accept(self, claims))
    }

    pub(crate) fn shared_points(&self) -> &[G1Affine] {
        &self.shared
    }

    /// Steps 1 to 9: everything but the final equation.
    pub(crate) fn reduce(&self, instances: &[Vec<Fr>], bytes: &[u8]) -> Result<Claim, Failure> {
        let protocol = &self.protocol;
        instances::count(protocol, instances)?;
        let proof = proof::read(protocol, bytes)?;
        instances::fit(protocol, instances)?;
        let challenges = challenges::replay(protocol, instances, &proof)?;
        let lagrange = lagrange::evaluate(protocol, instances, challenges.x)?;
        let inputs = Inputs {
            advice: proof.advice(),
            fixed: proof.fixed(),
            instance: &lagrange.instance,
            challenges: &challenges.circuit,
        };
        let slots = protocol
            .program
            .evaluate(inputs)
            .ok_or_else(|| Failure::missing(5))?;
        let mut fold = gates::Fold::new(challenges.y);
        gates::gates(&mut fold, &protocol.gates, &slots).ok_or_else(|| Failure::missing(5))?;
        permutation::permutation(&mut fold, protocol, &proof, &lagrange, &challenges)
            .ok_or_else(|| Failure::missing(6))?;
        lookup::lookups(&mut fold, protocol, &proof, &slots, &lagrange, &challenges)
            .ok_or_else(|| Failure::missing(7))?;
        let quotient_eval = vanishing::expected_quotient(fold, &lagrange);
        shplonk::combine(protocol, &proof, &challenges, quotient_eval, lagrange.xn)
    }
}

fn final_rejection() -> Verdict {
    Verdict::Rejected {
        step: 10,
        reason: "the pairing equation does not hold",
    }
}
