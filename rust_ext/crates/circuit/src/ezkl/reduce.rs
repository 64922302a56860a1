//! The accumulating gates: dot products, sums, products, w inner columns a row.

use zkml_graph::execute::{cells, offsets, strides};

use super::assign::{Cell, Item, Items, Region};
use super::error::Refusal;
use super::shape::{Accumulate, Var};
use super::value::Value;

impl Region {
    /// A multiple of the width: the rest is the constant.
    pub(super) fn padded(&self, items: &[Item], filler: i128) -> Vec<Item> {
        let mut out = items.to_vec();
        out.resize(
            items.len().next_multiple_of(self.shape.width),
            Item::constant(filler),
        );
        out
    }

    /// The last row of a block is said again at the head of the next one, where the accumulator is copied over.
    pub(super) fn duplicated(&self, items: &[Item], at: usize) -> Items {
        let (width, area) = (self.shape.width, self.shape.usable * self.shape.width);
        let mut out = Vec::with_capacity(items.len());
        let mut offset = at;
        for (i, item) in items.iter().enumerate() {
            out.push(*item);
            if (i + offset + 1).is_multiple_of(area) {
                out.extend(std::iter::repeat_n(*item, width));
                offset += width;
            }
        }
        Items::list(out)
    }

    /// The running accumulation, one cell a row in the first inner column of O. Returns the last one.
    fn accumulate(
        &mut self,
        values: &[Value],
        init: Accumulate,
        next: Accumulate,
    ) -> Result<Item, Refusal> {
        self.accumulate_at(
            self.at,
            values,
            |r, at| r.cell(Var::O, at),
            |r, at, first| r.enable_accumulate(if first { init } else { next }, at),
        )
    }

    /// As [`Self::accumulate`], from a coordinate on of any variable: `cell` says where it is, `enable` switches its gate on.
    pub(super) fn accumulate_at(
        &mut self,
        mut at: usize,
        values: &[Value],
        cell: impl Fn(&Self, usize) -> Result<Cell, Refusal>,
        enable: impl Fn(&mut Self, usize, bool) -> Result<(), Refusal>,
    ) -> Result<Item, Refusal> {
        let (width, usable) = (self.shape.width, self.shape.usable);
        let mut offset = at / width % usable;
        let mut last = Item::UNKNOWN;
        for (i, value) in values.iter().enumerate() {
            last = self.put(cell(self, at)?, Item::free(*value));
            enable(self, at, i == 0)?;
            at += width;
            if (i + offset + 1).is_multiple_of(usable) {
                let again = cell(self, at)?;
                self.put(again, last);
                offset += 1;
                at += width;
            }
        }
        Ok(last)
    }

    /// Σ a·b.
    pub fn dot(&mut self, a: &[Item], b: &[Item]) -> Result<Item, Refusal> {
        self.flush();
        let (a, b) = (self.padded(a, 0), self.padded(b, 0));
        let mut total = Value::ZERO;
        let rows = a.chunks(self.shape.width).zip(b.chunks(self.shape.width));
        let values: Vec<Value> = rows
            .map(|(a, b)| {
                for (a, b) in a.iter().zip(b) {
                    total = total.plus(a.value.times(b.value));
                }
                total
            })
            .collect();
        let (a, b) = (self.duplicated(&a, self.at), self.duplicated(&b, self.at));
        self.assign(Var::I0, &a)?;
        self.assign(Var::I1, &b)?;
        let last = self.accumulate(&values, Accumulate::DotInit, Accumulate::Dot)?;
        self.at += a.len();
        Ok(last)
    }

    fn fold(
        &mut self,
        t: &[Item],
        filler: i128,
        (init, next): (Accumulate, Accumulate),
        f: impl Fn(Value, Value) -> Value,
    ) -> Result<Item, Refusal> {
        self.flush();
        let t = self.padded(t, filler);
        let mut total = Value::int(filler);
        let values: Vec<Value> = t
            .chunks(self.shape.width)
            .map(|row| {
                total = row.iter().fold(total, |acc, item| f(acc, item.value));
                total
            })
            .collect();
        let t = self.duplicated(&t, self.at);
        self.assign(Var::I1, &t)?;
        let last = self.accumulate(&values, init, next)?;
        self.at += t.len();
        Ok(last)
    }

    /// Σ t; a single element is its own sum.
    pub fn sum(&mut self, t: &[Item]) -> Result<Item, Refusal> {
        match t {
            [only] => Ok(*only),
            _ => self.fold(t, 0, (Accumulate::SumInit, Accumulate::Sum), Value::plus),
        }
    }

    /// Π t.
    pub fn product(&mut self, t: &[Item]) -> Result<Item, Refusal> {
        self.fold(
            t,
            1,
            (Accumulate::CumProdInit, Accumulate::CumProd),
            Value::times,
        )
    }

    /// f of the items of each output, over axes that stay with length 1.
    pub fn over_axes(
        &mut self,
        t: &Items,
        axes: &[usize],
        mut f: impl FnMut(&mut Self, &[Item]) -> Result<Item, Refusal>,
    ) -> Result<Items, Refusal> {
        if axes.iter().any(|a| *a >= t.dims.len()) {
            return Err(Refusal::Shape);
        }
        let step = strides(&t.dims);
        let (mut kept, mut gone) = (t.dims.clone(), t.dims.clone());
        for (i, (k, g)) in kept.iter_mut().zip(&mut gone).enumerate() {
            *(if axes.contains(&i) { k } else { g }) = 1;
        }
        cells(&kept)?;
        let inner = offsets(&gone, &step);
        let mut all = Vec::new();
        for base in offsets(&kept, &step) {
            let items: Vec<Item> = inner.iter().map(|i| t.all[base + i]).collect();
            all.push(f(self, &items)?);
        }
        Ok(Items::new(all, kept))
    }
}
