//! The Poseidon permutation of hashed tensors: width 2, rate 1, x⁵, 8 full and 56 partial rounds, with the reference constants.
//!
//! Source: Grassi et al., "Poseidon" (USENIX Security 2021), with the reference Grain generator of its appendix.

use std::sync::OnceLock;

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;

pub const FULL: usize = 8;
pub const PARTIAL: usize = 56;
const FIELD_BITS: usize = 254;

pub struct Constants {
    pub rounds: Vec<[Fr; 2]>,
    mix: [[Fr; 2]; 2],
}

/// The self-shrinking 80-bit generator.
struct Grain([bool; 80]);

impl Grain {
    fn new() -> Self {
        let header = [
            (1u32, 2),
            (0, 4),
            (FIELD_BITS as u32, 12),
            (2, 12),
            (FULL as u32, 10),
            (PARTIAL as u32, 10),
        ];
        let mut state = [true; 80];
        let mut at = 0;
        for (value, bits) in header {
            for bit in (0..bits).rev() {
                state[at] = value >> bit & 1 == 1;
                at += 1;
            }
        }
        let mut grain = Self(state);
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let s = &mut self.0;
        let bit = s[62] ^ s[51] ^ s[38] ^ s[23] ^ s[13] ^ s[0];
        s.rotate_left(1);
        s[79] = bit;
        bit
    }

    /// 254 bits, the most significant first, as little-endian bytes.
    fn bits(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        for at in (0..FIELD_BITS).rev() {
            let bit = loop {
                let (keep, bit) = (self.step(), self.step());
                if keep {
                    break bit;
                }
            };
            out[at / 8] |= u8::from(bit) << (at % 8);
        }
        out
    }

    fn canonical(&mut self) -> Fr {
        loop {
            if let Some(value) = Option::from(Fr::from_repr(self.bits().into())) {
                return value;
            }
        }
    }

    fn reduced(&mut self) -> Fr {
        let bytes = self.bits();
        let step = Fr::from(256);
        bytes
            .iter()
            .rev()
            .fold(Fr::ZERO, |acc, b| acc * step + Fr::from(u64::from(*b)))
    }
}

/// The round constants, and the matrix that mixes.
pub fn constants() -> &'static Constants {
    static MADE: OnceLock<Constants> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut grain = Grain::new();
        let rounds = (0..FULL + PARTIAL)
            .map(|_| [grain.canonical(), grain.canonical()])
            .collect();
        let x = [grain.reduced(), grain.reduced()];
        let y = [grain.reduced(), grain.reduced()];
        let entry = |i: usize, j: usize| (x[i] + y[j]).invert().unwrap_or(Fr::ZERO);
        let mix = [0, 1].map(|i| [0, 1].map(|j| entry(i, j)));
        Constants { rounds, mix }
    })
}

/// x⁵.
pub fn fifth(x: Fr) -> Fr {
    x.square().square() * x
}

/// The state after round number `round`.
pub fn round(state: [Fr; 2], round: usize) -> [Fr; 2] {
    let c = constants();
    let [a, b] = [0, 1].map(|i| state[i] + c.rounds[round][i]);
    let full = !(FULL / 2..FULL / 2 + PARTIAL).contains(&round);
    let (a, b) = (fifth(a), if full { fifth(b) } else { b });
    [0, 1].map(|i| c.mix[i][0] * a + c.mix[i][1] * b)
}

/// The state in front of a message: zero, and 2⁶⁴.
pub fn initial() -> [Fr; 2] {
    [Fr::ZERO, Fr::from_u128(1 << 64)]
}

/// The hash of a message.
pub fn hash(message: impl IntoIterator<Item = Fr>) -> Fr {
    let absorb = |mut state: [Fr; 2], x: Fr| {
        state[0] += x;
        (0..FULL + PARTIAL).fold(state, round)
    };
    message.into_iter().fold(initial(), absorb)[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(value: Fr) -> String {
        let bytes: [u8; 32] = value.to_repr().into();
        bytes.iter().rev().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn hashes_are_those_of_ezkl() {
        let of = |message: &[u64]| hex(hash(message.iter().map(|x| Fr::from(*x))));
        assert_eq!(
            of(&[5]),
            "212c8cb31bb08141841efbcf4216d0e83f1a1e5a1eb3099dc552b903cb85af60"
        );
        assert_eq!(
            of(&[1, 2, 3]),
            "2c3294b916f404517529c048d4ec3fb21cd0f370184a5729b71d4e499f8b5259"
        );
    }
}
