//! Points of G1 in affine coordinates, on bare words.

use halo2curves::bn256::{Fq, G1Affine};

use crate::field::{Base, Limbs, is_zero, neg};

/// Both coordinates below p. The identity is (0, 0): the order of G1 is odd, so no other point of the curve has y = 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Point {
    pub x: Limbs,
    pub y: Limbs,
}

impl Point {
    pub(crate) fn is_identity(&self) -> bool {
        is_zero(&self.y)
    }

    #[inline(always)]
    pub(crate) fn negate_if(&self, negative: bool) -> Self {
        if negative {
            Self {
                x: self.x,
                y: neg::<Base>(&self.y),
            }
        } else {
            *self
        }
    }
}

impl From<&G1Affine> for Point {
    fn from(p: &G1Affine) -> Self {
        Self { x: p.x.0, y: p.y.0 }
    }
}

impl From<&Point> for G1Affine {
    fn from(p: &Point) -> Self {
        Self {
            x: Fq(p.x),
            y: Fq(p.y),
        }
    }
}
