//! Points of BN254 as bytes: the raw (Montgomery, little-endian) form of the files and the canonical big-endian one of people.

use std::sync::LazyLock;

use ff::{Field, PrimeField};
use group::Group;
use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fq2, G1Affine, G2, G2Affine};

use crate::PointProblem;

pub(crate) const G1_BYTES: usize = 64;
pub(crate) const G2_BYTES: usize = 128;

/// The order r of the groups, little-endian.
const ORDER: [u64; 4] = [
    0x43e1_f593_f000_0001,
    0x2833_e848_79b9_7091,
    0xb850_45b6_8181_585d,
    0x3064_4e72_e131_a029,
];

/// R = 2^256 in Fq: a raw coordinate is the canonical form of v·R.
static R: LazyLock<Fq> = LazyLock::new(|| Fq::from(2).pow([256]));
static R_INVERSE: LazyLock<Fq> =
    LazyLock::new(|| Fq::from(2).invert().expect("2 is not 0").pow([256]));

fn fq_from_raw(bytes: &[u8]) -> Result<Fq, PointProblem> {
    let mut repr = [0u8; 32];
    repr.copy_from_slice(bytes);
    let scaled = Option::<Fq>::from(Fq::from_repr(repr.into())).ok_or(PointProblem::NotReduced)?;
    Ok(scaled * *R_INVERSE)
}

fn fq_to_raw(v: &Fq, out: &mut [u8]) {
    out.copy_from_slice((*v * *R).to_repr().as_ref());
}

/// Decode 64 raw bytes. Refuses what is unreduced, off the curve, or the identity.
pub(crate) fn g1_from_raw(bytes: &[u8]) -> Result<G1Affine, PointProblem> {
    let (x, y) = bytes.split_at(32);
    let point = G1Affine {
        x: fq_from_raw(x)?,
        y: fq_from_raw(y)?,
    };
    if point.x.is_zero_vartime() && point.y.is_zero_vartime() {
        return Err(PointProblem::Identity);
    }
    // y² = x³ + 3; the cofactor is 1, so the curve is the group
    if point.y.square() != point.x.square() * point.x + Fq::from(3) {
        return Err(PointProblem::OffCurve);
    }
    Ok(point)
}

pub fn g1_to_raw(point: &G1Affine, out: &mut [u8]) {
    let (x, y) = out.split_at_mut(32);
    fq_to_raw(&point.x, x);
    fq_to_raw(&point.y, y);
}

/// Decode 128 raw bytes. Refuses what is unreduced, the identity, off the curve, or outside the subgroup of order r.
pub(crate) fn g2_from_raw(bytes: &[u8]) -> Result<G2Affine, PointProblem> {
    let mut c = [Fq::ZERO; 4];
    for (v, b) in c.iter_mut().zip(bytes.chunks_exact(32)) {
        *v = fq_from_raw(b)?;
    }
    let point = G2Affine {
        x: Fq2::new(c[0], c[1]),
        y: Fq2::new(c[2], c[3]),
    };
    if c.iter().all(Field::is_zero_vartime) {
        return Err(PointProblem::Identity);
    }
    if !bool::from(point.is_on_curve()) {
        return Err(PointProblem::OffCurve);
    }
    if !in_subgroup(&point) {
        return Err(PointProblem::OutsideSubgroup);
    }
    Ok(point)
}

pub(crate) fn g2_to_raw(point: &G2Affine, out: &mut [u8]) {
    let coordinates = [point.x.c0(), point.x.c1(), point.y.c0(), point.y.c1()];
    for (v, b) in coordinates.into_iter().zip(out.chunks_exact_mut(32)) {
        fq_to_raw(v, b);
    }
}

/// Whether [r]Q = 0, by plain double-and-add: a twist point need not have order r.
pub(crate) fn in_subgroup(point: &G2Affine) -> bool {
    let mut acc = G2::identity();
    for limb in ORDER.iter().rev() {
        for bit in (0..64).rev() {
            acc = acc.double();
            if limb >> bit & 1 == 1 {
                acc += point;
            }
        }
    }
    bool::from(acc.is_identity())
}

fn fq_to_be(v: &Fq, out: &mut [u8]) {
    out.copy_from_slice(v.to_repr().as_ref());
    out.reverse();
}

/// x ‖ y, each 32 bytes big-endian.
pub fn g1_to_canonical(point: &G1Affine) -> [u8; G1_BYTES] {
    let mut out = [0; G1_BYTES];
    let (x, y) = out.split_at_mut(32);
    fq_to_be(&point.x, x);
    fq_to_be(&point.y, y);
    out
}

/// x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1, each 32 bytes big-endian.
pub fn g2_to_canonical(point: &G2Affine) -> [u8; G2_BYTES] {
    let mut out = [0; G2_BYTES];
    let coordinates = [point.x.c0(), point.x.c1(), point.y.c0(), point.y.c1()];
    for (v, b) in coordinates.into_iter().zip(out.chunks_exact_mut(32)) {
        fq_to_be(v, b);
    }
    out
}
