//! Claimed results and their checks: division, reciprocal, root, softmax.

use zkml_graph::ops::LookupOp;

use super::assign::{Item, Items, Region};
use super::error::{Refusal, unsupported};
use super::value::round;

/// A positive integer, as a scale or divisor has to be.
fn whole(value: f64) -> Result<i128, Refusal> {
    if value.fract() != 0.0 || !(1.0..=2f64.powi(100)).contains(&value) {
        return unsupported(format!("a scale or divisor of {value}"));
    }
    Ok(value as i128)
}

impl Region {
    /// t divided by a constant: a claim checked by its remainder, or a table where the constant is no integer.
    pub fn divide(&mut self, t: &Items, divisor: f64) -> Result<Items, Refusal> {
        if divisor == 1.0 {
            return Ok(t.clone());
        }
        if divisor.fract() != 0.0 {
            let denom = divisor as f32;
            return self.look_up(&LookupOp::Div { denom }, t);
        }
        let divisor = whole(divisor)?;
        let claimed = t.claim(|x| round(x as f64 / divisor as f64))?;
        let (_, claimed) = self.decompose(&claimed, false)?;
        let product = self.times(&claimed, divisor)?;
        let rest = self.sub(t, &product)?;
        let rest = self.abs(&rest)?;
        let below = self.greater(&Items::filled(divisor, &[1])?, &rest)?;
        self.equality(&below, &Items::filled(1, &below.dims)?)?;
        Ok(claimed)
    }

    /// |a − b|.
    fn distance(&mut self, a: &Items, b: &Items) -> Result<Items, Refusal> {
        let difference = self.sub(a, b)?;
        self.abs(&difference)
    }

    /// 1 where f has its least value at x, compared with its neighbours.
    fn is_best(
        &mut self,
        x: &Items,
        f: impl Fn(&mut Self, &Items) -> Result<Items, Refusal>,
    ) -> Result<Items, Refusal> {
        let one = Items::filled(1, &[1])?;
        let here = f(self, x)?;
        let above = self.add(x, &one)?;
        let above = f(self, &above)?;
        let below = self.sub(x, &one)?;
        let below = f(self, &below)?;
        let a = self.greater_equal(&above, &here)?;
        let b = self.greater(&below, &here)?;
        self.and(&b, &a)
    }

    /// sᵢ·sₒ/t.
    pub fn reciprocal(
        &mut self,
        t: &Items,
        (from, to): (f64, f64),
        epsilon: f64,
    ) -> Result<Items, Refusal> {
        let unit = whole(from * to)?;
        let at_zero = round(to / epsilon);
        let claimed = t.claim(|x| match x {
            0 => at_zero,
            x => round(to * (1.0 / (x as f64 / from))),
        })?;
        let (_, claimed) = self.decompose(&claimed, false)?;
        let zero = self.equals_zero(t)?;
        let rest = self.not(&zero)?;
        let at_zero = Items::filled(at_zero, &[1])?;
        let largest = self.equals(&claimed, &at_zero)?;
        let target = self.mult(&Items::filled(unit, &[1])?, &rest)?;
        self.equality(&zero, &largest)?;
        let best = self.is_best(&claimed, |r, x| {
            let product = r.mult(x, t)?;
            r.distance(&product, &target)
        })?;
        let ok = self.add(&best, &zero)?;
        self.equality(&ok, &Items::filled(1, &ok.dims)?)?;
        Ok(claimed)
    }

    /// s·√(t/s).
    pub fn root(&mut self, t: &Items, scale: f64) -> Result<Items, Refusal> {
        let claimed = t.claim(|x| round(scale * (x as f64 / scale).sqrt()))?;
        let claimed = self.abs(&claimed)?;
        let target = self.times(t, whole(scale)?)?;
        let best = self.is_best(&claimed, |r, x| {
            let square = r.mult(x, x)?;
            r.distance(&square, &target)
        })?;
        self.equality(&best, &Items::filled(1, &best.dims)?)?;
        Ok(claimed)
    }

    /// Softmax of one list.
    pub fn softmax(
        &mut self,
        line: &[Item],
        (from, to): (f32, f32),
        epsilon: f64,
    ) -> Result<Vec<Item>, Refusal> {
        let sorted = self.sort(line)?;
        let top = Items::one(*sorted.last().ok_or(Refusal::Shape)?);
        let differences = self.sub(&Items::list(line.to_vec()), &top)?;
        let exp = LookupOp::Exp {
            scale: from,
            base: std::f32::consts::E,
        };
        let exponentials = self.look_up(&exp, &differences)?;
        let total = Items::one(self.sum(&exponentials.all)?);
        let scales = (f64::from(from), f64::from(to));
        let inverse = self.reciprocal(&total, scales, epsilon)?;
        Ok(self.mult(&exponentials, &inverse)?.all)
    }
}
