//! The transform of size n = n₁·n₂ in four steps (see [`crate::fft`]), eight lines at a time, one a lane.
//!
//! Between layers nothing is reduced: each adds a product, below 1.75 p, to what was there. The first two layers give values within
//! 7 p and every two more add 3.5 p, so lines of 2^14, those of the largest transform over Fr, end within 28 p: products and
//! reductions take 31 p.

use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::convert::{exchange, load, store};
use super::factor::{Factor, Factors};
use super::limbs::{add, reduce, sub};
use super::product::multiply;
use super::{Instructions, Job, Lanes, WIDTH};
use crate::field::Scalar;

/// Sizes from 2^6 on have eight lines each way.
pub(crate) const SMALLEST: u32 = 6;

/// The tables of one size.
#[derive(Debug)]
pub(crate) struct Plan<I: Instructions> {
    i: I,
    /// The logarithms of n₁ and n₂.
    first: u32,
    second: u32,
    /// For each h = 1, 2, 4, … the h powers of ω_{2h}, at h − 1.
    layers: Vec<Factor>,
    /// ω_n^{j₂·i₁} for eight j₂ from 8·g on, at g·n₁ + i₁.
    twiddles: Vec<Factors<I>>,
}

/// A factor for every place, eight of them together.
#[derive(Debug)]
pub(crate) struct Scale<I: Instructions>(Vec<Factors<I>>);

/// Which way a transform goes: back, values are read at −j.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Inverse,
}

impl<I: Instructions> Plan<I> {
    /// `omega` generates the subgroup of order 2^k, k ≥ [`SMALLEST`].
    pub(crate) fn new(i: I, k: u32, omega: Fr) -> Self {
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
            .as_chunks::<WIDTH>()
            .0
            .iter()
            .flat_map(|steps| {
                let mut powers = [Fr::one(); WIDTH];
                (0..1 << first).map(move |_| {
                    let factors = Factors::new(i, &powers);
                    for (power, step) in powers.iter_mut().zip(steps) {
                        *power *= step;
                    }
                    factors
                })
            })
            .collect();
        Self {
            i,
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
        let lines = self.columns(values, Direction::Forward, None);
        self.rows(&lines, values, None);
    }

    /// f(ω^i) from at most n coefficients of f, each multiplied by what stands in its place.
    pub(crate) fn scaled_fft(&self, from: &[Fr], scale: &Scale<I>, to: &mut [Fr]) {
        self.check(to.len());
        assert!(from.len() <= to.len(), "at most n coefficients");
        let lines = self.columns(from, Direction::Forward, Some(scale));
        self.rows(&lines, to, None);
    }

    /// The coefficients of f from its values.
    pub(crate) fn ifft(&self, values: &mut [Fr], n_inverse: &Factor) {
        self.check(values.len());
        let lines = self.columns(values, Direction::Inverse, None);
        self.rows(&lines, values, Some(n_inverse));
    }

    /// first, first·base, first·base², … for all places.
    pub(crate) fn scale(&self, first: Fr, base: Fr) -> Scale<I> {
        let mut power = first;
        let mut next = || {
            let own = power;
            power *= base;
            own
        };
        Scale(
            (0..self.n() / WIDTH)
                .map(|_| Factors::new(self.i, &std::array::from_fn(|_| next())))
                .collect(),
        )
    }

    fn check(&self, count: usize) {
        assert_eq!(count, self.n(), "a value for each element of the domain");
    }

    /// Steps one and two: all columns transformed and multiplied by the twiddles; element i₁ of eight columns at g·n₁ + i₁.
    fn columns(
        &self,
        from: &[Fr],
        direction: Direction,
        scale: Option<&Scale<I>>,
    ) -> Vec<Lanes<I>> {
        let n1 = 1 << self.first;
        let mut out = vec![[self.i.splat(0); 5]; self.n() / WIDTH];
        out.par_chunks_mut(n1)
            .zip(self.twiddles.par_chunks(n1))
            .enumerate()
            .for_each(|(at, (lines, twiddles))| {
                self.i.run(Columns {
                    plan: self,
                    from,
                    direction,
                    scale,
                    at,
                    lines,
                    twiddles,
                });
            });
        out
    }

    /// Steps three and four: all rows transformed, and written in natural order.
    fn rows(&self, from: &[Lanes<I>], to: &mut [Fr], times: Option<&Factor>) {
        let (n1, n2) = (1_usize << self.first, 1_usize << self.second);
        // Eight rows from i₁ = 8·b on write X(i₁ + n₁·i₂): groups b, n₁/8 + b, 2·n₁/8 + b … of eight.
        let groups = n1 / WIDTH;
        let mut lists: Vec<Vec<&mut [Fr; WIDTH]>> =
            (0..groups).map(|_| Vec::with_capacity(n2)).collect();
        for (at, group) in to.as_chunks_mut().0.iter_mut().enumerate() {
            lists[at % groups].push(group);
        }
        lists.into_par_iter().enumerate().for_each_init(
            || vec![[self.i.splat(0); 5]; n2],
            |lines, (at, to)| {
                self.i.run(Rows {
                    plan: self,
                    from,
                    at,
                    lines,
                    to,
                    times,
                });
            },
        );
    }
}

/// Eight columns from 8·at on.
struct Columns<'a, I: Instructions> {
    plan: &'a Plan<I>,
    from: &'a [Fr],
    direction: Direction,
    scale: Option<&'a Scale<I>>,
    at: usize,
    lines: &'a mut [Lanes<I>],
    twiddles: &'a [Factors<I>],
}

impl<I: Instructions> Job<I> for Columns<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run(self, i: I) {
        let Self {
            plan, from, lines, ..
        } = self;
        let n2 = 1 << plan.second;
        let n = lines.len() * n2;
        for j1 in 0..lines.len() {
            let place = j1 * n2 + WIDTH * self.at;
            let x = match self.direction {
                Direction::Forward if place >= from.len() => [i.splat(0); 5],
                Direction::Forward => load(i, group(|l| from.get(place + l))),
                Direction::Inverse => load(i, group(|l| from.get((n - place - l) % n))),
            };
            lines[reversed(j1, plan.first)] = match self.scale {
                Some(Scale(factors)) => multiply::<I, Scalar>(i, &x, &factors[place / WIDTH]),
                None => x,
            };
        }
        butterflies(i, lines, &plan.layers);
        for (x, twiddle) in lines.iter_mut().zip(self.twiddles) {
            *x = multiply::<I, Scalar>(i, x, twiddle);
        }
    }
}

/// Eight elements, zero where there is none.
#[inline(always)]
fn group<'a>(element: impl Fn(usize) -> Option<&'a Fr>) -> [&'a Fr; WIDTH] {
    std::array::from_fn(|l| element(l).unwrap_or(&const { Fr::zero() }))
}

/// Eight rows from 8·at on.
struct Rows<'a, I: Instructions> {
    plan: &'a Plan<I>,
    from: &'a [Lanes<I>],
    at: usize,
    lines: &'a mut [Lanes<I>],
    to: Vec<&'a mut [Fr; WIDTH]>,
    times: Option<&'a Factor>,
}

impl<I: Instructions> Job<I> for Rows<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run(self, i: I) {
        let Self { plan, lines, .. } = self;
        for (g, column) in self.from.chunks_exact(1 << plan.first).enumerate() {
            let Some(block) = column[WIDTH * self.at..].first_chunk::<WIDTH>() else {
                continue;
            };
            let mut block = *block;
            exchange(i, &mut block);
            for (l, x) in block.into_iter().enumerate() {
                lines[reversed(WIDTH * g + l, plan.second)] = x;
            }
        }
        butterflies(i, lines, &plan.layers);
        let times = self.times.map(|factor| factor.everywhere(i));
        for (x, to) in lines.iter().zip(self.to) {
            *to = match &times {
                Some(factor) => store(i, &multiply::<I, Scalar>(i, x, factor)),
                None => store(i, x),
            };
        }
    }
}

fn reversed(i: usize, bits: u32) -> usize {
    i.reverse_bits() >> (usize::BITS - bits)
}

/// The transforms of eight lines in bit-reversed order, of up to 2^14 values within 1.75 p; results within 28 p.
#[inline(always)]
fn butterflies<I: Instructions>(i: I, lines: &mut [Lanes<I>], layers: &[Factor]) {
    let n = lines.len();
    let quarter = layers[2].everywhere(i);
    let mut h;
    if n.trailing_zeros() % 2 == 1 {
        for [a, b] in lines.as_chunks_mut::<2>().0 {
            (*a, *b) = (add(i, a, b), sub(i, a, b));
        }
        h = 2;
    } else {
        for x in lines.as_chunks_mut::<4>().0 {
            *x = trivial(i, x, &quarter);
        }
        h = 4;
    }
    while h < n {
        for at in 0..h {
            let w = layers[h - 1 + at].everywhere(i);
            let v0 = layers[2 * h - 1 + at].everywhere(i);
            let v1 = layers[3 * h - 1 + at].everywhere(i);
            for block in lines.chunks_exact_mut(4 * h) {
                let places = [at, at + h, at + 2 * h, at + 3 * h];
                let mut x = [
                    block[places[0]],
                    block[places[1]],
                    block[places[2]],
                    block[places[3]],
                ];
                if at == 0 {
                    for x in &mut x {
                        *x = reduce::<I, Scalar>(i, x);
                    }
                    x = trivial(i, &x, &quarter);
                } else {
                    x = pair(i, &x, &w, &v0, &v1);
                }
                for (place, x) in places.into_iter().zip(x) {
                    block[place] = x;
                }
            }
        }
        h *= 4;
    }
}

/// Two layers without factors, but for ω_4.
#[inline(always)]
fn trivial<I: Instructions>(i: I, x: &[Lanes<I>; 4], quarter: &Factors<I>) -> [Lanes<I>; 4] {
    let (a, b) = (add(i, &x[0], &x[1]), sub(i, &x[0], &x[1]));
    let (c, d) = (add(i, &x[2], &x[3]), sub(i, &x[2], &x[3]));
    let d = multiply::<I, Scalar>(i, &d, quarter);
    [
        add(i, &a, &c),
        add(i, &b, &d),
        sub(i, &a, &c),
        sub(i, &b, &d),
    ]
}

/// Two layers.
#[inline(always)]
fn pair<I: Instructions>(
    i: I,
    x: &[Lanes<I>; 4],
    w: &Factors<I>,
    v0: &Factors<I>,
    v1: &Factors<I>,
) -> [Lanes<I>; 4] {
    let x1 = multiply::<I, Scalar>(i, &x[1], w);
    let x3 = multiply::<I, Scalar>(i, &x[3], w);
    let (a, b) = (add(i, &x[0], &x1), sub(i, &x[0], &x1));
    let (c, d) = (add(i, &x[2], &x3), sub(i, &x[2], &x3));
    let c = multiply::<I, Scalar>(i, &c, v0);
    let d = multiply::<I, Scalar>(i, &d, v1);
    [
        add(i, &a, &c),
        add(i, &b, &d),
        sub(i, &a, &c),
        sub(i, &b, &d),
    ]
}
