//! Gate and lookup expressions, compiled once for each Protocol to a flat program that visits every shared node once.
//!
//! Nodes arrive in an order in which operands precede their users, so one pass suffices. Nodes that nothing reachable from a gate
//! or a lookup uses are dropped; sums with 0 and products with 1, which folds leave behind, become aliases.

use ff::Field;
use halo2curves::bn256::Fr;

use crate::error::{Malformed, ensure};
use crate::raw::RawNode;
use crate::wire::scalar;

/// How many items of each kind an expression may refer to.
pub(crate) struct Arity {
    pub advice: usize,
    pub fixed: usize,
    pub instance: usize,
    pub challenges: usize,
}

/// The values that an expression is evaluated on: evaluations in query order, challenges in index order.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub advice: &'a [Fr],
    pub fixed: &'a [Fr],
    pub instance: &'a [Fr],
    pub challenges: &'a [Fr],
}

/// One slot: an input, a constant by its index, or an operation on earlier slots.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    Constant(usize),
    Advice(usize),
    Fixed(usize),
    Instance(usize),
    Challenge(usize),
    Neg(usize),
    Sum(usize, usize),
    Product(usize, usize),
}

/// A compiled list of expressions. Roots are slots: indices into what `evaluate` answers.
#[derive(Debug, Clone)]
pub struct Program {
    ops: Vec<Op>,
    constants: Vec<Fr>,
}

impl Program {
    /// What each slot is. Operands always precede their users.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    pub fn constants(&self) -> &[Fr] {
        &self.constants
    }

    /// How many multiplications an evaluation takes.
    pub fn products(&self) -> usize {
        self.ops
            .iter()
            .filter(|op| matches!(op, Op::Product(..)))
            .count()
    }

    /// The value of every slot, or None if an input is missing (which a checked Protocol rules out).
    pub fn evaluate(&self, inputs: Inputs) -> Option<Vec<Fr>> {
        let mut slots: Vec<Fr> = Vec::with_capacity(self.ops.len());
        for op in &self.ops {
            let value = match *op {
                Op::Constant(i) => *self.constants.get(i)?,
                Op::Advice(i) => *inputs.advice.get(i)?,
                Op::Fixed(i) => *inputs.fixed.get(i)?,
                Op::Instance(i) => *inputs.instance.get(i)?,
                Op::Challenge(i) => *inputs.challenges.get(i)?,
                Op::Neg(a) => -slots.get(a)?,
                Op::Sum(a, b) => slots.get(a)? + slots.get(b)?,
                Op::Product(a, b) => slots.get(a)? * slots.get(b)?,
            };
            slots.push(value);
        }
        Some(slots)
    }
}

/// The queries that a slot depends on, each list ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaves {
    pub advice: Vec<usize>,
    pub fixed: Vec<usize>,
    pub instance: Vec<usize>,
}

impl Program {
    /// For each slot, whether one of the roots depends on it.
    fn used(&self, roots: &[usize]) -> Vec<bool> {
        let mut used = vec![false; self.ops.len()];
        for root in roots {
            mark(&mut used, *root);
        }
        for (slot, op) in self.ops.iter().enumerate().rev() {
            if !used.get(slot).copied().unwrap_or(false) {
                continue;
            }
            match *op {
                Op::Neg(a) => mark(&mut used, a),
                Op::Sum(a, b) | Op::Product(a, b) => {
                    mark(&mut used, a);
                    mark(&mut used, b);
                }
                _ => {}
            }
        }
        used
    }

    /// The queries that the roots, slots of this program, depend on.
    pub fn leaves(&self, roots: &[usize]) -> Leaves {
        let mut out = Leaves::default();
        for (op, used) in self.ops.iter().zip(self.used(roots)) {
            match *op {
                Op::Advice(i) if used => out.advice.push(i),
                Op::Fixed(i) if used => out.fixed.push(i),
                Op::Instance(i) if used => out.instance.push(i),
                _ => {}
            }
        }
        for list in [&mut out.advice, &mut out.fixed, &mut out.instance] {
            list.sort_unstable();
            list.dedup();
        }
        out
    }

    /// The program of these slots alone, and the slot of each in it.
    pub fn part(&self, roots: &[usize]) -> (Self, Vec<usize>) {
        let used = self.used(roots);
        let mut places = vec![usize::MAX; self.ops.len()];
        let mut ops = Vec::new();
        let place = |places: &[usize], slot: usize| places.get(slot).copied().unwrap_or(usize::MAX);
        for (slot, (op, used)) in self.ops.iter().zip(used).enumerate() {
            if !used {
                continue;
            }
            let moved = match *op {
                Op::Neg(a) => Op::Neg(place(&places, a)),
                Op::Sum(a, b) => Op::Sum(place(&places, a), place(&places, b)),
                Op::Product(a, b) => Op::Product(place(&places, a), place(&places, b)),
                leaf => leaf,
            };
            if let Some(at) = places.get_mut(slot) {
                *at = ops.len();
            }
            ops.push(moved);
        }
        let slots = roots.iter().map(|root| place(&places, *root)).collect();
        let constants = self.constants.clone();
        (Self { ops, constants }, slots)
    }
}

/// Nodes with their degrees, checked and ready to be compiled.
pub(crate) struct Nodes {
    nodes: Vec<Checked>,
    degrees: Vec<u32>,
}

#[derive(Clone, Copy)]
enum Checked {
    Constant(Fr),
    Leaf(Op),
    Neg(usize),
    Sum(usize, usize),
    Product(usize, usize),
    Scaled(usize, Fr),
}

impl Nodes {
    /// Checks that operands precede their users, that every query and challenge exists and every constant is below r.
    pub(crate) fn check(raw: &[RawNode], arity: &Arity) -> Result<Self, Malformed> {
        let mut out = Self {
            nodes: Vec::with_capacity(raw.len()),
            degrees: Vec::with_capacity(raw.len()),
        };
        for (i, node) in raw.iter().enumerate() {
            let place = || format!("nodes[{i}]");
            let bound = |index: u32, count: usize| {
                let index = index as usize;
                ensure(
                    index < count,
                    place,
                    "refers to a query or challenge that does not exist",
                )
                .map(|()| index)
            };
            let operand = |index: u32| -> Result<(usize, u32), Malformed> {
                let degree = out.degrees.get(index as usize).copied();
                let degree = degree.ok_or_else(|| {
                    Malformed::new(place(), "an operand does not precede its user")
                })?;
                Ok((index as usize, degree))
            };
            let felt = |bytes: &[u8; 32]| {
                scalar(bytes).ok_or_else(|| Malformed::new(place(), "constant is not below r"))
            };
            let (checked, degree) = match node {
                RawNode::Constant(v) => (Checked::Constant(felt(&v.0)?), 0),
                RawNode::Advice(q) => (Checked::Leaf(Op::Advice(bound(*q, arity.advice)?)), 1),
                RawNode::Fixed(q) => (Checked::Leaf(Op::Fixed(bound(*q, arity.fixed)?)), 1),
                RawNode::Instance(q) => {
                    (Checked::Leaf(Op::Instance(bound(*q, arity.instance)?)), 1)
                }
                RawNode::Challenge(c) => (
                    Checked::Leaf(Op::Challenge(bound(*c, arity.challenges)?)),
                    0,
                ),
                RawNode::Neg(a) => {
                    let (a, degree) = operand(*a)?;
                    (Checked::Neg(a), degree)
                }
                RawNode::Sum(a, b) => {
                    let ((a, da), (b, db)) = (operand(*a)?, operand(*b)?);
                    (Checked::Sum(a, b), da.max(db))
                }
                RawNode::Product(a, b) => {
                    let ((a, da), (b, db)) = (operand(*a)?, operand(*b)?);
                    (Checked::Product(a, b), da.saturating_add(db))
                }
                RawNode::Scaled(a, v) => {
                    let (a, degree) = operand(*a)?;
                    (Checked::Scaled(a, felt(&v.0)?), degree)
                }
            };
            out.nodes.push(checked);
            out.degrees.push(degree);
        }
        Ok(out)
    }

    /// The degree of a node as a polynomial in the columns, or Malformed if there is no such node.
    pub(crate) fn degree(
        &self,
        node: u32,
        place: impl FnOnce() -> String,
    ) -> Result<u32, Malformed> {
        let degree = self.degrees.get(node as usize).copied();
        degree.ok_or_else(|| Malformed::new(place(), "refers to a node that does not exist"))
    }

    /// Compiles what the roots use, and answers with the slot of each root in place of its node.
    pub(crate) fn compile(self, roots: &[u32]) -> (Program, Vec<usize>) {
        let used = self.reachable(roots);
        let mut compiler = Compiler {
            ops: Vec::new(),
            constants: Vec::new(),
            slots: Vec::with_capacity(self.nodes.len()),
        };
        for (node, used) in self.nodes.iter().zip(&used) {
            let slot = if *used {
                compiler.emit(*node)
            } else {
                usize::MAX
            };
            compiler.slots.push(slot);
        }
        let slots = roots
            .iter()
            .map(|root| compiler.slot(*root as usize))
            .collect();
        (
            Program {
                ops: compiler.ops,
                constants: compiler.constants,
            },
            slots,
        )
    }

    fn reachable(&self, roots: &[u32]) -> Vec<bool> {
        let mut used = vec![false; self.nodes.len()];
        for root in roots {
            mark(&mut used, *root as usize);
        }
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if !used.get(index).copied().unwrap_or(false) {
                continue;
            }
            match *node {
                Checked::Constant(_) | Checked::Leaf(_) => {}
                Checked::Neg(a) | Checked::Scaled(a, _) => mark(&mut used, a),
                Checked::Sum(a, b) | Checked::Product(a, b) => {
                    mark(&mut used, a);
                    mark(&mut used, b);
                }
            }
        }
        used
    }
}

fn mark(used: &mut [bool], index: usize) {
    if let Some(flag) = used.get_mut(index) {
        *flag = true;
    }
}

struct Compiler {
    ops: Vec<Op>,
    constants: Vec<Fr>,
    slots: Vec<usize>,
}

impl Compiler {
    fn slot(&self, node: usize) -> usize {
        self.slots.get(node).copied().unwrap_or(usize::MAX)
    }

    fn push(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len().saturating_sub(1)
    }

    fn constant(&mut self, value: Fr) -> usize {
        self.constants.push(value);
        self.push(Op::Constant(self.constants.len().saturating_sub(1)))
    }

    fn is_constant(&self, slot: usize, value: Fr) -> bool {
        matches!(self.ops.get(slot), Some(Op::Constant(i)) if self.constants.get(*i) == Some(&value))
    }

    fn emit(&mut self, node: Checked) -> usize {
        match node {
            Checked::Constant(value) => self.constant(value),
            Checked::Leaf(op) => self.push(op),
            Checked::Neg(a) => self.push(Op::Neg(self.slot(a))),
            Checked::Sum(a, b) => {
                let (a, b) = (self.slot(a), self.slot(b));
                if self.is_constant(a, Fr::ZERO) {
                    b
                } else if self.is_constant(b, Fr::ZERO) {
                    a
                } else {
                    self.push(Op::Sum(a, b))
                }
            }
            Checked::Product(a, b) => self.product(self.slot(a), self.slot(b)),
            Checked::Scaled(a, value) => {
                let factor = self.constant(value);
                self.product(self.slot(a), factor)
            }
        }
    }

    fn product(&mut self, a: usize, b: usize) -> usize {
        if self.is_constant(a, Fr::ONE) {
            b
        } else if self.is_constant(b, Fr::ONE) {
            a
        } else {
            self.push(Op::Product(a, b))
        }
    }
}
