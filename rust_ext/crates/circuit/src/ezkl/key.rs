//! The keys of a layout under an SRS, in EZKL's file formats.

use std::io::{self, Write};
use std::path::Path;

use ff::{Field, PrimeField};
use group::Curve;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::msm::msm_best;
use zkml_graph::Circuit;
use zkml_srs::{SrsFile, g1_to_raw};

use super::domain::Domain;
use super::error::KeyError;
use super::layout::{Layout, lay_out};
use super::permutation::{Permutation, powers};
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
    path: &Path,
    options: KeyOptions,
    progress: Progress<'_>,
) -> Result<Vec<u8>, KeyError> {
    let layout = lay_out(circuit)?;
    let basis = basis(&layout, path)?;
    let columns = Columns::new(&layout, options);
    let mut steps = Steps::new(columns.len(), progress);
    columns.verification_key(&layout, &basis, options, &mut steps)
}

/// Write the bytes of `pk.key`, which begin with those of `vk.key`, and return the latter.
pub fn proving_key(
    circuit: &Circuit,
    path: &Path,
    options: KeyOptions,
    out: &mut impl Write,
    progress: Progress<'_>,
) -> Result<Vec<u8>, KeyError> {
    let layout = lay_out(circuit)?;
    let basis = basis(&layout, path)?;
    let columns = Columns::new(&layout, options);
    let mut steps = Steps::new(4 * columns.len(), progress);
    let vk = columns.verification_key(&layout, &basis, options, &mut steps)?;
    drop(basis);
    out.write_all(&vk)?;
    columns.write_polynomials(&layout, out, &mut steps)?;
    out.flush()?;
    Ok(vk)
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

fn basis(layout: &Layout, path: &Path) -> Result<Vec<G1Affine>, KeyError> {
    let mut srs = SrsFile::open(path)?;
    if srs.k() != layout.shape.k {
        return Err(KeyError::Size {
            expected: layout.shape.k,
            got: srs.k(),
        });
    }
    Ok(srs.lagrange()?)
}

/// [f(τ)]G1 for a polynomial given by its values.
fn commit(values: &[Fr], basis: &[G1Affine]) -> G1Affine {
    let kept: Vec<usize> = (0..values.len())
        .filter(|i| values[*i] != Fr::ZERO)
        .collect();
    if kept.len() * 2 > values.len() {
        return msm_best(values, basis).to_affine();
    }
    let (scalars, points): (Vec<Fr>, Vec<G1Affine>) =
        kept.iter().map(|i| (values[*i], basis[*i])).unzip();
    msm_best(&scalars, &points).to_affine()
}

/// The values of every fixed column, selectors last, and of every permutation column.
struct Columns {
    fixed: Vec<Vec<Fr>>,
    sigma: Vec<Vec<Fr>>,
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
    fn new(layout: &Layout, options: KeyOptions) -> Self {
        let shape = &layout.shape;
        let fixed = fixed_columns(layout, options);
        let permutation =
            Permutation::new(shape.permutation_columns(), shape.n, layout.all_copies());
        let omegas = powers(Domain::omega(shape.k), shape.n);
        let deltas = powers(Fr::DELTA, shape.permutation_columns());
        let sigma = (0..shape.permutation_columns())
            .map(|i| permutation.column(i, &omegas, &deltas))
            .collect();
        Self { fixed, sigma }
    }

    fn len(&self) -> usize {
        self.fixed.len() + self.sigma.len()
    }

    fn verification_key(
        &self,
        layout: &Layout,
        basis: &[G1Affine],
        options: KeyOptions,
        steps: &mut Steps<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        let shape = &layout.shape;
        let mut out = vec![VERSION, shape.k as u8, u8::from(options.compress_selectors)];
        out.extend((self.fixed.len() as u32).to_le_bytes());
        for values in self.fixed.iter().chain(&self.sigma) {
            steps.next()?;
            let mut bytes = [0; 64];
            g1_to_raw(&commit(values, basis), &mut bytes);
            out.extend(bytes);
        }
        if options.compress_selectors {
            layout
                .active
                .iter()
                .for_each(|rows| out.extend(rows.bytes(shape.n)));
        }
        Ok(out)
    }

    /// l_0, l_last and l_active; the fixed columns; the permutation: each column as values, coefficients, and on the larger coset.
    fn write_polynomials(
        &self,
        layout: &Layout,
        out: &mut impl Write,
        steps: &mut Steps<'_>,
    ) -> Result<(), KeyError> {
        let shape = &layout.shape;
        let domain = Domain::new(shape.k, shape.degree);
        let last = shape.n - UNUSABLE_ROWS;
        for rows in [0..1, last..last + 1, 0..last] {
            let mut values = vec![Fr::ZERO; shape.n];
            values[rows].fill(Fr::ONE);
            write_polynomial(&domain.coset(&values), out)?;
        }
        for columns in [&self.fixed, &self.sigma] {
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
