//! Many proofs at once, of any mix of circuits.
//!
//! Steps 1 to 9 leave of every proof one equation e(L_i, [τ]₂) = e(R_i, [1]₂). Proofs under one [τ]₂ are folded: with weights w_i of
//! 128 bits, drawn from the operating system **after** every proof is fixed, e(Σ w_i L_i, [τ]₂) = e(Σ w_i R_i, [1]₂) holds for a set
//! with a false equation with probability 2^−128 at most (Bellare, Garay, Rabin, EUROCRYPT 1998: the small exponents test). The
//! fold is one MSM, in which the fixed points of a circuit appear once however many of its proofs there are. A fold that fails is
//! bisected, with the weights that it has, down to the proofs that fail on their own.

use std::collections::BTreeMap;

use ff::{Field, PrimeField};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_core::{OsRng, RngCore};
use rayon::prelude::*;
use zkml_protocol::{Srs, wire};

use crate::shplonk::Claim;
use crate::verdict::{Failure, Verdict};
use crate::{Verifier, msm};

/// One proof to be checked in a batch.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub verifier: &'a Verifier,
    pub instances: &'a [Vec<Fr>],
    pub proof: &'a [u8],
}

/// A proof that came as far as the final equation.
struct Pending<'a> {
    place: usize,
    verifier: &'a Verifier,
    claim: Claim,
    weight: Fr,
}

/// Both sides of a folded equation.
#[derive(Clone, Copy)]
struct Sides {
    left: G1,
    right: G1,
}

/// One verdict for each item, in order: the same that `Verifier::check` gives. Uses the rayon pool that it is called in.
pub fn verify_batch(items: &[Item]) -> Vec<Verdict> {
    let claims: Vec<Result<Claim, Failure>> = items
        .par_iter()
        .map(|item| item.verifier.reduce(item.instances, item.proof))
        .collect();
    let mut verdicts = vec![Verdict::Accepted; items.len()];
    let mut groups: BTreeMap<[u8; 128], Vec<Pending>> = BTreeMap::new();
    for ((place, item), claim) in items.iter().enumerate().zip(claims) {
        match claim {
            Ok(claim) => {
                let pending = Pending {
                    place,
                    verifier: item.verifier,
                    claim,
                    weight: weight(),
                };
                groups
                    .entry(wire::g2_bytes(&item.verifier.protocol().srs.tau_g2))
                    .or_default()
                    .push(pending);
            }
            Err(failure) => {
                if let Some(verdict) = verdicts.get_mut(place) {
                    *verdict = failure.into();
                }
            }
        }
    }
    for group in groups.values() {
        let Some(verifier) = group.first().map(|pending| pending.verifier) else {
            continue;
        };
        for place in failing(verifier, group, None) {
            if let Some(verdict) = verdicts.get_mut(place) {
                *verdict = crate::final_rejection();
            }
        }
    }
    verdicts
}

/// 128 bits from the operating system.
fn weight() -> Fr {
    let mut bytes = [0_u8; 16];
    OsRng.fill_bytes(&mut bytes);
    Fr::from_u128(u128::from_le_bytes(bytes))
}

/// The places of the proofs whose equations are false. `known`: the sides of the whole group, where the caller has them. `verifier`: any of the group, for its ceremony.
fn failing(verifier: &Verifier, group: &[Pending], known: Option<Sides>) -> Vec<usize> {
    let sides = known.unwrap_or_else(|| fold(&verifier.protocol().srs, group));
    if verifier.pairings.hold(&sides.left.into(), sides.right) {
        return Vec::new();
    }
    if let [only] = group {
        return vec![only.place];
    }
    let (first, second) = group.split_at(group.len() / 2);
    let first_sides = fold(&verifier.protocol().srs, first);
    // Sums are linear: what is not in the first half is in the second.
    let second_sides = Sides {
        left: sides.left - first_sides.left,
        right: sides.right - first_sides.right,
    };
    let mut places = failing(verifier, first, Some(first_sides));
    places.extend(failing(verifier, second, Some(second_sides)));
    places
}

/// Σ w_i L_i and Σ w_i R_i.
fn fold(srs: &Srs, group: &[Pending]) -> Sides {
    let lefts: Vec<(Fr, G1Affine)> = group
        .iter()
        .map(|pending| (pending.weight, pending.claim.left))
        .collect();
    let mut terms: Vec<(Fr, G1Affine)> = Vec::new();
    let mut shared: BTreeMap<[u8; 32], (&Verifier, Vec<Fr>)> = BTreeMap::new();
    for Pending {
        verifier,
        claim,
        weight,
        ..
    } in group
    {
        terms.extend(
            claim
                .own
                .iter()
                .map(|(scalar, point)| (scalar * weight, *point)),
        );
        let id = verifier.protocol().circuit_id;
        let (_, sums) = shared
            .entry(id)
            .or_insert_with(|| (verifier, vec![Fr::ZERO; claim.shared.len()]));
        for (sum, scalar) in sums.iter_mut().zip(&claim.shared) {
            *sum += scalar * weight;
        }
    }
    let mut generator = Fr::ZERO;
    for (verifier, mut sums) in shared.into_values() {
        generator += sums.pop().unwrap_or(Fr::ZERO);
        terms.extend(
            sums.into_iter()
                .zip(verifier.shared_points().iter().copied()),
        );
    }
    terms.push((generator, srs.g1));
    let terms: Vec<(Fr, G1Affine)> = terms
        .into_iter()
        .filter(|(scalar, _)| *scalar != Fr::ZERO)
        .collect();
    let (left, right) = rayon::join(
        || msm::sum_of_products(&lefts),
        || msm::sum_of_products(&terms),
    );
    Sides { left, right }
}

/// The fold that must never be used, for the test that shows why: all weights 1.
/// Whether a fold with all weights equal to 1 would accept these proofs. It is no check: two bad proofs can cancel in it. The
/// tests use it to show that they do.
pub(crate) fn equal_weights_accept(verifier: &Verifier, claims: Vec<Claim>) -> bool {
    let pending = |claim| Pending {
        place: 0,
        verifier,
        claim,
        weight: Fr::ONE,
    };
    let group: Vec<Pending> = claims.into_iter().map(pending).collect();
    let srs = verifier.protocol().srs;
    let sides = fold(&srs, &group);
    verifier.pairings.hold(&sides.left.into(), sides.right)
}
