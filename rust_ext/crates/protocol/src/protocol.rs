//! The Protocol: everything that a verifier must know of one circuit, checked.

use std::collections::{BTreeMap, BTreeSet};

use ff::{Field, PrimeField};
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use sha2::{Digest, Sha256};

use crate::bounds::*;
use crate::error::{Malformed, ensure};
use crate::json;
use crate::plan::{Plan, Shape, Sizes, plan};
use crate::program::{Arity, Nodes, Program};
use crate::raw::{ColumnKind, RawLookup, RawProtocol};
use crate::statement::{Tensor, statement};
use crate::strict::{Object, Word};
use crate::wire;

const KIND: &str = "zkml.protocol";
const VERSION: u32 = 1;
const CIRCUIT_ID_DOMAIN: &[u8] = b"zkml protocol v1\x00";

/// A query of a column at a rotation: at x it asks for the column's value at x·ω^rotation.
pub type Query = (usize, i32);

/// One circuit. Made only by `parse`, so whoever holds one knows that every count and index in it fits.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Protocol {
    pub circuit_id: [u8; 32],
    pub k: u32,
    /// 2^k rows.
    pub n: u64,
    /// Generates the domain of n points.
    pub omega: Fr,
    pub omega_inverse: Fr,
    pub n_inverse: Fr,
    /// Phases of the advice columns, column by column, and of the challenges.
    pub advice_phases: Vec<u32>,
    pub challenge_phases: Vec<u32>,
    pub instance_rows: Vec<usize>,
    pub advice_queries: Vec<Query>,
    pub fixed_queries: Vec<Query>,
    /// The instance queries, then what the permutation needs beyond them: the verifier computes these itself.
    pub instance_evals: Vec<Query>,
    pub program: Program,
    /// Slots of the program that must vanish, in order.
    pub gates: Vec<usize>,
    pub lookups: Vec<Lookup>,
    pub permutation: Permutation,
    pub blinding_factors: u32,
    pub degree: u32,
    pub fixed_commitments: Vec<G1Affine>,
    pub permutation_commitments: Vec<G1Affine>,
    pub transcript_digest: [u8; 32],
    pub srs: Srs,
    pub statement: Vec<Tensor>,
    pub plan: Plan,
}

/// One packed logUp argument; the parts of its tuples are slots of the program.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub inputs: Vec<Vec<usize>>,
    pub table: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct Permutation {
    /// Where the value of each column at x is found.
    pub columns: Vec<ColumnValue>,
    /// Columns in one product polynomial.
    pub chunk: usize,
}

/// A query at rotation 0, by its place among the queries of its kind (for instances: among `Protocol::instance_evals`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnValue {
    Advice(usize),
    Fixed(usize),
    Instance(usize),
}

/// The points of the ceremony that a verifier uses: [1]₁, [1]₂, [τ]₂.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Srs {
    pub g1: G1Affine,
    pub g2: G2Affine,
    pub tau_g2: G2Affine,
}

impl Protocol {
    /// The Protocol that `protocol.json` spells, whitespace and order of keys aside.
    ///
    /// The circuit id is always that of the canonical encoding, which is made anew here.
    pub fn parse(data: &[u8]) -> Result<Self, Malformed> {
        let raw: Object<RawProtocol> = json::parse(data, "protocol", MAX_FILE_BYTES)?;
        check(raw.0)
    }

    pub fn phases(&self) -> u32 {
        let phases = self.advice_phases.iter().chain(&self.challenge_phases);
        phases.max().map_or(0, |last| last.saturating_add(1))
    }

    /// The rotation of the last usable row, −(blinding factors + 1).
    pub fn last_rotation(&self) -> i32 {
        last_rotation(self.blinding_factors)
    }

    /// The place of each advice column's commitment among the points of a proof.
    pub fn advice_places(&self) -> Vec<usize> {
        reading_order(&self.advice_phases)
    }

    pub fn instances(&self) -> usize {
        self.instance_rows
            .iter()
            .fold(0, |sum, rows| sum.saturating_add(*rows))
    }
}

/// The canonical encoding of `protocol.json` without `audit`: sorted keys, no whitespace.
pub fn canonical(data: &[u8]) -> Result<Vec<u8>, Malformed> {
    let raw: Object<RawProtocol> = json::parse(data, "protocol", MAX_FILE_BYTES)?;
    encode(&raw.0)
}

fn encode(raw: &RawProtocol) -> Result<Vec<u8>, Malformed> {
    serde_json::to_vec(raw).map_err(|e| Malformed::new("protocol", e.to_string()))
}

fn last_rotation(blinding_factors: u32) -> i32 {
    i32::try_from(blinding_factors).map_or(i32::MIN, |factors| (-1_i32).saturating_sub(factors))
}

fn check(raw: RawProtocol) -> Result<Protocol, Malformed> {
    let circuit_id = Sha256::new()
        .chain_update(CIRCUIT_ID_DOMAIN)
        .chain_update(encode(&raw)?)
        .finalize()
        .into();
    ensure(raw.kind.0 == KIND, || "kind".into(), "not zkml.protocol")?;
    ensure(
        raw.version == VERSION,
        || "version".into(),
        "unknown version",
    )?;
    ensure(
        (1..=MAX_K).contains(&raw.k),
        || "k".into(),
        "not within 1..=28",
    )?;
    let n = 1_u64 << raw.k;
    ensure(
        raw.blinding_factors <= MAX_BLINDING_FACTORS,
        || "blinding_factors".into(),
        "too many",
    )?;
    ensure(
        raw.blinding_factors >= 1,
        || "blinding_factors".into(),
        "none",
    )?;
    let usable = n
        .checked_sub(u64::from(raw.blinding_factors).saturating_add(1))
        .filter(|rows| *rows > 0);
    let usable = usable.ok_or_else(|| Malformed::new("blinding_factors", "leave no usable row"))?;
    ensure(
        (3..=MAX_DEGREE).contains(&raw.degree),
        || "degree".into(),
        "not within 3..=64",
    )?;
    for (name, phases) in [
        ("advice_phases", &raw.advice_phases.0),
        ("challenge_phases", &raw.challenge_phases.0),
    ] {
        for (i, phase) in phases.iter().enumerate() {
            ensure(
                *phase < MAX_PHASES,
                || format!("{name}[{i}]"),
                "phase too high",
            )?;
        }
    }
    for (i, rows) in raw.instance_rows.iter().enumerate() {
        ensure(
            u64::from(*rows) <= usable,
            || format!("instance_rows[{i}]"),
            "more than the usable rows",
        )?;
    }
    let num_fixed = raw.num_fixed as usize;
    ensure(
        num_fixed == raw.fixed_commitments.len(),
        || "num_fixed".into(),
        "differs from the fixed commitments",
    )?;

    let advice_queries = queries(
        "advice_queries",
        &raw.advice_queries,
        raw.advice_phases.len(),
        n,
    )?;
    let fixed_queries = queries("fixed_queries", &raw.fixed_queries, num_fixed, n)?;
    let instance_queries = queries(
        "instance_queries",
        &raw.instance_queries,
        raw.instance_rows.len(),
        n,
    )?;

    ensure(
        advice_queries
            .iter()
            .chain(&fixed_queries)
            .map(|(_, rotation)| rotation)
            .collect::<BTreeSet<_>>()
            .len()
            <= MAX_ROTATIONS,
        || "advice_queries".into(),
        "more rotations than 128",
    )?;
    let terms = instance_queries.iter().fold(0_u64, |sum, (column, _)| {
        let rows = raw.instance_rows.get(*column).copied().unwrap_or_default();
        sum.saturating_add(rows.into())
    });
    ensure(
        terms <= MAX_INSTANCE_TERMS,
        || "instance_queries".into(),
        "the queried columns have more than 2^24 rows together",
    )?;

    let arity = Arity {
        advice: advice_queries.len(),
        fixed: fixed_queries.len(),
        instance: instance_queries.len(),
        challenges: raw.challenge_phases.len(),
    };
    let nodes = Nodes::check(&raw.nodes, &arity)?;
    for (i, gate) in raw.gates.iter().enumerate() {
        let degree = nodes.degree(*gate, || format!("gates[{i}]"))?;
        ensure(
            degree <= raw.degree,
            || format!("gates[{i}]"),
            "degree above the declared one",
        )?;
    }
    for (i, lookup) in raw.lookups.iter().enumerate() {
        let degree = lookup_degree(lookup, &nodes, i)?;
        ensure(
            degree <= raw.degree,
            || format!("lookups[{i}]"),
            "degree above the declared one",
        )?;
    }
    let mut instance_evals = instance_queries;
    let permutation = permutation(&raw, &advice_queries, &fixed_queries, &mut instance_evals)?;

    let (program, gates, lookups) = compile(nodes, &raw);
    let products = match permutation.columns.len() {
        0 => 0,
        columns => columns.div_ceil(permutation.chunk),
    };
    let sizes = Sizes {
        advice: raw.advice_phases.len(),
        lookups: lookups.len(),
        products,
        pieces: raw.degree.saturating_sub(1) as usize,
        advice_evals: advice_queries.len(),
        fixed_evals: fixed_queries.len(),
        sigmas: permutation.columns.len(),
    };
    let omega = omega(raw.k);
    let places = reading_order(&raw.advice_phases);
    let place = |column: usize| places.get(column).copied().unwrap_or(usize::MAX);
    let shape = Shape {
        omega,
        sizes,
        advice: advice_queries
            .iter()
            .map(|(column, rotation)| (place(*column), *rotation))
            .collect(),
        fixed: &fixed_queries,
        num_fixed,
        last: last_rotation(raw.blinding_factors),
    };
    let digest = raw.transcript_digest.0;
    ensure(
        wire::scalar(&digest).is_some(),
        || "transcript_digest".into(),
        "not below r",
    )?;
    Ok(Protocol {
        circuit_id,
        k: raw.k,
        n,
        omega,
        omega_inverse: omega.invert().unwrap_or(Fr::ZERO),
        n_inverse: Fr::from(n).invert().unwrap_or(Fr::ZERO),
        instance_rows: raw
            .instance_rows
            .iter()
            .map(|rows| *rows as usize)
            .collect(),
        statement: statement(&raw.statement, &raw.instance_rows)?,
        fixed_commitments: points("fixed_commitments", &raw.fixed_commitments)?,
        permutation_commitments: points("permutation_commitments", &raw.permutation_commitments)?,
        srs: srs(&raw.srs)?,
        plan: plan(&shape)
            .ok_or_else(|| Malformed::new("k", "two rotations in use meet in one row"))?,
        advice_phases: raw.advice_phases.0,
        challenge_phases: raw.challenge_phases.0,
        advice_queries,
        fixed_queries,
        instance_evals,
        program,
        gates,
        lookups,
        permutation,
        blinding_factors: raw.blinding_factors,
        degree: raw.degree,
        transcript_digest: digest,
    })
}

/// ω = ROOT^(2^(28−k)).
fn omega(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

fn queries(
    name: &str,
    raw: &[(u32, i32)],
    columns: usize,
    n: u64,
) -> Result<Vec<Query>, Malformed> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::with_capacity(raw.len());
    for (i, (column, rotation)) in raw.iter().enumerate() {
        let place = || format!("{name}[{i}]");
        let query = (*column as usize, *rotation);
        ensure(
            query.0 < columns,
            place,
            "refers to a column that does not exist",
        )?;
        let within = u64::from(rotation.unsigned_abs()) < n
            && rotation.unsigned_abs() <= MAX_ROTATION.unsigned_abs();
        ensure(within, place, "rotation out of bounds")?;
        ensure(seen.insert(query), place, "queried twice")?;
        out.push(query);
    }
    Ok(out)
}

/// The degree of active·(τ·Πf·(φ(ωx) − φ(x)) − …): 2 + the degrees of the table and of every input tuple, each of at least 1.
fn lookup_degree(lookup: &RawLookup, nodes: &Nodes, index: usize) -> Result<u32, Malformed> {
    let place = || format!("lookups[{index}]");
    ensure(!lookup.inputs.is_empty(), place, "has no inputs")?;
    ensure(!lookup.table.is_empty(), place, "has an empty table tuple")?;
    let tuple = |parts: &[u32]| -> Result<u32, Malformed> {
        ensure(
            parts.len() == lookup.table.len(),
            place,
            "tuples of different lengths",
        )?;
        parts.iter().try_fold(0_u32, |degree, part| {
            Ok(degree.max(nodes.degree(*part, place)?))
        })
    };
    let inputs = lookup
        .inputs
        .iter()
        .try_fold(0_u32, |sum, input| Ok(sum.saturating_add(tuple(input)?)))?;
    let required = inputs
        .saturating_add(tuple(&lookup.table)?)
        .saturating_add(2);
    Ok(required.max(
        u32::try_from(lookup.inputs.len())
            .unwrap_or(u32::MAX)
            .saturating_add(3),
    ))
}

fn permutation(
    raw: &RawProtocol,
    advice: &[Query],
    fixed: &[Query],
    instance_evals: &mut Vec<Query>,
) -> Result<Permutation, Malformed> {
    let columns = &raw.permutation.columns;
    let chunk = raw.permutation.chunk;
    let equal = columns.len() == raw.permutation_commitments.len();
    ensure(
        equal,
        || "permutation_commitments".into(),
        "differ in number from the permutation columns",
    )?;
    ensure(
        (1..=MAX_CHUNK).contains(&chunk),
        || "permutation.chunk".into(),
        "not within 1..=65536",
    )?;
    // active·z·Π (v + βσ + γ) has degree 2 + the columns of a chunk; l_last·(z² − z) has 3, which every Protocol declares.
    let widest = columns.len().min(chunk as usize);
    let fits = columns.is_empty() || widest.saturating_add(2) <= raw.degree as usize;
    ensure(
        fits,
        || "permutation.chunk".into(),
        "does not fit the declared degree",
    )?;
    let at_zero = |queries: &[Query]| -> BTreeMap<usize, usize> {
        let current = queries
            .iter()
            .enumerate()
            .filter(|(_, (_, rotation))| *rotation == 0);
        current
            .map(|(place, (column, _))| (*column, place))
            .collect()
    };
    let (advice, fixed, instance) = (at_zero(advice), at_zero(fixed), at_zero(instance_evals));
    let mut seen = BTreeSet::new();
    let mut out = Vec::with_capacity(columns.len());
    for (i, (Word(kind), column)) in columns.iter().enumerate() {
        let place = || format!("permutation.columns[{i}]");
        ensure(
            seen.insert((*kind as u8, *column)),
            place,
            "is listed twice",
        )?;
        let column = *column as usize;
        let value = match kind {
            ColumnKind::Advice => advice.get(&column).copied().map(ColumnValue::Advice),
            ColumnKind::Fixed => fixed.get(&column).copied().map(ColumnValue::Fixed),
            ColumnKind::Instance => instance
                .get(&column)
                .copied()
                .map(ColumnValue::Instance)
                .or_else(|| {
                    let exists = column < raw.instance_rows.len();
                    exists.then(|| {
                        instance_evals.push((column, 0));
                        ColumnValue::Instance(instance_evals.len().saturating_sub(1))
                    })
                }),
        };
        out.push(
            value.ok_or_else(|| {
                Malformed::new(place(), "the column is not queried at rotation 0")
            })?,
        );
    }
    Ok(Permutation {
        columns: out,
        chunk: chunk as usize,
    })
}

fn compile(nodes: Nodes, raw: &RawProtocol) -> (Program, Vec<usize>, Vec<Lookup>) {
    let parts = raw
        .lookups
        .iter()
        .flat_map(|l| l.inputs.iter().flat_map(|i| i.iter()).chain(l.table.iter()));
    let roots: Vec<u32> = raw.gates.iter().chain(parts).copied().collect();
    let (program, slots) = nodes.compile(&roots);
    let mut slots = slots.into_iter();
    let gates = slots.by_ref().take(raw.gates.len()).collect();
    let mut take = |tuple: &[u32]| slots.by_ref().take(tuple.len()).collect::<Vec<_>>();
    let mut lookups = Vec::with_capacity(raw.lookups.len());
    for lookup in raw.lookups.iter() {
        let inputs = lookup.inputs.iter().map(|tuple| take(tuple)).collect();
        lookups.push(Lookup {
            inputs,
            table: take(&lookup.table),
        });
    }
    (program, gates, lookups)
}

/// The place of each advice column's commitment in the proof: phase by phase, columns ascending.
fn reading_order(phases: &[u32]) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..phases.len()).collect();
    columns.sort_by_key(|column| phases.get(*column).copied());
    let mut places = vec![0; phases.len()];
    for (place, column) in columns.into_iter().enumerate() {
        if let Some(target) = places.get_mut(column) {
            *target = place;
        }
    }
    places
}

fn points(name: &str, raw: &[json::Hex<64>]) -> Result<Vec<G1Affine>, Malformed> {
    let point = |(i, hex): (usize, &json::Hex<64>)| {
        wire::g1(&hex.0)
            .ok_or_else(|| Malformed::new(format!("{name}[{i}]"), "not a point of the curve"))
    };
    raw.iter().enumerate().map(point).collect()
}

fn srs(raw: &crate::raw::RawSrs) -> Result<Srs, Malformed> {
    // Both generators are the standard ones: then trust in an SRS is trust in [τ]₂ alone.
    let g1 = wire::g1(&raw.g1.0).filter(|p| *p == G1Affine::generator());
    let g2 = wire::g2(&raw.g2.0).filter(|p| *p == G2Affine::generator());
    let tau_g2 = wire::g2(&raw.tau_g2.0).filter(|p| !bool::from(p.is_identity()));
    let missing = |place: &str, reason: &str| Malformed::new(place, reason);
    Ok(Srs {
        g1: g1.ok_or_else(|| missing("srs.g1", "not the generator (1, 2)"))?,
        g2: g2.ok_or_else(|| missing("srs.g2", "not the generator of EIP-197"))?,
        tau_g2: tau_g2.ok_or_else(|| {
            missing(
                "srs.tau_g2",
                "not a point of the group other than the identity",
            )
        })?,
    })
}
