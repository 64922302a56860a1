//! Static tables, range checks, and the decompositions that stand on them.

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_graph::ops::LookupOp;

use super::assign::{Item, Items, Region, felt};
use super::error::{Refusal, unsupported};
use super::shape::Var;

impl Region {
    /// Each item looked up: I0(t), O(result), I1(which table column).
    pub fn look_up(&mut self, op: &LookupOp, t: &Items) -> Result<Items, Refusal> {
        let found = self.shape.lookups.iter().position(|l| l == op);
        let op = found.ok_or_else(|| Refusal::Missing {
            what: format!("table of {op:?}"),
        })?;
        self.assign(Var::I0, t)?;
        let out = self.assign(Var::O, &Items::free(&t.dims)?)?;
        for i in 0..t.len() {
            let (block, inner, row) = self.position(self.at + i)?;
            let selector = self.shape.lookup_selector(op, block, inner);
            self.active[selector].set(row);
        }
        self.at += t.len();
        Ok(out)
    }

    /// low ≤ t ≤ high: I0(t), I1(which table column). Returns the I0 cells.
    pub fn range_check(&mut self, t: &Items, range: (i128, i128)) -> Result<Items, Refusal> {
        let found = self.shape.ranges.iter().position(|r| *r == range);
        let range = found.ok_or_else(|| Refusal::Missing {
            what: format!("range {range:?}"),
        })?;
        let out = self.assign(Var::I0, t)?;
        for i in 0..t.len() {
            let (block, inner, row) = self.position(self.at + i)?;
            let selector = self.shape.range_selector(range, block, inner);
            self.active[selector].set(row);
        }
        self.at += t.len();
        Ok(out)
    }

    /// Sign and digits of every item, checked against it. Returns the sign cells in O, and t in cells.
    pub fn decompose(&mut self, t: &Items, zero_sign: bool) -> Result<(Items, Items), Refusal> {
        let (base, legs) = (self.base, self.legs);
        let legs = match usize::try_from(legs) {
            Ok(n) if (1..=128).contains(&n) => n,
            _ => return unsupported(format!("{legs} digits")),
        };
        let t = if t.is_assigned() {
            t.clone()
        } else {
            self.assign(Var::I0, t)?
        };
        let parts = self.assign(Var::O, &Items::free(&[t.len(), legs + 1])?)?;
        self.at += parts.len();
        let rows = || parts.all.chunks_exact(legs + 1);
        let claimed = Items::new(rows().map(|r| r[0]).collect(), t.dims.clone());
        let digits = Items::list(rows().flat_map(|r| r[1..].iter().copied()).collect());
        let sign = self.range_check(&claimed, (-1, 1))?;
        if zero_sign {
            let zero = self.equals_zero(&t)?;
            let product = self.mult(&sign, &zero)?;
            self.equality(&product, &Items::filled(0, &t.dims)?)?;
        }
        let digits = self.range_check(&digits, (0, i128::from(base) - 1))?;
        let mut powers = vec![Fr::ONE];
        for _ in 1..legs {
            powers.push(powers[powers.len() - 1] * felt(i128::from(base)));
        }
        let powers: Vec<Item> = powers.into_iter().rev().map(Item::Constant).collect();
        let mut sums = Vec::with_capacity(t.len());
        for row in digits.all.chunks_exact(legs) {
            sums.push(self.dot(row, &powers)?);
        }
        let sums = Items::new(sums, t.dims.clone());
        let product = self.mult(&sums, &sign)?;
        self.equality(&t, &product)?;
        Ok((claimed, t))
    }
}
