//! The keys of a layout under an SRS, in EZKL's file formats.

use std::io::{self, Write};
use std::path::Path;

use ff::{Field, PrimeField};
use group::Curve;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;
use zkml_arithmetic::{ArithmeticError, Bases, Scalars, msm, powers};
use zkml_graph::Circuit;
use zkml_srs::{SrsFile, g1_to_raw};

use crate::grid::small;
use crate::stop::Stop;
use crate::witness::Witness;

use super::domain::Domain;
use super::error::{KeyError, LayoutError};
use super::layout::{Layout, lay_out};
use super::modules::HASH_FIXED;
use super::permutation::Permutation;
use super::selectors::combine;
use super::shape::UNUSABLE_ROWS;

const VERSION: u8 = 3;

/// What a key of this circuit is made with.
#[derive(Clone, Copy, Debug)]
pub struct KeyOptions {
    /// Whether selectors that never meet share a column.
    pub compress_selectors: bool,
}

impl Default for KeyOptions {
    fn default() -> Self {
        Self {
            compress_selectors: true,
        }
    }
}

/// Told before each column how many of how many are done; false ends the work.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// The bytes of `vk.key` for a circuit under the SRS at `path`, which has as many points as the circuit has rows.
pub fn verification_key(
    circuit: &Circuit,
    witness: Option<&Witness>,
    path: &Path,
    options: KeyOptions,
    progress: Progress<'_>,
) -> Result<Vec<u8>, KeyError> {
    Columns::new(circuit, witness, options, &Stop::default())?.verification_key(path, progress)
}

/// Write the bytes of `pk.key`, which begin with those of `vk.key`, and return the latter.
pub fn proving_key(
    circuit: &Circuit,
    witness: Option<&Witness>,
    path: &Path,
    options: KeyOptions,
    out: &mut impl Write,
    progress: Progress<'_>,
) -> Result<Vec<u8>, KeyError> {
    Columns::new(circuit, witness, options, &Stop::default())?.proving_key(path, out, progress)
}

/// How far the work is.
struct Steps<'a> {
    done: u64,
    total: u64,
    progress: Progress<'a>,
}

impl<'a> Steps<'a> {
    fn new(total: usize, progress: Progress<'a>) -> Self {
        Self {
            done: 0,
            total: total as u64,
            progress,
        }
    }

    fn next(&mut self) -> Result<(), KeyError> {
        if !(self.progress)(self.done, self.total) {
            return Err(KeyError::Interrupted);
        }
        self.done += 1;
        Ok(())
    }
}

/// What columns are committed with.
struct Basis {
    lagrange: Vec<G1Affine>,
    prepared: Bases,
    tau: G1Affine,
}

impl Basis {
    fn open(path: &Path, k: u32) -> Result<Self, KeyError> {
        let mut srs = SrsFile::open(path)?;
        if srs.k() != k {
            return Err(KeyError::Size {
                expected: k,
                got: srs.k(),
            });
        }
        let lagrange = srs.lagrange()?;
        Ok(Self {
            prepared: Bases::new(lagrange.clone()),
            lagrange,
            tau: srs.tau_g1()?,
        })
    }

    /// [f(τ)]G1 for a polynomial given by its values.
    fn commit(&self, values: &[Fr]) -> Result<G1, ArithmeticError> {
        let integers: Option<Vec<i64>> = values.par_iter().map(small).collect();
        if let Some(integers) = integers {
            return msm(&self.prepared, Scalars::Small(&integers));
        }
        let rows: Vec<usize> = (0..values.len())
            .filter(|i| values[*i] != Fr::ZERO)
            .collect();
        if rows.len() * 2 > values.len() {
            return msm(&self.prepared, Scalars::Full(values));
        }
        self.sparse(&rows, |row| values[row])
    }

    fn sparse(&self, rows: &[usize], value: impl Fn(usize) -> Fr) -> Result<G1, ArithmeticError> {
        let points: Vec<G1Affine> = rows.iter().map(|row| self.lagrange[*row]).collect();
        let values: Vec<Fr> = rows.iter().map(|row| value(*row)).collect();
        msm(&Bases::new(points), Scalars::Full(&values))
    }
}

/// The columns that the keys of a compiled circuit commit to: fixed ones, selectors last, and the permutation.
pub struct Columns {
    layout: Layout,
    options: KeyOptions,
    fixed: Vec<Vec<Fr>>,
    permutation: Permutation,
    omegas: Vec<Fr>,
    deltas: Vec<Fr>,
}

/// The values of every fixed column: constants, tables, and selectors last.
pub(super) fn fixed_columns(layout: &Layout, options: KeyOptions) -> Vec<Vec<Fr>> {
    let shape = &layout.shape;
    let mut fixed = Vec::new();
    for i in 0..shape.constants {
        let mut values = vec![Fr::ZERO; shape.n];
        let first = i * shape.usable;
        for (cell, (value, _)) in values[..shape.usable]
            .iter_mut()
            .zip(layout.scheduled.iter().skip(first))
        {
            *cell = value.known().unwrap_or_default();
        }
        fixed.push(values);
    }
    if shape.hash.is_some() {
        for i in 0..HASH_FIXED {
            let mut values = vec![Fr::ZERO; shape.n];
            for (row, value) in layout.hash_fixed.get(i).into_iter().flatten() {
                values[*row] = *value;
            }
            fixed.push(values);
        }
    }
    shape.for_each_table_column(|values| fixed.push(values));
    let groups = if options.compress_selectors {
        combine(shape, &layout.active)
    } else {
        (0..layout.active.len()).map(|s| vec![s]).collect()
    };
    for members in groups {
        let mut values = vec![Fr::ZERO; shape.n];
        for (t, selector) in members.iter().enumerate() {
            let number = Fr::from(t as u64 + 1);
            layout.active[*selector]
                .iter()
                .for_each(|row| values[row] = number);
        }
        fixed.push(values);
    }
    fixed
}

impl Columns {
    /// Lay a circuit out, as [`lay_out`] does.
    pub fn new(
        circuit: &Circuit,
        witness: Option<&Witness>,
        options: KeyOptions,
        stop: &Stop,
    ) -> Result<Self, LayoutError> {
        let layout = lay_out(circuit, witness, stop)?;
        let shape = &layout.shape;
        let columns = shape.permutation_columns();
        Ok(Self {
            fixed: fixed_columns(&layout, options),
            permutation: Permutation::new(columns, shape.n, layout.all_copies()),
            omegas: powers(zkml_arithmetic::Domain::new(shape.k).omega(), shape.n),
            deltas: powers(Fr::DELTA, columns),
            options,
            layout,
        })
    }

    /// The values of every fixed column on all rows.
    pub fn fixed(&self) -> &[Vec<Fr>] {
        &self.fixed
    }

    /// For each cell of a permutation column the place of its successor: column·n + row.
    pub fn next(&self, column: usize) -> &[u32] {
        self.permutation.next(column)
    }

    /// The bytes of `vk.key` under the SRS at `path`, which has as many points as the circuit has rows.
    pub fn verification_key(
        &self,
        path: &Path,
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        self.commit(path, &mut Steps::new(self.len(), progress))
    }

    /// Write the bytes of `pk.key` under the SRS at `path`, which begin with those of `vk.key`, and return the latter.
    pub fn proving_key(
        &self,
        path: &Path,
        out: &mut impl Write,
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        let mut steps = Steps::new(4 * self.len(), progress);
        let vk = self.commit(path, &mut steps)?;
        out.write_all(&vk)?;
        self.write_polynomials(out, &mut steps)?;
        out.flush()?;
        Ok(vk)
    }

    fn len(&self) -> usize {
        self.fixed.len() + self.deltas.len()
    }

    fn commit(&self, path: &Path, steps: &mut Steps<'_>) -> Result<Vec<u8>, KeyError> {
        let shape = &self.layout.shape;
        let basis = Basis::open(path, shape.k)?;
        let compressed = self.options.compress_selectors;
        let mut points = Vec::with_capacity(self.len());
        for values in &self.fixed {
            steps.next()?;
            points.push(basis.commit(values)?);
        }
        for column in 0..self.deltas.len() {
            steps.next()?;
            points.push(self.commit_permutation(&basis, column)?);
        }
        let mut affine = vec![G1Affine::default(); points.len()];
        G1::batch_normalize(&points, &mut affine);
        let mut out = vec![VERSION, shape.k as u8, u8::from(compressed)];
        out.extend((self.fixed.len() as u32).to_le_bytes());
        for point in &affine {
            let mut bytes = [0; 64];
            g1_to_raw(point, &mut bytes);
            out.extend(bytes);
        }
        if compressed {
            for rows in &self.layout.active {
                out.extend(rows.bytes(shape.n));
            }
        }
        Ok(out)
    }

    /// The commitment of a permutation column. Where no cell is a copy, its values δ^column·ω^row are those of δ^column·X.
    fn commit_permutation(&self, basis: &Basis, column: usize) -> Result<G1, ArithmeticError> {
        let n = self.omegas.len();
        let next = self.permutation.next(column);
        let delta = self.deltas[column];
        let value = |to: usize| self.deltas[to / n] * self.omegas[to % n];
        let copies: Vec<usize> = (0..n)
            .filter(|row| next[*row] as usize != column * n + row)
            .collect();
        let changes = basis.sparse(&copies, |row| {
            value(next[row] as usize) - delta * self.omegas[row]
        })?;
        Ok(basis.tau * delta + changes)
    }

    /// l_0, l_last and l_active; the fixed columns; the permutation: each column as values, coefficients, and on the larger coset.
    fn write_polynomials(
        &self,
        out: &mut impl Write,
        steps: &mut Steps<'_>,
    ) -> Result<(), KeyError> {
        let shape = &self.layout.shape;
        let domain = Domain::new(shape.k, shape.degree);
        let last = shape.n - UNUSABLE_ROWS;
        for rows in [0..1, last..last + 1, 0..last] {
            let mut values = vec![Fr::ZERO; shape.n];
            values[rows].fill(Fr::ONE);
            write_polynomial(&domain.coset(&values), out)?;
        }
        let sigma: Vec<Vec<Fr>> = (0..self.deltas.len())
            .map(|i| self.permutation.column(i, &self.omegas, &self.deltas))
            .collect();
        for columns in [&self.fixed, &sigma] {
            write_slice(columns, shape.n, |v| v.to_vec(), out, steps)?;
            write_slice(columns, shape.n, |v| domain.coefficients(v), out, steps)?;
            write_slice(columns, domain.extended(), |v| domain.coset(v), out, steps)?;
        }
        Ok(())
    }
}

/// The length and the elements, each in Montgomery form, little-endian.
fn write_polynomial(values: &[Fr], out: &mut impl Write) -> io::Result<()> {
    // 2^256: the canonical form of v·2^256 is v's Montgomery form.
    let r = Fr::from(2).pow_vartime([256]);
    out.write_all(&(values.len() as u32).to_be_bytes())?;
    for chunk in values.chunks(1 << 12) {
        let bytes: Vec<u8> = chunk
            .iter()
            .flat_map(|v| <[u8; 32]>::from((*v * r).to_repr()))
            .collect();
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// How many polynomials, how long each is, and the polynomials: `form` of each column.
fn write_slice(
    columns: &[Vec<Fr>],
    length: usize,
    form: impl Fn(&[Fr]) -> Vec<Fr>,
    out: &mut impl Write,
    steps: &mut Steps<'_>,
) -> Result<(), KeyError> {
    out.write_all(&(columns.len() as u32).to_be_bytes())?;
    for _ in columns {
        out.write_all(&(length as u32).to_be_bytes())?;
    }
    for values in columns {
        steps.next()?;
        write_polynomial(&form(values), out)?;
    }
    Ok(())
}
