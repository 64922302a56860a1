//! Where everything stands in a proof, and how its openings are grouped: computed once for each Protocol.
//!
//! Words of a proof, in order (points first, then evaluations, then the two points of the opening):
//! advice commitments phase by phase; one m per lookup; nz permutation products z; one φ per lookup; the random polynomial;
//! D − 1 quotient pieces ‖ advice, fixed, random, sigma evaluations; z_j(x), z_j(ωx) and, for all but the last, z_j(ω^last x);
//! φ(x), φ(ωx), m(x) per lookup ‖ W, W'.

use std::collections::{BTreeMap, BTreeSet};

use ff::Field;
use halo2curves::bn256::Fr;

/// A polynomial that the opening speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Commitment {
    /// A commitment of the proof, by its place among the points.
    Proof(usize),
    /// A commitment of the Protocol: fixed columns first, then permutation columns.
    Shared(usize),
    /// Σ (x^n)^i · h_i.
    Quotient,
}

/// The value that a polynomial is said to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// An evaluation of the proof, by its place among the evaluations.
    Proof(usize),
    /// The value that the identities demand of h(x).
    Quotient,
}

#[derive(Debug, Clone)]
pub struct Opened {
    pub commitment: Commitment,
    /// One for each rotation of its set, in the order of the set.
    pub values: Vec<Value>,
}

/// All polynomials opened at the same points.
#[derive(Debug, Clone)]
pub struct RotationSet {
    /// Places among `Plan::rotations`.
    pub points: Vec<usize>,
    /// Places of the rotations that are not in the set.
    pub others: Vec<usize>,
    /// For each point ρ: Π_{σ ≠ ρ} (ω^ρ − ω^σ)^{−1}.
    pub denominators: Vec<Fr>,
    pub polynomials: Vec<Opened>,
}

#[derive(Debug, Clone)]
pub struct Plan {
    /// ω^ρ for every rotation that is opened.
    pub rotations: Vec<Fr>,
    pub sets: Vec<RotationSet>,
    pub sizes: Sizes,
}

/// The counts from which every place in a proof follows.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub advice: usize,
    pub lookups: usize,
    pub products: usize,
    pub pieces: usize,
    pub advice_evals: usize,
    pub fixed_evals: usize,
    pub sigmas: usize,
}

/// All counts are bounded by the Protocol's limits (2^18 at most), far from where a sum of a few could overflow.
impl Sizes {
    pub fn first_multiplicity(&self) -> usize {
        self.advice
    }
    pub fn first_product(&self) -> usize {
        self.first_multiplicity().saturating_add(self.lookups)
    }
    pub fn first_phi(&self) -> usize {
        self.first_product().saturating_add(self.products)
    }
    pub fn random(&self) -> usize {
        self.first_phi().saturating_add(self.lookups)
    }
    pub fn first_piece(&self) -> usize {
        self.random().saturating_add(1)
    }
    /// Commitments of the proof without W and W'.
    pub fn points(&self) -> usize {
        self.first_piece().saturating_add(self.pieces)
    }
    pub fn random_eval(&self) -> usize {
        self.advice_evals.saturating_add(self.fixed_evals)
    }
    pub fn sigma_eval(&self, column: usize) -> usize {
        self.random_eval().saturating_add(1).saturating_add(column)
    }
    /// z_j(x); z_j(ωx) and z_j(ω^last x) follow it.
    pub fn product_eval(&self, j: usize) -> usize {
        self.sigma_eval(self.sigmas)
            .saturating_add(j.saturating_mul(3))
    }
    /// φ(x) of a lookup; φ(ωx) and m(x) follow it.
    pub fn lookup_eval(&self, lookup: usize) -> usize {
        let after_products = self
            .product_eval(self.products)
            .saturating_sub(usize::from(self.products > 0));
        after_products.saturating_add(lookup.saturating_mul(3))
    }
    pub fn evals(&self) -> usize {
        self.lookup_eval(self.lookups)
    }
    pub fn proof_bytes(&self) -> usize {
        let points = self.points().saturating_add(2);
        points
            .saturating_mul(64)
            .saturating_add(self.evals().saturating_mul(32))
    }
}

/// What the plan is made from.
pub(crate) struct Shape<'a> {
    pub omega: Fr,
    pub sizes: Sizes,
    /// For each advice query: the place of its column's commitment, the rotation.
    pub advice: Vec<(usize, i32)>,
    pub fixed: &'a [(usize, i32)],
    pub num_fixed: usize,
    /// The rotation of the last usable row: −(blinding factors + 1).
    pub last: i32,
}

/// The plan, or None where two rotations in use meet in one row: an opening would divide by zero there.
pub(crate) fn plan(shape: &Shape) -> Option<Plan> {
    let queries = queries(shape);
    // Polynomials in order of first appearance, each with its rotations.
    let mut order: Vec<(Commitment, BTreeMap<i32, Value>)> = Vec::new();
    let mut places: BTreeMap<Commitment, usize> = BTreeMap::new();
    for (commitment, rotation, value) in queries {
        let place = *places.entry(commitment).or_insert(order.len());
        if let Some((_, values)) = order.get_mut(place) {
            values.insert(rotation, value);
        } else {
            order.push((commitment, BTreeMap::from([(rotation, value)])));
        }
    }
    let all: BTreeSet<i32> = order
        .iter()
        .flat_map(|(_, values)| values.keys().copied())
        .collect();
    let numbers: BTreeMap<i32, usize> = all.iter().copied().zip(0..).collect();
    let omega_inverse = shape.omega.invert().unwrap_or(Fr::ZERO);
    let power = |rotation: i32| {
        let base = if rotation < 0 {
            omega_inverse
        } else {
            shape.omega
        };
        base.pow_vartime([u64::from(rotation.unsigned_abs())])
    };
    let rotations: Vec<Fr> = all.iter().map(|rotation| power(*rotation)).collect();
    if rotations.iter().collect::<BTreeSet<_>>().len() != rotations.len() {
        return None;
    }

    let mut sets: Vec<RotationSet> = Vec::new();
    let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    for (commitment, values) in order {
        let points: Vec<usize> = values
            .keys()
            .filter_map(|rotation| numbers.get(rotation).copied())
            .collect();
        let opened = Opened {
            commitment,
            values: values.into_values().collect(),
        };
        let place = *known.entry(points.clone()).or_insert(sets.len());
        if let Some(set) = sets.get_mut(place) {
            set.polynomials.push(opened);
        } else {
            sets.push(rotation_set(points, &rotations, opened)?);
        }
    }
    Some(Plan {
        rotations,
        sets,
        sizes: shape.sizes,
    })
}

fn rotation_set(points: Vec<usize>, rotations: &[Fr], first: Opened) -> Option<RotationSet> {
    let others = (0..rotations.len())
        .filter(|place| !points.contains(place))
        .collect();
    let at = |place: usize| rotations.get(place).copied().unwrap_or(Fr::ZERO);
    let denominators = points
        .iter()
        .map(|p| {
            let product: Fr = points
                .iter()
                .filter(|q| *q != p)
                .map(|q| at(*p) - at(*q))
                .product();
            Option::from(product.invert())
        })
        .collect::<Option<Vec<Fr>>>()?;
    Some(RotationSet {
        points,
        others,
        denominators,
        polynomials: vec![first],
    })
}

/// The queries in the order of the opening argument.
fn queries(shape: &Shape) -> Vec<(Commitment, i32, Value)> {
    let sizes = &shape.sizes;
    let mut out = Vec::new();
    for (query, (place, rotation)) in shape.advice.iter().enumerate() {
        out.push((Commitment::Proof(*place), *rotation, Value::Proof(query)));
    }
    for j in 0..sizes.products {
        let z = Commitment::Proof(sizes.first_product().saturating_add(j));
        let eval = sizes.product_eval(j);
        out.push((z, 0, Value::Proof(eval)));
        out.push((z, 1, Value::Proof(eval.saturating_add(1))));
    }
    for j in (0..sizes.products.saturating_sub(1)).rev() {
        let z = Commitment::Proof(sizes.first_product().saturating_add(j));
        out.push((
            z,
            shape.last,
            Value::Proof(sizes.product_eval(j).saturating_add(2)),
        ));
    }
    for lookup in 0..sizes.lookups {
        let phi = Commitment::Proof(sizes.first_phi().saturating_add(lookup));
        let m = Commitment::Proof(sizes.first_multiplicity().saturating_add(lookup));
        let eval = sizes.lookup_eval(lookup);
        out.push((phi, 0, Value::Proof(eval)));
        out.push((phi, 1, Value::Proof(eval.saturating_add(1))));
        out.push((m, 0, Value::Proof(eval.saturating_add(2))));
    }
    for (query, (column, rotation)) in shape.fixed.iter().enumerate() {
        let eval = sizes.advice_evals.saturating_add(query);
        out.push((Commitment::Shared(*column), *rotation, Value::Proof(eval)));
    }
    for column in 0..sizes.sigmas {
        let sigma = Commitment::Shared(shape.num_fixed.saturating_add(column));
        out.push((sigma, 0, Value::Proof(sizes.sigma_eval(column))));
    }
    out.push((Commitment::Quotient, 0, Value::Quotient));
    out.push((
        Commitment::Proof(sizes.random()),
        0,
        Value::Proof(sizes.random_eval()),
    ));
    out
}
