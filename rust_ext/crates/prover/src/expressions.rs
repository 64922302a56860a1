//! The Protocol's expressions, told to a [`Builder`] slot by slot as they are needed.

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_protocol::program::Op;
use zkml_protocol::{Protocol, Query};

use crate::rows::{Builder, Value};

/// Where the columns of a circuit stand among the columns that a program runs on.
#[derive(Clone, Copy)]
pub struct Places {
    pub advice: usize,
    pub fixed: usize,
    pub instance: usize,
}

/// The slots of a Protocol's program as values of a builder, each made when it is first asked for.
pub struct Expressions<'a> {
    protocol: &'a Protocol,
    challenges: &'a [Fr],
    /// The first of the columns that equal each fixed column: none where it is zero on every row.
    fixed: &'a [Option<usize>],
    places: Places,
    slots: Vec<Option<Value>>,
}

impl<'a> Expressions<'a> {
    pub fn new(
        protocol: &'a Protocol,
        challenges: &'a [Fr],
        fixed: &'a [Option<usize>],
        places: Places,
    ) -> Self {
        let slots = vec![None; protocol.program.ops().len()];
        Self {
            protocol,
            challenges,
            fixed,
            places,
            slots,
        }
    }

    /// Begin anew, for another builder.
    pub fn forget(&mut self) {
        self.slots.fill(None);
    }

    pub fn advice(&self, builder: &mut Builder, query: Query) -> Value {
        builder.load(self.places.advice + query.0, query.1)
    }

    pub fn fixed(&self, builder: &mut Builder, query: Query) -> Value {
        match self.fixed[query.0] {
            Some(column) => builder.load(self.places.fixed + column, query.1),
            None => Value::Scalar(Fr::ZERO),
        }
    }

    pub fn instance(&self, builder: &mut Builder, query: Query) -> Value {
        builder.load(self.places.instance + query.0, query.1)
    }

    /// The value of a slot. Operands precede their users, so the stack below never runs in a circle.
    pub fn slot(&mut self, builder: &mut Builder, slot: usize) -> Value {
        let mut stack = vec![slot];
        while let Some(&top) = stack.last() {
            if self.slots[top].is_some() {
                stack.pop();
                continue;
            }
            let op = self.protocol.program.ops()[top];
            let missing: Vec<usize> = operands(op)
                .into_iter()
                .flatten()
                .filter(|a| self.slots[*a].is_none())
                .collect();
            if missing.is_empty() {
                self.slots[top] = Some(self.emit(builder, op));
                stack.pop();
            } else {
                stack.extend(missing.into_iter().rev());
            }
        }
        self.known(slot)
    }

    /// acc·θ + part over the parts of a tuple.
    pub fn tuple(&mut self, builder: &mut Builder, parts: &[usize], theta: Fr) -> Value {
        let mut acc = Value::Scalar(Fr::ZERO);
        for part in parts {
            let value = self.slot(builder, *part);
            let scaled = builder.mul(acc, Value::Scalar(theta));
            acc = builder.add(scaled, value);
        }
        acc
    }

    fn known(&self, slot: usize) -> Value {
        self.slots[slot].unwrap_or(Value::Scalar(Fr::ZERO))
    }

    fn emit(&self, builder: &mut Builder, op: Op) -> Value {
        match op {
            Op::Constant(i) => Value::Scalar(self.protocol.program.constants()[i]),
            Op::Challenge(i) => Value::Scalar(self.challenges[i]),
            Op::Advice(q) => self.advice(builder, self.protocol.advice_queries[q]),
            Op::Fixed(q) => self.fixed(builder, self.protocol.fixed_queries[q]),
            Op::Instance(q) => self.instance(builder, self.protocol.instance_evals[q]),
            Op::Neg(a) => builder.neg(self.known(a)),
            Op::Sum(a, b) => builder.add(self.known(a), self.known(b)),
            Op::Product(a, b) => builder.mul(self.known(a), self.known(b)),
        }
    }
}

fn operands(op: Op) -> [Option<usize>; 2] {
    match op {
        Op::Constant(_) | Op::Advice(_) | Op::Fixed(_) | Op::Instance(_) | Op::Challenge(_) => {
            [None, None]
        }
        Op::Neg(a) => [Some(a), None],
        Op::Sum(a, b) | Op::Product(a, b) => [Some(a), Some(b)],
    }
}
