//! Static tables, range checks, and the decompositions that stand on them.

use zkml_graph::ExecuteFault;
use zkml_graph::execute::table;
use zkml_graph::ops::LookupOp;

use super::assign::{Item, Items, Region};
use super::error::{Refusal, unsupported};
use super::shape::Var;
use super::value::Value;

/// Numbers taken apart: the sign and digit cells in O, digits of one number after those of another, and the numbers in cells.
pub struct Parts {
    pub sign: Items,
    pub digits: Items,
    pub whole: Items,
}

/// Sign and digits of a value, the most significant first.
fn split(value: Value, base: u64, legs: usize, out: &mut Vec<Value>) -> Result<(), Refusal> {
    let Some(value) = value.integer()? else {
        out.extend(std::iter::repeat_n(Value::Unknown, legs + 1));
        return Ok(());
    };
    out.push(Value::int(value.signum()));
    let first = out.len();
    let mut rest = value.unsigned_abs();
    for _ in 0..legs {
        out.push(Value::int((rest % u128::from(base)) as i128));
        rest /= u128::from(base);
    }
    out[first..].reverse();
    if rest != 0 {
        let legs = legs as u64;
        return Err(ExecuteFault::TooFewDigits { value, base, legs }.into());
    }
    Ok(())
}

impl Region {
    /// Each item looked up: I0(t), O(result), I1(which table column).
    pub fn look_up(&mut self, op: &LookupOp, t: &Items) -> Result<Items, Refusal> {
        let found = self.shape.lookups.iter().position(|l| l == op);
        let op = found.ok_or_else(|| Refusal::Missing {
            what: format!("table of {op:?}"),
        })?;
        let (low, columns) = (self.shape.lookup_range.0, self.shape.lookup_columns());
        let entries = (columns * self.shape.table_rows()) as i128;
        self.hold_within(t, (low, low + entries - 1))?;
        self.assign(Var::I0, t)?;
        let function = self.shape.lookups[op].clone();
        let out = self.assign(Var::O, &t.claim(|x| table(&function, x))?)?;
        self.assign_chunks(t, low, columns)?;
        for i in 0..t.len() {
            let (block, inner, row) = self.position(self.at + i)?;
            self.enable(self.shape.lookup_selector(op, block, inner), row);
        }
        self.at += t.len();
        Ok(out)
    }

    /// low ≤ t ≤ high: I0(t), I1(which table column). Returns the I0 cells.
    pub fn range_check(&mut self, t: &Items, range: (i128, i128)) -> Result<Items, Refusal> {
        let found = self.shape.ranges.iter().position(|r| *r == range);
        let number = found.ok_or_else(|| Refusal::Missing {
            what: format!("range {range:?}"),
        })?;
        self.hold_within(t, range)?;
        let out = self.assign(Var::I0, t)?;
        self.assign_chunks(t, range.0, self.shape.range_columns(number))?;
        for i in 0..t.len() {
            let (block, inner, row) = self.position(self.at + i)?;
            self.enable(self.shape.range_selector(number, block, inner), row);
        }
        self.at += t.len();
        Ok(out)
    }

    /// I1: which of its table's columns each item is found in. One column needs no number.
    fn assign_chunks(&mut self, t: &Items, low: i128, columns: usize) -> Result<(), Refusal> {
        if columns < 2 {
            return Ok(());
        }
        let rows = self.shape.table_rows() as i128;
        let chunks = t.claim(|x| (x - low).div_euclid(rows))?;
        self.assign(Var::I1, &chunks)?;
        Ok(())
    }

    /// Sign and digits of every item in the circuit's base, checked against it. Returns the sign cells in O, and t in cells.
    pub fn decompose(&mut self, t: &Items, zero_sign: bool) -> Result<(Items, Items), Refusal> {
        let parts = self.decompose_into(t, self.base, self.legs, zero_sign)?;
        Ok((parts.sign, parts.whole))
    }

    /// As [`Self::decompose`], in any base and number of digits.
    pub fn decompose_into(
        &mut self,
        t: &Items,
        base: u64,
        legs: u64,
        zero_sign: bool,
    ) -> Result<Parts, Refusal> {
        let legs = match usize::try_from(legs) {
            Ok(n) if (1..=128).contains(&n) && base >= 2 => n,
            _ => return unsupported(format!("{legs} digits of base {base}")),
        };
        let whole = if t.is_assigned() {
            t.clone()
        } else {
            self.assign(Var::I0, t)?
        };
        let t = &whole;
        let mut values = Vec::with_capacity(t.len() * (legs + 1));
        for value in t.values() {
            split(value, base, legs, &mut values)?;
        }
        let parts = Items::fresh(values.into_iter(), &[t.len(), legs + 1]);
        let parts = self.assign(Var::O, &parts)?;
        self.at += parts.len();
        let rows = || parts.all.chunks_exact(legs + 1);
        let claimed = Items::new(rows().map(|r| r[0]).collect(), t.dims.clone());
        let claimed_digits = Items::list(rows().flat_map(|r| r[1..].iter().copied()).collect());
        let sign = self.range_check(&claimed, (-1, 1))?;
        if zero_sign {
            let zero = self.equals_zero(t)?;
            let product = self.mult(&sign, &zero)?;
            self.equality(&product, &Items::filled(0, &t.dims)?)?;
        }
        let digits = self.range_check(&claimed_digits, (0, i128::from(base) - 1))?;
        let sums = self.recompose(&digits.all, base, legs)?;
        let sums = Items::new(sums, t.dims.clone());
        let product = self.mult(&sums, &sign)?;
        self.equality(t, &product)?;
        Ok(Parts {
            sign: claimed,
            digits: claimed_digits,
            whole,
        })
    }

    /// The numbers that lists of digits stand for, the most significant first.
    pub fn recompose(
        &mut self,
        digits: &[Item],
        base: u64,
        legs: usize,
    ) -> Result<Vec<Item>, Refusal> {
        let mut powers = vec![Value::Int(1)];
        for _ in 1..legs {
            powers.push(powers[powers.len() - 1].times(Value::int(base.into())));
        }
        let powers: Vec<Item> = powers.into_iter().rev().map(Item::fixed).collect();
        // With a Freivalds area no einsum hands its cells on.
        let linked = self.shape.area.is_none();
        digits
            .chunks_exact(legs)
            .map(|row| {
                let sum = self.dot(row, &powers)?;
                Ok(if linked { sum } else { Item::free(sum.value) })
            })
            .collect()
    }
}
