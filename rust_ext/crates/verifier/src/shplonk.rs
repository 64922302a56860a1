//! Step 9: the openings, combined (SHPLONK: Boneh, Drake, Fisch, Gabizon, ePrint 2020/081, section 4).
//!
//! Polynomials are grouped by the set S_i of points at which they are opened. With Z_S(u) = Π_{s∈S} (u − s), d_i = Z_{all∖S_i}(u)
//! and r_ij the value at u of the polynomial that interpolates the claimed values of polynomial j of set i, the claim is
//!   Σ_ij v^i y'^j (d_i/d_0)·(C_ij − [r_ij]₁) − Z_{S_0}(u)·W + u·W' = τ·W',
//! everything divided by d_0 so that the first set costs nothing.

use ff::Field;
use halo2curves::bn256::{Fr, G1Affine};
use zkml_protocol::Protocol;
use zkml_protocol::plan::{Commitment, RotationSet, Value};

use crate::challenges::Challenges;
use crate::proof::Proof;
use crate::verdict::Failure;

/// A proof reduced to its final equation, e(left, [τ]₂) = e(right, [1]₂), with right not yet summed.
pub(crate) struct Claim {
    pub left: G1Affine,
    /// Scalars of the Protocol's own points: fixed commitments, permutation commitments, [1]₁.
    pub shared: Vec<Fr>,
    /// The points that came with the proof, with their scalars.
    pub own: Vec<(Fr, G1Affine)>,
}

struct Point {
    /// x·ω^ρ seen from u.
    difference: Fr,
}

// 9. right = Σ w_ij·C_ij − (Σ w_ij·r_ij)·[1]₁ − Z_{S_0}(u)·W + u·W',  w_ij = v^i y'^j d_i/d_0
pub(crate) fn combine(
    protocol: &Protocol,
    proof: &Proof,
    challenges: &Challenges,
    quotient_eval: Fr,
    xn: Fr,
) -> Result<Claim, Failure> {
    let missing = || Failure::missing(9);
    let plan = &protocol.plan;
    let Challenges {
        x, y_prime, v, u, ..
    } = *challenges;
    let points: Vec<Point> = plan
        .rotations
        .iter()
        .map(|power| Point {
            difference: u - x * power,
        })
        .collect();
    let product = |places: &[usize]| -> Option<Fr> {
        places.iter().try_fold(Fr::ONE, |acc, place| {
            Some(acc * points.get(*place)?.difference)
        })
    };
    let first = plan.sets.first().ok_or_else(missing)?;
    let d_0 = product(&first.others).ok_or_else(missing)?;
    let both: Option<Fr> = (d_0 * x).invert().into();
    let both = both.ok_or(Failure::rejected(
        9,
        "the challenge u is a point of the opening, or x is zero",
    ))?;
    let (d_0_inverse, x_inverse) = (both * x, both * d_0);

    let fixed = protocol.fixed_commitments.len();
    let shared_count = fixed.saturating_add(protocol.permutation_commitments.len());
    let mut shared = vec![Fr::ZERO; shared_count];
    let mut own = vec![Fr::ZERO; proof.points.len()];
    let (mut constant, mut quotient) = (Fr::ZERO, Fr::ZERO);
    let mut v_power = Fr::ONE;
    for set in &plan.sets {
        let d = product(&set.others).ok_or_else(missing)?;
        let basis = interpolation(set, &points, x_inverse)?;
        let mut weight = v_power * d * d_0_inverse;
        for opened in &set.polynomials {
            let mut r = Fr::ZERO;
            for (value, coefficient) in opened.values.iter().zip(&basis) {
                let value = match *value {
                    Value::Proof(place) => proof.eval(place).ok_or_else(missing)?,
                    Value::Quotient => quotient_eval,
                };
                r += value * coefficient;
            }
            constant += weight * r;
            let target = match opened.commitment {
                Commitment::Proof(place) => own.get_mut(place),
                Commitment::Shared(place) => shared.get_mut(place),
                Commitment::Quotient => Some(&mut quotient),
            };
            *target.ok_or_else(missing)? += weight;
            weight *= y_prime;
        }
        v_power *= v;
    }
    // C_h = Σ (x^n)^i·h_i
    let pieces = own
        .get_mut(proof.sizes.first_piece()..)
        .ok_or_else(missing)?;
    for scalar in pieces {
        *scalar += quotient;
        quotient *= xn;
    }
    shared.push(-constant);
    let z_0 = product(&first.points).ok_or_else(missing)?;
    let mut terms: Vec<(Fr, G1Affine)> =
        own.into_iter().zip(proof.points.iter().copied()).collect();
    terms.push((-z_0, proof.w));
    terms.push((u, proof.w_prime));
    Ok(Claim {
        left: proof.w_prime,
        shared,
        own: terms,
    })
}

/// The Lagrange basis of a set's points, at u: ℓ_p = Π_{q≠p} (u − xω^q) / (xω^p − xω^q).
fn interpolation(set: &RotationSet, points: &[Point], x_inverse: Fr) -> Result<Vec<Fr>, Failure> {
    let power = x_inverse.pow_vartime([set.points.len().saturating_sub(1) as u64]);
    let coefficient = |(p, denominator): (&usize, &Fr)| {
        let others = set.points.iter().filter(|q| *q != p);
        let numerator = others
            .map(|q| points.get(*q).map(|point| point.difference))
            .product::<Option<Fr>>();
        Ok(numerator.ok_or_else(|| Failure::missing(9))? * denominator * power)
    };
    set.points
        .iter()
        .zip(&set.denominators)
        .map(coefficient)
        .collect()
}
