//! The Fourier transform of size n = 2^k over Fr, natural order in and out.
//!
//! Small sizes run in place: bit reversal, then layers of butterflies, two at a time. Large ones take four steps (Bailey 1990):
//! with n = n₁·n₂, j = j₁·n₂ + j₂ and i = i₁ + n₁·i₂,
//!
//! ```text
//! X(i) = Σ_{j₂} ω_{n₂}^{j₂·i₂} · ω_n^{j₂·i₁} · Σ_{j₁} ω_{n₁}^{j₁·i₁} · x(j)
//! ```
//!
//! so all columns j₂ are transformed, multiplied by ω_n^{j₂·i₁}, then all rows i₁, and the result is transposed. Each step writes
//! whole lines that threads own, from lines across that they all read; some lines at a time, so that reads are of whole cache lines.
//!
//! Between butterflies values stay below 4p (Harvey 2014): a product takes one factor below 4p, gives a value below 2p
//! (4p·p/R + p < 2p), and running values stay below 5p < R.

use halo2curves::bn256::Fr;
use rayon::prelude::*;

use crate::field::{
    Field, Job, Limbs, Multiply, Scalar, add_words, fastest, reduce, reduce_by, sub_words,
};

/// From this k on, four steps.
const LARGE: u32 = 12;
/// Lines that are filled together: eight elements are four cache lines.
const TOGETHER: usize = 8;

const TWICE_P: Limbs = add_const(&Scalar::P, &Scalar::P);

const fn add_const(a: &Limbs, b: &Limbs) -> Limbs {
    let mut out = [0; 4];
    let mut carry = 0u128;
    let mut i = 0;
    while i < 4 {
        carry += a[i] as u128 + b[i] as u128;
        out[i] = carry as u64;
        carry >>= 64;
        i += 1;
    }
    out
}

/// The tables of one size.
#[derive(Debug)]
pub(crate) struct Plan {
    k: u32,
    /// For each h = 1, 2, 4, … the h powers of ω_{2h}, at h − 1.
    layers: Vec<Limbs>,
    /// ω_n^{j₂·i₁} at j₂·n₁ + i₁, for large sizes.
    twiddles: Vec<Limbs>,
}

impl Plan {
    pub(crate) fn n(&self) -> usize {
        1 << self.k
    }

    /// `omega` generates the subgroup of order 2^k.
    pub(crate) fn new(k: u32, omega: Fr) -> Self {
        let depth = if k < LARGE { k } else { k - k / 2 };
        let mut root = omega;
        for _ in depth..k {
            root *= root;
        }
        let mut layers = vec![Fr::one().0; (1 << depth) - 1];
        for layer in (0..depth).rev() {
            let h = 1 << layer;
            let mut power = Fr::one();
            for to in &mut layers[h - 1..2 * h - 1] {
                *to = power.0;
                power *= root;
            }
            root *= root;
        }
        let mut twiddles = Vec::new();
        if k >= LARGE {
            let first = 1 << (k / 2);
            twiddles = vec![[0; 4]; 1 << k];
            twiddles
                .par_chunks_mut(first)
                .zip(crate::powers(omega, 1 << (k - k / 2)))
                .for_each(|(line, step)| {
                    let mut power = Fr::one();
                    for to in line {
                        *to = power.0;
                        power *= step;
                    }
                });
        }
        Self {
            k,
            layers,
            twiddles,
        }
    }
}

/// What becomes of a result on its way out.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    /// f(ω^i) from the coefficients of f.
    Forward,
    /// Back: values are read at −i and multiplied by 1/n.
    Inverse { n_inverse: Fr },
}

pub(crate) fn transform(plan: &Plan, values: &mut [Fr], direction: Direction) {
    assert_eq!(
        values.len(),
        1 << plan.k,
        "a value for each element of the domain"
    );
    fastest(Transform {
        plan,
        values,
        direction,
    });
}

struct Transform<'a> {
    plan: &'a Plan,
    values: &'a mut [Fr],
    direction: Direction,
}

impl Job for Transform<'_> {
    type Output = ();

    fn run<M: Multiply>(self, m: M) {
        let Self {
            plan,
            values,
            direction,
        } = self;
        if plan.k >= LARGE {
            large(m, plan, values, direction);
            return;
        }
        for i in 0..values.len() {
            let j = reversed(i, plan.k);
            if i < j {
                values.swap(i, j);
            }
        }
        butterflies(m, values, &plan.layers);
        if let Direction::Inverse { .. } = direction {
            values[1..].reverse();
        }
        for v in values {
            *v = finish(m, v, direction);
        }
    }
}

fn reversed(i: usize, k: u32) -> usize {
    if k == 0 {
        0
    } else {
        i.reverse_bits() >> (usize::BITS - k)
    }
}

/// A value below 4p as it leaves: below p.
#[inline(always)]
fn finish<M: Multiply>(m: M, v: &Fr, direction: Direction) -> Fr {
    match direction {
        Direction::Forward => Fr(reduce::<Scalar>(&reduce_by(&v.0, &TWICE_P))),
        Direction::Inverse { n_inverse } => {
            Fr(reduce::<Scalar>(&m.mul::<Scalar>(&v.0, &n_inverse.0)))
        }
    }
}

fn large<M: Multiply>(m: M, plan: &Plan, values: &mut [Fr], direction: Direction) {
    let (first, second) = (1usize << (plan.k / 2), 1usize << (plan.k - plan.k / 2));
    let mut other = vec![Fr::zero(); values.len()];
    // columns: other[j₂·n₁ + i₁]
    let bits = first.trailing_zeros();
    other
        .par_chunks_mut(first * TOGETHER)
        .zip(plan.twiddles.par_chunks(first * TOGETHER))
        .enumerate()
        .for_each(|(at, (lines, twiddles))| {
            across(
                values,
                second,
                at * TOGETHER,
                lines,
                first,
                |j| reversed(j, bits),
                |v| *v,
            );
            for line in lines.chunks_exact_mut(first) {
                butterflies(m, line, &plan.layers);
            }
            for (v, twiddle) in lines.iter_mut().zip(twiddles) {
                v.0 = m.mul::<Scalar>(&v.0, twiddle);
            }
        });
    // rows: values[i₁·n₂ + i₂]
    let bits = second.trailing_zeros();
    values
        .par_chunks_mut(second * TOGETHER)
        .enumerate()
        .for_each(|(at, lines)| {
            across(
                &other,
                first,
                at * TOGETHER,
                lines,
                second,
                |j| reversed(j, bits),
                |v| *v,
            );
            for line in lines.chunks_exact_mut(second) {
                butterflies(m, line, &plan.layers);
            }
        });
    // other[i₂·n₁ + i₁]
    other
        .par_chunks_mut(first * TOGETHER)
        .enumerate()
        .for_each(|(at, lines)| {
            across(
                values,
                second,
                at * TOGETHER,
                lines,
                first,
                |i| i,
                |v| finish(m, v, direction),
            );
        });
    match direction {
        Direction::Forward => {
            let size = other.len().div_ceil(rayon::current_num_threads());
            values
                .par_chunks_mut(size)
                .zip(other.par_chunks(size))
                .for_each(|(to, from)| to.copy_from_slice(from));
        }
        Direction::Inverse { .. } => {
            values[0] = other[0];
            values[1..]
                .par_iter_mut()
                .with_min_len(1 << 12)
                .zip(other[1..].par_iter().rev())
                .for_each(|(to, from)| *to = *from);
        }
    }
}

/// Fill some lines of a transposed matrix: element `place(i)` of line l is `map` of element first + l of row i of `from`.
#[inline(always)]
fn across(
    from: &[Fr],
    row: usize,
    first: usize,
    lines: &mut [Fr],
    length: usize,
    place: impl Fn(usize) -> usize,
    map: impl Fn(&Fr) -> Fr,
) {
    let count = lines.len() / length;
    for (i, row) in from.chunks_exact(row).enumerate() {
        let at = place(i);
        for (line, v) in row[first..first + count].iter().enumerate() {
            lines[line * length + at] = map(v);
        }
    }
}

/// (a + wb, a − wb) below 4p, for a and b below 4p.
#[inline(always)]
fn butterfly<M: Multiply>(m: M, a: &Fr, b: &Fr, w: &Limbs) -> (Fr, Fr) {
    let a = reduce_by(&a.0, &TWICE_P);
    let b = m.mul::<Scalar>(&b.0, w);
    plus_minus(&a, &b)
}

/// (a + b, a − b + 2p), for a and b below 2p.
#[inline(always)]
fn plus_minus(a: &Limbs, b: &Limbs) -> (Fr, Fr) {
    let sum = add_words(a, b);
    let difference = add_words(&sub_words(a, b).0, &TWICE_P);
    (Fr(sum), Fr(difference))
}

/// The transform of one line in bit-reversed order, of values below 4p.
fn butterflies<M: Multiply>(m: M, line: &mut [Fr], layers: &[Limbs]) {
    let n = line.len();
    let mut h = 1;
    if n.trailing_zeros() % 2 == 1 {
        for [a, b] in line.as_chunks_mut::<2>().0 {
            let halved = [&*a, &*b].map(|v| reduce_by(&v.0, &TWICE_P));
            (*a, *b) = plus_minus(&halved[0], &halved[1]);
        }
        h = 2;
    } else if n >= 4 {
        // ω_4
        let i = layers[2];
        for [a, b, c, d] in line.as_chunks_mut::<4>().0 {
            let [a0, b0, c0, d0] = [&*a, &*b, &*c, &*d].map(|v| reduce_by(&v.0, &TWICE_P));
            let (ab, a_b) = plus_minus(&a0, &b0);
            let (cd, c_d) = plus_minus(&c0, &d0);
            let [ab, a_b, cd] = [ab, a_b, cd].map(|v| reduce_by(&v.0, &TWICE_P));
            (*a, *c) = plus_minus(&ab, &cd);
            (*b, *d) = plus_minus(&a_b, &m.mul::<Scalar>(&c_d.0, &i));
        }
        h = 4;
    }
    while h < n {
        let inner = &layers[h - 1..2 * h - 1];
        let (outer, outer_high) = layers[2 * h - 1..4 * h - 1].split_at(h);
        for block in line.chunks_exact_mut(4 * h) {
            let (low, high) = block.split_at_mut(2 * h);
            let (x0, x1) = low.split_at_mut(h);
            let (x2, x3) = high.split_at_mut(h);
            for ((((((x0, x1), x2), x3), w), v0), v1) in x0
                .iter_mut()
                .zip(x1)
                .zip(x2)
                .zip(x3)
                .zip(inner)
                .zip(outer)
                .zip(outer_high)
            {
                let (a, b) = butterfly(m, x0, x1, w);
                let (c, d) = butterfly(m, x2, x3, w);
                (*x0, *x2) = butterfly(m, &a, &c, v0);
                (*x1, *x3) = butterfly(m, &b, &d, v1);
            }
        }
        h *= 4;
    }
}
