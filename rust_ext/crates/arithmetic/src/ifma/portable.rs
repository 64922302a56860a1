//! The instructions in plain Rust.

use std::array::from_fn;

use super::{Instructions, Job, WIDTH};
use crate::field::Limbs;

type Words = [u64; WIDTH];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

fn wide(a: u64, b: u64) -> u128 {
    let low = |x: u64| u128::from(x & ((1 << 52) - 1));
    low(a) * low(b)
}

impl Instructions for Portable {
    type Vector = Words;
    type Mask = [bool; WIDTH];

    fn run<J: Job<Self>>(self, job: J) -> J::Output {
        job.run(self)
    }

    fn vector(self, words: Words) -> Words {
        words
    }

    fn words(self, vector: Words) -> Words {
        vector
    }

    fn splat(self, word: u64) -> Words {
        [word; WIDTH]
    }

    fn join(self, low: &Limbs, high: &Limbs) -> Words {
        from_fn(|l| if l < 4 { low[l] } else { high[l - 4] })
    }

    fn split(self, v: Words) -> [Limbs; 2] {
        [[v[0], v[1], v[2], v[3]], [v[4], v[5], v[6], v[7]]]
    }

    fn add(self, a: Words, b: Words) -> Words {
        from_fn(|l| a[l].wrapping_add(b[l]))
    }

    fn sub(self, a: Words, b: Words) -> Words {
        from_fn(|l| a[l].wrapping_sub(b[l]))
    }

    fn and(self, a: Words, b: Words) -> Words {
        from_fn(|l| a[l] & b[l])
    }

    fn or(self, a: Words, b: Words) -> Words {
        from_fn(|l| a[l] | b[l])
    }

    fn shift_left<const BITS: u32>(self, a: Words) -> Words {
        a.map(|a| a << BITS)
    }

    fn shift_right<const BITS: u32>(self, a: Words) -> Words {
        a.map(|a| a >> BITS)
    }

    fn shift_signed<const BITS: u32>(self, a: Words) -> Words {
        a.map(|a| (a.cast_signed() >> BITS).cast_unsigned())
    }

    fn multiply_low(self, c: Words, a: Words, b: Words) -> Words {
        from_fn(|l| c[l].wrapping_add(wide(a[l], b[l]) as u64 & ((1 << 52) - 1)))
    }

    fn multiply_high(self, c: Words, a: Words, b: Words) -> Words {
        from_fn(|l| c[l].wrapping_add((wide(a[l], b[l]) >> 52) as u64))
    }

    fn negative(self, a: Words) -> [bool; WIDTH] {
        a.map(|a| a.cast_signed() < 0)
    }

    fn add_where(self, mask: [bool; WIDTH], a: Words, b: Words) -> Words {
        from_fn(|l| {
            if mask[l] {
                a[l].wrapping_add(b[l])
            } else {
                a[l]
            }
        })
    }

    fn pick(self, a: Words, b: Words, places: Words) -> Words {
        // As the CPU does, by four bits of each place.
        places.map(|at| {
            let from = if at & 8 == 0 { &a } else { &b };
            from[at as usize % WIDTH]
        })
    }
}
