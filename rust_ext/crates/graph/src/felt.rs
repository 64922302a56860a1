//! A scalar of BN254 as it stands in a file, and the signed integer that it stands for.

use crate::error::{DecodeError, Fault};
use crate::wire::{Reader, Wire};

/// The scalar field's modulus r, little-endian 64-bit limbs.
const MODULUS: [u64; 4] = [
    0x43e1_f593_f000_0001,
    0x2833_e848_79b9_7091,
    0xb850_45b6_8181_585d,
    0x3064_4e72_e131_a029,
];

/// A field element: 32 bytes, canonical, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Felt(pub [u8; 32]);

fn limbs(bytes: &[u8; 32]) -> [u64; 4] {
    let mut out = [0u64; 4];
    for (limb, chunk) in out.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = chunk
            .iter()
            .rev()
            .fold(0, |acc, b| (acc << 8) | u64::from(*b));
    }
    out
}

/// a − b, and whether it borrowed.
fn sub(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], bool) {
    let mut out = [0u64; 4];
    let mut borrow = false;
    for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
        let (d, first) = x.overflowing_sub(*y);
        let (d, second) = d.overflowing_sub(u64::from(borrow));
        *o = d;
        borrow = first || second;
    }
    (out, borrow)
}

impl Felt {
    /// The element that a signed integer maps to: x, or r − |x|.
    pub fn from_i128(x: i128) -> Self {
        let m = x.unsigned_abs();
        let magnitude = [m as u64, (m >> 64) as u64, 0, 0];
        let value = if x < 0 {
            sub(&MODULUS, &magnitude).0
        } else {
            magnitude
        };
        let mut bytes = [0u8; 32];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(value) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        Self(bytes)
    }

    /// The signed integer that EZKL shows for any element: where 127 bits do not hold its magnitude, what 128 bits keep of it.
    pub fn to_i128_lossy(self) -> i128 {
        self.to_i128().unwrap_or_else(|| {
            let [lo, hi, ..] = sub(&MODULUS, &limbs(&self.0)).0;
            let kept = (u128::from(hi) << 64) | u128::from(lo);
            (kept as i128).wrapping_neg()
        })
    }

    /// The signed integer whose element this is, when its magnitude is below 2^127.
    pub fn to_i128(self) -> Option<i128> {
        let value = limbs(&self.0);
        let narrow = |v: &[u64; 4]| -> Option<i128> {
            let [lo, hi, 0, 0] = *v else { return None };
            i128::try_from((u128::from(hi) << 64) | u128::from(lo)).ok()
        };
        narrow(&value).or_else(|| narrow(&sub(&MODULUS, &value).0).map(|m| -m))
    }
}

impl Wire for Felt {
    const MIN_BYTES: usize = 32;

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let bytes = r.array::<32>()?;
        let (_, below) = sub(&limbs(&bytes), &MODULUS);
        if below {
            Ok(Self(bytes))
        } else {
            Err(r.fault_at(start, Fault::NotCanonical))
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_integers_survive_the_field() {
        for x in [
            0,
            1,
            -1,
            127,
            -128,
            i128::from(i64::MAX),
            i128::from(i64::MIN),
            i128::MAX,
            -i128::MAX,
        ] {
            assert_eq!(Felt::from_i128(x).to_i128(), Some(x));
        }
    }

    #[test]
    fn an_element_in_the_middle_of_the_field_is_no_small_integer() {
        let mut bytes = [0u8; 32];
        bytes[20] = 1;
        assert_eq!(Felt(bytes).to_i128(), None);
        // r − 2^160: of its negative, 2^160, no bit is below 2^128
        let large = sub(&MODULUS, &limbs(&bytes)).0;
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(large) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        assert_eq!(Felt(bytes).to_i128_lossy(), 0);
    }

    #[test]
    fn the_modulus_itself_is_not_canonical() {
        let mut bytes = Felt::from_i128(-1).0;
        bytes[0] += 1;
        let error = Felt::read(&mut Reader::new(&bytes)).unwrap_err();
        assert_eq!(error.fault, Fault::NotCanonical);
        assert_eq!(error.offset, 0);
    }
}
