//! Operations on whole columns: inverses, running products and sums, evaluation, division, linear combinations.
//!
//! Each is cut into chunks that threads work on. Field arithmetic is exact, so where the cuts fall does not show in the results.

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;

/// Below this many elements a chunk is not worth a thread.
const SMALLEST: usize = 1 << 10;

/// Elements a chunk, so that every thread has some four chunks.
pub(crate) fn chunk(len: usize) -> usize {
    len.div_ceil(4 * rayon::current_num_threads()).max(SMALLEST)
}

/// base^0, base^1, …, base^(count − 1).
pub fn powers(base: Fr, count: usize) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; count];
    let size = chunk(count);
    out.par_chunks_mut(size).enumerate().for_each(|(at, out)| {
        let mut power = base.pow_vartime([(at * size) as u64]);
        for to in out {
            *to = power;
            power *= base;
        }
    });
    out
}

/// Every value is replaced by its inverse; zeros stay. One inversion for each chunk (Montgomery's trick).
pub fn batch_invert(values: &mut [Fr]) {
    let size = chunk(values.len());
    values.par_chunks_mut(size).for_each(|values| {
        let mut product = Fr::ONE;
        let prefixes: Vec<Fr> = values
            .iter()
            .map(|v| {
                let before = product;
                if !v.is_zero_vartime() {
                    product *= v;
                }
                before
            })
            .collect();
        let mut inverse = product.invert().expect("no factor is zero");
        for (v, prefix) in values.iter_mut().zip(prefixes).rev() {
            if !v.is_zero_vartime() {
                let next = inverse * *v;
                *v = inverse * prefix;
                inverse = next;
            }
        }
    });
}

/// values[i] ← start·Π_{j < i} values[j]; returns the product of start and all values.
pub fn running_products(values: &mut [Fr], start: Fr) -> Fr {
    running(values, start, Fr::ONE, |a, b| a * b)
}

/// values[i] ← start + Σ_{j < i} values[j]; returns the sum of start and all values.
pub fn running_sums(values: &mut [Fr], start: Fr) -> Fr {
    running(values, start, Fr::ZERO, |a, b| a + b)
}

fn running(values: &mut [Fr], start: Fr, neutral: Fr, join: impl Fn(Fr, Fr) -> Fr + Sync) -> Fr {
    let size = chunk(values.len());
    let totals: Vec<Fr> = values
        .par_chunks(size)
        .map(|values| values.iter().fold(neutral, |a, b| join(a, *b)))
        .collect();
    let mut before = Vec::with_capacity(totals.len());
    let mut total = start;
    for own in totals {
        before.push(total);
        total = join(total, own);
    }
    values
        .par_chunks_mut(size)
        .zip(before)
        .for_each(|(values, mut acc)| {
            for v in values {
                let next = join(acc, *v);
                *v = acc;
                acc = next;
            }
        });
    total
}

/// f(x) for the polynomial with these coefficients, lowest first.
pub fn evaluate(coefficients: &[Fr], x: Fr) -> Fr {
    let size = chunk(coefficients.len());
    coefficients
        .par_chunks(size)
        .enumerate()
        .map(|(at, part)| horner(part, x) * x.pow_vartime([(at * size) as u64]))
        .sum()
}

fn horner(coefficients: &[Fr], x: Fr) -> Fr {
    coefficients
        .iter()
        .rev()
        .fold(Fr::ZERO, |acc, c| acc * x + c)
}

/// (q, f(z)) with f = (X − z)·q + f(z). The quotient has one coefficient less than f, none if f has none.
pub fn divide_by_linear(coefficients: &[Fr], z: Fr) -> (Vec<Fr>, Fr) {
    // q_i = Σ_{j > i} f_j·z^(j − i − 1): Horner's values from the top. A chunk starts from the value of the chunks above it.
    let size = chunk(coefficients.len());
    let tops: Vec<Fr> = coefficients
        .par_chunks(size)
        .map(|part| horner(part, z))
        .collect();
    let step = z.pow_vartime([size as u64]);
    let mut above = vec![Fr::ZERO; tops.len()];
    let mut acc = Fr::ZERO;
    for (above, top) in above.iter_mut().zip(&tops).rev() {
        *above = acc;
        acc = acc * step + top;
    }
    let mut quotient = coefficients.to_vec();
    quotient
        .par_chunks_mut(size)
        .zip(above)
        .for_each(|(part, mut acc)| {
            for c in part.iter_mut().rev() {
                let next = acc * z + *c;
                *c = acc;
                acc = next;
            }
        });
    quotient.pop();
    (quotient, acc)
}

/// Σ weights[i]·columns[i], as long as the longest column; shorter ones count as if followed by zeros.
///
/// # Panics
///
/// If there are not as many weights as columns.
pub fn linear_combination(weights: &[Fr], columns: &[&[Fr]]) -> Vec<Fr> {
    assert_eq!(weights.len(), columns.len(), "one weight for each column");
    let len = columns.iter().map(|c| c.len()).max().unwrap_or(0);
    let mut out = vec![Fr::ZERO; len];
    let size = chunk(len).min(1 << 12);
    out.par_chunks_mut(size).enumerate().for_each(|(at, out)| {
        for (weight, column) in weights.iter().zip(columns) {
            let part = column.get(at * size..).unwrap_or_default();
            for (to, v) in out.iter_mut().zip(part) {
                *to += *weight * v;
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;

    use super::*;

    /// Lengths around the edges of chunks, and zeros among the values.
    fn columns() -> impl Iterator<Item = Vec<Fr>> {
        [0, 1, 2, 1023, 1024, 1025, 5000, 40_000]
            .into_iter()
            .map(|n| {
                (0..n)
                    .map(|i| {
                        if i % 7 == 3 {
                            Fr::ZERO
                        } else {
                            Fr::random(OsRng)
                        }
                    })
                    .collect()
            })
    }

    #[test]
    fn inverses_are_those_of_each_value() {
        for values in columns() {
            let mut out = values.clone();
            batch_invert(&mut out);
            for (v, inverse) in values.iter().zip(&out) {
                assert_eq!(v.invert().unwrap_or(Fr::ZERO), *inverse);
            }
        }
    }

    #[test]
    fn running_values_are_what_came_before() {
        for values in columns() {
            let start = Fr::random(OsRng);
            let (mut products, mut sums) = (values.clone(), values.clone());
            let product = running_products(&mut products, start);
            let sum = running_sums(&mut sums, start);
            let (mut p, mut s) = (start, start);
            for (i, v) in values.iter().enumerate() {
                assert_eq!((products[i], sums[i]), (p, s));
                p *= v;
                s += v;
            }
            assert_eq!((product, sum), (p, s));
        }
    }

    #[test]
    fn products_past_a_zero_are_zero() {
        let mut values = vec![Fr::ONE, Fr::ZERO, Fr::from(5)];
        assert_eq!(running_products(&mut values, Fr::from(2)), Fr::ZERO);
        assert_eq!(values, [Fr::from(2), Fr::from(2), Fr::ZERO]);
    }

    #[test]
    fn quotient_and_remainder_give_the_polynomial_back() {
        for values in columns() {
            for z in [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::random(OsRng)] {
                let plain = horner(&values, z);
                assert_eq!(evaluate(&values, z), plain);
                let (quotient, remainder) = divide_by_linear(&values, z);
                assert_eq!(remainder, plain);
                assert_eq!(quotient.len(), values.len().saturating_sub(1));
                for (i, v) in values.iter().enumerate() {
                    let below = if i == 0 { remainder } else { quotient[i - 1] };
                    let own = quotient.get(i).copied().unwrap_or(Fr::ZERO);
                    assert_eq!(below - z * own, *v);
                }
            }
        }
    }

    #[test]
    fn combinations_are_taken_element_by_element() {
        let columns: Vec<Vec<Fr>> = columns().collect();
        let slices: Vec<&[Fr]> = columns.iter().map(Vec::as_slice).collect();
        let weights = powers(Fr::random(OsRng), columns.len());
        let out = linear_combination(&weights, &slices);
        assert_eq!(out.len(), 40_000);
        for (i, v) in out.iter().enumerate() {
            let plain: Fr = columns
                .iter()
                .zip(&weights)
                .filter_map(|(c, w)| Some(*c.get(i)? * w))
                .sum();
            assert_eq!(plain, *v);
        }
    }

    #[test]
    fn powers_begin_at_one() {
        assert_eq!(powers(Fr::from(3), 3), [1, 3, 9].map(Fr::from));
        assert_eq!(powers(Fr::from(3), 5000)[4999], Fr::from(3).pow([4999]));
        assert!(powers(Fr::ZERO, 2) == [Fr::ONE, Fr::ZERO] && powers(Fr::ONE, 0).is_empty());
    }
}
