//! Expressions on many rows at once, and no further than needed: what a selector switches off is not looked at.

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_protocol::program::{Op, Program};

use super::CheckError;

/// Rows that are evaluated together.
pub const LANES: usize = 64;

/// What a slot is worth on the rows of a block.
#[derive(Clone, Copy, Debug)]
pub enum Lane {
    /// The same value on all of them.
    Same(Fr),
    /// Values of their own, by their place in the arena.
    Each(usize),
}

/// The columns, one query on the rows of a block at a time.
pub trait Source {
    fn advice(&self, query: usize, first: usize, out: &mut [Fr]) -> Option<()>;
    fn fixed(&self, query: usize, first: usize, out: &mut [Fr]) -> Option<()>;
    fn instance(&self, query: usize, first: usize, out: &mut [Fr]) -> Option<()>;
    fn challenge(&self, at: usize) -> Option<Fr>;
}

/// One program on one block of rows after another.
pub struct Lanes<'a, S> {
    program: &'a Program,
    source: &'a S,
    first: usize,
    rows: usize,
    known: Vec<Option<Lane>>,
    touched: Vec<usize>,
    arena: Vec<[Fr; LANES]>,
    free: usize,
}

impl<'a, S: Source> Lanes<'a, S> {
    pub fn new(program: &'a Program, source: &'a S) -> Self {
        Self {
            program,
            source,
            first: 0,
            rows: 0,
            known: vec![None; program.ops().len()],
            touched: Vec::new(),
            arena: Vec::new(),
            free: 0,
        }
    }

    /// Go to the block of `rows` rows, at most [`LANES`], from `first` on.
    pub fn enter(&mut self, first: usize, rows: usize) {
        self.first = first;
        self.rows = rows.min(LANES);
        for slot in self.touched.drain(..) {
            self.known[slot] = None;
        }
        self.free = 0;
    }

    pub fn at(&self, lane: Lane, row: usize) -> Fr {
        match lane {
            Lane::Same(value) => value,
            Lane::Each(place) => self.arena[place][row],
        }
    }

    fn room(&mut self) -> usize {
        if self.free == self.arena.len() {
            self.arena.push([Fr::ZERO; LANES]);
        }
        self.free += 1;
        self.free - 1
    }

    fn each(&mut self, f: impl Fn(&Self, usize) -> Fr) -> Lane {
        let place = self.room();
        for row in 0..self.rows {
            let value = f(self, row);
            self.arena[place][row] = value;
        }
        Lane::Each(place)
    }

    fn load(
        &mut self,
        read: impl Fn(&S, usize, &mut [Fr]) -> Option<()>,
    ) -> Result<Lane, CheckError> {
        let place = self.room();
        let values = &mut self.arena[place][..self.rows];
        read(self.source, self.first, values).ok_or(CheckError::Program)?;
        let value = values[0];
        if values.iter().all(|v| *v == value) {
            self.free -= 1;
            return Ok(Lane::Same(value));
        }
        Ok(Lane::Each(place))
    }

    /// What a slot is worth. Operands are asked for one at a time, and the second factor of a zero is not asked for.
    pub fn get(&mut self, root: usize) -> Result<Lane, CheckError> {
        let mut stack = vec![root];
        while let Some(slot) = stack.last().copied() {
            let known = self.known.get(slot).ok_or(CheckError::Program)?;
            if known.is_some() {
                stack.pop();
                continue;
            }
            if let Some(lane) = self.step(slot, &mut stack)? {
                self.known[slot] = Some(lane);
                self.touched.push(slot);
                stack.pop();
            }
        }
        self.known[root].ok_or(CheckError::Program)
    }

    /// The slot's value where its operands are known; where not, the one that is needed goes on the stack.
    fn step(&mut self, slot: usize, stack: &mut Vec<usize>) -> Result<Option<Lane>, CheckError> {
        let mut operand = |known: &[Option<Lane>], at: usize| match known.get(at) {
            // Operands precede their users, so that this ends.
            Some(None) if at < slot => {
                stack.push(at);
                Ok(None)
            }
            Some(Some(lane)) => Ok(Some(*lane)),
            _ => Err(CheckError::Program),
        };
        let zero = |lane: Lane| matches!(lane, Lane::Same(v) if bool::from(v.is_zero()));
        Ok(Some(match self.program.ops()[slot] {
            Op::Constant(i) => {
                let value = self.program.constants().get(i);
                Lane::Same(*value.ok_or(CheckError::Program)?)
            }
            Op::Challenge(i) => Lane::Same(self.source.challenge(i).ok_or(CheckError::Program)?),
            Op::Advice(q) => self.load(|s, first, out| s.advice(q, first, out))?,
            Op::Fixed(q) => self.load(|s, first, out| s.fixed(q, first, out))?,
            Op::Instance(q) => self.load(|s, first, out| s.instance(q, first, out))?,
            Op::Neg(a) => {
                let Some(a) = operand(&self.known, a)? else {
                    return Ok(None);
                };
                match a {
                    Lane::Same(v) => Lane::Same(-v),
                    a => self.each(|s, row| -s.at(a, row)),
                }
            }
            Op::Product(a, b) => {
                let Some(a) = operand(&self.known, a)? else {
                    return Ok(None);
                };
                if zero(a) {
                    return Ok(Some(a));
                }
                let Some(b) = operand(&self.known, b)? else {
                    return Ok(None);
                };
                match (a, b) {
                    (Lane::Same(a), Lane::Same(b)) => Lane::Same(a * b),
                    (_, b) if zero(b) => b,
                    (a, b) => self.each(|s, row| s.at(a, row) * s.at(b, row)),
                }
            }
            Op::Sum(a, b) => {
                let (Some(a), Some(b)) = (operand(&self.known, a)?, operand(&self.known, b)?)
                else {
                    return Ok(None);
                };
                match (a, b) {
                    (Lane::Same(a), Lane::Same(b)) => Lane::Same(a + b),
                    (a, b) if zero(a) => b,
                    (a, b) if zero(b) => a,
                    (a, b) => self.each(|s, row| s.at(a, row) + s.at(b, row)),
                }
            }
        }))
    }
}
