//! Rounding to a multiple of a unit: the last digit in that base goes, and the one before it may take one more.

use zkml_graph::ops::LookupOp;

use super::assign::{Item, Items, Region};
use super::error::{Refusal, unsupported};
use super::shape::Var;

/// How a value is rounded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    Down,
    Up,
    HalfToEven,
}

impl Region {
    /// t rounded to a multiple of `unit`, taken apart into `legs` digits of that base.
    pub fn round_to(
        &mut self,
        t: &Items,
        unit: f32,
        legs: u64,
        rounding: Rounding,
    ) -> Result<Items, Refusal> {
        if unit.fract() != 0.0 || !(2.0..=16_777_216.0).contains(&unit) || legs < 2 {
            return unsupported(format!("rounding to a unit of {unit} with {legs} digits"));
        }
        let base = unit as u64;
        let parts = self.decompose_into(t, base, legs, true)?;
        let legs = legs as usize;
        let side = match rounding {
            Rounding::Down => Some(-1),
            Rounding::Up => Some(1),
            Rounding::HalfToEven => None,
        };
        let side = match side {
            Some(side) => {
                let side = self.assign(Var::I1, &Items::one(Item::constant(side)))?;
                self.at += 1;
                Some(side)
            }
            None => None,
        };
        let mut cells = Vec::with_capacity(t.len() * (legs + 1));
        for (sign, digits) in parts.sign.all.iter().zip(parts.digits.all.chunks(legs)) {
            let (kept, last) = (Items::one(digits[legs - 2]), Items::one(digits[legs - 1]));
            let more = match &side {
                Some(side) => self.goes_on(&Items::one(*sign), &last, side)?,
                None => self.is_beyond_half(&kept, &last, base)?,
            };
            let kept = self.add(&kept, &more)?;
            cells.push(*sign);
            cells.extend(&digits[..legs - 2]);
            cells.push(kept.all[0]);
            cells.push(Item::constant(0));
        }
        let cells = self.assign(Var::I0, &Items::list(cells))?;
        self.at += cells.len();
        let rows = || cells.all.chunks(legs + 1);
        let signs = Items::new(rows().map(|r| r[0]).collect(), t.dims.clone());
        let digits: Vec<Item> = rows().flat_map(|r| r[1..].iter().copied()).collect();
        let sums = Items::new(self.recompose(&digits, base, legs)?, t.dims.clone());
        self.mult(&sums, &signs)
    }

    /// 1 where the last digit is not 0 and the sign is that of `side`.
    fn goes_on(&mut self, sign: &Items, last: &Items, side: &Items) -> Result<Items, Refusal> {
        let zero = self.equals_zero(last)?;
        let rest = self.not(&zero)?;
        let same = self.equals(sign, side)?;
        self.and(&rest, &same)
    }

    /// 1 where the last digit is more than half the base, or half of it after an odd digit.
    fn is_beyond_half(&mut self, kept: &Items, last: &Items, base: u64) -> Result<Items, Refusal> {
        let half = Items::filled(i128::from(base / 2), &[1])?;
        let equal = self.equals(last, &half)?;
        let odd = self.look_up(&LookupOp::IsOdd, kept)?;
        let tie = self.and(&odd, &equal)?;
        let more = self.greater(last, &half)?;
        self.or(&tie, &more)
    }
}
