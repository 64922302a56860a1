//! The quotient h = (Σ y^(N−1−i)·identity_i) / (X^n − 1), coset by coset.
//!
//! Each identity is a multiple of X^n − 1 by itself, so h is the sum of the quotients of groups of them: one for each degree d. Such
//! a quotient has fewer than (d − 1)·n coefficients, and its values on d − 1 cosets s_i·H determine it: on the last cosets only the
//! columns that identities of the highest degrees contain are wanted. On a coset X^n is the constant c_i = s_i^n, so the values
//! there give Σ_j c_i^j·h_j, where h_j are the pieces of n coefficients: the pieces follow by inverting the matrix (c_i^j). No more
//! than one coset of the columns is in memory at a time.

use std::collections::BTreeMap;

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_arithmetic::block::{ROWS, Unit, Work, fastest};
use zkml_arithmetic::{Backend, Domain};
use zkml_protocol::{ColumnValue, Protocol};

use crate::ProverError;
use crate::expressions::{Expressions, Places};
use crate::observer::Watch;
use crate::rows::{Builder, Column, Rows, Table, Value};

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

/// The identities of one degree d, folded, each by its own power of y.
struct Group {
    degree: usize,
    folded: Value,
}

/// All identities, in groups by degree.
pub struct Identities {
    builder: Builder,
    groups: Vec<Group>,
}

impl Identities {
    /// `values` in the order in which verifiers fold them: value i of N times y^(N−1−i).
    fn new(mut builder: Builder, values: &[Value], y: Fr) -> Self {
        let mut by_degree: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, value) in values.iter().enumerate() {
            // One of lower degree that vanishes on n points is zero: any group has room for it.
            let degree = builder.degree(*value).max(2);
            by_degree.entry(degree).or_default().push(i);
        }
        let mut groups = Vec::with_capacity(by_degree.len());
        for (degree, members) in by_degree {
            let mut folded = Value::Scalar(Fr::ZERO);
            for (at, i) in members.iter().enumerate() {
                folded = builder.add(folded, values[*i]);
                let next = members.get(at + 1).copied().unwrap_or(values.len() - 1);
                let power = Value::Scalar(y.pow_vartime([(next - i) as u64]));
                folded = builder.mul(folded, power);
            }
            groups.push(Group { degree, folded });
        }
        Self { builder, groups }
    }

    /// The groups whose quotients are not determined by `known` cosets, and a program that computes them.
    fn program(&self, known: usize) -> (Vec<usize>, Rows) {
        let missing = |i: &usize| self.groups[*i].degree - 1 > known;
        let groups: Vec<usize> = (0..self.groups.len()).filter(missing).collect();
        let outputs: Vec<Value> = groups.iter().map(|i| self.groups[*i].folded).collect();
        let program = self.builder.finish(&outputs);
        (groups, program)
    }

    /// How many steps `pieces` takes.
    pub fn steps(&self, count: usize) -> usize {
        let batches = |known| self.program(known).1.columns().len().div_ceil(BATCH);
        (0..count).map(|known| batches(known) + 1).sum()
    }
}

/// The identities of a circuit.
pub fn identities(
    protocol: &Protocol,
    layout: &Layout,
    fixed: &[Option<usize>],
    challenges: &Challenges<'_>,
) -> Identities {
    let mut builder = Builder::default();
    let b = &mut builder;
    let mut values = Vec::new();
    let mut expressions = Expressions::new(protocol, challenges.circuit, fixed, layout.places);
    for gate in &protocol.gates {
        values.push(expressions.slot(b, *gate));
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
        values.push(start);
        let end = b.load(layout.product + sizes.products - 1, 0);
        let square = b.mul(end, end);
        let end = b.sub(square, end);
        let end = b.mul(l_last, end);
        values.push(end);
        for j in 1..sizes.products {
            let (here, before) = (
                b.load(layout.product + j, 0),
                b.load(layout.product + j - 1, last),
            );
            let joined = b.sub(here, before);
            let joined = b.mul(l_0, joined);
            values.push(joined);
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
            values.push(identity);
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
        values.extend([l_0, l_last].map(|border| b.mul(border, sum)));
        // τ·(Πf·(φ(ωx) − φ) − Σ_i Π_{j≠i} f_j) + m·Πf
        let step = b.sub(next, sum);
        let step = b.mul(product, step);
        let step = b.sub(step, others);
        let step = b.mul(table, step);
        let counted = b.mul(m, product);
        let identity = b.add(step, counted);
        let identity = b.mul(active, identity);
        values.push(identity);
    }
    Identities::new(builder, &values, challenges.y)
}

/// The pieces h_0 … h_{D−2}, n coefficients each. `coefficients` has one entry for each column of the layout; missing ones are zero.
pub fn pieces(
    backend: &dyn Backend,
    domain: &Domain,
    identities: &Identities,
    coefficients: &[&[Fr]],
    count: usize,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<Fr>>, ProverError> {
    let shifts: Vec<Fr> = (1..=count as u64)
        .map(|i| Fr::MULTIPLICATIVE_GENERATOR.pow_vartime([i]))
        .collect();
    let form = fastest(Form);
    let mut numerators: Vec<Vec<Vec<Fr>>> = vec![Vec::new(); identities.groups.len()];
    for (known, shift) in shifts.iter().enumerate() {
        let (groups, program) = identities.program(known);
        let mut values = vec![Vec::new(); coefficients.len()];
        for batch in program.columns().chunks(BATCH) {
            let batch_coefficients: Vec<&[Fr]> = batch.iter().map(|i| coefficients[*i]).collect();
            let batch_values = backend.coset_values(domain, &batch_coefficients, *shift, form);
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
        let own = fastest(Evaluation {
            program: &program,
            table: &table,
            outputs: groups.len(),
        });
        drop(values);
        for (group, mut numerator) in groups.into_iter().zip(own) {
            domain.coset_ifft(&mut numerator, *shift);
            numerators[group].push(numerator);
        }
        watch.step()?;
    }
    let constants: Vec<Fr> = shifts
        .iter()
        .map(|shift| shift.pow_vartime([domain.n() as u64]))
        .collect();
    let mut out = vec![vec![Fr::ZERO; domain.n()]; count];
    for mut pieces in numerators {
        let matrix = inverse_matrix(&constants[..pieces.len()], form);
        recombine(&mut pieces, &matrix);
        for (to, piece) in out.iter_mut().zip(pieces) {
            to.par_iter_mut().zip(piece).for_each(|(to, c)| *to += c);
        }
    }
    Ok(out)
}

/// What the values on a coset are times.
struct Form;

impl Work for Form {
    type Output = Fr;

    fn run<U: Unit>(self, unit: U) -> Fr {
        unit.form()
    }
}

/// All outputs of a program on all rows.
struct Evaluation<'a> {
    program: &'a Rows,
    table: &'a Table<'a>,
    outputs: usize,
}

impl Work for Evaluation<'_> {
    type Output = Vec<Vec<Fr>>;

    fn run<U: Unit>(self, unit: U) -> Vec<Vec<Fr>> {
        let n = self.table.n;
        let mut out = vec![vec![Fr::ZERO; n]; self.outputs];
        let mut blocks: Vec<Vec<&mut [Fr]>> = Vec::with_capacity(n.div_ceil(ROWS));
        blocks.resize_with(n.div_ceil(ROWS), || Vec::with_capacity(self.outputs));
        for column in &mut out {
            for (own, rows) in blocks.iter_mut().zip(column.chunks_mut(ROWS)) {
                own.push(rows);
            }
        }
        let program = self.program.prepare(unit);
        blocks.into_par_iter().enumerate().for_each_init(
            || program.machine(),
            |machine, (block, mut outputs)| {
                machine.run(self.table, block * ROWS);
                for (i, rows) in outputs.iter_mut().enumerate() {
                    machine.copy(i, rows);
                }
            },
        );
        out
    }
}

/// The inverse of the matrix (c_i^j), its column i divided by c_i − 1 and the form: what takes the numerators to the pieces.
fn inverse_matrix(constants: &[Fr], form: Fr) -> Vec<Vec<Fr>> {
    let count = constants.len();
    let mut inverse = vec![vec![Fr::ZERO; count]; count];
    for (i, own) in constants.iter().enumerate() {
        // The coefficients of the Lagrange polynomial of c_i.
        let mut lagrange = vec![Fr::ONE];
        let mut scale = (*own - Fr::ONE) * form;
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
        // The powers of the generator are distinct, and none of them is 1; a form is a power of two.
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
        recombine(&mut sums, &inverse_matrix(&constants, Fr::ONE));
        assert_eq!(sums, pieces);
    }
}
