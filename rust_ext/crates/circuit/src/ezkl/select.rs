//! Dynamic lookups: the item of a list at an index that the witness chooses, and the operators that stand on them.

use zkml_graph::ExecuteFault;
use zkml_graph::execute::{cells, offsets, strides};

use super::assign::{Item, Items, Region};
use super::error::{Refusal, unsupported};
use super::shape::Var;
use super::value::Value;

/// The values at these indices; unknown where the index is.
fn chosen(values: &Items, index: &Items) -> Result<Vec<Value>, Refusal> {
    let size = values.len();
    let value = |at: Value| match at.integer()? {
        None => Ok(Value::Unknown),
        Some(index) => match usize::try_from(index).ok().and_then(|i| values.all.get(i)) {
            Some(item) => Ok(item.value),
            None => Err(ExecuteFault::Index { index, size }.into()),
        },
    };
    index.values().map(value).collect()
}

/// All coordinates of a shape in row-major order.
fn coordinates(dims: &[usize]) -> Vec<Vec<usize>> {
    let all = vec![Vec::new()];
    dims.iter().fold(all, |all, dim| {
        let longer = |head: &Vec<usize>, i: usize| [head.as_slice(), &[i]].concat();
        all.iter()
            .flat_map(|head| (0..*dim).map(move |i| longer(head, i)))
            .collect()
    })
}

impl Region {
    /// The values at these indices, looked up in a table of position and value.
    pub fn select(&mut self, values: &Items, index: &Items) -> Result<Items, Refusal> {
        if !self.shape.dynamic {
            return Err(Refusal::Missing {
                what: "dynamic lookup".to_owned(),
            });
        }
        let (n, usable) = (values.len(), self.shape.usable);
        if self.table_at / usable != (self.table_at + n.max(1) - 1) / usable {
            return unsupported("a dynamic table across blocks");
        }
        let number = i128::from(self.lookups);
        let positions = Items::list((0..n).map(|i| Item::constant(i as i128)).collect());
        self.assign_table(0, &positions)?;
        self.assign_table(1, values)?;
        self.assign_table(2, &Items::filled(number, &[n])?)?;
        self.assign(Var::I0, index)?;
        let fresh = Items::fresh(chosen(values, index)?.into_iter(), &index.dims);
        let out = self.assign(Var::I1, &fresh)?;
        self.assign(Var::O, &Items::filled(number, &[index.len()])?)?;
        let q = self.table_at / usable;
        for i in 0..n {
            let row = (self.table_at + i) % usable;
            self.enable(self.shape.table_selector(false, q), row);
        }
        for i in 0..index.len() {
            let (block, inner, row) = self.position(self.at + i)?;
            self.enable(self.shape.entry_selector(false, q, block, inner), row);
        }
        self.at += index.len();
        self.table_at += n;
        self.lookups += 1;
        Ok(out)
    }

    /// index·stride + offset.
    fn linear_index(&mut self, index: Item, stride: usize, offset: usize) -> Result<Item, Refusal> {
        let product = self.times(&Items::one(index), stride as i128)?;
        let sum = self.add(&product, &Items::filled(offset as i128, &[1])?)?;
        Ok(sum.all[0])
    }

    /// The slices at `index` along an axis; the axes of the index stand in place of that axis.
    pub fn gather(&mut self, t: &Items, index: &Items, axis: usize) -> Result<Items, Refusal> {
        if axis >= t.dims.len() {
            return Err(Refusal::Shape);
        }
        let step = strides(&t.dims);
        let (before, after) = (&t.dims[..axis], &t.dims[axis + 1..]);
        let dims: Vec<usize> = [before, &index.dims, after].concat();
        cells(&dims)?;
        let mut at = Vec::new();
        for lead in offsets(before, &step[..axis]) {
            for item in &index.all {
                for tail in offsets(after, &step[axis + 1..]) {
                    at.push(self.linear_index(*item, step[axis], lead + tail)?);
                }
            }
        }
        self.select(&Items::list(t.all.clone()), &Items::new(at, dims))
    }

    /// The item at each index along an axis, the other coordinates being those of the index itself.
    pub fn gather_elements(
        &mut self,
        t: &Items,
        index: &Items,
        axis: usize,
    ) -> Result<Items, Refusal> {
        if axis >= t.dims.len() || index.dims.len() != t.dims.len() {
            return Err(Refusal::Shape);
        }
        let step = strides(&t.dims);
        let mut others = step.clone();
        others[axis] = 0;
        let mut at = Vec::with_capacity(index.len());
        for (item, offset) in index.all.iter().zip(offsets(&index.dims, &others)) {
            at.push(self.linear_index(*item, step[axis], offset)?);
        }
        let at = Items::new(at, index.dims.clone());
        self.select(&Items::list(t.all.clone()), &at)
    }

    /// The slices that the tuples along the index's last axis name.
    pub fn gather_nd(&mut self, t: &Items, index: &Items) -> Result<Items, Refusal> {
        let (width, lead) = index.dims.split_last().ok_or(Refusal::Shape)?;
        if *width == 0 || *width > t.dims.len() {
            return Err(Refusal::Shape);
        }
        let step = strides(&t.dims);
        let rest = &t.dims[*width..];
        let dims: Vec<usize> = [lead, rest].concat();
        cells(&dims)?;
        let constant = |n: &usize| Item::constant(*n as i128);
        let factors = Items::list(step.iter().map(constant).collect());
        let mut at = Vec::new();
        for tuple in index.all.chunks(*width) {
            for rest in coordinates(rest) {
                // The whole coordinate: what the index says, then where in the slice.
                let mut whole = tuple.to_vec();
                whole.extend(rest.iter().map(constant));
                let mut terms = self.mult(&Items::list(whole), &factors)?.all;
                terms.push(Item::constant(0));
                at.push(self.sum(&terms)?);
            }
        }
        self.select(&Items::list(t.all.clone()), &Items::new(at, dims))
    }

    /// A last axis of `classes` bits, the one at the value set.
    pub fn one_hot(&mut self, t: &Items, classes: usize) -> Result<Items, Refusal> {
        let mut dims = t.dims.clone();
        dims.push(classes);
        cells(&dims)?;
        let mut all = Vec::new();
        for item in &t.all {
            let x = self.assign(Var::I0, &Items::one(*item))?;
            let known = item.value.integer()?;
            let bit =
                |i: usize| known.map_or(Value::Unknown, |v| Value::int((v == i as i128).into()));
            let bits = self.bits(&Items::fresh((0..classes).map(bit), &[classes]))?;
            self.at += classes;
            let total = Items::one(self.sum(&bits.all)?);
            self.equals_to(1, &total)?;
            let found = self.gather(&bits, &x, 0)?;
            self.equals_to(1, &found)?;
            all.extend(bits.all);
        }
        Ok(Items::new(all, dims))
    }
}
