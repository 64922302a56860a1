//! Halving scalars: φ(x, y) = (ζx, y) is multiplication by λ, so k·P = k₁·P + k₂·φ(P) with k ≡ k₁ + k₂λ and both of 127 bits
//! (Gallant, Lambert, Vanstone, CRYPTO 2001).
//!
//! (k₁, k₂) = (k, 0) − c₁·(A, B) − c₂·(−B, C), where (A, B) and (−B, C) span the lattice of pairs with k₁ + k₂λ ≡ 0 (AC + B² = r),
//! c₁ = ⌊k·C/r⌉, c₂ = −⌊k·B/r⌉. The divisions are multiplications by constants rounded at 2^256: the error of each c is below
//! 1/2 + 1/8, so |k₁| < 5/8·(A + B) and |k₂| < 5/8·(B + C), both below 2^127.

use ff::PrimeField;
use halo2curves::bn256::{Fq, Fr, G1Affine};

const A: u128 = 0x6f4d8248eeb859fd0be4e1541221250b;
const B: u128 = 0x89d3256894d213e3;
const C: u128 = 0x6f4d8248eeb859fc8211bbeb7d4f1128;
/// ⌊2^256·C/r⌉ and ⌊2^256·B/r⌉, in limbs of 64 bits, lowest first.
const C_OVER_R: [u64; 3] = [0x7a7bd9d4391eb18e, 0x4ccef014a773d2cf, 0x2];
const B_OVER_R: [u64; 3] = [0xd91d232ec7e0b3d7, 0x2, 0];

/// The cube root of 1 that belongs to the λ of this lattice.
const ZETA: Fq = Fq::from_raw([
    0x5763473177fffffe,
    0xd4f263f1acdb5c4f,
    0x59e26bcea0d48bac,
    0,
]);

/// A scalar half: its sign and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Half {
    pub negative: bool,
    pub size: u128,
}

/// (k₁, k₂) with k = k₁ + k₂·λ. A scalar below 2^128 stays whole, so that short weights cost half.
pub(super) fn halve(scalar: &Fr) -> (Half, Half) {
    if let Some(size) = small(scalar) {
        return (
            Half {
                negative: false,
                size,
            },
            Half {
                negative: false,
                size: 0,
            },
        );
    }
    let c_1 = Fr::from_u128(rounded_product(scalar, &C_OVER_R));
    let c_2 = Fr::from_u128(rounded_product(scalar, &B_OVER_R));
    let (a, b, c) = (Fr::from_u128(A), Fr::from_u128(B), Fr::from_u128(C));
    (
        signed(&(scalar - c_1 * a - c_2 * b)),
        signed(&(c_2 * c - c_1 * b)),
    )
}

/// λ, the eigenvalue of φ.
#[cfg(test)]
pub(super) fn lambda() -> Fr {
    use ff::Field;
    // k₁ + k₂λ = 0 for (A, B).
    -Fr::from_u128(A) * Fr::from_u128(B).invert().unwrap_or(Fr::zero())
}

/// φ(P), (ζx, y).
pub(super) fn endomorphism(point: &G1Affine) -> G1Affine {
    G1Affine {
        x: point.x * ZETA,
        y: point.y,
    }
}

/// The scalar as an integer below 2^128, if it is one.
fn small(scalar: &Fr) -> Option<u128> {
    let repr = scalar.to_repr();
    let (low, high) = repr.as_ref().split_first_chunk::<16>()?;
    high.iter()
        .all(|byte| *byte == 0)
        .then(|| u128::from_le_bytes(*low))
}

/// By the bound above one of ±scalar is small; were neither, the size 0 would only make an equation fail.
fn signed(scalar: &Fr) -> Half {
    match small(scalar) {
        Some(size) => Half {
            negative: false,
            size,
        },
        None => Half {
            negative: true,
            size: small(&-scalar).unwrap_or(0),
        },
    }
}

/// ⌊(scalar·factor + 2^255) / 2^256⌋, which is below 2^128.
fn rounded_product(scalar: &Fr, factor: &[u64; 3]) -> u128 {
    let repr = scalar.to_repr();
    let mut product = [0_u64, 0, 0, 1 << 63, 0, 0, 0];
    for (i, limb) in repr.as_ref().as_chunks::<8>().0.iter().enumerate() {
        let limb = u128::from(u64::from_le_bytes(*limb));
        let mut carry = 0_u128;
        for (target, part) in product
            .iter_mut()
            .skip(i)
            .zip(factor.iter().copied().chain([0, 0, 0, 0]))
        {
            // Below (2^64 − 1)² + 2·(2^64 − 1) = 2^128 − 1: no overflow.
            let sum = limb
                .wrapping_mul(u128::from(part))
                .wrapping_add(u128::from(*target))
                .wrapping_add(carry);
            *target = sum as u64;
            carry = sum >> 64;
        }
    }
    let [_, _, _, _, low, high, _] = product;
    u128::from(low) | (u128::from(high) << 64)
}
