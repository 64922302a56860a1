//! The element-wise gates, and bare equality.

use super::assign::{Items, Region};
use super::error::Refusal;
use super::shape::{Element, Var};
use super::value::Value;

/// The shape that two shapes broadcast to.
pub fn broadcast_dims(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let dim = |t: &[usize], i: usize| (i + t.len()).checked_sub(rank).map_or(1, |j| t[j]);
    (0..rank)
        .map(|i| if dim(a, i) == 1 { dim(b, i) } else { dim(a, i) })
        .collect()
}

impl Region {
    /// a ∘ b, element by element: I0(a), I1(b), O(result).
    pub fn pairwise(&mut self, gate: Element, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let dims = broadcast_dims(&a.dims, &b.dims);
        let (a, b) = (a.broadcast(&dims)?, b.broadcast(&dims)?);
        self.assign(Var::I0, &a)?;
        self.assign(Var::I1, &b)?;
        let f = match gate {
            Element::Add => Value::plus,
            Element::Sub => Value::minus,
            Element::Mult => Value::times,
        };
        let values = a.values().zip(b.values()).map(|(a, b)| f(a, b));
        let out = self.assign(Var::O, &Items::fresh(values, &dims))?;
        for i in 0..out.len() {
            self.enable_element(gate, self.at + i)?;
        }
        self.at += out.len();
        Ok(out)
    }

    pub fn add(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        self.pairwise(Element::Add, a, b)
    }

    pub fn sub(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        self.pairwise(Element::Sub, a, b)
    }

    pub fn mult(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        self.pairwise(Element::Mult, a, b)
    }

    /// t times a constant.
    pub fn times(&mut self, t: &Items, factor: i128) -> Result<Items, Refusal> {
        let factor = Items::filled(factor, &[1])?;
        self.mult(t, &factor)
    }

    /// a = b: I1(a), O(b), and each pair copied.
    pub fn equality(&mut self, a: &Items, b: &Items) -> Result<(), Refusal> {
        let dims = broadcast_dims(&a.dims, &b.dims);
        let (a, b) = (a.broadcast(&dims)?, b.broadcast(&dims)?);
        self.hold(
            a.values().zip(b.values()),
            "values that are to be equal are not",
        )?;
        self.assign(Var::I1, &a)?;
        self.assign(Var::O, &b)?;
        for i in 0..a.len() {
            let left = self.cell(Var::I1, self.at + i)?;
            let right = self.cell(Var::O, self.at + i)?;
            self.copy(left, right);
        }
        self.at += a.len();
        Ok(())
    }

    /// t = the constant.
    pub fn equals_to(&mut self, constant: i128, t: &Items) -> Result<(), Refusal> {
        self.equality(&Items::filled(constant, &t.dims)?, t)
    }

    /// The items in cells: as they are where they have some, in O where not.
    pub fn identity(&mut self, t: &Items) -> Result<Items, Refusal> {
        if t.is_assigned() {
            return Ok(t.clone());
        }
        let out = self.assign(Var::O, t)?;
        self.at += out.len();
        Ok(out)
    }
}
