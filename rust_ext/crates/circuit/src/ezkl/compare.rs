//! Signs, comparisons, and the logic of bits.

use super::assign::{Item, Items, Region};
use super::error::Refusal;
use super::pairwise::broadcast_dims;
use super::shape::Var;
use super::value::{Value, inverses};

impl Region {
    /// 1 where t = 0.
    pub fn equals_zero(&mut self, t: &Items) -> Result<Items, Refusal> {
        let inverse = |(item, value): (&Item, Value)| match item.is_constant() {
            true => Item::fixed(value),
            false => Item::free(value),
        };
        let values = inverses(t.values());
        let inverses = Items::new(
            t.all.iter().zip(values).map(inverse).collect(),
            t.dims.clone(),
        );
        let product = self.mult(t, &inverses)?;
        let zero = self.sub(&Items::filled(1, &[1])?, &product)?;
        let check = self.mult(t, &zero)?;
        self.equality(&check, &Items::filled(0, &check.dims)?)?;
        Ok(zero.shaped(&t.dims))
    }

    /// 1 where a = b.
    pub fn equals(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let difference = self.sub(a, b)?;
        self.equals_zero(&difference)
    }

    fn equals_constant(&mut self, t: &Items, constant: i128) -> Result<Items, Refusal> {
        let constant = Items::filled(constant, &[1])?;
        self.equals(t, &constant)
    }

    /// −1, 0 or 1 for each item.
    pub fn sign(&mut self, t: &Items, zero_sign: bool) -> Result<Items, Refusal> {
        Ok(self.decompose(t, zero_sign)?.0)
    }

    /// |t|.
    pub fn abs(&mut self, t: &Items) -> Result<Items, Refusal> {
        let sign = self.sign(t, false)?;
        self.mult(t, &sign)
    }

    /// 1 where a > b.
    pub fn greater(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let dims = broadcast_dims(&a.dims, &b.dims);
        let difference = self.sub(&a.broadcast(&dims)?, &b.broadcast(&dims)?)?;
        let sign = self.sign(&difference, true)?;
        self.equals_constant(&sign, 1)
    }

    /// 1 where a ≥ b.
    pub fn greater_equal(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let more = self.add(a, &Items::filled(1, &[1])?)?;
        self.greater(&more, b)
    }

    /// t, checked to be 0 or 1.
    pub fn bits(&mut self, t: &Items) -> Result<Items, Refusal> {
        let out = self.assign(Var::O, t)?;
        self.at += out.len();
        self.range_check(t, (0, 1))?;
        Ok(out)
    }

    /// a where the mask is 1, b where it is 0.
    pub fn iff(&mut self, mask: &Items, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let mask = self.bits(mask)?;
        let rest = self.sub(&Items::filled(1, &[1])?, &mask)?;
        let first = self.mult(a, &mask)?;
        let second = self.mult(b, &rest)?;
        self.add(&first, &second)
    }

    /// 1 − t.
    pub fn not(&mut self, t: &Items) -> Result<Items, Refusal> {
        let (zero, one) = (Items::filled(0, &[1])?, Items::filled(1, &[1])?);
        self.iff(t, &zero, &one)
    }

    /// a ∧ b.
    pub fn and(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let a = self.bits(a)?;
        let b = self.bits(b)?;
        self.mult(&a, &b)
    }

    /// a ∨ b.
    pub fn or(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let b = self.bits(b)?;
        self.iff(a, a, &b)
    }

    /// a ⊕ b.
    pub fn xor(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let not_a = self.not(a)?;
        let not_b = self.not(b)?;
        let first = self.and(a, &not_b)?;
        let second = self.and(b, &not_a)?;
        self.add(&first, &second)
    }

    /// The larger, or the smaller.
    pub fn extreme(&mut self, a: &Items, b: &Items, largest: bool) -> Result<Items, Refusal> {
        let g = self.greater(a, b)?;
        let n = self.not(&g)?;
        let (of_a, of_b) = if largest { (g, n) } else { (n, g) };
        let first = self.mult(a, &of_a)?;
        let second = self.mult(b, &of_b)?;
        self.add(&first, &second)
    }

    /// Leaky ReLU with a slope quantised at `scale`.
    pub fn leaky_relu(&mut self, t: &Items, slope: f32, scale: i32) -> Result<Items, Refusal> {
        let sign = self.sign(t, false)?;
        let mask = self.equals_constant(&sign, 1)?;
        let kept = self.mult(t, &mask)?;
        if slope == 0.0 {
            return Ok(kept);
        }
        let unit = f64::from(scale).exp2();
        let kept = self.times(&kept, unit.round() as i128)?;
        let rest = self.not(&mask)?;
        let slope = self.times(&rest, (f64::from(slope) * unit).round() as i128)?;
        let part = self.mult(t, &slope)?;
        self.add(&kept, &part)
    }
}
