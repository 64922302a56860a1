//! The Fiat–Shamir transcript over Keccak-256 (the EVM-style one of snark-verifier).
//!
//! The state is a byte buffer. Absorbing appends bytes: a scalar as 32, a point as x ‖ y, 64, all big-endian. A squeeze hashes the
//! buffer, followed by the byte 1 **iff the buffer is exactly 32 bytes long** (which means: iff nothing was absorbed since the
//! last squeeze), makes the digest the new buffer, and answers the digest as an integer modulo r. The hash runs along, so the
//! buffer itself is never kept.

use ff::FromUniformBytes;
use halo2curves::bn256::Fr;
use sha3::{Digest, Keccak256};

const DIGEST_BYTES: usize = 32;

#[derive(Clone, Default)]
pub struct Transcript {
    hash: Keccak256,
    length: usize,
}

impl Transcript {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn absorb(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length = self.length.saturating_add(bytes.len());
    }

    pub fn squeeze(&mut self) -> Fr {
        if self.length == DIGEST_BYTES {
            self.hash.update([1]);
        }
        let digest: [u8; DIGEST_BYTES] = self.hash.finalize_reset().into();
        self.hash.update(digest);
        self.length = DIGEST_BYTES;
        reduce(&digest)
    }
}

/// A 256-bit big-endian integer modulo r.
fn reduce(digest: &[u8; DIGEST_BYTES]) -> Fr {
    let mut wide = [0; 64];
    for (target, byte) in wide.iter_mut().zip(digest.iter().rev()) {
        *target = *byte;
    }
    Fr::from_uniform_bytes(&wide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{scalar_bytes, to_hex};

    /// Keccak-256 of the empty string is a published constant; reduced modulo r it is the first challenge of an empty transcript.
    #[test]
    fn the_empty_transcript_squeezes_keccak_of_nothing() {
        let mut transcript = Transcript::new();
        let challenge = transcript.squeeze();
        let mut digest = [0; 32];
        let text = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert!(crate::wire::hex_digits(text.as_bytes(), &mut digest, false));
        assert_eq!(challenge, reduce(&digest));
    }

    #[test]
    fn a_squeeze_after_a_squeeze_appends_one() {
        let mut transcript = Transcript::new();
        transcript.absorb(b"abc");
        let first: [u8; 32] = Keccak256::digest(b"abc").into();
        transcript.squeeze();
        let second: [u8; 32] = Keccak256::new()
            .chain_update(first)
            .chain_update([1])
            .finalize()
            .into();
        assert_eq!(transcript.squeeze(), reduce(&second));
    }

    #[test]
    fn a_digest_above_r_is_reduced() {
        let value = reduce(&[0xff; 32]);
        assert_eq!(
            to_hex(&scalar_bytes(&value)),
            "0x0e0a77c19a07df2f666ea36f7879462e36fc76959f60cd29ac96341c4ffffffa"
        );
    }
}
