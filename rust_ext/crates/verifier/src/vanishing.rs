//! Step 8: what the identities demand of the quotient polynomial.

use halo2curves::bn256::Fr;

use crate::gates::Fold;
use crate::lagrange::Lagrange;

// 8. h(x) = (Σ y^{N−1−i}·identity_i) / (x^n − 1); its commitment is Σ (x^n)^i·h_i (step 9).
pub(crate) fn expected_quotient(fold: Fold, lagrange: &Lagrange) -> Fr {
    fold.value() * lagrange.vanishing_inverse
}
