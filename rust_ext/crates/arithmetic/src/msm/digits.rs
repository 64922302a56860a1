//! Columns of scalars as signs and magnitudes, and their digits.

use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::plan::{Lengths, Plan};
use crate::Scalars;
use crate::endomorphism::split;
use crate::field::{Field, Job, Limbs, Multiply, Scalar, fastest, reduce, sub_words};

/// A column that is ready to be cut into digits.
pub(crate) struct Column<'a> {
    pub plan: Plan,
    values: Values<'a>,
}

enum Values<'a> {
    /// The scalars, and K.
    Small(&'a [i64], u64),
    /// The first halves and, unless all are zero, the second: magnitude + K, and the sign in the highest bit.
    Full([Vec<u128>; 2]),
}

const SIGN: u128 = 1 << 127;
/// Elements that a thread takes at once.
const CHUNK: usize = 1 << 12;

/// Set in the place of a digit that belongs to φ of the point.
pub(crate) const IMAGE: u32 = 1 << 30;
/// Set in the place of a digit that is negative.
pub(crate) const NEGATIVE: u32 = 1 << 31;

impl<'a> Column<'a> {
    pub(crate) fn new(scalars: Scalars<'a>) -> Self {
        match scalars {
            Scalars::Small(values) => {
                let plan = Plan::best(&lengths(values, |v| v.unsigned_abs().into()), 1);
                // Every window but the highest lies below bit 63, so K < 2^63 and a magnitude + K < 2^64.
                let bias = plan.bias() as u64;
                Self {
                    plan,
                    values: Values::Small(values, bias),
                }
            }
            Scalars::Full(values) => Self::full(values),
        }
    }

    fn full(values: &[Fr]) -> Self {
        let [mut first, mut second] = fastest(Halves(values));
        let mut counts = lengths(&first, |v| v & !SIGN);
        if second.par_iter().any(|v| *v != 0) {
            for (sum, count) in counts.iter_mut().zip(lengths(&second, |v| v & !SIGN)) {
                *sum += count;
            }
        } else {
            second = Vec::new();
        }
        // A magnitude is below 1.09·2^126 and with two bits or more to a digit K < 2^126·2/3: bit 127 stays the sign's.
        let plan = Plan::best(&counts, 2);
        let bias = plan.bias();
        for half in [&mut first, &mut second] {
            half.par_iter_mut()
                .with_min_len(CHUNK)
                .for_each(|v| *v += bias);
        }
        Self {
            plan,
            values: Values::Full([first, second]),
        }
    }

    /// How many digits a window has at most.
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Values::Small(values, _) => values.len(),
            Values::Full([first, second]) => first.len() + second.len(),
        }
    }

    /// Call with place and size of every digit of this window that is not zero. A place has the marks `IMAGE` and `NEGATIVE`.
    #[inline(always)]
    pub(crate) fn for_each_digit(&self, window: u32, mut call: impl FnMut(u32, usize)) {
        let Plan { width, windows, .. } = self.plan;
        let at = window * width;
        let (mask, zero) = if window + 1 == windows {
            (u64::from(u32::MAX), 0)
        } else {
            ((1 << width) - 1, 1i32 << (width - 1))
        };
        let mut digit = |place: u32, bits: u64, negative: bool| {
            let digit = (bits & mask) as i32 - zero;
            if digit != 0 {
                let mark = if negative == (digit > 0) { NEGATIVE } else { 0 };
                call(place | mark, digit.unsigned_abs() as usize);
            }
        };
        match &self.values {
            Values::Small(values, bias) => {
                for (place, v) in values.iter().enumerate() {
                    digit(place as u32, (v.unsigned_abs() + bias) >> at, *v < 0);
                }
            }
            Values::Full(halves) => {
                for (half, mark) in halves.iter().zip([0, IMAGE]) {
                    for (place, v) in half.iter().enumerate() {
                        let bits = ((v & !SIGN) >> at) as u64;
                        digit(place as u32 | mark, bits, v & SIGN != 0);
                    }
                }
            }
        }
    }
}

fn lengths<T: Sync>(values: &[T], magnitude: impl Fn(&T) -> u128 + Sync) -> Lengths {
    let count = |values: &[T]| {
        let mut counts: Lengths = [0; 129];
        for v in values {
            counts[(128 - magnitude(v).leading_zeros()) as usize] += 1;
        }
        counts
    };
    values.par_chunks(CHUNK).map(count).reduce(
        || [0; 129],
        |mut sum, counts| {
            sum.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
            sum
        },
    )
}

fn with_sign(v: i128, negative: bool) -> u128 {
    let sign = if (v < 0) == negative { 0 } else { SIGN };
    v.unsigned_abs() | sign
}

/// Signs and magnitudes of the halves of every value; a value near 0 on either side is its own first half.
struct Halves<'a>(&'a [Fr]);

impl Job for Halves<'_> {
    type Output = [Vec<u128>; 2];

    fn run<M: Multiply>(self, m: M) -> [Vec<u128>; 2] {
        let p = Scalar::P;
        // (p − 1)/2
        let half = [
            p[0] >> 1 | p[1] << 63,
            p[1] >> 1 | p[2] << 63,
            p[2] >> 1 | p[3] << 63,
            p[3] >> 1,
        ];
        let halve = |v: &Fr| -> (u128, u128) {
            // v·R·1/R = v
            let v: Limbs = reduce::<Scalar>(&m.mul::<Scalar>(&v.0, &[1, 0, 0, 0]));
            let negative = sub_words(&half, &v).1 == 1;
            let size = if negative { sub_words(&p, &v).0 } else { v };
            let low = u128::from(size[0]) | u128::from(size[1]) << 64;
            if size[2] | size[3] == 0 && low >> 126 == 0 {
                let sign = if negative { SIGN } else { 0 };
                return (low | sign, 0);
            }
            let [first, second] = split(&size);
            (with_sign(first, negative), with_sign(second, negative))
        };
        let mut out = [vec![0; self.0.len()], vec![0; self.0.len()]];
        let [first, second] = &mut out;
        first
            .par_chunks_mut(CHUNK)
            .zip(second.par_chunks_mut(CHUNK))
            .zip(self.0.par_chunks(CHUNK))
            .for_each(|((first, second), values)| {
                for ((first, second), v) in first.iter_mut().zip(second).zip(values) {
                    (*first, *second) = halve(v);
                }
            });
        out
    }
}

#[cfg(test)]
mod tests {
    use ff::{Field as _, PrimeField as _, WithSmallOrderMulGroup as _};
    use rand_core::{OsRng, RngCore};

    use super::*;

    /// The values of all places, [v] or [first half, second half].
    fn values(column: &Column<'_>, count: usize) -> Vec<[Fr; 2]> {
        let mut out = vec![[Fr::ZERO; 2]; count];
        for window in 0..column.plan.windows {
            let weight = Fr::from(2).pow([u64::from(window * column.plan.width)]);
            column.for_each_digit(window, |place, size| {
                assert!(size <= column.plan.largest(window));
                let part = weight * Fr::from(size as u64);
                let to = &mut out[(place & !(IMAGE | NEGATIVE)) as usize];
                let to = &mut to[usize::from(place & IMAGE != 0)];
                *to += if place & NEGATIVE != 0 { -part } else { part };
            });
        }
        out
    }

    fn signed(v: i64) -> Fr {
        let size = Fr::from(v.unsigned_abs());
        if v < 0 { -size } else { size }
    }

    /// The λ of the endomorphism is one of the two that halo2curves' cube root of 1 gives.
    fn recombined([first, second]: [Fr; 2]) -> [Fr; 2] {
        [Fr::ZETA, Fr::ZETA.square()].map(|lambda| first + second * lambda)
    }

    #[test]
    fn digits_add_up_at_every_width() {
        let edges = [
            0,
            1,
            -1,
            127,
            128,
            129,
            -128,
            255,
            256,
            i64::MAX,
            i64::MIN,
            i64::MIN + 1,
        ];
        let small: Vec<i64> = edges
            .into_iter()
            .chain((0..20).map(|i| OsRng.next_u64() as i64 >> (3 * i)))
            .collect();
        let two = Fr::from(2);
        let mut full = vec![
            Fr::ZERO,
            Fr::ONE,
            -Fr::ONE,
            Fr::TWO_INV,
            -Fr::TWO_INV,
            Fr::ZETA,
        ];
        for power in [62, 63, 64, 125, 126, 127, 128, 191, 192, 251, 252, 253] {
            let power = two.pow([power]);
            full.extend([power, -power, power - Fr::ONE, Fr::ONE - power]);
        }
        full.extend((0..20).map(|_| Fr::random(OsRng)));
        let short: Vec<Fr> = small.iter().map(|v| signed(*v)).collect();

        for width in 1..=16 {
            let mut column = Column::new(Scalars::Small(&small));
            column.plan = Plan::of(64, width);
            if let Values::Small(_, bias) = &mut column.values {
                *bias = column.plan.bias() as u64;
            }
            for (v, got) in small.iter().zip(values(&column, small.len())) {
                assert_eq!(got, [signed(*v), Fr::ZERO], "width {width}");
            }
        }
        for (scalars, width) in [&full, &short]
            .into_iter()
            .flat_map(|s| (2..=16).map(move |w| (s, w)))
        {
            let mut column = Column::new(Scalars::Full(scalars));
            let (old, plan) = (column.plan.bias(), Plan::of(127, width));
            if let Values::Full(halves) = &mut column.values {
                for v in halves.iter_mut().flatten() {
                    *v = *v - old + plan.bias();
                }
            }
            column.plan = plan;
            for (v, got) in scalars.iter().zip(values(&column, scalars.len())) {
                assert!(recombined(got).contains(v), "width {width}");
            }
        }
    }

    #[test]
    fn columns_of_short_values_have_no_second_halves() {
        let values: Vec<Fr> = (-40..40).map(signed).collect();
        let column = Column::new(Scalars::Full(&values));
        assert_eq!(column.len(), 80);
    }
}
