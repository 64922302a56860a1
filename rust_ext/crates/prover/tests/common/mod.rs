//! Circuits made by hand: columns and copies become a Protocol, a key and an SRS.

#![allow(dead_code)]

use std::path::{Path, PathBuf};

use ff::{Field, PrimeField};
use group::Curve;
use halo2curves::bn256::{Fr, G1Affine};
use serde_json::{Value, json};
use zkml_arithmetic::{Bases, Scalars, msm, powers};
use zkml_protocol::{Protocol, wire};
use zkml_prover::key::{self, Contents, Fixed};
use zkml_prover::{Prover, ProvingKey};
use zkml_srs::{SrsFile, Tau, generate};

pub const BLINDING: u32 = 5;

/// A folder of its own for each test, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("zkml-prover-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Expressions in the making, and the queries that they are made of.
#[derive(Default)]
pub struct Expressions {
    pub nodes: Vec<Value>,
    pub advice: Vec<(usize, i32)>,
    pub fixed: Vec<(usize, i32)>,
    pub instance: Vec<(usize, i32)>,
}

impl Expressions {
    pub fn push(&mut self, node: Value) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    pub fn advice(&mut self, column: usize, rotation: i32) -> usize {
        let query = place(&mut self.advice, (column, rotation));
        self.push(json!(["advice", query]))
    }

    pub fn fixed(&mut self, column: usize, rotation: i32) -> usize {
        let query = place(&mut self.fixed, (column, rotation));
        self.push(json!(["fixed", query]))
    }

    pub fn instance(&mut self, column: usize, rotation: i32) -> usize {
        let query = place(&mut self.instance, (column, rotation));
        self.push(json!(["instance", query]))
    }

    pub fn challenge(&mut self, i: usize) -> usize {
        self.push(json!(["challenge", i]))
    }

    pub fn constant(&mut self, v: u64) -> usize {
        self.push(json!(["constant", felt(Fr::from(v))]))
    }

    pub fn sum(&mut self, a: usize, b: usize) -> usize {
        self.push(json!(["sum", a, b]))
    }

    pub fn minus(&mut self, a: usize, b: usize) -> usize {
        let b = self.push(json!(["neg", b]));
        self.sum(a, b)
    }

    pub fn product(&mut self, a: usize, b: usize) -> usize {
        self.push(json!(["product", a, b]))
    }

    pub fn scaled(&mut self, a: usize, v: Fr) -> usize {
        self.push(json!(["scaled", a, felt(v)]))
    }
}

fn place(queries: &mut Vec<(usize, i32)>, query: (usize, i32)) -> usize {
    queries.iter().position(|q| *q == query).unwrap_or_else(|| {
        queries.push(query);
        queries.len() - 1
    })
}

pub fn felt(v: Fr) -> String {
    wire::to_hex(&wire::scalar_bytes(&v))
}

/// A cell of the permutation: place among its columns, row.
pub type Cell = (usize, usize);

pub struct Circuit {
    pub k: u32,
    pub advice_phases: Vec<u32>,
    pub challenge_phases: Vec<u32>,
    pub instance_rows: Vec<usize>,
    pub fixed: Vec<Fixed>,
    pub expressions: Expressions,
    pub gates: Vec<usize>,
    /// Input tuples and table of each lookup.
    pub lookups: Vec<(Vec<Vec<usize>>, Vec<usize>)>,
    pub permutation: Vec<(&'static str, usize)>,
    pub copies: Vec<(Cell, Cell)>,
    pub chunk: usize,
    pub degree: usize,
}

struct Columns<'a> {
    circuit: &'a Circuit,
    next: Vec<u32>,
}

impl Contents for Columns<'_> {
    fn fixed(&self, column: usize) -> Fixed {
        self.circuit.fixed[column].clone()
    }

    fn next(&self, column: usize) -> &[u32] {
        let n = 1 << self.circuit.k;
        &self.next[column * n..(column + 1) * n]
    }
}

pub fn values(fixed: &Fixed, n: usize) -> Vec<Fr> {
    let mut out: Vec<Fr> = match fixed {
        Fixed::Zero => Vec::new(),
        Fixed::Small(small) => small
            .iter()
            .map(|v| {
                let size = Fr::from(v.unsigned_abs());
                if *v < 0 { -size } else { size }
            })
            .collect(),
        Fixed::Full(values) => values.clone(),
    };
    out.resize(n, Fr::ZERO);
    out
}

impl Circuit {
    pub fn n(&self) -> usize {
        1 << self.k
    }

    pub fn usable(&self) -> usize {
        self.n() - BLINDING as usize - 1
    }

    fn next(&self) -> Vec<u32> {
        let n = self.n();
        let mut next: Vec<u32> = (0..(self.permutation.len() * n) as u32).collect();
        for ((a, i), (b, j)) in &self.copies {
            // The tests copy each cell into one cycle only.
            next.swap(a * n + i, b * n + j);
        }
        next
    }

    /// Write SRS and key into the folder; the Protocol.
    pub fn set_up(&self, folder: &Path) -> Protocol {
        let srs = folder.join("srs");
        generate(&srs, self.k, &Tau::known(1234567), &mut |_, _, _| true).unwrap();
        let protocol = Protocol::parse(self.protocol(&srs).to_string().as_bytes()).unwrap();
        let columns = Columns {
            circuit: self,
            next: self.next(),
        };
        key::write(&folder.join("key"), &protocol, &columns).unwrap();
        protocol
    }

    pub fn prover(&self, folder: &Path) -> Prover {
        let protocol = self.set_up(folder);
        let key = ProvingKey::open(&folder.join("key"), &protocol).unwrap();
        key.check_digest().unwrap();
        let mut srs = SrsFile::open(&folder.join("srs")).unwrap();
        Prover::new(protocol, key, &mut srs).unwrap()
    }

    fn protocol(&self, srs: &Path) -> Value {
        let mut srs = SrsFile::open(srs).unwrap();
        let n = self.n();
        let lagrange = Bases::new(srs.lagrange().unwrap());
        let points = srs.verifier_points().unwrap();
        let commit = |values: &[Fr]| -> String {
            let point: G1Affine = msm(&lagrange, Scalars::Full(values)).unwrap().to_affine();
            wire::to_hex(&wire::g1_bytes(&point))
        };
        let omega = (self.k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let (omegas, deltas) = (powers(omega, n), powers(Fr::DELTA, self.permutation.len()));
        let next = self.next();
        let sigma = |column: usize| -> Vec<Fr> {
            next[column * n..(column + 1) * n]
                .iter()
                .map(|to| deltas[*to as usize / n] * omegas[*to as usize % n])
                .collect()
        };
        let e = &self.expressions;
        let tensors: Vec<Value> = self
            .instance_rows
            .iter()
            .enumerate()
            .filter(|(_, rows)| **rows > 0)
            .map(|(column, rows)| {
                json!({"name": format!("t{column}"), "role": "input", "visibility": "public", "dtype": "I",
                    "shape": [rows], "scale": 0, "column": column, "row": 0, "length": rows, "domain": null})
            })
            .collect();
        let lookups: Vec<Value> = self
            .lookups
            .iter()
            .map(|(inputs, table)| json!({"inputs": inputs, "table": table}))
            .collect();
        json!({
            "kind": "zkml.protocol",
            "version": 1,
            "k": self.k,
            "advice_phases": self.advice_phases,
            "num_fixed": self.fixed.len(),
            "instance_rows": self.instance_rows,
            "challenge_phases": self.challenge_phases,
            "advice_queries": e.advice,
            "fixed_queries": e.fixed,
            "instance_queries": e.instance,
            "nodes": e.nodes,
            "gates": self.gates,
            "lookups": lookups,
            "permutation": {"columns": self.permutation, "chunk": self.chunk},
            "blinding_factors": BLINDING,
            "degree": self.degree,
            "fixed_commitments": self.fixed.iter().map(|f| commit(&values(f, n))).collect::<Vec<_>>(),
            "permutation_commitments": (0..self.permutation.len()).map(|c| commit(&sigma(c))).collect::<Vec<_>>(),
            "transcript_digest": felt(Fr::from(77)),
            "srs": {
                "g1": wire::to_hex(&wire::g1_bytes(&points.g1)),
                "g2": wire::to_hex(&wire::g2_bytes(&points.g2)),
                "tau_g2": wire::to_hex(&wire::g2_bytes(&points.tau_g2)),
            },
            "statement": {"tensors": tensors},
            "source": {},
            "audit": null,
        })
    }
}
