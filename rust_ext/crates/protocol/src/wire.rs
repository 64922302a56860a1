//! Field elements and points as bytes. Nothing here reduces: what is not canonical is not accepted.

use ff::PrimeField;
use group::prime::PrimeCurveAffine;
use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fq2, Fr, G1Affine, G2, G2Affine};

/// The scalar that 32 big-endian bytes spell, if it is below r.
pub fn scalar(bytes: &[u8; 32]) -> Option<Fr> {
    Fr::from_repr(reversed(bytes).into()).into()
}

/// The scalar that 32 little-endian bytes spell, if it is below r.
pub fn scalar_le(bytes: &[u8; 32]) -> Option<Fr> {
    Fr::from_repr((*bytes).into()).into()
}

pub fn scalar_bytes(value: &Fr) -> [u8; 32] {
    let repr = value.to_repr();
    let mut out = [0; 32];
    out.copy_from_slice(repr.as_ref());
    out.reverse();
    out
}

/// The G1 point x ‖ y (big-endian affine, 64 zero bytes for the identity), if both are below p and it lies on the curve.
pub fn g1(bytes: &[u8; 64]) -> Option<G1Affine> {
    let (x, y) = halves(bytes);
    G1Affine::from_xy(base(&x)?, base(&y)?).into()
}

pub fn g1_bytes(point: &G1Affine) -> [u8; 64] {
    let mut out = [0; 64];
    for (target, value) in out.chunks_exact_mut(32).zip([point.x, point.y]) {
        target.copy_from_slice(value.to_repr().as_ref());
        target.reverse();
    }
    out
}

/// The G2 point x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1 (big-endian), if it lies on the curve and in the subgroup of order r.
///
/// Unlike G1 the twist has a cofactor, so the curve equation alone does not put a point into the group of the pairing.
pub fn g2(bytes: &[u8; 128]) -> Option<G2Affine> {
    let mut coordinates = [Fq::zero(); 4];
    for (target, chunk) in coordinates.iter_mut().zip(bytes.as_chunks::<32>().0) {
        *target = base(chunk)?;
    }
    let [x0, x1, y0, y1] = coordinates;
    let point: Option<G2Affine> = G2Affine::from_xy(Fq2::new(x0, x1), Fq2::new(y0, y1)).into();
    point.filter(in_subgroup)
}

pub fn g2_bytes(point: &G2Affine) -> [u8; 128] {
    let mut out = [0; 128];
    let coordinates = [point.x.c0(), point.x.c1(), point.y.c0(), point.y.c1()];
    for (target, value) in out.chunks_exact_mut(32).zip(coordinates) {
        target.copy_from_slice(value.to_repr().as_ref());
        target.reverse();
    }
    out
}

/// r·Q = 0, written as (r − 1)·Q + Q because r itself is no scalar.
fn in_subgroup(point: &G2Affine) -> bool {
    let minus_one = -Fr::one();
    let sum: G2 = point.to_curve() * minus_one + point;
    bool::from(group::Group::is_identity(&sum))
}

fn base(bytes: &[u8; 32]) -> Option<Fq> {
    Fq::from_repr(reversed(bytes).into()).into()
}

fn reversed(bytes: &[u8; 32]) -> [u8; 32] {
    let mut out = *bytes;
    out.reverse();
    out
}

fn halves(bytes: &[u8; 64]) -> ([u8; 32], [u8; 32]) {
    let mut out = ([0; 32], [0; 32]);
    let (x, y) = bytes.split_at(32);
    out.0.copy_from_slice(x);
    out.1.copy_from_slice(y);
    out
}

/// The N bytes that `0x` + 2N lower-case hex digits spell.
pub fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    let digits = text.strip_prefix("0x")?.as_bytes();
    hex_digits(digits, &mut out, false).then_some(out)
}

/// Fills `out` from exactly 2·`out.len()` hex digits; upper case only where `any_case`. Answers whether it could.
pub fn hex_digits(digits: &[u8], out: &mut [u8], any_case: bool) -> bool {
    if Some(digits.len()) != out.len().checked_mul(2) {
        return false;
    }
    for (target, pair) in out.iter_mut().zip(digits.as_chunks::<2>().0) {
        let [high, low] = *pair;
        let (Some(high), Some(low)) = (nibble(high, any_case), nibble(low, any_case)) else {
            return false;
        };
        *target = (high << 4) | low;
    }
    true
}

fn nibble(digit: u8, any_case: bool) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a' - 10),
        b'A'..=b'F' if any_case => digit.checked_sub(b'A' - 10),
        _ => None,
    }
}

/// `0x` and the bytes in lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut out = String::with_capacity(bytes.len().saturating_mul(2).saturating_add(2));
    out.push_str("0x");
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.extend(DIGITS.get(usize::from(digit)));
        }
    }
    out
}
