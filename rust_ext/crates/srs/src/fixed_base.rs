//! Many multiples of one base, by tables of its multiples.
//!
//! A scalar is written in signed digits of w bits, s = Σ_j d_j 2^(wj) with −2^(w−1) ≤ d_j ≤ 2^(w−1); the table of window j holds
//! [d 2^(wj)]B for 1 ≤ d ≤ 2^(w−1). A multiple costs one addition a window.

use ff::PrimeField;
use group::{Curve, Group};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

use zkml_arithmetic::{Table, Term};

use crate::affine::{BATCH, Scratch, add_assign};

const SCALAR_BITS: usize = 254;

pub(crate) struct FixedBase {
    window: usize,
    /// The tables of all windows, one after the other.
    table: Table,
}

/// Windows of w bits that hold any scalar below r and the carry of its signed digits.
fn windows(window: usize) -> usize {
    // one spare bit: the topmost digit must not overflow into a further window
    (SCALAR_BITS + 1).div_ceil(window)
}

impl FixedBase {
    /// Tables fit for about `count` multiples: the width with the fewest additions in all, table included.
    pub(crate) fn for_count(base: G1Affine, count: usize) -> Self {
        let cost = |w: usize| windows(w) * ((1 << (w - 1)) + count);
        let window = (4..=17)
            .min_by_key(|w| cost(*w))
            .expect("the range is not empty");
        Self::with_window(base, window)
    }

    pub(crate) fn with_window(base: G1Affine, window: usize) -> Self {
        let mut starts = Vec::with_capacity(windows(window));
        let mut start = G1::from(base);
        for _ in 0..windows(window) {
            starts.push(start.to_affine());
            for _ in 0..window {
                start = start.double();
            }
        }
        let tables: Vec<G1Affine> = starts
            .par_iter()
            .flat_map_iter(|start| multiples(*start, 1 << (window - 1)))
            .collect();
        Self {
            window,
            table: Table::new(&tables),
        }
    }

    /// [scalars[i]]B for all i.
    pub(crate) fn multiply(&self, scalars: &[Fr]) -> Vec<G1Affine> {
        let mut terms = Vec::with_capacity(scalars.len() * windows(self.window));
        let lengths: Vec<u32> = scalars
            .iter()
            .map(|scalar| {
                let before = terms.len();
                self.terms(scalar, &mut terms);
                (terms.len() - before) as u32
            })
            .collect();
        let out = self.table.sums(&lengths, &terms);
        // the digits of secret scalars are as secret as they
        terms.fill(Term::default());
        std::hint::black_box(&terms);
        out
    }

    /// Add the multiples that the signed digits of `scalar` ask for, lowest window first.
    fn terms(&self, scalar: &Fr, terms: &mut Vec<Term>) {
        let repr = scalar.to_repr();
        let bytes: &[u8] = repr.as_ref();
        let mut carry = 0i64;
        for j in 0..windows(self.window) {
            let from = j * self.window;
            let mut word = [0u8; 8];
            let first = (from / 8).min(32);
            let len = (32 - first).min(8);
            word[..len].copy_from_slice(&bytes[first..first + len]);
            let mut digit =
                (u64::from_le_bytes(word) >> (from % 8) & ((1 << self.window) - 1)) as i64 + carry;
            carry = i64::from(digit > 1 << (self.window - 1));
            digit -= carry << self.window;
            if digit != 0 {
                let first = j << (self.window - 1);
                let place = first + digit.unsigned_abs() as usize - 1;
                terms.push(Term::new(place, digit < 0));
            }
        }
        debug_assert_eq!(carry, 0);
    }
}

/// start, 2·start, …, count·start: each doubling of the list adds its last entry to all.
fn multiples(start: G1Affine, count: usize) -> Vec<G1Affine> {
    let mut table = Vec::with_capacity(count);
    table.push(start);
    let mut scratch = Scratch::default();
    while table.len() < count {
        let have = table.len();
        let last = table[have - 1];
        for from in (0..have.min(count - have)).step_by(BATCH) {
            let to = (from + BATCH).min(have).min(count - have);
            let mut batch = table[from..to].to_vec();
            add_assign(&mut batch, &vec![last; to - from], &mut scratch);
            table.extend_from_slice(&batch);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use ff::Field;
    use halo2curves::bn256::Fr;

    use super::*;

    #[test]
    fn agrees_with_plain_multiplication_at_every_width() {
        let base = (G1::generator() * Fr::from(77)).to_affine();
        let mut scalars = vec![
            Fr::ZERO,
            Fr::ONE,
            -Fr::ONE,
            -Fr::from(2),
            Fr::from(u64::MAX),
            Fr::ROOT_OF_UNITY,
            Fr::DELTA,
        ];
        scalars.extend((1..40u64).map(|i| Fr::ROOT_OF_UNITY.pow([i * i])));
        let plain: Vec<G1Affine> = scalars
            .iter()
            .map(|s| (G1::from(base) * s).to_affine())
            .collect();
        for window in 4..=13 {
            let out = FixedBase::with_window(base, window).multiply(&scalars);
            assert_eq!(plain, out, "window {window}");
        }
    }
}
