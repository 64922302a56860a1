//! Step 6: the permutation argument (PLONK's, cut into chunks of columns as in halo2).
//!
//! z_j is the running product over the columns of chunk j; each chunk goes on where the one before it ended, at the last usable row.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use zkml_protocol::{ColumnValue, Protocol};

use crate::challenges::Challenges;
use crate::gates::Fold;
use crate::lagrange::Lagrange;
use crate::proof::Proof;

// 6. l_0·(1 − z_0) = 0
//    l_last·(z_last² − z_last) = 0
//    l_0·(z_j − z_{j−1}(ω^last x)) = 0                                                              for j ≥ 1
//    active·(z_j(ωx)·Π (v_c + β·σ_c + γ) − z_j·Π (v_c + β·δ^c·x + γ)) = 0                           for every chunk j
// None: a value is missing.
pub(crate) fn permutation(
    fold: &mut Fold,
    protocol: &Protocol,
    proof: &Proof,
    lagrange: &Lagrange,
    challenges: &Challenges,
) -> Option<()> {
    let sizes = &proof.sizes;
    if sizes.products == 0 {
        return Some(());
    }
    let z = |j: usize, offset: usize| proof.eval(sizes.product_eval(j).saturating_add(offset));
    let end = z(sizes.products.saturating_sub(1), 0)?;
    fold.add(lagrange.l_0 * (Fr::ONE - z(0, 0)?));
    fold.add(lagrange.l_last * (end.square() - end));
    for j in 1..sizes.products {
        fold.add(lagrange.l_0 * (z(j, 0)? - z(j.saturating_sub(1), 2)?));
    }
    let Challenges { beta, gamma, x, .. } = *challenges;
    let mut identity = beta * x;
    let mut column = 0_usize;
    for (j, chunk) in protocol
        .permutation
        .columns
        .chunks(protocol.permutation.chunk.max(1))
        .enumerate()
    {
        let (mut left, mut right) = (z(j, 1)?, z(j, 0)?);
        for source in chunk {
            let value = gamma
                + match *source {
                    ColumnValue::Advice(query) => proof.advice().get(query)?,
                    ColumnValue::Fixed(query) => proof.fixed().get(query)?,
                    ColumnValue::Instance(query) => lagrange.instance.get(query)?,
                };
            left *= value + beta * proof.eval(sizes.sigma_eval(column))?;
            right *= value + identity;
            identity *= Fr::DELTA;
            column = column.saturating_add(1);
        }
        fold.add(lagrange.active * (left - right));
    }
    Some(())
}
