//! Step 7: the lookup arguments (logUp: Haböck, ePrint 2022/1530), several input tuples to one table packed in each.
//!
//! φ sums 1/f_i over the input tuples minus m/τ over the table; it starts and ends at zero. Multiplied out there is no division:
//! Π f·Σ 1/f_i is the sum of the products of all f but one.

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_protocol::Protocol;

use crate::challenges::Challenges;
use crate::gates::Fold;
use crate::lagrange::Lagrange;
use crate::proof::Proof;

// 7. f_i = β + Horner_θ(input tuple i), τ = β + Horner_θ(table)
//    l_0·φ = 0, l_last·φ = 0
//    active·(τ·Π f·(φ(ωx) − φ) − (τ·Σ_i Π_{j≠i} f_j − m·Π f)) = 0
// None: a value is missing.
pub(crate) fn lookups(
    fold: &mut Fold,
    protocol: &Protocol,
    proof: &Proof,
    slots: &[Fr],
    lagrange: &Lagrange,
    challenges: &Challenges,
) -> Option<()> {
    let compress = |tuple: &[usize]| -> Option<Fr> {
        let horner = |acc: Fr, part: &usize| Some(acc * challenges.theta + slots.get(*part)?);
        Some(challenges.beta + tuple.iter().try_fold(Fr::ZERO, horner)?)
    };
    for (index, lookup) in protocol.lookups.iter().enumerate() {
        let eval = proof.sizes.lookup_eval(index);
        let phi = proof.eval(eval)?;
        let phi_next = proof.eval(eval.saturating_add(1))?;
        let m = proof.eval(eval.saturating_add(2))?;
        let tau = compress(&lookup.table)?;
        // (Π f, Σ_i Π_{j≠i} f_j), one tuple after the other.
        let (mut product, mut all_but_one) = (Fr::ONE, Fr::ZERO);
        for input in &lookup.inputs {
            let f = compress(input)?;
            all_but_one = all_but_one * f + product;
            product *= f;
        }
        fold.add(lagrange.l_0 * phi);
        fold.add(lagrange.l_last * phi);
        fold.add(
            lagrange.active * (tau * (product * (phi_next - phi) - all_but_one) + m * product),
        );
    }
    Some(())
}
