//! Multiplying points by scalars of their own, in lockstep: the endomorphism halves the doublings.
//!
//! φ(x, y) = (βx, y) = [λ](x, y) with β, λ cube roots of 1. With the short vectors (a1, b1), (a2, b2) of the lattice
//! { (a, b) : a + bλ ≡ 0 mod r }, in the curve's parameter x: a1 = b2 = 2x + 1, b1 = 6x² + 4x + 1, a2 = −(6x² + 2x), a scalar is
//! s = s1 + s2 λ with |s1|, |s2| < 2^127: c1 = ⌊b2 s / r⌋, c2 = −⌊b1 s / r⌋, s1 = s − c1 a1 − c2 a2, s2 = −c1 b1 − c2 b2.
//! (Gallant, Lambert, Vanstone, CRYPTO 2001.) Both halves are walked together in signed digits of four bits.

use ff::{Field, PrimeField, WithSmallOrderMulGroup};
use halo2curves::bn256::{Fq, Fr, G1Affine};

use crate::affine::{Scratch, add_assign, double_assign, identity, negate};

const A1: u128 = 0x89d3_2568_94d2_13e3;
const B1: u128 = 0x6f4d_8248_eeb8_59fd_0be4_e154_1221_250b;
const MINUS_A2: u128 = 0x6f4d_8248_eeb8_59fc_8211_bbeb_7d4f_1128;
const B2: u128 = A1;
/// ⌊2^256 b2 / r⌋ and ⌊2^256 b1 / r⌋, little-endian: a product with one of them, cut at bit 256, is c1 or −c2 to within one.
const GAMMA1: [u64; 4] = [0xd91d_232e_c7e0_b3d7, 2, 0, 0];
const GAMMA2: [u64; 4] = [0x5398_fd03_00ff_6565, 0x4cce_f014_a773_d2d2, 2, 0];
const WINDOW: usize = 4;
const WINDOWS: usize = 128 / WINDOW;
const MULTIPLES: usize = 1 << (WINDOW - 1);

type Digits = [i8; WINDOWS];

/// Bits 256 and up of a·b.
fn high(a: &[u64; 4], b: &[u64; 4]) -> u128 {
    let mut t = [0u64; 8];
    for i in 0..4 {
        let mut carry = 0u128;
        for j in 0..4 {
            let v = u128::from(a[i]) * u128::from(b[j]) + u128::from(t[i + j]) + carry;
            t[i + j] = v as u64;
            carry = v >> 64;
        }
        t[i + 4] = carry as u64;
    }
    u128::from(t[4]) | u128::from(t[5]) << 64
}

/// A residue known to be near 0 as (magnitude, whether it is negative).
fn signed(v: Fr) -> (u128, bool) {
    let low = |v: &Fr| {
        let repr = v.to_repr();
        let bytes: &[u8] = repr.as_ref();
        let (low, high) = bytes.split_at(16);
        let mut word = [0; 16];
        word.copy_from_slice(low);
        (u128::from_le_bytes(word), high.iter().all(|b| *b == 0))
    };
    match low(&v) {
        (magnitude, true) => (magnitude, false),
        _ => (low(&-v).0, true),
    }
}

fn decompose(s: &Fr) -> [(u128, bool); 2] {
    let repr = s.to_repr();
    let mut limbs = [0u64; 4];
    for (limb, bytes) in limbs
        .iter_mut()
        .zip(AsRef::<[u8]>::as_ref(&repr).chunks_exact(8))
    {
        let mut word = [0; 8];
        word.copy_from_slice(bytes);
        *limb = u64::from_le_bytes(word);
    }
    let c1 = Fr::from_u128(high(&limbs, &GAMMA1));
    let minus_c2 = Fr::from_u128(high(&limbs, &GAMMA2));
    let s1 = *s - c1 * Fr::from_u128(A1) - minus_c2 * Fr::from_u128(MINUS_A2);
    let s2 = minus_c2 * Fr::from_u128(B2) - c1 * Fr::from_u128(B1);
    [signed(s1), signed(s2)]
}

/// Signed digits, lowest first; a magnitude below 2^127 leaves no carry.
fn recode((magnitude, negative): (u128, bool)) -> Digits {
    debug_assert!(magnitude >> 127 == 0);
    let mut digits = [0i8; WINDOWS];
    let mut carry = 0i8;
    for (j, digit) in digits.iter_mut().enumerate() {
        let mut d = (magnitude >> (WINDOW * j) & 0xf) as i8 + carry;
        carry = i8::from(d > MULTIPLES as i8);
        d -= carry << WINDOW;
        *digit = if negative { -d } else { d };
    }
    digits
}

/// points[i] ← [scalars[i]]points[i].
pub(crate) fn multiply_each(points: &mut [G1Affine], scalars: &[Fr], scratch: &mut Scratch) {
    assert_eq!(points.len(), scalars.len());
    let work: Vec<usize> = (0..points.len())
        .filter(|i| scalars[*i] != Fr::ONE)
        .collect();
    if work.is_empty() {
        return;
    }
    let digits: Vec<[Digits; 2]> = work
        .iter()
        .map(|i| decompose(&scalars[*i]).map(recode))
        .collect();
    let ones: Vec<G1Affine> = work.iter().map(|i| points[*i]).collect();

    // table[d − 1] holds d times every point, 1 ≤ d ≤ 8
    let mut table = vec![ones.clone()];
    for d in 2..=MULTIPLES {
        let mut next = table[d / 2 - 1].clone();
        if d % 2 == 0 {
            double_assign(&mut next, scratch);
        } else {
            next.clone_from(&table[d - 2]);
            add_assign(&mut next, &ones, scratch);
        }
        table.push(next);
    }

    let mut acc = vec![identity(); work.len()];
    let mut addend = vec![identity(); work.len()];
    for j in (0..WINDOWS).rev() {
        if j + 1 != WINDOWS {
            for _ in 0..WINDOW {
                double_assign(&mut acc, scratch);
            }
        }
        for half in [0, 1] {
            for (i, (to, digits)) in addend.iter_mut().zip(&digits).enumerate() {
                *to = match digits[half][j] {
                    0 => identity(),
                    d if d > 0 => table[d as usize - 1][i],
                    d => negate(&table[d.unsigned_abs() as usize - 1][i]),
                };
                if half == 1 {
                    to.x *= Fq::ZETA;
                }
            }
            add_assign(&mut acc, &addend, scratch);
        }
    }
    for (i, p) in work.into_iter().zip(acc) {
        points[i] = p;
    }
}

#[cfg(test)]
mod tests {
    use group::Curve;
    use halo2curves::bn256::G1;

    use super::*;

    #[test]
    fn the_endomorphism_is_multiplication_by_lambda() {
        let g = G1::generator().to_affine();
        let image = G1Affine {
            x: g.x * Fq::ZETA,
            y: g.y,
        };
        assert_eq!((G1::generator() * Fr::ZETA).to_affine(), image);
    }

    #[test]
    fn halves_are_short_and_add_up() {
        let edge = [
            Fr::ZERO,
            Fr::ONE,
            -Fr::ONE,
            Fr::ZETA,
            -Fr::ZETA,
            Fr::from_u128(u128::MAX),
            Fr::TWO_INV,
        ];
        for s in edge
            .into_iter()
            .chain((0..500u64).map(|i| Fr::ROOT_OF_UNITY.pow([i])))
        {
            let [s1, s2] = decompose(&s);
            assert!(s1.0 >> 127 == 0 && s2.0 >> 127 == 0);
            let value = |(m, negative): (u128, bool)| {
                if negative {
                    -Fr::from_u128(m)
                } else {
                    Fr::from_u128(m)
                }
            };
            assert_eq!(value(s1) + value(s2) * Fr::ZETA, s);
        }
    }

    #[test]
    fn agrees_with_plain_multiplication() {
        let scalars: Vec<Fr> = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(2), Fr::ZETA]
            .into_iter()
            .chain((0..60u64).map(|i| Fr::ROOT_OF_UNITY.pow([i * 3 + 1])))
            .collect();
        let mut points: Vec<G1Affine> = (0..scalars.len() as u64)
            .map(|i| (G1::generator() * Fr::from(i / 2)).to_affine())
            .collect();
        let plain: Vec<G1Affine> = points
            .iter()
            .zip(&scalars)
            .map(|(p, s)| (G1::from(*p) * s).to_affine())
            .collect();
        multiply_each(&mut points, &scalars, &mut Scratch::default());
        assert_eq!(plain, points);
    }
}
