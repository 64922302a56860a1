//! What every operator asks of the circuit: digits, tables, ranges; and how far the values went.

use super::error::ExecuteFault;
use super::lookup::table;
use super::values::Ints;
use crate::ops::LookupOp;
use crate::settings::RunArgs;

/// How far the values went: what EZKL notes in a witness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extremes {
    /// Largest and smallest argument of a static table, and 0.
    pub max_lookup: i128,
    pub min_lookup: i128,
    /// The width of the widest range that is checked.
    pub max_range: i128,
}

/// The digits that values are decomposed into, and the extremes so far.
pub struct Context {
    base: u64,
    legs: u64,
    /// base^legs − 1: the largest magnitude that decomposes.
    limit: i128,
    /// Whether every einsum runs on the base gates.
    pub base_gates: bool,
    pub extremes: Extremes,
}

/// base^legs − 1, as far as a signed integer reaches.
fn largest(base: u64, legs: u64) -> i128 {
    let legs = u32::try_from(legs).unwrap_or(u32::MAX);
    i128::from(base)
        .checked_pow(legs)
        .map_or(i128::MAX, |n| n - 1)
}

impl Context {
    pub fn new(args: &RunArgs) -> Self {
        Self {
            base: args.decomp_base,
            legs: args.decomp_legs,
            limit: largest(args.decomp_base, args.decomp_legs),
            base_gates: args.disable_freivalds,
            extremes: Extremes::default(),
        }
    }

    /// Note a range check of values in low..=high.
    pub fn range(&mut self, low: i128, high: i128) {
        self.extremes.max_range = self.extremes.max_range.max(high - low);
    }

    /// Check that each value has as many digits as the circuit has room for.
    pub fn decompose(&mut self, values: &[i128]) -> Result<(), ExecuteFault> {
        self.range(-1, 1);
        self.range(0, i128::from(self.base) - 1);
        let (base, legs) = (self.base, self.legs);
        match values
            .iter()
            .find(|v| v.unsigned_abs() > self.limit.unsigned_abs())
        {
            Some(value) => Err(ExecuteFault::TooFewDigits {
                value: *value,
                base,
                legs,
            }),
            None => Ok(()),
        }
    }

    /// As [`Self::decompose`], with digits of the operator's own.
    pub fn decompose_into(
        &mut self,
        values: &[i128],
        base: u64,
        legs: u64,
    ) -> Result<(), ExecuteFault> {
        self.range(-1, 1);
        self.range(0, i128::from(base) - 1);
        let limit = largest(base, legs);
        match values
            .iter()
            .find(|v| v.unsigned_abs() > limit.unsigned_abs())
        {
            Some(value) => Err(ExecuteFault::TooFewDigits {
                value: *value,
                base,
                legs,
            }),
            None => Ok(()),
        }
    }

    /// Whether every value from `low` to `high` decomposes.
    pub fn holds(&self, low: i128, high: i128) -> bool {
        low >= -self.limit && high <= self.limit
    }

    /// Note a value that a static table is asked for.
    pub fn asks_table(&mut self, value: i128) {
        self.extremes.max_lookup = self.extremes.max_lookup.max(value);
        self.extremes.min_lookup = self.extremes.min_lookup.min(value);
    }

    /// Each value looked up in the operator's table.
    pub fn look_up(&mut self, op: &LookupOp, t: &Ints) -> Ints {
        for value in &t.data {
            self.asks_table(*value);
        }
        t.map(|x| table(op, *x))
    }

    /// Check that each value is 0 or 1.
    pub fn bits(&mut self, t: &Ints) -> Result<(), ExecuteFault> {
        self.range(0, 1);
        match t.data.iter().find(|v| !matches!(**v, 0 | 1)) {
            Some(value) => Err(ExecuteFault::NotABit { value: *value }),
            None => Ok(()),
        }
    }
}
