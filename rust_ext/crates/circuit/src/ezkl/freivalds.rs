//! Matrix products in the Freivalds area: a claimed result and the operands, each reduced to one number by the same challenges.
//!
//! EZKL hands the result on as fresh values, which no copy ties to the area: see `docs/verifier.md`.

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_graph::execute::{cells, offsets, strides};

use super::area::{AreaVar, Equation, Kind, Pair, Run};
use super::assign::{Cell, Item, Items, Place, Region};
use super::error::{Refusal, unsupported};
use super::value::Value;

/// An operand on the way: its axes, and whether its cells depend on challenges.
struct Term {
    axes: Vec<char>,
    items: Vec<Item>,
    second: bool,
}

impl Term {
    /// The items in an order of other axes, those that the term lacks repeated.
    fn along(&self, equation: &Equation, axes: &[char]) -> Result<Vec<Item>, Refusal> {
        let dims = equation.dims(axes);
        cells(&dims)?;
        let steps = self.steps(equation, axes);
        let places = offsets(&dims, &steps);
        Ok(places.into_iter().map(|i| self.items[i]).collect())
    }

    /// How far one step along each axis moves.
    fn steps(&self, equation: &Equation, axes: &[char]) -> Vec<usize> {
        let own = strides(&equation.dims(&self.axes));
        let step = |axis: &char| self.axes.iter().position(|a| a == axis).map(|i| own[i]);
        axes.iter().map(|a| step(a).unwrap_or(0)).collect()
    }

    /// The lines along an axis, one for each place of the other axes.
    fn lines(
        &self,
        equation: &Equation,
        others: &[char],
        axis: char,
    ) -> Result<Vec<Vec<Item>>, Refusal> {
        let length = equation.size(axis);
        let mut axes = others.to_vec();
        axes.push(axis);
        let all = self.along(equation, &axes)?;
        Ok(all.chunks(length).map(<[Item]>::to_vec).collect())
    }
}

impl Region {
    /// An einsum of a circuit that has a Freivalds area: checked there, or on the base gates; the result is not tied to the check.
    pub(super) fn unlinked_einsum(
        &mut self,
        text: &str,
        inputs: &[&Items],
    ) -> Result<Items, Refusal> {
        let axes = super::einsum::axes(text, inputs)?;
        let equation = Equation::new(text, |axis| Some(axes.length(axis)))?;
        let reduced: Vec<Items> = equation
            .terms
            .iter()
            .zip(inputs)
            .map(|(term, t)| (*t).clone().shaped(&equation.dims(term)))
            .collect();
        let dims: Vec<usize> = axes.output.iter().map(|(_, d)| *d).collect();
        let reduced: Vec<&Items> = reduced.iter().collect();
        let values: Vec<Value> = if equation.is_checked_by_combination() {
            let values = super::einsum::values(&equation.text(), &reduced)?;
            let operands: Vec<Term> = equation
                .terms
                .iter()
                .zip(&reduced)
                .map(|(axes, t)| Term {
                    axes: axes.clone(),
                    items: t.all.clone(),
                    second: false,
                })
                .collect();
            self.check_product(&equation, operands, &values)?;
            values
        } else {
            let linked = self.linked_einsum(&equation.text(), &reduced)?;
            linked.values().collect()
        };
        Ok(Items::fresh(values.into_iter(), &dims))
    }

    fn check_product(
        &mut self,
        equation: &Equation,
        mut terms: Vec<Term>,
        claimed: &[Value],
    ) -> Result<(), Refusal> {
        let mut output = Term {
            axes: equation.output.clone(),
            items: claimed.iter().map(|v| Item::free(*v)).collect(),
            second: false,
        };
        for number in (0..equation.output.len()).rev() {
            let result = equation.output[..number].to_vec();
            output = self.combined(equation, &output, number, result)?;
        }
        let total = *output.items.first().ok_or(Refusal::Shape)?;
        let cell = self.area_cell(AreaVar::F1, self.area_at)?;
        let total = self.put(cell, total);
        self.area_at += 1;

        for step in equation.plan() {
            let mut held = Vec::with_capacity(step.holding.len());
            for at in step.holding.iter().rev() {
                held.insert(0, terms.remove(*at));
            }
            let term = match (step.kind, held.as_slice()) {
                (Kind::Combine(number), [only]) => {
                    self.combined(equation, only, number, step.result)?
                }
                (Kind::Multiply, [a, b]) => self.area_product(equation, a, b, step.result)?,
                (Kind::Contract(axis), [only]) => {
                    let mut items = Vec::new();
                    for line in only.lines(equation, &step.result, axis)? {
                        items.push(self.area_sum(&line, only.second)?);
                    }
                    Term {
                        axes: step.result,
                        items,
                        second: only.second,
                    }
                }
                (Kind::Contract(axis), [a, b]) => {
                    let mut items = Vec::new();
                    let lines = a.lines(equation, &step.result, axis)?;
                    let others = b.lines(equation, &step.result, axis)?;
                    for (x, y) in lines.iter().zip(&others) {
                        items.push(self.area_dot((x, a.second), (y, b.second))?);
                    }
                    Term {
                        axes: step.result,
                        items,
                        second: a.second || b.second,
                    }
                }
                _ => {
                    return unsupported(format!(
                        "a Freivalds check of three operands or more ({})",
                        equation.text()
                    ));
                }
            };
            terms.push(term);
        }
        let scalars: Vec<Item> = terms.iter().flat_map(|t| t.items.clone()).collect();
        if terms.iter().any(|t| t.items.len() != 1) {
            return Err(Refusal::Shape);
        }
        let product = self.area_run(&scalars, true, 1, (Run::CumProdInit, Run::CumProd))?;
        let ends = std::iter::once((product.value, total.value));
        self.hold(ends, "a matrix product is not what it is claimed to be")?;
        match (product.place, total.place) {
            (Place::Cell(left), Place::Cell(right)) => self.copy(left, right),
            _ => return Err(Refusal::Shape),
        }
        Ok(())
    }

    fn area_position(&self, coordinate: usize) -> Result<(usize, usize, usize), Refusal> {
        let (width, usable) = (self.shape.width, self.shape.usable);
        let block = coordinate / (usable * width);
        if self.shape.area.is_none_or(|a| block >= a.blocks) {
            return Err(Refusal::Full {
                column: "the Freivalds area",
            });
        }
        let row = coordinate % (usable * width) / width;
        Ok((block, coordinate % width, row))
    }

    fn area_cell(&self, var: AreaVar, coordinate: usize) -> Result<Cell, Refusal> {
        self.go_on()?;
        let (block, inner, row) = self.area_position(coordinate)?;
        Ok(Cell {
            column: self.shape.area_column(var, block, inner) as u32,
            row: row as u32,
        })
    }

    fn area_flush(&mut self) {
        self.area_at = self.area_at.next_multiple_of(self.shape.width);
    }

    /// Put items into a variable of the area from its current coordinate on.
    fn area_assign(&mut self, var: AreaVar, items: &[Item]) -> Result<Vec<Item>, Refusal> {
        let at = self.area_at;
        let mut out = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let cell = self.area_cell(var, at + i)?;
            out.push(self.put(cell, *item));
        }
        Ok(out)
    }

    /// Running values, one a row, and the selectors that check them. Moves on by the padded inputs, of which there are `taken`.
    fn area_accumulate(
        &mut self,
        var: AreaVar,
        values: &[Value],
        taken: usize,
        selector: impl Fn(&Self, usize, bool) -> usize,
    ) -> Result<Item, Refusal> {
        let start = self.area_at;
        let last = self.accumulate_at(
            start,
            values,
            |r, at| r.area_cell(var, at),
            |r, at, first| {
                let (block, _, row) = r.area_position(at)?;
                r.enable(selector(r, block, first), row);
                Ok(())
            },
        )?;
        self.area_at += taken;
        Ok(last)
    }

    /// The random combination of a term along output axis `number`.
    fn combined(
        &mut self,
        equation: &Equation,
        term: &Term,
        number: usize,
        result: Vec<char>,
    ) -> Result<Term, Refusal> {
        let mut items = Vec::new();
        for line in term.lines(equation, &result, equation.output[number])? {
            items.push(self.area_combine(&line, term.second, number)?);
        }
        Ok(Term {
            axes: result,
            items,
            second: true,
        })
    }

    /// Σ xᵢ·cⁿ⁻ⁱ for the n items, padded with zeros.
    fn area_combine(&mut self, line: &[Item], second: bool, round: usize) -> Result<Item, Refusal> {
        self.area_flush();
        let line = self.padded(line, 0);
        let challenge = self.challenges.get(round).copied();
        let mut total = Some(Fr::ZERO);
        let values: Vec<Value> = line
            .chunks(self.shape.width)
            .map(|row| {
                for item in row {
                    total = match (total, item.value.known(), challenge) {
                        (Some(total), Some(x), Some(c)) => Some((total + x) * c),
                        _ => None,
                    };
                }
                total.map_or(Value::Unknown, Value::felt)
            })
            .collect();
        let line = self.duplicated(&line, self.area_at);
        let input = if second { AreaVar::E2 } else { AreaVar::E0 };
        self.area_assign(input, &line.all)?;
        self.area_accumulate(AreaVar::F1, &values, line.len(), |r, block, init| {
            r.shape.area_combine_selector(round, second, block, init)
        })
    }

    /// The element-wise product over all axes of both.
    fn area_product(
        &mut self,
        equation: &Equation,
        a: &Term,
        b: &Term,
        result: Vec<char>,
    ) -> Result<Term, Refusal> {
        self.area_flush();
        let pair = Pair::of(a.second, b.second);
        let (a, b) = if a.second && !b.second {
            (b, a)
        } else {
            (a, b)
        };
        let second = a.second || b.second;
        let (a, b) = (a.along(equation, &result)?, b.along(equation, &result)?);
        let (x, y, out) = pair.columns();
        self.area_assign(x, &a)?;
        self.area_assign(y, &b)?;
        let products: Vec<Item> = a
            .iter()
            .zip(&b)
            .map(|(a, b)| Item::free(a.value.times(b.value)))
            .collect();
        let items = self.area_assign(out, &products)?;
        for i in 0..items.len() {
            let (block, inner, row) = self.area_position(self.area_at + i)?;
            let selector = self.shape.area_product_selector(pair, block, inner);
            self.enable(selector, row);
        }
        self.area_at += items.len();
        Ok(Term {
            axes: result,
            items,
            second,
        })
    }

    fn area_dot(&mut self, a: (&[Item], bool), b: (&[Item], bool)) -> Result<Item, Refusal> {
        self.area_flush();
        let pair = Pair::of(a.1, b.1);
        let (a, b) = if a.1 && !b.1 { (b.0, a.0) } else { (a.0, b.0) };
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
        let (x, y, out) = pair.columns();
        let (a, b) = (
            self.duplicated(&a, self.area_at),
            self.duplicated(&b, self.area_at),
        );
        self.area_assign(x, &a.all)?;
        self.area_assign(y, &b.all)?;
        self.area_accumulate(out, &values, a.len(), |r, block, init| {
            r.shape.area_dot_selector(pair, block, init)
        })
    }

    fn area_sum(&mut self, line: &[Item], second: bool) -> Result<Item, Refusal> {
        self.area_run(line, second, 0, (Run::SumInit, Run::Sum))
    }

    /// The sum or product of a list.
    fn area_run(
        &mut self,
        line: &[Item],
        second: bool,
        filler: i128,
        (init, next): (Run, Run),
    ) -> Result<Item, Refusal> {
        self.area_flush();
        let line = self.padded(line, filler);
        let mut total = Value::int(filler);
        let f = if filler == 0 {
            Value::plus
        } else {
            Value::times
        };
        let values: Vec<Value> = line
            .chunks(self.shape.width)
            .map(|row| {
                total = row.iter().fold(total, |acc, item| f(acc, item.value));
                total
            })
            .collect();
        let line = self.duplicated(&line, self.area_at);
        let (input, out) = match second {
            true => (AreaVar::E2, AreaVar::F1),
            false => (AreaVar::E0, AreaVar::F0),
        };
        self.area_assign(input, &line.all)?;
        self.area_accumulate(out, &values, line.len(), |r, block, first| {
            let run = if first { init } else { next };
            r.shape.area_run_selector(run, second, block)
        })
    }
}
