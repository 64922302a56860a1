//! Step 10: the final equation.

use group::{Curve, Group};
use halo2curves::bn256::{G1, G1Affine, multi_miller_loop};
use halo2curves::pairing::MillerLoopResult;
use zkml_protocol::Srs;

// 10. e(left, [τ]₂) = e(right, [1]₂), as e(left, [τ]₂)·e(−right, [1]₂) = 1
pub fn holds(srs: &Srs, left: &G1Affine, right: G1) -> bool {
    let right: G1Affine = (-right).to_affine();
    let product =
        multi_miller_loop(&[(left, &srs.tau_g2), (&right, &srs.g2)]).final_exponentiation();
    product.is_identity().into()
}
