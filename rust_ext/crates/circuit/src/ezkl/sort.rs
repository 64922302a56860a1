//! Sorted lists: a shuffle of the original, in ascending order.

use zkml_graph::execute::{cells, offsets, strides};

use super::assign::{Item, Items, Region};
use super::error::{Refusal, unsupported};
use super::shape::Var;
use super::value::Value;

/// The positions of the items in ascending order of their values, earlier ones first among equals; `None` while they are unknown.
fn ascending(line: &[Item]) -> Result<Vec<Option<usize>>, Refusal> {
    let integers = line.iter().map(|item| item.value.integer());
    let Some(integers) = integers.collect::<Result<Option<Vec<i128>>, _>>()? else {
        return Ok(vec![None; line.len()]);
    };
    let mut order: Vec<usize> = (0..line.len()).collect();
    order.sort_by_key(|i| integers[*i]);
    Ok(order.into_iter().map(Some).collect())
}

fn position(at: Option<usize>) -> Value {
    at.map_or(Value::Unknown, |i| Value::int(i as i128))
}

/// The position of the extreme item, the first among equals.
fn extreme_position(line: &[Item], maximum: bool) -> Result<Value, Refusal> {
    let integers = line.iter().map(|item| item.value.integer());
    let Some(integers) = integers.collect::<Result<Option<Vec<i128>>, _>>()? else {
        return Ok(Value::Unknown);
    };
    let extreme = match maximum {
        true => integers.iter().max(),
        false => integers.iter().min(),
    };
    let at = extreme.and_then(|e| integers.iter().position(|v| v == e));
    at.map(|i| Value::int(i as i128)).ok_or(Refusal::Shape)
}

/// The positions that the circuit compares beside the sorted items: ascending among equals, and the extreme one's that of the result.
///
/// No constraint ties them to the shuffle, and EZKL's result is the first among equals: among the largest they are counted back
/// from it.
fn claimed_positions(
    line: &[Item],
    order: &[Option<usize>],
    first: Value,
    maximum: bool,
) -> Result<Vec<Value>, Refusal> {
    let mut out: Vec<Value> = order.iter().map(|i| position(*i)).collect();
    let (true, Some(first), Some(Some(last))) = (maximum, first.integer()?, order.last()) else {
        return Ok(out);
    };
    let top = line[*last].value;
    for (back, (out, at)) in out.iter_mut().zip(order).rev().enumerate() {
        if at.is_none_or(|i| line[i].value != top) {
            break;
        }
        *out = Value::int(first - back as i128);
    }
    Ok(out)
}

impl Region {
    /// Both lists hold the same items: the table in D0, the values looked up in I0, and in D2, claimed, the position among the
    /// values of each item of the table.
    fn shuffle(&mut self, table: &Items, values: &Items, order: &[Value]) -> Result<(), Refusal> {
        if !self.shape.shuffles {
            return Err(Refusal::Missing {
                what: "shuffle".to_owned(),
            });
        }
        let (len, usable) = (values.len(), self.shape.usable);
        if self.table_at / usable != (self.table_at + len.max(1) - 1) / usable {
            return unsupported("a dynamic table across blocks");
        }
        let number = Items::filled(i128::from(self.shuffles), &[len])?;
        self.assign_table(0, table)?;
        self.assign(Var::I0, values)?;
        let number = self.assign_table(1, &number)?;
        self.assign(Var::I1, &number)?;
        self.assign_table(2, &Items::fresh(order.iter().copied(), &[len]))?;
        let positions = Items::list((0..len).map(|i| Item::constant(i as i128)).collect());
        self.assign(Var::O, &positions)?;
        let q = self.table_at / usable;
        for i in 0..len {
            let table = self.shape.table_selector(true, q);
            self.enable(table, (self.table_at + i) % usable);
            let (block, inner, row) = self.position(self.at + i)?;
            let entry = self.shape.entry_selector(true, q, block, inner);
            self.enable(entry, row);
        }
        self.at += len;
        self.table_at += len;
        self.shuffles += 1;
        Ok(())
    }

    /// The items in this order, and a shuffle that says so.
    fn shuffled(&mut self, line: &[Item], order: &[Option<usize>]) -> Result<Items, Refusal> {
        let values = order
            .iter()
            .map(|i| i.map_or(Value::Unknown, |i| line[i].value));
        let sorted = self.assign(Var::I0, &Items::fresh(values, &[line.len()]))?;
        self.at += line.len();
        let order: Vec<Value> = order.iter().map(|i| position(*i)).collect();
        self.shuffle(&sorted, &Items::list(line.to_vec()), &order)?;
        Ok(sorted)
    }

    /// The items in ascending order.
    pub fn sort(&mut self, line: &[Item]) -> Result<Vec<Item>, Refusal> {
        let order = ascending(line)?;
        let sorted = self.shuffled(line, &order)?;
        if let [_, ..] = line.get(1..).unwrap_or_default() {
            let next = Items::list(sorted.all[1..].to_vec());
            let here = Items::list(sorted.all[..line.len() - 1].to_vec());
            let ascending = self.greater_equal(&next, &here)?;
            self.equals_to(1, &ascending)?;
        }
        Ok(sorted.all)
    }

    /// The position of the largest or smallest item.
    pub fn arg_extreme(&mut self, line: &[Item], maximum: bool) -> Result<Item, Refusal> {
        let order = ascending(line)?;
        let first = extreme_position(line, maximum)?;
        let result = self.assign(Var::I1, &Items::one(Item::free(first)))?;
        self.at += 1;
        let original = Items::list(line.to_vec());
        let best = self.select(&original, &result)?;
        let sorted = self.shuffled(line, &order)?;
        let places = Items::fresh(
            claimed_positions(line, &order, first, maximum)?.into_iter(),
            &[line.len()],
        );
        if line.len() > 1 {
            let pair = |t: &Items| {
                let (next, here) = (t.all[1..].to_vec(), t.all[..line.len() - 1].to_vec());
                (Items::list(next), Items::list(here))
            };
            let (next, here) = pair(&sorted);
            let more = self.greater(&next, &here)?;
            let equal = self.equals(&next, &here)?;
            let (next, here) = pair(&places);
            let later = self.greater(&next, &here)?;
            let tie = self.and(&equal, &later)?;
            let ascending = self.or(&more, &tie)?;
            self.equals_to(1, &ascending)?;
        }
        let end = if maximum { line.len() - 1 } else { 0 };
        self.equality(&best, &Items::one(sorted.all[end]))?;
        self.equality(&result, &Items::one(places.all[end]))?;
        Ok(result.all[0])
    }

    /// f of each line along an axis; the result has `length` items along it.
    pub fn lines(
        &mut self,
        t: &Items,
        axis: usize,
        length: usize,
        mut f: impl FnMut(&mut Self, &[Item]) -> Result<Vec<Item>, Refusal>,
    ) -> Result<Items, Refusal> {
        let size = *t.dims.get(axis).ok_or(Refusal::Shape)?;
        let step = strides(&t.dims);
        let (mut outer, mut dims) = (t.dims.clone(), t.dims.clone());
        outer[axis] = 1;
        dims[axis] = length;
        let mut all = vec![Item::UNKNOWN; cells(&dims)?];
        let out_step = strides(&dims);
        for (from, to) in offsets(&outer, &step)
            .into_iter()
            .zip(offsets(&outer, &out_step))
        {
            let line: Vec<Item> = (0..size).map(|i| t.all[from + i * step[axis]]).collect();
            for (i, item) in f(self, &line)?.into_iter().take(length).enumerate() {
                all[to + i * out_step[axis]] = item;
            }
        }
        Ok(Items::new(all, dims))
    }

    /// The k largest or smallest along an axis.
    pub fn top_k(
        &mut self,
        t: &Items,
        axis: usize,
        k: usize,
        largest: bool,
    ) -> Result<Items, Refusal> {
        if t.dims.get(axis).is_none_or(|d| k > *d) {
            return Err(Refusal::Shape);
        }
        self.lines(t, axis, k, |r, line| {
            let mut sorted = r.sort(line)?;
            if largest {
                sorted.reverse();
            }
            Ok(sorted)
        })
    }
}
