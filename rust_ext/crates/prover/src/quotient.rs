//! The quotient h = (Σ y^(N−1−i)·identity_i) / (X^n − 1), coset by coset.
//!
//! h has fewer than (D − 1)·n coefficients, so its values on D − 1 cosets s_i·H determine it; no larger domain is needed. On the
//! coset X^n is the constant c_i = s_i^n, so the values there give Σ_j c_i^j·h_j, where h_j are the pieces of n coefficients: the
//! pieces follow by inverting the matrix (c_i^j). No more than one coset of the columns is in memory at a time.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_arithmetic::{Backend, Domain};
use zkml_protocol::{ColumnValue, Protocol};

use crate::ProverError;
use crate::expressions::{Expressions, Places};
use crate::observer::Watch;
use crate::rows::{Builder, CHUNK, Column, Rows, Table, Value};

/// Columns transformed between two questions whether to go on.
const BATCH: usize = 8;

/// The challenges that the identities contain.
pub struct Challenges<'a> {
    pub circuit: &'a [Fr],
    pub theta: Fr,
    pub beta: Fr,
    pub gamma: Fr,
    pub y: Fr,
}

/// Where each kind of column stands among all.
#[derive(Clone, Copy)]
pub struct Layout {
    pub places: Places,
    pub sigma: usize,
    pub product: usize,
    pub multiplicity: usize,
    pub sum: usize,
    pub first: usize,
    pub active: usize,
}

impl Layout {
    pub fn new(protocol: &Protocol) -> Self {
        let sizes = &protocol.plan.sizes;
        let fixed = sizes.advice;
        let instance = fixed + protocol.fixed_commitments.len();
        let sigma = instance + protocol.instance_rows.len();
        let product = sigma + sizes.sigmas;
        let multiplicity = product + sizes.products;
        let sum = multiplicity + sizes.lookups;
        let first = sum + sizes.lookups;
        Self {
            places: Places {
                advice: 0,
                fixed,
                instance,
            },
            sigma,
            product,
            multiplicity,
            sum,
            first,
            active: first + 1,
        }
    }
}

/// All identities, folded by y in the order in which verifiers do.
pub fn identities(
    protocol: &Protocol,
    layout: &Layout,
    zero: &[bool],
    challenges: &Challenges<'_>,
) -> Rows {
    let mut builder = Builder::default();
    let b = &mut builder;
    let mut expressions = Expressions::new(protocol, challenges.circuit, zero, layout.places);
    let y = Value::Scalar(challenges.y);
    let mut acc = Value::Scalar(Fr::ZERO);
    let fold = |b: &mut Builder, acc: &mut Value, identity: Value| {
        let shifted = b.mul(*acc, y);
        *acc = b.add(shifted, identity);
    };
    for gate in &protocol.gates {
        let value = expressions.slot(b, *gate);
        fold(b, &mut acc, value);
    }
    let last = protocol.last_rotation();
    // L_i(x) = L_0(x·ω^(−i))
    let (l_0, l_last) = (b.load(layout.first, 0), b.load(layout.first, -last));
    let active = b.load(layout.active, 0);
    let sizes = &protocol.plan.sizes;
    if sizes.products > 0 {
        let start = b.load(layout.product, 0);
        let start = b.sub(Value::Scalar(Fr::ONE), start);
        let start = b.mul(l_0, start);
        fold(b, &mut acc, start);
        let end = b.load(layout.product + sizes.products - 1, 0);
        let square = b.mul(end, end);
        let end = b.sub(square, end);
        let end = b.mul(l_last, end);
        fold(b, &mut acc, end);
        for j in 1..sizes.products {
            let (here, before) = (
                b.load(layout.product + j, 0),
                b.load(layout.product + j - 1, last),
            );
            let joined = b.sub(here, before);
            let joined = b.mul(l_0, joined);
            fold(b, &mut acc, joined);
        }
        let (beta, gamma) = (
            Value::Scalar(challenges.beta),
            Value::Scalar(challenges.gamma),
        );
        let mut name = challenges.beta;
        let chunks = protocol
            .permutation
            .columns
            .chunks(protocol.permutation.chunk);
        let mut column = 0;
        for (j, chunk) in chunks.enumerate() {
            let (mut left, mut right) =
                (b.load(layout.product + j, 1), b.load(layout.product + j, 0));
            for source in chunk {
                let value = match *source {
                    ColumnValue::Advice(q) => expressions.advice(b, protocol.advice_queries[q]),
                    ColumnValue::Fixed(q) => expressions.fixed(b, protocol.fixed_queries[q]),
                    ColumnValue::Instance(q) => expressions.instance(b, protocol.instance_evals[q]),
                };
                let value = b.add(value, gamma);
                let sigma = b.load(layout.sigma + column, 0);
                let sigma = b.mul(sigma, beta);
                let factor = b.add(sigma, value);
                left = b.mul(left, factor);
                let point = b.point();
                let own = b.mul(point, Value::Scalar(name));
                let factor = b.add(own, value);
                right = b.mul(right, factor);
                name *= Fr::DELTA;
                column += 1;
            }
            let difference = b.sub(left, right);
            let identity = b.mul(active, difference);
            fold(b, &mut acc, identity);
        }
    }
    let beta = Value::Scalar(challenges.beta);
    for (i, lookup) in protocol.lookups.iter().enumerate() {
        let table = expressions.tuple(b, &lookup.table, challenges.theta);
        let table = b.add(beta, table);
        let (mut product, mut others) = (Value::Scalar(Fr::ONE), Value::Scalar(Fr::ZERO));
        for input in &lookup.inputs {
            let f = expressions.tuple(b, input, challenges.theta);
            let f = b.add(beta, f);
            let scaled = b.mul(others, f);
            others = b.add(scaled, product);
            product = b.mul(product, f);
        }
        let (sum, next) = (b.load(layout.sum + i, 0), b.load(layout.sum + i, 1));
        let m = b.load(layout.multiplicity + i, 0);
        for border in [l_0, l_last] {
            let value = b.mul(border, sum);
            fold(b, &mut acc, value);
        }
        // τ·(Πf·(φ(ωx) − φ) − Σ_i Π_{j≠i} f_j) + m·Πf
        let step = b.sub(next, sum);
        let step = b.mul(product, step);
        let step = b.sub(step, others);
        let step = b.mul(table, step);
        let counted = b.mul(m, product);
        let identity = b.add(step, counted);
        let identity = b.mul(active, identity);
        fold(b, &mut acc, identity);
    }
    builder.finish(&[acc])
}

/// The pieces h_0 … h_{D−2}, n coefficients each. `coefficients` has one entry for each column of the layout; missing ones are zero.
pub fn pieces(
    backend: &dyn Backend,
    domain: &Domain,
    program: &Rows,
    coefficients: &[&[Fr]],
    count: usize,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<Fr>>, ProverError> {
    let shifts: Vec<Fr> = (1..=count as u64)
        .map(|i| Fr::MULTIPLICATIVE_GENERATOR.pow_vartime([i]))
        .collect();
    let used = program.columns();
    let mut out = Vec::with_capacity(count);
    for shift in &shifts {
        let mut values = vec![Vec::new(); coefficients.len()];
        for batch in used.chunks(BATCH) {
            let batch_coefficients: Vec<&[Fr]> = batch.iter().map(|i| coefficients[*i]).collect();
            let batch_values = backend.coset_values(domain, &batch_coefficients, *shift);
            for (i, column) in batch.iter().zip(batch_values) {
                values[*i] = column;
            }
            watch.step()?;
        }
        let columns: Vec<Column<'_>> = values.iter().map(|v| Column::full(v)).collect();
        let table = Table {
            columns: &columns,
            n: domain.n(),
            omega: domain.omega(),
            shift: *shift,
        };
        let mut numerator = vec![Fr::ZERO; domain.n()];
        numerator.par_chunks_mut(CHUNK).enumerate().for_each_init(
            || program.machine(),
            |machine, (chunk, out)| {
                machine.run(&table, chunk * CHUNK, out.len());
                machine.copy(0, out);
            },
        );
        drop(values);
        domain.coset_ifft(&mut numerator, *shift);
        watch.step()?;
        out.push(numerator);
    }
    let constants: Vec<Fr> = shifts
        .iter()
        .map(|shift| shift.pow_vartime([domain.n() as u64]))
        .collect();
    recombine(&mut out, &inverse_matrix(&constants));
    Ok(out)
}

/// How many steps `pieces` takes.
pub fn steps(program: &Rows, count: usize) -> usize {
    count * (program.columns().len().div_ceil(BATCH) + 1)
}

/// The inverse of the matrix (c_i^j), its column i divided by c_i − 1: what takes the numerators to the pieces.
fn inverse_matrix(constants: &[Fr]) -> Vec<Vec<Fr>> {
    let count = constants.len();
    let mut inverse = vec![vec![Fr::ZERO; count]; count];
    for (i, own) in constants.iter().enumerate() {
        // The coefficients of the Lagrange polynomial of c_i.
        let mut lagrange = vec![Fr::ONE];
        let mut scale = *own - Fr::ONE;
        for (j, other) in constants.iter().enumerate() {
            if i == j {
                continue;
            }
            lagrange.push(Fr::ZERO);
            for at in (0..lagrange.len()).rev() {
                let lower = if at > 0 { lagrange[at - 1] } else { Fr::ZERO };
                lagrange[at] = lower - *other * lagrange[at];
            }
            scale *= *own - other;
        }
        // The powers of the generator are distinct and none of them is 1.
        let scale = scale.invert().unwrap_or(Fr::ZERO);
        for (row, coefficient) in inverse.iter_mut().zip(lagrange) {
            row[i] = coefficient * scale;
        }
    }
    inverse
}

/// Multiply the matrix with the vector of polynomials, coefficient by coefficient.
fn recombine(polynomials: &mut [Vec<Fr>], matrix: &[Vec<Fr>]) {
    let size = 1 << 10;
    let mut chunks: Vec<Vec<&mut [Fr]>> = Vec::new();
    for polynomial in polynomials.iter_mut() {
        for (i, chunk) in polynomial.chunks_mut(size).enumerate() {
            match chunks.get_mut(i) {
                Some(known) => known.push(chunk),
                None => chunks.push(vec![chunk]),
            }
        }
    }
    chunks.into_par_iter().for_each(|mut rows| {
        let mut before = vec![Fr::ZERO; rows.len()];
        for at in 0..rows.first().map_or(0, |row| row.len()) {
            for (to, row) in before.iter_mut().zip(&rows) {
                *to = row[at];
            }
            for (row, weights) in rows.iter_mut().zip(matrix) {
                row[at] = weights.iter().zip(&before).map(|(w, v)| *w * v).sum();
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_from_their_sums_on_cosets() {
        let pieces: Vec<Vec<Fr>> = (0..4_u64)
            .map(|i| (0..1500).map(|j| Fr::from(1000 * i + j)).collect())
            .collect();
        let constants: Vec<Fr> = [7_u64, 49, 343, 2401].map(Fr::from).to_vec();
        let mut sums: Vec<Vec<Fr>> = constants
            .iter()
            .map(|c| {
                (0..1500)
                    .map(|at| {
                        let sum: Fr = (0..4)
                            .map(|j| pieces[j][at] * c.pow_vartime([j as u64]))
                            .sum();
                        sum * (*c - Fr::ONE)
                    })
                    .collect()
            })
            .collect();
        recombine(&mut sums, &inverse_matrix(&constants));
        assert_eq!(sums, pieces);
    }
}
