//! Factors that are known beforehand, prepared as V. Shoup does: w beside v = round(w·R/p).

use super::Lanes;
use super::digits::{Modulus, broadcast, digits, lane, low_product, negative};
use crate::field::{Element, Field, Limbs, sub_words};

/// w within p/2 and v within R/2, digits normal.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    w: [f64; 5],
    v: [f64; 5],
}

/// A factor for each lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    pub(super) w: Lanes,
    pub(super) v: Lanes,
}

impl Factor {
    pub(crate) fn new<E: Element>(w: &E) -> Self {
        // R = 2^255 as an element
        let r = centred(&(*w * E::from(2).pow_vartime([255])));
        let w = centred(w);
        // R·w − r = v·p exactly, so modulo 2^256 v is (2^255·w − r)/p.
        let mut v = low_product(&negative(r), &Modulus::<E::Field>::INVERSE);
        v[3] ^= w[0] << 63;
        Self {
            w: digits(w),
            v: digits(v),
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn everywhere(&self) -> Factors {
        Factors {
            w: broadcast(&self.w),
            v: broadcast(&self.v),
        }
    }
}

impl Factors {
    pub(super) fn new<E: Element>(w: &[E; 4]) -> Self {
        let factors = w.map(|w| Factor::new(&w));
        Self {
            w: side_by_side(factors.map(|f| f.w)),
            v: side_by_side(factors.map(|f| f.v)),
        }
    }
}

fn side_by_side(digits: [[f64; 5]; 4]) -> Lanes {
    std::array::from_fn(|j| lane(digits.map(|d| d[j])))
}

/// The integer of least size that x stands for, modulo 2^256.
fn centred<E: Element>(x: &E) -> Limbs {
    let mut words = [0; 4];
    for (word, bytes) in words
        .iter_mut()
        .zip(x.to_repr().as_ref().as_chunks::<8>().0)
    {
        *word = u64::from_le_bytes(*bytes);
    }
    let p = E::Field::P;
    let half = std::array::from_fn(|i| p[i] >> 1 | p.get(i + 1).map_or(0, |up| up << 63));
    if sub_words(&half, &words).1 == 1 {
        sub_words(&words, &p).0
    } else {
        words
    }
}
