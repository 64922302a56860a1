//! The lookup arguments (logUp: Haböck, ePrint 2022/1530): how often each row of a table is asked for, and the running sums.
//!
//! Every input equals a row of the table, so its inverse 1/(β + f) is that of the row: only the table is inverted, and inputs are
//! kept as row numbers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_arithmetic::block::{ROWS, Words};
use zkml_arithmetic::{batch_invert, running_sums};
use zkml_protocol::Lookup;

use crate::WitnessError;
use crate::expressions::Expressions;
use crate::rows::{Builder, Table};

/// One lookup argument after θ: the rows that its inputs ask for, and how often each row is.
pub struct Looked {
    /// For each chunk of rows, tuple by tuple, row by row: a row of the table.
    asked: Vec<u32>,
    tuples: usize,
    /// The tuples of the table, folded by θ, on the usable rows.
    table: Vec<Fr>,
    pub multiplicities: Vec<i64>,
}

/// Field elements are spread well enough by adding their words up.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.as_chunks::<8>().0 {
            self.write_u64(u64::from_le_bytes(*word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

type Numbers = HashMap<Fr, u32, BuildHasherDefault<Spread>>;

/// Look every input of lookup `index` up.
pub fn look_up(
    index: usize,
    lookup: &Lookup,
    mut expressions: Expressions<'_>,
    theta: Fr,
    rows: &Table<'_>,
    usable: usize,
) -> Result<Looked, WitnessError> {
    let mut builder = Builder::default();
    let folded = expressions.tuple(&mut builder, &lookup.table, theta);
    let program = builder.finish(&[folded]);
    // Values are compared: they are kept as they are.
    let program = program.prepare(Words);
    let mut table = vec![Fr::ZERO; usable];
    table.par_chunks_mut(ROWS).enumerate().for_each_init(
        || program.machine(),
        |machine, (chunk, out)| {
            machine.run(rows, chunk * ROWS);
            machine.copy(0, out);
        },
    );
    let mut numbers = Numbers::with_capacity_and_hasher(usable, BuildHasherDefault::default());
    for (row, value) in table.iter().enumerate() {
        numbers.entry(*value).or_insert(row as u32);
    }

    expressions.forget();
    let mut builder = Builder::default();
    let folded: Vec<_> = lookup
        .inputs
        .iter()
        .map(|parts| expressions.tuple(&mut builder, parts, theta))
        .collect();
    let program = builder.finish(&folded);
    let program = program.prepare(Words);
    let tuples = lookup.inputs.len();
    let mut asked = vec![0; usable * tuples];
    let absent = asked
        .par_chunks_mut(ROWS * tuples)
        .enumerate()
        .map_init(
            || (program.machine(), [Fr::ZERO; ROWS]),
            |(machine, values), (chunk, asked)| {
                let len = asked.len() / tuples;
                machine.run(rows, chunk * ROWS);
                for (tuple, asked) in asked.chunks_mut(len).enumerate() {
                    machine.copy(tuple, &mut values[..len]);
                    if let Some(row) = find(&numbers, &values[..len], asked) {
                        return Some(chunk * ROWS + row);
                    }
                }
                None
            },
        )
        .flatten()
        .min();
    if let Some(row) = absent {
        return Err(WitnessError::Lookup { lookup: index, row });
    }
    let mut multiplicities = vec![0; usable];
    for row in &asked {
        multiplicities[*row as usize] += 1;
    }
    Ok(Looked {
        asked,
        tuples,
        table,
        multiplicities,
    })
}

/// Fill `asked` with the numbers of the values, or say which one has none.
fn find(numbers: &Numbers, values: &[Fr], asked: &mut [u32]) -> Option<usize> {
    let mut last: Option<(Fr, u32)> = None;
    for (i, (value, asked)) in values.iter().zip(asked).enumerate() {
        // Runs of one value are common: rows where a lookup is off ask for the same row.
        let number = match last {
            Some((known, number)) if known == *value => number,
            _ => match numbers.get(value) {
                Some(number) => *number,
                None => return Some(i),
            },
        };
        last = Some((*value, number));
        *asked = number;
    }
    None
}

impl Looked {
    /// φ on the usable rows and on the one behind them, where it is zero: the running sum of Σ 1/(β + f) − m/(β + t).
    pub fn running_sum(&mut self, beta: Fr) -> Vec<Fr> {
        self.table.par_iter_mut().for_each(|t| *t += beta);
        batch_invert(&mut self.table);
        let inverse = &self.table;
        let usable = inverse.len();
        let mut sums = vec![Fr::ZERO; usable + 1];
        let tuples = self.tuples;
        sums[..usable]
            .par_chunks_mut(ROWS)
            .zip(self.asked.par_chunks(ROWS * tuples))
            .enumerate()
            .for_each(|(chunk, (sums, asked))| {
                for asked in asked.chunks(sums.len()) {
                    for (sum, row) in sums.iter_mut().zip(asked) {
                        *sum += inverse[*row as usize];
                    }
                }
                for (i, sum) in sums.iter_mut().enumerate() {
                    let row = chunk * ROWS + i;
                    match self.multiplicities[row] {
                        0 => {}
                        times => *sum -= inverse[row] * Fr::from(times.unsigned_abs()),
                    }
                }
            });
        sums[usable] = running_sums(&mut sums[..usable], Fr::ZERO);
        sums
    }
}
