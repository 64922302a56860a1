//! Between four words in Montgomery form and limbs: the integer below p that the words are stays the same, R = 2^256 and all.

use super::limbs::{MASK, Modulus, carried, reduce};
use super::{Instructions, Lanes, WIDTH};
use crate::field::Element;

/// Eight vectors of two elements each become four, of one word of each element, by these, and back by the same.
const EVERY_FOURTH: [[u64; WIDTH]; 2] = [[0, 4, 8, 12, 1, 5, 9, 13], [2, 6, 10, 14, 3, 7, 11, 15]];
const HALVES: [[u64; WIDTH]; 2] = [[0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]];

/// Eight elements, carried, of values below p.
#[inline(always)]
pub(super) fn load<I: Instructions, E: Element>(i: I, from: [&E; WIDTH]) -> Lanes<I> {
    let [a, b, c, d, e, f, g, h] = from.map(E::words);
    let (ab, cd, ef, gh) = (i.join(a, b), i.join(c, d), i.join(e, f), i.join(g, h));
    // Words 0 and 1 of four elements, words 2 and 3 of them.
    let [first01, first23] = picked(i, ab, cd, EVERY_FOURTH);
    let [last01, last23] = picked(i, ef, gh, EVERY_FOURTH);
    let [w0, w1] = picked(i, first01, last01, HALVES);
    let [w2, w3] = picked(i, first23, last23, HALVES);
    let w = [w0, w1, w2, w3];
    let mask = i.splat(MASK);
    [
        i.and(w[0], mask),
        i.and(
            i.or(i.shift_right::<52>(w[0]), i.shift_left::<12>(w[1])),
            mask,
        ),
        i.and(
            i.or(i.shift_right::<40>(w[1]), i.shift_left::<24>(w[2])),
            mask,
        ),
        i.and(
            i.or(i.shift_right::<28>(w[2]), i.shift_left::<36>(w[3])),
            mask,
        ),
        i.shift_right::<16>(w[3]),
    ]
}

/// The elements as they are kept elsewhere, below p; from values within 31 p.
#[inline(always)]
pub(super) fn store<I: Instructions, E: Element>(i: I, x: &Lanes<I>) -> [E; WIDTH] {
    // Within 0.501 p: below p with p added where it is negative.
    let mut x = reduce::<I, E::Field>(i, x);
    let negative = i.negative(x[4]);
    for (x, p) in x.iter_mut().zip(Modulus::<E::Field>::P) {
        *x = i.add_where(negative, *x, i.splat(p));
    }
    let x = carried(i, x);
    let w = [
        i.or(x[0], i.shift_left::<52>(x[1])),
        i.or(i.shift_right::<12>(x[1]), i.shift_left::<40>(x[2])),
        i.or(i.shift_right::<24>(x[2]), i.shift_left::<28>(x[3])),
        i.or(i.shift_right::<36>(x[3]), i.shift_left::<16>(x[4])),
    ];
    let [first01, last01] = picked(i, w[0], w[1], HALVES);
    let [first23, last23] = picked(i, w[2], w[3], HALVES);
    let [ab, cd] = picked(i, first01, first23, EVERY_FOURTH);
    let [ef, gh] = picked(i, last01, last23, EVERY_FOURTH);
    let ([a, b], [c, d]) = (i.split(ab), i.split(cd));
    let ([e, f], [g, h]) = (i.split(ef), i.split(gh));
    [a, b, c, d, e, f, g, h].map(E::from_words)
}

#[inline(always)]
fn picked<I: Instructions>(
    i: I,
    a: I::Vector,
    b: I::Vector,
    places: [[u64; WIDTH]; 2],
) -> [I::Vector; 2] {
    [i.pick(a, b, places[0]), i.pick(a, b, places[1])]
}

/// The lower and the upper of two rows once columns that are `apart` from each other have changed places.
const fn exchanged(apart: usize) -> [[u64; WIDTH]; 2] {
    let mut out = [[0; WIDTH]; 2];
    let mut l = 0;
    while l < WIDTH {
        let upper = l & apart != 0;
        out[0][l] = if upper { WIDTH + l - apart } else { l } as u64;
        out[1][l] = if upper { WIDTH + l } else { l + apart } as u64;
        l += 1;
    }
    out
}

/// Eight elements in each of eight lanes, elements and lanes exchanged.
#[inline(always)]
pub(super) fn exchange<I: Instructions>(i: I, x: &mut [Lanes<I>; WIDTH]) {
    for (apart, places) in const { [(4, exchanged(4)), (2, exchanged(2)), (1, exchanged(1))] } {
        for pair in x.chunks_exact_mut(2 * apart) {
            let (lower, upper) = pair.split_at_mut(apart);
            for (a, b) in lower
                .as_flattened_mut()
                .iter_mut()
                .zip(upper.as_flattened_mut())
            {
                [*a, *b] = picked(i, *a, *b, places);
            }
        }
    }
}
