//! Points of G1 in affine coordinates.

use halo2curves::bn256::{Fq, G1Affine};

use crate::field::{Base, is_zero, neg};

/// Both coordinates, multiplied by the form that the additions to come ask for. The identity is (0, 0): the order of G1 is odd, so no other point of the curve has y = 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Point {
    pub x: Fq,
    pub y: Fq,
}

impl Point {
    pub(crate) fn new(p: &G1Affine, form: Fq) -> Self {
        Self {
            x: p.x * form,
            y: p.y * form,
        }
    }

    /// The point itself, by the inverse of the form.
    pub(crate) fn affine(&self, less: Fq) -> G1Affine {
        G1Affine {
            x: self.x * less,
            y: self.y * less,
        }
    }

    pub(crate) fn is_identity(&self) -> bool {
        is_zero(&self.y.0)
    }

    #[inline(always)]
    pub(crate) fn negate_if(&self, negative: bool) -> Self {
        if negative {
            Self {
                x: self.x,
                y: Fq(neg::<Base>(&self.y.0)),
            }
        } else {
            *self
        }
    }
}
