//! The permutation argument (PLONK's, cut into chunks of columns as in halo2): running products of what copies exchange.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_arithmetic::running_products;

use crate::key::Sigma;
use crate::rows::Column;

/// Rows that one thread works on, and inverts together.
const ROWS: usize = 1 << 10;

/// The names δ^column·ω^row of all cells, and the challenges.
pub struct Names<'a> {
    pub omegas: &'a [Fr],
    pub beta: Fr,
    pub gamma: Fr,
    /// β·δ^column.
    scaled: Vec<Fr>,
    deltas: Vec<Fr>,
}

/// δ^0, δ^1, …
pub fn deltas(count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |delta| Some(*delta * Fr::DELTA))
        .take(count)
        .collect()
}

impl<'a> Names<'a> {
    pub fn new(columns: usize, omegas: &'a [Fr], beta: Fr, gamma: Fr) -> Self {
        let deltas = deltas(columns);
        let scaled = deltas.iter().map(|delta| *delta * beta).collect();
        Self {
            omegas,
            beta,
            gamma,
            scaled,
            deltas,
        }
    }
}

/// z on the usable rows and on the one behind them, from `start`; `columns` are those from `first` on, with their copies.
///
/// A cell that is no copy of another contributes 1, and costs nothing.
pub fn running_product(
    names: &Names<'_>,
    first: usize,
    columns: &[(Column<'_>, Sigma)],
    usable: usize,
    start: Fr,
) -> Vec<Fr> {
    let mut products = vec![Fr::ONE; usable + 1];
    products[..usable]
        .par_chunks_mut(ROWS)
        .enumerate()
        .for_each_init(
            || vec![Fr::ONE; ROWS],
            |below, (chunk, above)| {
                let from = chunk * ROWS;
                let below = &mut below[..above.len()];
                below.fill(Fr::ONE);
                for (i, (column, sigma)) in columns.iter().enumerate() {
                    multiply(names, first + i, *column, sigma, from, above, below);
                }
                divide(above, below);
            },
        );
    products[usable] = running_products(&mut products[..usable], start);
    products
}

fn multiply(
    names: &Names<'_>,
    index: usize,
    column: Column<'_>,
    sigma: &Sigma,
    from: usize,
    above: &mut [Fr],
    below: &mut [Fr],
) {
    let n = names.omegas.len();
    for (i, (above, below)) in above.iter_mut().zip(below).enumerate() {
        let row = from + i;
        let other = match sigma {
            Sigma::Next(next) => {
                let to = next[row] as usize;
                if to == index * n + row {
                    continue;
                }
                names.scaled[to / n] * names.omegas[to % n]
            }
            Sigma::Values(values) => {
                if values[row] == names.deltas[index] * names.omegas[row] {
                    continue;
                }
                names.beta * values[row]
            }
        };
        let value = column.cell(row) + names.gamma;
        *above *= value + names.scaled[index] * names.omegas[row];
        *below *= value + other;
    }
}

/// above[i] ← above[i] / below[i], with one inversion; where nothing was multiplied nothing is divided.
fn divide(above: &mut [Fr], below: &mut [Fr]) {
    let mut product = Fr::ONE;
    let mut prefixes = Vec::with_capacity(below.len());
    for v in below.iter() {
        if *v != Fr::ONE {
            prefixes.push(product);
            product *= v;
        }
    }
    // A factor is zero with probability 2^−230 for any cell: the proof then does not verify, and is made anew.
    let mut inverse = product.invert().unwrap_or(Fr::ZERO);
    for (a, v) in above.iter_mut().zip(below.iter()).rev() {
        if *v != Fr::ONE
            && let Some(prefix) = prefixes.pop()
        {
            *a *= inverse * prefix;
            inverse *= v;
        }
    }
}

/// δ^i'·ω^j' for each cell of a column, where column i' and row j' are those of its successor.
pub fn sigma_values(sigma: Sigma, omegas: &[Fr], deltas: &[Fr]) -> Vec<Fr> {
    match sigma {
        Sigma::Values(values) => values,
        Sigma::Next(next) => next
            .par_iter()
            .map(|to| deltas[*to as usize / omegas.len()] * omegas[*to as usize % omegas.len()])
            .collect(),
    }
}
