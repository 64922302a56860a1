//! The instructions in plain Rust. None is inlined: what is written over them always is, and would take minutes to compile.

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

    #[inline(never)]
    fn vector(self, words: Words) -> Words {
        words
    }

    #[inline(never)]
    fn words(self, vector: Words) -> Words {
        vector
    }

    #[inline(never)]
    fn splat(self, word: u64) -> Words {
        [word; WIDTH]
    }

    #[inline(never)]
    fn join(self, low: &Limbs, high: &Limbs) -> Words {
        from_fn(|l| if l < 4 { low[l] } else { high[l - 4] })
    }

    #[inline(never)]
    fn split(self, v: Words) -> [Limbs; 2] {
        [[v[0], v[1], v[2], v[3]], [v[4], v[5], v[6], v[7]]]
    }

    #[inline(never)]
    fn add(self, a: Words, b: Words) -> Words {
        from_fn(|l| a[l].wrapping_add(b[l]))
    }

    #[inline(never)]
    fn sub(self, a: Words, b: Words) -> Words {
        from_fn(|l| a[l].wrapping_sub(b[l]))
    }

    #[inline(never)]
    fn and(self, a: Words, b: Words) -> Words {
        from_fn(|l| a[l] & b[l])
    }

    #[inline(never)]
    fn or(self, a: Words, b: Words) -> Words {
        from_fn(|l| a[l] | b[l])
    }

    #[inline(never)]
    fn shift_left<const BITS: u32>(self, a: Words) -> Words {
        a.map(|a| a << BITS)
    }

    #[inline(never)]
    fn shift_right<const BITS: u32>(self, a: Words) -> Words {
        a.map(|a| a >> BITS)
    }

    #[inline(never)]
    fn shift_signed<const BITS: u32>(self, a: Words) -> Words {
        a.map(|a| (a.cast_signed() >> BITS).cast_unsigned())
    }

    #[inline(never)]
    fn multiply_low(self, c: Words, a: Words, b: Words) -> Words {
        from_fn(|l| c[l].wrapping_add(wide(a[l], b[l]) as u64 & ((1 << 52) - 1)))
    }

    #[inline(never)]
    fn multiply_high(self, c: Words, a: Words, b: Words) -> Words {
        from_fn(|l| c[l].wrapping_add((wide(a[l], b[l]) >> 52) as u64))
    }

    #[inline(never)]
    fn negative(self, a: Words) -> [bool; WIDTH] {
        a.map(|a| a.cast_signed() < 0)
    }

    #[inline(never)]
    fn add_where(self, mask: [bool; WIDTH], a: Words, b: Words) -> Words {
        from_fn(|l| {
            if mask[l] {
                a[l].wrapping_add(b[l])
            } else {
                a[l]
            }
        })
    }

    #[inline(never)]
    fn pick(self, a: Words, b: Words, places: Words) -> Words {
        // As the CPU does, by four bits of each place.
        places.map(|at| {
            let from = if at & 8 == 0 { &a } else { &b };
            from[at as usize % WIDTH]
        })
    }
}
