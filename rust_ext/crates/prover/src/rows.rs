//! Expressions over columns, compiled to a flat program of registers that runs over chunks of rows.
//!
//! A [`Builder`] is told the expressions with the challenges already drawn, so that everything constant folds away: a column that
//! is zero takes its gates with it. What is left is a list of instructions on few registers, each a block of rows, small enough for
//! the cache; blocks run on all threads, in the arithmetic of a [`Unit`].

use std::collections::{BTreeSet, HashMap};

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_arithmetic::block::{Bound, ROWS, Unit};
use zkml_circuit::grid::{Cells, felt};

/// A value of the same kind on every row: known now, or computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Scalar(Fr),
    Node(u32),
}

/// The values of one column on the rows of a domain: zero behind the last of `values`, but for `tail` on the last rows.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    Full {
        values: &'a [Fr],
        tail: &'a [Fr],
    },
    /// In the rows of `large`, which ascend, stand these instead.
    Small {
        values: &'a [i64],
        large: &'a [(u32, Fr)],
        tail: &'a [Fr],
    },
}

impl<'a> Column<'a> {
    pub fn full(values: &'a [Fr]) -> Self {
        Self::Full { values, tail: &[] }
    }

    pub fn small(values: &'a [i64]) -> Self {
        Self::Small {
            values,
            large: &[],
            tail: &[],
        }
    }

    pub fn cells(cells: &'a Cells, tail: &'a [Fr]) -> Self {
        match cells {
            Cells::Full(values) => Self::Full { values, tail },
            Cells::Small(values) => Self::Small {
                values,
                large: &[],
                tail,
            },
            Cells::Mixed { small, large } => Self::Small {
                values: small,
                large,
                tail,
            },
        }
    }

    /// The value on a row that is not of the tail.
    pub fn cell(&self, row: usize) -> Fr {
        match self {
            Self::Full { values, .. } => values.get(row).copied().unwrap_or(Fr::ZERO),
            Self::Small { values, large, .. } => match values.get(row) {
                None => Fr::ZERO,
                Some(0) if !large.is_empty() => large
                    .binary_search_by_key(&(row as u32), |(at, _)| *at)
                    .map_or(Fr::ZERO, |place| large[place].1),
                Some(v) => signed(*v),
            },
        }
    }

    /// The rows from `from` on, of n in all, where they lie as they are.
    fn block(&self, from: usize, n: usize) -> Option<&'a [Fr; ROWS]> {
        match *self {
            Self::Full { values, tail } if from + ROWS <= n - tail.len() => {
                values.get(from..)?.first_chunk()
            }
            _ => None,
        }
    }

    /// Copy the rows from `from` on, of n in all.
    fn copy(&self, to: &mut [Fr], from: usize, n: usize) {
        let end = from + to.len();
        let tail = match self {
            Self::Full { values, tail } => {
                let values = values.get(from..).unwrap_or_default();
                let there = values.len().min(to.len());
                to[..there].copy_from_slice(&values[..there]);
                to[there..].fill(Fr::ZERO);
                *tail
            }
            Self::Small {
                values,
                large,
                tail,
            } => {
                let values = values.get(from..).unwrap_or_default();
                let there = values.len().min(to.len());
                for (v, small) in to.iter_mut().zip(&values[..there]) {
                    *v = signed(*small);
                }
                to[there..].fill(Fr::ZERO);
                let first = large.partition_point(|(row, _)| (*row as usize) < from);
                let inside = large[first..]
                    .iter()
                    .take_while(|(row, _)| (*row as usize) < end);
                for (row, value) in inside {
                    to[*row as usize - from] = *value;
                }
                *tail
            }
        };
        let blinded = n - tail.len();
        if end > blinded {
            let start = from.max(blinded);
            to[start - from..].copy_from_slice(&tail[start - blinded..end - blinded]);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// The value of a column `rotation` rows further on, around the end.
    Load {
        column: u32,
        rotation: i32,
    },
    /// The point of the row: shift·ω^row.
    Point,
    Neg(u32),
    Add(u32, u32),
    Sub(u32, u32),
    Mul(u32, u32),
    AddScalar(u32, Fr),
    /// scalar − a
    FromScalar(u32, Fr),
    MulScalar(u32, Fr),
    /// a·scalar + b
    MulScalarAdd(u32, Fr, u32),
}

impl Node {
    fn operands(self) -> [Option<u32>; 2] {
        match self {
            Self::Load { .. } | Self::Point => [None, None],
            Self::Neg(a)
            | Self::AddScalar(a, _)
            | Self::FromScalar(a, _)
            | Self::MulScalar(a, _) => [Some(a), None],
            Self::Add(a, b) | Self::Sub(a, b) | Self::Mul(a, b) | Self::MulScalarAdd(a, _, b) => {
                [Some(a), Some(b)]
            }
        }
    }

    /// How large the value is, given how large those before are.
    fn bound(self, known: &[Bound]) -> Bound {
        let of = |a: u32| known[a as usize];
        match self {
            Self::Load { .. } | Self::Point => Bound::LOADED,
            Self::Neg(a) => of(a),
            Self::Add(a, b) | Self::Sub(a, b) => of(a).sum(of(b)),
            Self::AddScalar(a, _) | Self::FromScalar(a, _) => of(a).sum(Bound::LOADED),
            Self::Mul(a, b) => of(a).product(of(b)),
            Self::MulScalar(a, _) => of(a).scaled(),
            Self::MulScalarAdd(a, _, b) => of(a).scaled().sum(of(b)),
        }
    }

    fn with_operands(self, registers: [u32; 2]) -> Self {
        let [a, b] = registers;
        match self {
            Self::Load { .. } | Self::Point => self,
            Self::Neg(_) => Self::Neg(a),
            Self::AddScalar(_, s) => Self::AddScalar(a, s),
            Self::FromScalar(_, s) => Self::FromScalar(a, s),
            Self::MulScalar(_, s) => Self::MulScalar(a, s),
            Self::Add(..) => Self::Add(a, b),
            Self::Sub(..) => Self::Sub(a, b),
            Self::Mul(..) => Self::Mul(a, b),
            Self::MulScalarAdd(_, s, _) => Self::MulScalarAdd(a, s, b),
        }
    }
}

/// Takes expressions; equal ones are computed once.
#[derive(Default)]
pub struct Builder {
    nodes: Vec<Node>,
    /// In columns and points, for each node.
    degrees: Vec<u32>,
    known: HashMap<Node, u32>,
}

impl Builder {
    fn node(&mut self, node: Node) -> Value {
        let next = self.nodes.len() as u32;
        let place = *self.known.entry(node).or_insert(next);
        if place == next {
            let [a, b] = node
                .operands()
                .map(|a| a.map_or(0, |a| self.degrees[a as usize]));
            self.degrees.push(match node {
                Node::Load { .. } | Node::Point => 1,
                Node::Mul(..) => a + b,
                _ => a.max(b),
            });
            self.nodes.push(node);
        }
        Value::Node(place)
    }

    /// A bound of a value's degree in multiples of n − 1, n the size of the domain that columns are given on.
    pub fn degree(&self, value: Value) -> usize {
        match value {
            Value::Scalar(_) => 0,
            Value::Node(a) => self.degrees[a as usize] as usize,
        }
    }

    pub fn load(&mut self, column: usize, rotation: i32) -> Value {
        self.node(Node::Load {
            column: column as u32,
            rotation,
        })
    }

    pub fn point(&mut self) -> Value {
        self.node(Node::Point)
    }

    pub fn neg(&mut self, a: Value) -> Value {
        match a {
            Value::Scalar(a) => Value::Scalar(-a),
            Value::Node(a) => match self.nodes[a as usize] {
                Node::Neg(inner) => Value::Node(inner),
                Node::Sub(x, y) => self.node(Node::Sub(y, x)),
                _ => self.node(Node::Neg(a)),
            },
        }
    }

    pub fn add(&mut self, a: Value, b: Value) -> Value {
        match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(a + b),
            (Value::Scalar(s), Value::Node(a)) | (Value::Node(a), Value::Scalar(s)) => {
                if s == Fr::ZERO {
                    return Value::Node(a);
                }
                match self.nodes[a as usize] {
                    Node::Neg(inner) => self.node(Node::FromScalar(inner, s)),
                    _ => self.node(Node::AddScalar(a, s)),
                }
            }
            (Value::Node(a), Value::Node(b)) => {
                match (self.nodes[a as usize], self.nodes[b as usize]) {
                    (_, Node::Neg(inner)) => self.node(Node::Sub(a, inner)),
                    (Node::Neg(inner), _) => self.node(Node::Sub(b, inner)),
                    (Node::MulScalar(inner, s), _) => self.node(Node::MulScalarAdd(inner, s, b)),
                    (_, Node::MulScalar(inner, s)) => self.node(Node::MulScalarAdd(inner, s, a)),
                    _ => self.node(Node::Add(a.min(b), a.max(b))),
                }
            }
        }
    }

    pub fn sub(&mut self, a: Value, b: Value) -> Value {
        let b = self.neg(b);
        self.add(a, b)
    }

    pub fn mul(&mut self, a: Value, b: Value) -> Value {
        match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(a * b),
            (Value::Scalar(s), Value::Node(a)) | (Value::Node(a), Value::Scalar(s)) => {
                if s == Fr::ZERO {
                    Value::Scalar(Fr::ZERO)
                } else if s == Fr::ONE {
                    Value::Node(a)
                } else if s == -Fr::ONE {
                    self.neg(Value::Node(a))
                } else {
                    self.node(Node::MulScalar(a, s))
                }
            }
            (Value::Node(a), Value::Node(b)) => self.node(Node::Mul(a.min(b), a.max(b))),
        }
    }

    /// A program that computes these values.
    pub fn finish(&self, outputs: &[Value]) -> Rows {
        let mut last_use = vec![None; self.nodes.len()];
        let end = self.nodes.len();
        for output in outputs {
            if let Value::Node(a) = output {
                last_use[*a as usize] = Some(end);
            }
        }
        for (i, node) in self.nodes.iter().enumerate().rev() {
            if last_use[i].is_some() {
                for a in node.operands().into_iter().flatten() {
                    last_use[a as usize].get_or_insert(i);
                }
            }
        }
        let (mut free, mut count): (Vec<u32>, u32) = (Vec::new(), 0);
        let mut register = vec![0_u32; self.nodes.len()];
        let mut steps = Vec::new();
        let mut bounds = vec![Bound::LOADED; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            if last_use[i].is_none() {
                continue;
            }
            let bound = node.bound(&bounds);
            bounds[i] = if bound.fits() { bound } else { Bound::REDUCED };
            let target = free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            });
            register[i] = target;
            let operands = node.operands();
            let [a, b] = operands.map(|a| a.map_or(0, |a| register[a as usize]));
            steps.push(Step {
                target,
                node: node.with_operands([a, b]),
                reduce: !bound.fits(),
            });
            let mut ended: Vec<u32> = operands
                .into_iter()
                .flatten()
                .filter(|a| last_use[*a as usize] == Some(i))
                .map(|a| register[a as usize])
                .collect();
            ended.dedup();
            free.extend(ended);
        }
        let outputs = outputs
            .iter()
            .map(|output| match output {
                Value::Scalar(s) => Output::Scalar(*s),
                Value::Node(a) => Output::Register(register[*a as usize]),
            })
            .collect();
        Rows {
            steps,
            registers: count as usize,
            outputs,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Output {
    Scalar(Fr),
    Register(u32),
}

#[derive(Debug)]
struct Step {
    target: u32,
    node: Node,
    /// Whether the value would be too large for others.
    reduce: bool,
}

/// A compiled program.
#[derive(Debug)]
pub struct Rows {
    steps: Vec<Step>,
    registers: usize,
    outputs: Vec<Output>,
}

impl Rows {
    /// The columns that the program loads, ascending.
    pub fn columns(&self) -> Vec<usize> {
        let loads = self.steps.iter().filter_map(|step| match step.node {
            Node::Load { column, .. } => Some(column as usize),
            _ => None,
        });
        loads.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The program's scalars as a unit wants them.
    pub fn prepare<U: Unit>(&self, unit: U) -> Prepared<'_, U> {
        let scalars = self.steps.iter().map(|step| match step.node {
            Node::MulScalar(_, s) | Node::MulScalarAdd(_, s, _) => Scalar::Factor(unit.factor(&s)),
            Node::AddScalar(_, s) | Node::FromScalar(_, s) => {
                let mut term = unit.zero();
                unit.load(&mut term, &[s * unit.form(); ROWS]);
                Scalar::Term(term)
            }
            _ => Scalar::None,
        });
        Prepared {
            program: self,
            unit,
            scalars: scalars.collect(),
        }
    }
}

enum Scalar<U: Unit> {
    None,
    Factor(U::Factor),
    Term(U::Block),
}

/// A program whose scalars are prepared.
pub struct Prepared<'a, U: Unit> {
    program: &'a Rows,
    unit: U,
    scalars: Vec<Scalar<U>>,
}

impl<U: Unit> Prepared<'_, U> {
    /// What one thread runs the program with.
    pub fn machine(&self) -> Machine<'_, U> {
        Machine {
            prepared: self,
            registers: vec![self.unit.zero(); self.program.registers],
        }
    }
}

/// The rows of a domain: its columns, whose values are times the unit's form, how many rows it has, its generator, and the shift
/// that makes it a coset.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    pub columns: &'a [Column<'a>],
    pub n: usize,
    pub omega: Fr,
    pub shift: Fr,
}

/// Registers of one thread.
pub struct Machine<'a, U: Unit> {
    prepared: &'a Prepared<'a, U>,
    registers: Vec<U::Block>,
}

impl<U: Unit> Machine<'_, U> {
    /// Run the program on the rows from `start`, as many as a block has.
    pub fn run(&mut self, table: &Table<'_>, start: usize) {
        let unit = self.prepared.unit;
        let mut rows = [Fr::ZERO; ROWS];
        let mut to = unit.zero();
        for (step, scalar) in self
            .prepared
            .program
            .steps
            .iter()
            .zip(&self.prepared.scalars)
        {
            let target = step.target as usize;
            std::mem::swap(&mut to, &mut self.registers[target]);
            let at = |a: u32| &self.registers[a as usize];
            match (step.node, scalar) {
                (Node::Load { column, rotation }, _) => {
                    let column = table.columns[column as usize];
                    let from = around(start, rotation, table.n);
                    match column.block(from, table.n) {
                        Some(rows) => unit.load(&mut to, rows),
                        None => {
                            load(&mut rows, column, table.n, from);
                            unit.load(&mut to, &rows);
                        }
                    }
                }
                (Node::Point, _) => {
                    let mut point = table.shift * table.omega.pow_vartime([start as u64]);
                    point *= unit.form();
                    for row in &mut rows {
                        *row = point;
                        point *= table.omega;
                    }
                    unit.load(&mut to, &rows);
                }
                (Node::Neg(a), _) => unit.negate(&mut to, at(a)),
                (Node::Add(a, b), _) => unit.add(&mut to, at(a), at(b)),
                (Node::Sub(a, b), _) => unit.sub(&mut to, at(a), at(b)),
                (Node::Mul(a, b), _) => unit.multiply(&mut to, at(a), at(b)),
                (Node::AddScalar(a, _), Scalar::Term(s)) => unit.add(&mut to, at(a), s),
                (Node::FromScalar(a, _), Scalar::Term(s)) => unit.sub(&mut to, s, at(a)),
                (Node::MulScalar(a, _), Scalar::Factor(s)) => unit.scale(&mut to, at(a), s),
                (Node::MulScalarAdd(a, _, b), Scalar::Factor(s)) => {
                    unit.scale_add(&mut to, at(a), s, at(b));
                }
                // `prepare` gives each of these its scalar.
                (
                    Node::AddScalar(..)
                    | Node::FromScalar(..)
                    | Node::MulScalar(..)
                    | Node::MulScalarAdd(..),
                    _,
                ) => {}
            }
            if step.reduce {
                unit.reduce(&mut to);
            }
            std::mem::swap(&mut to, &mut self.registers[target]);
        }
    }

    /// Copy output `i` of the first rows that ran last.
    pub fn copy(&self, i: usize, to: &mut [Fr]) {
        match self.prepared.program.outputs[i] {
            Output::Register(register) => {
                let mut rows = [Fr::ZERO; ROWS];
                let unit = self.prepared.unit;
                unit.store(&self.registers[register as usize], &mut rows);
                to.copy_from_slice(&rows[..to.len()]);
            }
            Output::Scalar(s) => to.fill(s * self.prepared.unit.form()),
        }
    }
}

/// The field element of a signed integer.
pub fn signed(v: i64) -> Fr {
    felt(v.into())
}

/// The row `rotation` rows behind another of n, around the end.
fn around(row: usize, rotation: i32, n: usize) -> usize {
    (row as i64 + i64::from(rotation)).rem_euclid(n as i64) as usize
}

/// The column's values from a row on, around the end.
fn load(to: &mut [Fr; ROWS], column: Column<'_>, n: usize, mut from: usize) {
    let mut rest = &mut to[..];
    while !rest.is_empty() {
        let (head, tail) = rest.split_at_mut(rest.len().min(n - from));
        column.copy(head, from, n);
        (rest, from) = (tail, 0);
    }
}
