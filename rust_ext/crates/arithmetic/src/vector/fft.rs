//! The transform of size n = n₁·n₂ in four steps (see [`crate::fft`]), four lines at a time, one a lane.
//!
//! Between layers values stay within 5 p: a layer pair multiplies two or three of its four values and reduces the others.

use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::convert::{exchange, load, store};
use super::digits::{ZERO, add, reduce, sub};
use super::factor::{Factor, Factors};
use super::product::multiply;
use super::{Avx2, Lanes};
use crate::field::Scalar;

/// Sizes from 2^4 on have four lines each way.
pub(crate) const SMALLEST: u32 = 4;

/// The tables of one size.
#[derive(Debug)]
pub(crate) struct Plan {
    avx2: Avx2,
    /// The logarithms of n₁ and n₂.
    first: u32,
    second: u32,
    /// For each h = 1, 2, 4, … the h powers of ω_{2h}, at h − 1.
    layers: Vec<Factor>,
    /// ω_n^{j₂·i₁} for four j₂ from 4·g on, at g·n₁ + i₁.
    twiddles: Vec<Factors>,
}

/// A factor for every place, four of them together.
#[derive(Debug)]
pub(crate) struct Scale(Vec<Factors>);

impl Scale {
    /// first, first·base, first·base², … for n places.
    pub(crate) fn powers(first: Fr, base: Fr, n: usize) -> Self {
        let mut power = first;
        let mut next = || {
            let own = power;
            power *= base;
            own
        };
        Self(
            (0..n / 4)
                .map(|_| Factors::new(&std::array::from_fn(|_| next())))
                .collect(),
        )
    }
}

/// Which way a transform goes: back, values are read at −j.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Inverse,
}

impl Plan {
    /// `omega` generates the subgroup of order 2^k, k ≥ [`SMALLEST`].
    pub(crate) fn new(avx2: Avx2, k: u32, omega: Fr) -> Self {
        let (first, second) = (k / 2, k - k / 2);
        let mut root = omega;
        for _ in second..k {
            root *= root;
        }
        let mut layers = vec![Fr::one(); (1 << second) - 1];
        for layer in (0..second).rev() {
            let h = 1 << layer;
            let mut power = Fr::one();
            for to in &mut layers[h - 1..2 * h - 1] {
                *to = power;
                power *= root;
            }
            root *= root;
        }
        let steps = crate::powers(omega, 1 << second);
        let twiddles = steps
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|steps| {
                let mut powers = [Fr::one(); 4];
                (0..1 << first).map(move |_| {
                    let factors = Factors::new(&powers);
                    for (power, step) in powers.iter_mut().zip(steps) {
                        *power *= step;
                    }
                    factors
                })
            })
            .collect();
        Self {
            avx2,
            first,
            second,
            layers: layers.iter().map(Factor::new).collect(),
            twiddles,
        }
    }

    pub(crate) fn n(&self) -> usize {
        1 << (self.first + self.second)
    }

    /// f(ω^i) from the coefficients of f.
    pub(crate) fn fft(&self, values: &mut [Fr]) {
        self.check(values.len());
        let lines = columns(self, values, Direction::Forward, None);
        rows(self, &lines, values, None);
    }

    /// f(ω^i) from at most n coefficients of f, each multiplied by what stands in its place.
    pub(crate) fn scaled_fft(&self, from: &[Fr], scale: &Scale, to: &mut [Fr]) {
        self.check(to.len());
        assert!(from.len() <= to.len(), "at most n coefficients");
        let lines = columns(self, from, Direction::Forward, Some(scale));
        rows(self, &lines, to, None);
    }

    /// The coefficients of f from its values.
    pub(crate) fn ifft(&self, values: &mut [Fr], n_inverse: &Factor) {
        self.check(values.len());
        let lines = columns(self, values, Direction::Inverse, None);
        rows(self, &lines, values, Some(n_inverse));
    }

    fn check(&self, count: usize) {
        assert_eq!(count, self.n(), "a value for each element of the domain");
    }
}

/// Steps one and two: all columns transformed and multiplied by the twiddles; element i₁ of four columns at g·n₁ + i₁.
#[allow(unsafe_code)]
fn columns(plan: &Plan, from: &[Fr], direction: Direction, scale: Option<&Scale>) -> Vec<Lanes> {
    let (n1, n2) = (1 << plan.first, 1 << plan.second);
    let Avx2(()) = plan.avx2;
    let mut out = vec![ZERO; n1 * n2 / 4];
    out.par_chunks_mut(n1)
        .zip(plan.twiddles.par_chunks(n1))
        .enumerate()
        .for_each(|(at, (lines, twiddles))| {
            // SAFETY: `Avx2` exists only where the CPU has what the function is compiled for.
            unsafe { column(plan, from, direction, scale, at, lines, twiddles) }
        });
    out
}

#[target_feature(enable = "avx2,fma")]
fn column(
    plan: &Plan,
    from: &[Fr],
    direction: Direction,
    scale: Option<&Scale>,
    at: usize,
    lines: &mut [Lanes],
    twiddles: &[Factors],
) {
    let n2 = 1 << plan.second;
    let n = lines.len() * n2;
    for j1 in 0..lines.len() {
        let place = j1 * n2 + 4 * at;
        let given = from.get(place..).and_then(|from| from.first_chunk::<4>());
        let x = match (direction, given) {
            (Direction::Forward, Some(x)) => load(x.each_ref()),
            (Direction::Forward, None) if place >= from.len() => ZERO,
            (Direction::Forward, None) => load(std::array::from_fn(|l| {
                from.get(place + l).unwrap_or(&const { Fr::zero() })
            })),
            (Direction::Inverse, _) => load(std::array::from_fn(|l| &from[(n - place - l) % n])),
        };
        lines[reversed(j1, plan.first)] = match scale {
            Some(Scale(factors)) => multiply::<Scalar>(x, &factors[place / 4]),
            None => x,
        };
    }
    butterflies(lines, &plan.layers);
    for (x, twiddle) in lines.iter_mut().zip(twiddles) {
        *x = multiply::<Scalar>(*x, twiddle);
    }
}

/// Steps three and four: all rows transformed, and written in natural order.
#[allow(unsafe_code)]
fn rows(plan: &Plan, from: &[Lanes], to: &mut [Fr], times: Option<&Factor>) {
    let (n1, n2) = (1_usize << plan.first, 1_usize << plan.second);
    let Avx2(()) = plan.avx2;
    // Four rows from i₁ = 4·b on write X(i₁ + n₁·i₂): groups b, n₁/4 + b, 2·n₁/4 + b … of four.
    let groups = n1 / 4;
    let mut lists: Vec<Vec<&mut [Fr; 4]>> = (0..groups).map(|_| Vec::with_capacity(n2)).collect();
    for (i, group) in to.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        lists[i % groups].push(group);
    }
    lists.into_par_iter().enumerate().for_each_init(
        || vec![ZERO; n2],
        |lines, (b, to)| {
            // SAFETY: as above.
            unsafe { row(plan, from, b, lines, to, times) }
        },
    );
}

#[target_feature(enable = "avx2,fma")]
fn row(
    plan: &Plan,
    from: &[Lanes],
    b: usize,
    lines: &mut [Lanes],
    to: Vec<&mut [Fr; 4]>,
    times: Option<&Factor>,
) {
    for (g, column) in from.chunks_exact(1 << plan.first).enumerate() {
        let Some(block) = column[4 * b..].first_chunk::<4>() else {
            continue;
        };
        for (l, x) in exchange(block).into_iter().enumerate() {
            lines[reversed(4 * g + l, plan.second)] = x;
        }
    }
    butterflies(lines, &plan.layers);
    let times = times.map(|factor| factor.everywhere());
    for (x, to) in lines.iter().zip(to) {
        let x = match &times {
            Some(factor) => multiply::<Scalar>(*x, factor),
            None => *x,
        };
        *to = store(x);
    }
}

fn reversed(i: usize, bits: u32) -> usize {
    i.reverse_bits() >> (usize::BITS - bits)
}

/// The transforms of four lines in bit-reversed order, values within 1.1 p and normal; results within 5 p and loose.
#[target_feature(enable = "avx2,fma")]
fn butterflies(lines: &mut [Lanes], layers: &[Factor]) {
    let n = lines.len();
    let quarter = layers[2].everywhere();
    let mut h;
    if n.trailing_zeros() % 2 == 1 {
        for [a, b] in lines.as_chunks_mut::<2>().0 {
            (*a, *b) = (add(*a, *b), sub(*a, *b));
        }
        h = 2;
    } else {
        for [a, b, c, d] in lines.as_chunks_mut::<4>().0 {
            let x = [*a, *b, *c, *d];
            [*a, *b, *c, *d] = trivial(x, &quarter);
        }
        h = 4;
    }
    while h < n {
        for i in 0..h {
            let w = layers[h - 1 + i].everywhere();
            let (v0, v1) = (
                layers[2 * h - 1 + i].everywhere(),
                layers[3 * h - 1 + i].everywhere(),
            );
            for block in lines.chunks_exact_mut(4 * h) {
                let x = [block[i], block[i + h], block[i + 2 * h], block[i + 3 * h]];
                let y = if i == 0 {
                    trivial(x.map(|x| reduce::<Scalar>(x)), &quarter)
                } else {
                    pair(x, &w, &v0, &v1)
                };
                for (to, y) in block[i..].iter_mut().step_by(h).zip(y) {
                    *to = y;
                }
            }
        }
        h *= 4;
    }
}

/// Two layers without factors, but for ω_4.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn trivial(x: [Lanes; 4], quarter: &Factors) -> [Lanes; 4] {
    let (a, b) = (add(x[0], x[1]), sub(x[0], x[1]));
    let (c, d) = (add(x[2], x[3]), sub(x[2], x[3]));
    let d = multiply::<Scalar>(d, quarter);
    [add(a, c), add(b, d), sub(a, c), sub(b, d)]
}

/// Two layers.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn pair(x: [Lanes; 4], w: &Factors, v0: &Factors, v1: &Factors) -> [Lanes; 4] {
    let (x0, x1) = (reduce::<Scalar>(x[0]), multiply::<Scalar>(x[1], w));
    let (x2, x3) = (reduce::<Scalar>(x[2]), multiply::<Scalar>(x[3], w));
    let (a, b) = (add(x0, x1), sub(x0, x1));
    let (c, d) = (
        multiply::<Scalar>(add(x2, x3), v0),
        multiply::<Scalar>(sub(x2, x3), v1),
    );
    [add(a, c), add(b, d), sub(a, c), sub(b, d)]
}
