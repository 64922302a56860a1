//! Circuits made by hand: proofs are accepted, wrong witnesses have none, and hostile keys are refused.

mod common;

use common::{Circuit, Expressions, Folder};
use ff::Field;
use halo2curves::bn256::Fr;
use rand_core::OsRng;
use zkml_protocol::Protocol;
use zkml_prover::key::Fixed;
use zkml_prover::{Cells, KeyError, Prover, ProverError, ProvingKey, Witness, WitnessError};
use zkml_srs::{SrsFile, Tau, generate};
use zkml_verifier::{Verdict, Verifier};

/// c = a·b where the selector is on; each c is the next row's a; the last c is public; every b is in a table of (i, i²) with d = b².
fn squares(k: u32, chunk: usize) -> Circuit {
    let mut e = Expressions::default();
    let (a, b, c, d) = (
        e.advice(0, 0),
        e.advice(1, 0),
        e.advice(2, 0),
        e.advice(3, 0),
    );
    let selector = e.fixed(0, 0);
    let (t0, t1) = (e.fixed(1, 0), e.fixed(2, 0));
    let ab = e.product(a, b);
    let difference = e.minus(ab, c);
    let gate = e.product(selector, difference);
    // A gate on a column of zeros, and one that is zero itself.
    let unused = e.fixed(3, 0);
    let off = e.product(unused, a);
    let zero = e.constant(0);
    let nothing = e.product(selector, zero);
    // b_{i+1} − b_i − step where the selector is on in the row above.
    let before = e.advice(1, -1);
    let selected = e.fixed(0, -1);
    let step = e.minus(b, before);
    let one = e.constant(1);
    let step = e.minus(step, one);
    let both = e.product(selector, selected);
    let rising = e.product(both, step);
    let n = 1_usize << k;
    let rows = 9.min(n - 6);
    let mut selected = vec![0; rows];
    selected.fill(1);
    Circuit {
        k,
        advice_phases: vec![0, 0, 0, 0],
        challenge_phases: vec![],
        instance_rows: vec![2],
        fixed: vec![
            Fixed::Small(selected),
            Fixed::Small((0..(n - 6).min(20) as i64).collect()),
            Fixed::Full(
                (0..(n - 6).min(20) as u64)
                    .map(|i| Fr::from(i * i))
                    .collect(),
            ),
            Fixed::Zero,
        ],
        expressions: e,
        gates: vec![gate, off, nothing, rising],
        lookups: vec![
            (vec![vec![b, d], vec![b, d]], vec![t0, t1]),
            (vec![vec![b]], vec![t0]),
        ],
        permutation: vec![("advice", 0), ("advice", 2), ("instance", 0), ("fixed", 2)],
        copies: (0..rows - 1)
            .map(|i| ((1, i), (0, i + 1)))
            .chain([((1, rows - 1), (2, 1)), ((0, 0), (2, 0))])
            .collect(),
        chunk,
        degree: 5,
    }
}

fn witness(start: i64) -> (Vec<Cells>, Vec<Vec<Fr>>) {
    let (mut a, mut b, mut c, mut d) = (vec![], vec![], vec![], vec![]);
    let mut value = start;
    for i in 1..=9 {
        a.push(value);
        b.push(i);
        value *= i;
        c.push(value);
        d.push(i * i);
    }
    let felt = |v: i64| {
        if v < 0 {
            -Fr::from(v.unsigned_abs())
        } else {
            Fr::from(v as u64)
        }
    };
    let public = vec![vec![felt(start), felt(value)]];
    let full = Cells::Full(c.into_iter().map(felt).collect());
    (
        vec![Cells::Small(a), Cells::Small(b), full, Cells::Small(d)],
        public,
    )
}

fn prove(
    prover: &Prover,
    mut cells: Vec<Cells>,
    public: &[Vec<Fr>],
) -> Result<Vec<u8>, ProverError> {
    prover
        .prove(&mut cells, public, &mut OsRng, &mut |_, _, _| true)
        .map(|proved| proved.proof)
}

#[test]
fn a_true_statement_is_proved_whatever_the_chunks_of_the_permutation() {
    for (k, chunk) in [(5, 1), (5, 2), (6, 3), (8, 3)] {
        let folder = Folder::new(&format!("true-{k}-{chunk}"));
        let circuit = squares(k, chunk);
        let prover = circuit.prover(&folder.0);
        for start in [1, -3, 1 << 20] {
            let (cells, public) = witness(start);
            let proof = prove(&prover, cells, &public).unwrap();
            let verifier = Verifier::new(prover.protocol().clone());
            assert_eq!(verifier.check(&public, &proof), Verdict::Accepted);
            let mut other = public.clone();
            other[0][0] += Fr::ONE;
            assert!(!verifier.check(&other, &proof).is_accepted());
        }
    }
}

#[test]
fn proofs_of_one_statement_differ_in_every_point_that_hides_something() {
    let folder = Folder::new("blinded");
    let circuit = squares(5, 2);
    let prover = circuit.prover(&folder.0);
    let (cells, public) = witness(2);
    let first = prove(&prover, cells.clone(), &public).unwrap();
    let second = prove(&prover, cells, &public).unwrap();
    let points = first.chunks(64).zip(second.chunks(64)).take(4);
    assert!(points.into_iter().all(|(a, b)| a != b));
}

#[test]
fn what_is_wrong_with_a_witness_is_said() {
    let folder = Folder::new("wrong");
    let circuit = squares(5, 2);
    let prover = circuit.prover(&folder.0);
    let (cells, public) = witness(2);
    let refused = |cells: Vec<Cells>, public: &[Vec<Fr>]| match prove(&prover, cells, public) {
        Err(ProverError::Witness(error)) => error,
        other => panic!("{other:?}"),
    };
    let with = |column: usize, row: usize, value: i64| {
        let mut cells = cells.clone();
        if let Cells::Small(values) = &mut cells[column] {
            values[row] = value;
        }
        cells
    };
    assert_eq!(
        refused(with(3, 4, 7), &public),
        WitnessError::Lookup { lookup: 0, row: 4 }
    );
    assert_eq!(refused(with(0, 4, 7), &public), WitnessError::Copies);
    let mut other = public.clone();
    other[0][1] += Fr::ONE;
    assert_eq!(refused(cells.clone(), &other), WitnessError::Copies);
    // No copy and no lookup sees these, only the gates.
    let mut swapped = cells.clone();
    swapped[1] = Cells::Small(vec![1, 2, 3, 4, 5, 6, 7, 8, 8]);
    swapped[3] = Cells::Small(vec![1, 4, 9, 16, 25, 36, 49, 64, 64]);
    assert!(matches!(
        refused(swapped, &public),
        WitnessError::Unsatisfied { step: 10, .. }
    ));
    assert!(matches!(
        refused(cells[..3].to_vec(), &public),
        WitnessError::Missing { column: 3, .. }
    ));
    let mut more = cells.clone();
    more.push(Cells::Small(vec![]));
    assert!(matches!(
        refused(more, &public),
        WitnessError::Columns {
            expected: 4,
            got: 5
        }
    ));
    let mut long = cells.clone();
    long[0] = Cells::Small(vec![0; circuit.usable() + 1]);
    assert!(matches!(
        refused(long, &public),
        WitnessError::Rows { column: 0, .. }
    ));
    assert!(matches!(
        refused(cells.clone(), &[]),
        WitnessError::Instances(_)
    ));
    assert!(matches!(
        refused(cells, &[vec![]]),
        WitnessError::Instances(_)
    ));
}

/// Phase 1 holds a·χ + row, and phase 2 the running sum of it times the second challenge.
struct Phases {
    a: Vec<i64>,
}

impl Witness for Phases {
    fn phase(
        &mut self,
        phase: u32,
        challenges: &[Option<Fr>],
    ) -> Result<Vec<(usize, Cells)>, WitnessError> {
        let first = |challenge: Fr| -> Vec<Fr> {
            self.a
                .iter()
                .map(|a| Fr::from(*a as u64) * challenge)
                .collect()
        };
        Ok(match phase {
            0 => vec![(1, Cells::Small(self.a.clone()))],
            1 => vec![(0, Cells::Full(first(challenges[1].unwrap())))],
            _ => {
                assert!(challenges.iter().all(Option::is_some));
                let mut sum = Fr::ZERO;
                let sums = first(challenges[1].unwrap()).into_iter().map(|v| {
                    sum += v * challenges[0].unwrap();
                    sum
                });
                vec![(2, Cells::Full(sums.collect()))]
            }
        })
    }
}

#[test]
fn later_phases_see_the_challenges_of_earlier_ones() {
    let mut e = Expressions::default();
    let (b, a, sum, before) = (
        e.advice(0, 0),
        e.advice(1, 0),
        e.advice(2, 0),
        e.advice(2, -1),
    );
    let (second, first) = (e.challenge(0), e.challenge(1));
    let (on, begin) = (e.fixed(0, 0), e.fixed(1, 0));
    let scaled = e.product(a, first);
    let held = e.minus(scaled, b);
    let held = e.product(on, held);
    let step = e.product(b, second);
    let difference = e.minus(sum, before);
    let step = e.minus(difference, step);
    let step = e.product(on, step);
    let public = e.instance(0, 0);
    let equal = e.minus(a, public);
    let start = e.product(begin, equal);
    let start = e.scaled(start, Fr::from(5));
    let circuit = Circuit {
        k: 5,
        advice_phases: vec![1, 0, 2],
        challenge_phases: vec![1, 0],
        instance_rows: vec![3],
        fixed: vec![Fixed::Small(vec![0, 1, 1, 1]), Fixed::Small(vec![1, 1, 1])],
        expressions: e,
        gates: vec![held, step, start],
        lookups: vec![],
        permutation: vec![],
        copies: vec![],
        chunk: 1,
        degree: 3,
    };
    let folder = Folder::new("phases");
    let prover = circuit.prover(&folder.0);
    let mut witness = Phases {
        a: vec![0, 4, 6, 2],
    };
    let public = vec![vec![Fr::ZERO, Fr::from(4), Fr::from(6)]];
    let proved = prover.prove(&mut witness, &public, &mut OsRng, &mut |_, _, _| true);
    let proof = proved.unwrap().proof;
    let verifier = Verifier::new(prover.protocol().clone());
    assert!(verifier.check(&public, &proof).is_accepted());
    let public = vec![vec![Fr::ZERO, Fr::from(4), Fr::from(7)]];
    let proved = prover.prove(&mut witness, &public, &mut OsRng, &mut |_, _, _| true);
    assert!(matches!(
        proved,
        Err(ProverError::Witness(WitnessError::Unsatisfied { .. }))
    ));
}

#[test]
fn work_ends_at_whatever_step_it_is_told_to() {
    let folder = Folder::new("stopped");
    let circuit = squares(5, 2);
    let prover = circuit.prover(&folder.0);
    let (cells, public) = witness(2);
    let mut steps = 0;
    let mut cells_again = cells.clone();
    prover
        .prove(
            &mut cells_again,
            &public,
            &mut OsRng,
            &mut |_, done, total| {
                steps += 1;
                assert!(done <= total);
                true
            },
        )
        .unwrap();
    for last in 1..=steps {
        let mut asked = 0;
        let result = prover.prove(&mut cells.clone(), &public, &mut OsRng, &mut |_, _, _| {
            asked += 1;
            asked < last
        });
        assert!(matches!(result, Err(ProverError::Interrupted)), "{last}");
        assert_eq!(asked, last);
    }
}

#[test]
fn keys_of_other_circuits_other_ceremonies_and_broken_ones_are_refused() {
    let folder = Folder::new("keys");
    let protocol = squares(5, 2).set_up(&folder.0);
    let path = folder.path("key");
    let whole = std::fs::read(&path).unwrap();
    let open = |bytes: &[u8]| {
        let changed = folder.path("changed");
        std::fs::write(&changed, bytes).unwrap();
        ProvingKey::open(&changed, &protocol).map(|key| key.check_digest())
    };
    for length in (0..whole.len()).step_by(7) {
        assert!(
            matches!(
                open(&whole[..length]),
                Err(KeyError::Truncated { .. } | KeyError::Unknown(_))
            ),
            "{length}"
        );
    }
    assert!(matches!(
        open(&[&whole[..], &[0]].concat()),
        Err(KeyError::Trailing { extra: 1 })
    ));
    let mut other = whole.clone();
    other[8] = 2;
    assert!(matches!(
        open(&other),
        Err(KeyError::Version { got: 2, .. })
    ));
    // No byte can be changed without being noticed, padding included.
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 1;
        assert!(!matches!(open(&other), Ok(Ok(()))), "{at}");
    }

    let elsewhere = Folder::new("keys-other");
    let another = squares(5, 1).set_up(&elsewhere.0);
    let result = ProvingKey::open(&path, &another);
    assert!(matches!(result, Err(KeyError::OtherCircuit(_))));
    let key = || ProvingKey::open(&path, &protocol).unwrap();
    let srs = |k: u32, tau: u64| {
        let path = folder.path("other.srs");
        generate(&path, k, &Tau::known(tau), &mut |_, _, _| true).unwrap();
        SrsFile::open(&path).unwrap()
    };
    let new = |mut srs: SrsFile| Prover::new(protocol.clone(), key(), &mut srs).map(|_| ());
    assert!(matches!(
        new(srs(4, 1234567)),
        Err(ProverError::SrsTooSmall { needed: 5, got: 4 })
    ));
    assert!(matches!(new(srs(5, 7)), Err(ProverError::OtherCeremony)));
    assert!(new(srs(7, 1234567)).is_ok());
}

#[test]
fn a_larger_srs_of_the_same_ceremony_proves_too() {
    let folder = Folder::new("larger");
    let protocol: Protocol = squares(5, 2).set_up(&folder.0);
    let key = ProvingKey::open(&folder.path("key"), &protocol).unwrap();
    let path = folder.path("larger.srs");
    generate(&path, 7, &Tau::known(1234567), &mut |_, _, _| true).unwrap();
    let prover = Prover::new(protocol, key, &mut SrsFile::open(&path).unwrap()).unwrap();
    let (cells, public) = witness(2);
    prove(&prover, cells, &public).unwrap();
}

#[test]
fn one_prover_serves_many_threads() {
    let folder = Folder::new("threads");
    let prover = squares(5, 2).prover(&folder.0);
    std::thread::scope(|scope| {
        for start in 1..4 {
            let prover = &prover;
            scope.spawn(move || {
                let (cells, public) = witness(start);
                prove(prover, cells, &public).unwrap();
            });
        }
    });
}
