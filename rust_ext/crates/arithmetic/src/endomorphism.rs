//! Halving scalars: φ(x, y) = (ζx, y) is multiplication by λ, so s·P = s₁·P + s₂·φ(P) for s ≡ s₁ + s₂λ, both of 127 bits
//! (Gallant, Lambert, Vanstone, CRYPTO 2001).
//!
//! (s₁, s₂) = (s, 0) − c₁·(A, B) + c₂·(−B, C), where (A, B) and (−B, C) span the lattice of pairs with s₁ + s₂λ ≡ 0 (AC + B² = r),
//! c₁ = ⌊s·C/r⌉, c₂ = ⌊s·B/r⌉. The divisions are multiplications by constants rounded at 2^256: the error of each c is below
//! 1/2 + 1/8, so |s₁| < 5/8·(A + B) and |s₂| < 5/8·(B + C), both below 1.09·2^126. So they are known from their low 128 bits.

use halo2curves::bn256::Fq;

use crate::field::Limbs;

const A: u128 = 0x6f4d_8248_eeb8_59fd_0be4_e154_1221_250b;
const B: u128 = 0x89d3_2568_94d2_13e3;
const C: u128 = 0x6f4d_8248_eeb8_59fc_8211_bbeb_7d4f_1128;
/// ⌊2^256·C/r⌉ and ⌊2^256·B/r⌉, lowest word first.
const C_OVER_R: [u64; 3] = [0x7a7b_d9d4_391e_b18e, 0x4cce_f014_a773_d2cf, 0x2];
const B_OVER_R: [u64; 3] = [0xd91d_232e_c7e0_b3d7, 0x2, 0];

/// The cube root of 1 that belongs to the λ of this lattice.
pub(crate) const ZETA: Fq = Fq::from_raw([
    0x5763_4731_77ff_fffe,
    0xd4f2_63f1_acdb_5c4f,
    0x59e2_6bce_a0d4_8bac,
    0,
]);

/// (s₁, s₂) for s below r, as an integer.
#[inline]
pub(crate) fn split(s: &Limbs) -> [i128; 2] {
    let c1 = rounded_product(s, &C_OVER_R);
    let c2 = rounded_product(s, &B_OVER_R);
    let low = u128::from(s[0]) | u128::from(s[1]) << 64;
    let first = low
        .wrapping_sub(c1.wrapping_mul(A))
        .wrapping_sub(c2.wrapping_mul(B));
    let second = c2.wrapping_mul(C).wrapping_sub(c1.wrapping_mul(B));
    [first as i128, second as i128]
}

/// ⌊(s·factor + 2^255)/2^256⌋, which is below 2^128.
#[inline]
fn rounded_product(s: &Limbs, factor: &[u64; 3]) -> u128 {
    let mut product = [0u64, 0, 0, 1 << 63, 0, 0, 0];
    for (i, word) in s.iter().enumerate() {
        let mut carry = 0u64;
        for (j, part) in factor.iter().enumerate() {
            // at most (2^64 − 1)² + 2·(2^64 − 1) = 2^128 − 1
            let sum = u128::from(*word) * u128::from(*part)
                + u128::from(product[i + j])
                + u128::from(carry);
            product[i + j] = sum as u64;
            carry = (sum >> 64) as u64;
        }
        for word in &mut product[i + 3..] {
            let (sum, over) = word.overflowing_add(carry);
            *word = sum;
            carry = u64::from(over);
        }
    }
    u128::from(product[4]) | u128::from(product[5]) << 64
}

#[cfg(test)]
mod tests {
    use ff::{Field, PrimeField};
    use group::{Curve, Group};
    use halo2curves::bn256::{Fr, G1, G1Affine};
    use rand_core::OsRng;

    use super::*;

    /// A + Bλ = 0.
    fn lambda() -> Fr {
        -Fr::from_u128(A) * Fr::from_u128(B).invert().unwrap()
    }

    fn words(s: &Fr) -> Limbs {
        let bytes: [u8; 32] = s.to_repr().into();
        let mut out = [0; 4];
        for (word, bytes) in out.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        out
    }

    fn signed(v: i128) -> Fr {
        let size = Fr::from_u128(v.unsigned_abs());
        if v < 0 { -size } else { size }
    }

    #[test]
    fn halves_recombine_and_are_short() {
        let mut scalars = vec![
            Fr::ZERO,
            Fr::ONE,
            -Fr::ONE,
            lambda(),
            -lambda(),
            Fr::TWO_INV,
        ];
        for power in [63, 64, 126, 127, 128, 129, 252, 253] {
            let power = Fr::from(2).pow([power]);
            scalars.extend([power, -power, power - Fr::ONE, Fr::ONE - power]);
        }
        scalars.extend((0..5000).map(|_| Fr::random(OsRng)));
        for s in scalars {
            let [first, second] = split(&words(&s));
            assert_eq!(signed(first) + signed(second) * lambda(), s);
            let bound = (1 << 126) + (1 << 123);
            assert!(first.unsigned_abs() < bound && second.unsigned_abs() < bound);
        }
    }

    #[test]
    fn the_endomorphism_multiplies_by_lambda() {
        let p = G1::random(OsRng).to_affine();
        let image = G1Affine {
            x: p.x * ZETA,
            y: p.y,
        };
        assert_eq!(image, (p * lambda()).to_affine());
    }
}
