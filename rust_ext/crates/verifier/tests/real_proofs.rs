//! Real proofs, single and in batches: accepted as they are, rejected or malformed when changed, and never a panic.

use std::path::PathBuf;

use halo2curves::bn256::{Fr, G1, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::{Curve, Group};
use rand_core::OsRng;
use zkml_protocol::{ProofFile, Protocol, canonical, wire};
use zkml_verifier::{Item, Verdict, Verifier, verify_batch};

const NAMES: [&str; 4] = [
    "linear",
    "matmul_freivalds",
    "hashed_input",
    "dynamic_lookup",
];

struct Case {
    verifier: Verifier,
    file: ProofFile,
}

impl Case {
    fn item<'a>(&'a self, proof: &'a [u8]) -> Item<'a> {
        Item {
            verifier: &self.verifier,
            instances: &self.file.instances,
            proof,
        }
    }

    fn check(&self, proof: &[u8]) -> Verdict {
        self.verifier.check(&self.file.instances, proof)
    }

    fn length(&self) -> usize {
        self.file.proof.len()
    }
}

fn read(name: &str, file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors/verify");
    std::fs::read(path.join(name).join(file)).unwrap()
}

fn case(name: &str) -> Case {
    let protocol = Protocol::parse(&read(name, "protocol.json")).unwrap();
    Case {
        verifier: Verifier::new(protocol),
        file: ProofFile::parse(&read(name, "proof.json")).unwrap(),
    }
}

fn rejected_at(verdict: &Verdict, expected: u8) -> bool {
    matches!(verdict, Verdict::Rejected { step, .. } if *step == expected)
}

#[test]
fn real_proofs_are_accepted_one_by_one_and_mixed_in_a_batch() {
    let cases: Vec<Case> = NAMES.iter().map(|name| case(name)).collect();
    for case in &cases {
        assert_eq!(case.check(&case.file.proof), Verdict::Accepted);
    }
    let items: Vec<Item> = cases
        .iter()
        .cycle()
        .take(11)
        .map(|case| case.item(&case.file.proof))
        .collect();
    assert!(verify_batch(&items).iter().all(Verdict::is_accepted));
    assert!(verify_batch(&[]).is_empty());
}

#[test]
fn the_fixtures_are_of_different_ceremonies() {
    let taus = ["linear", "dynamic_lookup", "hashed_input"]
        .map(|name| case(name).verifier.protocol().srs.tau_g2);
    assert!(taus.iter().any(|tau| *tau != taus[0]));
}

#[test]
fn the_bad_ones_of_a_batch_are_named() {
    let cases: Vec<Case> = NAMES.iter().map(|name| case(name)).collect();
    for bad_places in [
        vec![0],
        vec![9],
        vec![1, 2],
        vec![0, 3, 4, 5, 9],
        (0..10).collect(),
    ] {
        let proofs: Vec<(usize, Vec<u8>)> = (0..10)
            .map(|place| {
                let mut proof = cases[place % 4].file.proof.clone();
                if bad_places.contains(&place) {
                    proof[..64].copy_from_slice(&wire::g1_bytes(&G1::random(OsRng).to_affine()));
                }
                (place % 4, proof)
            })
            .collect();
        let items: Vec<Item> = proofs
            .iter()
            .map(|(case, proof)| cases[*case].item(proof))
            .collect();
        for (place, verdict) in verify_batch(&items).iter().enumerate() {
            assert_eq!(
                rejected_at(verdict, 10),
                bad_places.contains(&place),
                "{place} of {bad_places:?}: {verdict:?}"
            );
            assert_eq!(verdict.is_accepted(), !bad_places.contains(&place));
        }
    }
}

/// W' is absorbed by nothing, so W' + Δ changes an equation e(W', [τ]₂) = e(R + u·W', [1]₂) by e(Δ, [τ − u]₂). With Δ₁ = Δ in one
/// proof and, in another with challenge u₂ ≠ u₁, no Δ₂ cancels it without τ; but with the *same* proof twice u is the same, and
/// +Δ and −Δ cancel exactly under equal weights.
#[test]
fn two_bad_proofs_that_cancel_under_equal_weights_are_caught() {
    let case = case("linear");
    let start = case.length() - 64;
    let delta = G1::random(OsRng);
    let shifted = |delta: G1| {
        let mut proof = case.file.proof.clone();
        let w_prime: G1Affine = wire::g1(proof[start..].try_into().unwrap()).unwrap();
        proof[start..].copy_from_slice(&wire::g1_bytes(&(delta + w_prime).to_affine()));
        proof
    };
    let (plus, minus) = (shifted(delta), shifted(-delta));
    assert!(rejected_at(&case.check(&plus), 10) && rejected_at(&case.check(&minus), 10));
    // With equal weights the sides of both equations would add up to those of twice the genuine proof, which holds: the
    // two points differ from it by +Δ and −Δ, and enter both sides linearly with the same u.
    let sum = wire::g1(plus[start..].try_into().unwrap()).unwrap()
        + wire::g1(minus[start..].try_into().unwrap()).unwrap();
    let genuine = wire::g1(case.file.proof[start..].try_into().unwrap()).unwrap();
    assert_eq!(sum, genuine + genuine);
    assert!(case.verifier.equal_weights_would_accept(&[
        (case.file.instances.as_slice(), plus.as_slice()),
        (case.file.instances.as_slice(), minus.as_slice())
    ]));
    for _ in 0..5 {
        let verdicts = verify_batch(&[
            case.item(&plus),
            case.item(&case.file.proof),
            case.item(&minus),
        ]);
        assert!(
            rejected_at(&verdicts[0], 10)
                && verdicts[1].is_accepted()
                && rejected_at(&verdicts[2], 10)
        );
    }
}

#[test]
fn every_length_but_one_is_malformed() {
    let case = case("linear");
    for length in (0..case.length()).step_by(29).chain([
        case.length() - 1,
        case.length() + 1,
        case.length() + 64,
    ]) {
        let mut proof = case.file.proof.clone();
        proof.resize(length, 0);
        assert!(
            matches!(case.check(&proof), Verdict::Malformed { place, .. } if place == "proof length"),
            "{length}"
        );
    }
}

#[test]
fn every_word_of_a_proof_counts() {
    for name in NAMES {
        let case = case(name);
        let sizes = case.verifier.protocol().plan.sizes;
        let evals = sizes.points() * 64;
        for start in (0..evals)
            .step_by(64)
            .chain([case.length() - 128, case.length() - 64])
        {
            let mut proof = case.file.proof.clone();
            for point in [G1::random(OsRng).to_affine(), G1Affine::default()] {
                proof[start..start + 64].copy_from_slice(&wire::g1_bytes(&point));
                assert!(
                    rejected_at(&case.check(&proof), 10),
                    "{name} point at {start}"
                );
            }
        }
        for start in (evals..case.length() - 128).step_by(32) {
            let mut proof = case.file.proof.clone();
            proof[start..start + 32].copy_from_slice(&wire::scalar_bytes(&Fr::random(OsRng)));
            assert!(
                rejected_at(&case.check(&proof), 10),
                "{name} scalar at {start}"
            );
        }
    }
}

#[test]
fn words_that_are_not_canonical_are_malformed_and_named() {
    let case = case("linear");
    let evals = case.verifier.protocol().plan.sizes.points() * 64;
    let mut proof = case.file.proof.clone();
    proof[evals..evals + 32].fill(0xff);
    let place = format!("proof[{}..{}]", evals, evals + 32);
    assert!(matches!(case.check(&proof), Verdict::Malformed { place: p, .. } if p == place));
    let mut proof = case.file.proof.clone();
    proof[63] ^= 1;
    assert!(
        matches!(case.check(&proof), Verdict::Malformed { place, .. } if place == "proof[0..64]")
    );
}

#[test]
fn instances_must_be_those_that_were_proved() {
    let case = case("linear");
    let mut changed = case.file.instances.clone();
    changed[0][0] += Fr::ONE;
    let verdict = case.verifier.check(&changed, &case.file.proof);
    assert!(
        rejected_at(&verdict, 10) || rejected_at(&verdict, 1),
        "{verdict:?}"
    );
    changed[0].pop();
    assert!(
        matches!(case.verifier.check(&changed, &case.file.proof), Verdict::Malformed { place, .. } if place == "instances[0]")
    );
    assert!(
        matches!(case.verifier.check(&[], &case.file.proof), Verdict::Malformed { place, .. } if place == "instances")
    );
}

#[test]
fn a_proof_of_another_circuit_is_not_accepted() {
    let (linear, gather) = (case("linear"), case("dynamic_lookup"));
    assert!(!gather.check(&linear.file.proof).is_accepted());
    assert!(
        !linear
            .verifier
            .check(&gather.file.instances, &gather.file.proof)
            .is_accepted()
    );
}

#[test]
fn the_circuit_id_ignores_spelling_and_audit_and_nothing_else() {
    let data = read("linear", "protocol.json");
    let id = Protocol::parse(&data).unwrap().circuit_id;
    let mut value: serde_json::Value = serde_json::from_slice(&data).unwrap();
    let pretty = serde_json::to_vec_pretty(&value).unwrap();
    assert_eq!(Protocol::parse(&pretty).unwrap().circuit_id, id);
    value["audit"] = serde_json::json!({"findings": [1, "é\n", null, true]});
    assert_eq!(
        Protocol::parse(&serde_json::to_vec(&value).unwrap())
            .unwrap()
            .circuit_id,
        id
    );
    value["source"]["version"] = "other".into();
    assert_ne!(
        Protocol::parse(&serde_json::to_vec(&value).unwrap())
            .unwrap()
            .circuit_id,
        id
    );
    let encoded = canonical(&data).unwrap();
    // The file is the canonical encoding with `audit` in its place.
    let without_audit = String::from_utf8(data)
        .unwrap()
        .replace(r#""audit":null,"#, "");
    assert_eq!(String::from_utf8(encoded).unwrap(), without_audit);
}

#[test]
fn a_protocol_that_breaks_a_bound_is_malformed() {
    let genuine: serde_json::Value =
        serde_json::from_slice(&read("linear", "protocol.json")).unwrap();
    type Change = fn(&mut serde_json::Value);
    let changes: [(&str, Change); 14] = [
        ("k", |v| v["k"] = 29.into()),
        ("degree", |v| v["degree"] = 4.into()),
        ("unknown field", |v| v["extra"] = 1.into()),
        ("missing field", |v| {
            drop(v.as_object_mut().unwrap().remove("audit"))
        }),
        ("advice_queries[0]", |v| {
            v["advice_queries"][0] = serde_json::json!([999, 0])
        }),
        ("queried twice", |v| {
            v["advice_queries"][0] = v["advice_queries"][1].clone()
        }),
        ("out of bounds", |v| v["advice_queries"][0][1] = 512.into()),
        ("two rotations in use meet", |v| {
            // 1 is in use, and 1 − n is the same row.
            let n = 1_i64 << v["k"].as_i64().unwrap();
            let queries = v["advice_queries"].as_array_mut().unwrap();
            let previous = queries.iter_mut().find(|query| query[1] == -1).unwrap();
            previous[1] = (1 - n).into();
        }),
        ("precede", |v| v["nodes"][0] = serde_json::json!(["neg", 0])),
        ("gates[0]", |v| v["gates"][0] = 99999.into()),
        ("not a point", |v| {
            v["fixed_commitments"][0] = format!("0x{}1", "0".repeat(127)).into()
        }),
        ("srs.tau_g2", |v| {
            v["srs"]["tau_g2"] = format!("0x{}", "0".repeat(256)).into()
        }),
        ("uncovered", |v| {
            v["statement"]["tensors"] = serde_json::json!([])
        }),
        ("num_fixed", |v| v["num_fixed"] = 3.into()),
    ];
    for (expected, change) in changes {
        let mut value = genuine.clone();
        change(&mut value);
        let error = Protocol::parse(&serde_json::to_vec(&value).unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn json_bombs_are_malformed() {
    let deep =
        |open: &str, times: usize| format!("{{\"audit\":{}", open.repeat(times)).into_bytes();
    for data in [
        deep("[", 100_000),
        deep("{\"a\":", 100_000),
        b"\xff".to_vec(),
        b"".to_vec(),
        b"[1e999]".to_vec(),
    ] {
        assert!(Protocol::parse(&data).is_err());
        assert!(ProofFile::parse(&data).is_err());
    }
    for text in [
        r#"{"instances":[],"proof":[],"proof":[]}"#,
        r#"{"instances":[],"proof":[256]}"#,
        r#"{"instances":[],"proof":[true]}"#,
        r#"{"instances":[],"proof":[1.0]}"#,
        r#"{"instances":[["00"]],"proof":[]}"#,
        r#"{"instances":[],"proof":[1],"hex_proof":"0x02"}"#,
        r#"{"instances":[],"proof":[1],"hex_proof":"01"}"#,
        r#"{"instances":[],"proof":[],"other":{"a":1,"a":2}}"#,
        r#"{"instances":[]}"#,
    ] {
        assert!(ProofFile::parse(text.as_bytes()).is_err(), "{text}");
    }
    let good =
        r#"{"timestamp":1.5e3,"instances":[[]],"proof":[1,255],"hex_proof":"0x01ff","split":null}"#;
    assert_eq!(ProofFile::parse(good.as_bytes()).unwrap().proof, [1, 255]);
}
