//! Montgomery's product in plain Rust.

use super::{Field, Limbs, Multiply};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

/// t + a·b + carry: low word, high word. (2^64 − 1)² + 2(2^64 − 1) = 2^128 − 1.
#[inline(always)]
fn mac(t: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(t) + u128::from(a) * u128::from(b) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

impl Multiply for Portable {
    /// One word of b at a time, product and reduction interleaved. The running value stays below a + p < 2^256, so neither of its
    /// two carries leaves the highest word.
    #[inline(always)]
    fn mul<F: Field>(self, a: &Limbs, b: &Limbs) -> Limbs {
        let mut t = [0u64; 4];
        for word in b {
            let (low, mut over_a) = mac(t[0], a[0], *word, 0);
            let m = low.wrapping_mul(F::INV);
            let (_, mut over_p) = mac(low, m, F::P[0], 0);
            for j in 1..4 {
                let (sum, carry) = mac(t[j], a[j], *word, over_a);
                over_a = carry;
                let (sum, carry) = mac(sum, m, F::P[j], over_p);
                over_p = carry;
                t[j - 1] = sum;
            }
            t[3] = over_a.wrapping_add(over_p);
        }
        t
    }
}
