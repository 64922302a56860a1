//! The vectors of `tests/vectors` (format: its README), the same that the Python verifier and the contracts read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zkml_protocol::{ProofFile, Protocol};
use zkml_verifier::{Item, Scalar, Verdict, Verifier, verify_batch};

struct Circuit {
    verifier: Verifier,
    good: ProofFile,
    mutations: Vec<Value>,
}

fn circuits() -> BTreeMap<String, Circuit> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors/verify");
    let read = |folder: &Path, file: &str| std::fs::read(folder.join(file)).unwrap();
    let folders = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    folders
        .map(|folder| {
            let protocol = Protocol::parse(&read(&folder, "protocol.json")).unwrap();
            let mutations: Value =
                serde_json::from_slice(&read(&folder, "mutations.json")).unwrap();
            let circuit = Circuit {
                verifier: Verifier::new(protocol),
                good: ProofFile::parse(&read(&folder, "proof.json")).unwrap(),
                mutations: mutations["mutations"].as_array().unwrap().clone(),
            };
            (
                folder.file_name().unwrap().to_str().unwrap().to_owned(),
                circuit,
            )
        })
        .collect()
}

/// A changed message: the instances as little-endian hex, so that what is not canonical can be said; the circuit to ask.
struct Message {
    instances: Vec<Vec<String>>,
    proof: Vec<u8>,
    circuit: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn hex(value: &Scalar) -> String {
    use halo2curves::ff::PrimeField;
    value
        .to_repr()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn apply(edits: &[Value], good: &ProofFile, circuit: &str) -> Message {
    let instances = good
        .instances
        .iter()
        .map(|column| column.iter().map(hex).collect())
        .collect();
    let mut out = Message {
        instances,
        proof: good.proof.clone(),
        circuit: circuit.to_owned(),
    };
    for edit in edits {
        let text = |i: usize| edit[i].as_str().unwrap();
        let number = |i: usize| edit[i].as_u64().unwrap() as usize;
        match text(0) {
            "write" => {
                let new = bytes(text(2));
                out.proof[number(1)..number(1) + new.len()].copy_from_slice(&new);
            }
            "truncate" => out.proof.truncate(number(1)),
            "append" => out.proof.extend(bytes(text(1))),
            "instance" => out.instances[number(1)][number(2)] = text(3).to_owned(),
            "push" => out.instances[number(1)].push(text(2).to_owned()),
            "pop" => drop(out.instances[number(1)].pop()),
            "column" => {
                let values = edit.as_array().unwrap()[1..]
                    .iter()
                    .map(|v| v.as_str().unwrap().to_owned());
                out.instances.push(values.collect());
            }
            "circuit" => out.circuit = text(1).to_owned(),
            other => panic!("unknown edit {other}"),
        }
    }
    out
}

/// Through proof.json, as a stranger's message would come.
fn verdict(circuits: &BTreeMap<String, Circuit>, message: &Message) -> Verdict {
    let json = serde_json::json!({"instances": message.instances, "proof": message.proof});
    match ProofFile::parse(&serde_json::to_vec(&json).unwrap()) {
        Ok(file) => circuits[&message.circuit]
            .verifier
            .check(&file.instances, &file.proof),
        Err(fault) => Verdict::Malformed {
            place: "instances".into(),
            reason: fault.reason,
        },
    }
}

/// The class of a place, as the vectors name it.
fn class(place: &str, sizes: zkml_protocol::plan::Sizes) -> &'static str {
    if place.starts_with("instances") {
        return "instances";
    }
    let Some(from) = place.strip_prefix("proof[") else {
        return "length";
    };
    let from: usize = from.split("..").next().unwrap().parse().unwrap();
    let evals = sizes.points() * 64..sizes.points() * 64 + sizes.evals() * 32;
    if evals.contains(&from) {
        "scalar"
    } else {
        "point"
    }
}

#[test]
fn every_vector_has_its_outcome() {
    let circuits = circuits();
    let mut checked = 0;
    for (name, circuit) in &circuits {
        assert!(
            circuit
                .verifier
                .check(&circuit.good.instances, &circuit.good.proof)
                .is_accepted(),
            "{name}"
        );
        for mutation in &circuit.mutations {
            let message = apply(mutation["edits"].as_array().unwrap(), &circuit.good, name);
            let verdict = verdict(&circuits, &message);
            let what = format!("{name}: {} gives {verdict:?}", mutation["name"]);
            match &verdict {
                Verdict::Accepted => panic!("{what}"),
                Verdict::Rejected { step, .. } => {
                    assert_eq!(mutation["outcome"], "rejected", "{what}");
                    assert_eq!(mutation["step"], u64::from(*step), "{what}");
                }
                Verdict::Malformed { place, .. } => {
                    let sizes = circuits[&message.circuit].verifier.protocol().plan.sizes;
                    assert_eq!(mutation["outcome"], "malformed", "{what}");
                    assert_eq!(mutation["where"], class(place, sizes), "{what}");
                }
            }
            checked += 1;
        }
    }
    assert!(
        circuits.len() > 20 && checked > 500,
        "{checked} of {}",
        circuits.len()
    );
}

#[test]
fn a_batch_of_all_circuits_and_ceremonies_gives_the_verdicts_of_single_checks() {
    let circuits = circuits();
    let mut messages = Vec::new();
    for (name, circuit) in &circuits {
        messages.push((name, circuit.good.clone()));
        for mutation in circuit.mutations.iter().filter(|m| m["step"] == 10).take(2) {
            let message = apply(mutation["edits"].as_array().unwrap(), &circuit.good, name);
            if &message.circuit == name && message.instances.len() == circuit.good.instances.len() {
                let json =
                    serde_json::json!({"instances": message.instances, "proof": message.proof});
                messages.push((
                    name,
                    ProofFile::parse(&serde_json::to_vec(&json).unwrap()).unwrap(),
                ));
            }
        }
    }
    let items = messages.iter().map(|(name, file)| Item {
        verifier: &circuits[*name].verifier,
        instances: &file.instances,
        proof: &file.proof,
    });
    let items: Vec<Item> = items.collect();
    let single = items
        .iter()
        .map(|item| item.verifier.check(item.instances, item.proof));
    let single: Vec<Verdict> = single.collect();
    assert!(single.iter().any(Verdict::is_accepted) && !single.iter().all(Verdict::is_accepted));
    assert_eq!(verify_batch(&items), single);
}
