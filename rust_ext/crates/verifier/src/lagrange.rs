//! Step 4: Lagrange values at x and the evaluations of the instance columns, which are not in the proof.
//!
//! L_i(x) = ω^i (x^n − 1) / (n (x − ω^i)), and L_i(x·ω^ρ) = L_{i−ρ}(x), so every value asked for is one of a few runs of
//! consecutive indices. All denominators, and x^n − 1 itself, are inverted together.

use ff::{BatchInvert, Field};
use halo2curves::bn256::Fr;
use zkml_protocol::Protocol;

use crate::verdict::Failure;

pub(crate) struct Lagrange {
    pub l_0: Fr,
    pub l_last: Fr,
    /// 1 − l_last − l_blind: not zero exactly on the usable rows.
    pub active: Fr,
    /// One for each of the Protocol's `instance_evals`.
    pub instance: Vec<Fr>,
    /// x^n.
    pub xn: Fr,
    /// (x^n − 1)^{−1}.
    pub vanishing_inverse: Fr,
}

/// Consecutive Lagrange polynomials, by the index of the first.
struct Run {
    first: i64,
    length: usize,
}

// 4. inst_ρ(x) = Σ_i v_i L_{i−ρ}(x); x must not lie in the domain, for there the identities say nothing.
pub(crate) fn evaluate(
    protocol: &Protocol,
    instances: &[Vec<Fr>],
    x: Fr,
) -> Result<Lagrange, Failure> {
    let missing = || Failure::missing(4);
    let xn = (0..protocol.k).fold(x, |power, _| power.square());
    let vanishing = xn - Fr::ONE;
    if vanishing == Fr::ZERO {
        return Err(Failure::rejected(4, "the challenge x lies in the domain"));
    }
    // The blinding rows, the last usable row before them and row 0 behind them, seen as −(bf + 1), …, −1, 0.
    let last = protocol.last_rotation();
    let mut runs = vec![Run {
        first: last.into(),
        length: (last.unsigned_abs() as usize).saturating_add(1),
    }];
    let mut columns = Vec::with_capacity(protocol.instance_evals.len());
    for (column, rotation) in &protocol.instance_evals {
        let values = instances.get(*column).ok_or_else(missing)?;
        runs.push(Run {
            first: i64::from(*rotation).saturating_neg(),
            length: values.len(),
        });
        columns.push(values);
    }
    let count = runs
        .iter()
        .fold(1_usize, |sum, run| sum.saturating_add(run.length));
    let mut powers = Vec::with_capacity(count);
    for run in &runs {
        let base = if run.first < 0 {
            protocol.omega_inverse
        } else {
            protocol.omega
        };
        let mut power = base.pow_vartime([run.first.unsigned_abs()]);
        for _ in 0..run.length {
            powers.push(power);
            power *= protocol.omega;
        }
    }
    let mut inverses: Vec<Fr> = powers.iter().map(|power| x - power).collect();
    inverses.push(vanishing);
    inverses.batch_invert();
    let vanishing_inverse = inverses.pop().ok_or_else(missing)?;

    let scale = vanishing * protocol.n_inverse;
    let mut terms = powers
        .iter()
        .zip(&inverses)
        .map(|(power, inverse)| power * inverse);
    let border = runs.first().map_or(0, |run| run.length);
    let border: Vec<Fr> = terms
        .by_ref()
        .take(border)
        .map(|term| term * scale)
        .collect();
    let l_last = *border.first().ok_or_else(missing)?;
    let l_0 = *border.last().ok_or_else(missing)?;
    let beyond: Fr = border.iter().take(border.len().saturating_sub(1)).sum();
    let sum = |values: &Vec<Fr>| -> Fr {
        values
            .iter()
            .zip(terms.by_ref())
            .map(|(value, term)| value * term)
            .sum()
    };
    let instance = columns
        .into_iter()
        .map(sum)
        .map(|sum| sum * scale)
        .collect();
    Ok(Lagrange {
        l_0,
        l_last,
        active: Fr::ONE - beyond,
        instance,
        xn,
        vanishing_inverse,
    })
}
