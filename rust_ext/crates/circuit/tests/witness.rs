//! The executor gives EZKL's witnesses: same outputs, same extremes, same hashes and commitments, same text.

use std::path::{Path, PathBuf};

use serde_json::Value;
use zkml_circuit::ezkl::{ProcessError, check_hashes, process};
use zkml_graph::execute::{execute, read_inputs, witness_json};
use zkml_graph::{Circuit, Visibility};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// Every folder below `dir` that holds a circuit and EZKL's witness.
fn cases(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| {
            ["c.ezkl", "witness.json"]
                .iter()
                .all(|f| p.join(f).is_file())
        })
        .collect();
    found.sort();
    found
}

/// The SRS of a collection for this circuit, where there is one.
fn srs(case: &Path, circuit: &Circuit) -> Option<PathBuf> {
    let name = format!("srs/k{}.srs", circuit.core.settings.run_args.logrows);
    let path = case.parent()?.join(name);
    path.is_file().then_some(path)
}

/// The text of an input file with the integers of a witness.
fn inputs_of(witness: &Value) -> Vec<u8> {
    let input = serde_json::json!({ "input_data": witness["inputs"] });
    input.to_string().into_bytes()
}

/// Nothing, or what differs.
fn difference(case: &Path) -> Result<(), String> {
    let read = |name: &str| std::fs::read(case.join(name)).map_err(|e| e.to_string());
    let circuit = Circuit::decode(&read("c.ezkl")?).map_err(|e| e.to_string())?;
    let theirs: Value =
        serde_json::from_slice(&read("witness.json")?).map_err(|e| e.to_string())?;
    let input = read("input.json").unwrap_or_else(|_| inputs_of(&theirs));
    if check_hashes(&circuit).is_err() {
        return Ok(());
    }
    let inputs = read_inputs(&circuit, &input).map_err(|e| e.to_string())?;
    let run = execute(&circuit, &inputs).map_err(|e| e.to_string())?;
    let srs = srs(case, &circuit);
    let processed = process(&circuit, &inputs, &run, srs.as_deref()).map_err(|e| e.to_string())?;
    let text = witness_json(&circuit, &inputs, &run, &processed).map_err(|e| e.to_string())?;
    let ours: Value = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
    let keys = theirs.as_object().into_iter().flat_map(|map| map.keys());
    for key in keys {
        if ours[key] != theirs[key] {
            return Err(format!(
                "{key}: {:.600} instead of {:.600}",
                ours[key].to_string(),
                theirs[key].to_string()
            ));
        }
    }
    Ok(())
}

fn assert_equal(dir: &Path) -> usize {
    let found = cases(dir);
    let wrong: Vec<String> = found
        .iter()
        .filter_map(|case| {
            difference(case)
                .err()
                .map(|e| format!("{}: {e}", case.file_name().unwrap().display()))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ\n{}",
        wrong.len(),
        found.len(),
        wrong.join("\n")
    );
    found.len()
}

#[test]
fn committed_circuits_give_the_witness_that_ezkl_gives() {
    for (collection, count) in [("witnesses", 20), ("keys", 20)] {
        let found = assert_equal(&root().join("tests/graph").join(collection));
        assert!(found >= count, "the fixtures in {collection} are missing");
    }
}

/// The larger collections, where this machine has them (`ZKML_SHARED`, or `shared` beside the checkout).
#[test]
fn shared_circuits_give_the_witness_that_ezkl_gives() {
    let shared =
        std::env::var_os("ZKML_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    assert_equal(&shared.join("ezkl_cases"));
}

/// Circuits and witnesses of any models: folders below `ZKML_WITNESSES`.
#[test]
fn circuits_at_hand_give_the_witness_that_ezkl_gives() {
    if let Some(dir) = std::env::var_os("ZKML_WITNESSES") {
        assert_equal(Path::new(&dir));
    }
}

/// The committed inputs of a fixture: its circuit, their integers, its SRS, and what EZKL says of them.
fn committed_input() -> (Circuit, Vec<Vec<i128>>, PathBuf, Value) {
    let case = root().join("tests/graph/keys/committed_and_hashed");
    let circuit = Circuit::decode(&std::fs::read(case.join("c.ezkl")).unwrap()).unwrap();
    let witness = std::fs::read(case.join("witness.json")).unwrap();
    let witness: Value = serde_json::from_slice(&witness).unwrap();
    let inputs = read_inputs(&circuit, &inputs_of(&witness)).unwrap();
    let srs = srs(&case, &circuit).unwrap();
    (circuit, inputs, srs, witness)
}

fn refusal(circuit: &Circuit, inputs: &[Vec<i128>], srs: Option<&Path>) -> ProcessError {
    let run = execute(circuit, inputs).unwrap();
    process(circuit, inputs, &run, srs).unwrap_err()
}

#[test]
fn an_srs_of_more_points_gives_the_commitments_of_the_smaller_one_cut_from_it() {
    let (mut circuit, inputs, srs, _) = committed_input();
    let commitment = |circuit: &Circuit, srs: &Path| {
        let run = execute(circuit, &inputs).unwrap();
        process(circuit, &inputs, &run, Some(srs)).unwrap().inputs
    };
    let cut = std::env::temp_dir().join(format!("zkml-circuit-k6-{}.srs", std::process::id()));
    let mut whole = zkml_srs::SrsFile::open(&srs).unwrap();
    zkml_srs::trim(&mut whole, &cut, 6, &mut |_, _, _| true).unwrap();
    circuit.core.settings.run_args.logrows = 6;
    let of_whole = commitment(&circuit, &srs);
    assert!(of_whole.is_some());
    let of_cut = commitment(&circuit, &cut);
    std::fs::remove_file(&cut).unwrap();
    assert_eq!(of_whole, of_cut);
}

#[test]
fn without_an_srs_of_enough_points_nothing_is_committed() {
    let (mut circuit, inputs, srs, _) = committed_input();
    assert!(matches!(
        refusal(&circuit, &inputs, None),
        ProcessError::NoSrs { k: 8 }
    ));
    circuit.core.settings.run_args.logrows = 9;
    assert!(matches!(
        refusal(&circuit, &inputs, Some(&srs)),
        ProcessError::Size {
            expected: 9,
            got: 8
        }
    ));
}

#[test]
fn a_circuit_of_impossible_size_is_refused_before_anything_is_allocated() {
    let (mut circuit, inputs, srs, _) = committed_input();
    for k in [0, 3, 40, 64, u32::MAX] {
        circuit.core.settings.run_args.logrows = k;
        let error = refusal(&circuit, &inputs, Some(&srs));
        assert!(matches!(error, ProcessError::Refused(_)), "{error}");
    }
}

#[test]
fn a_private_hash_is_refused() {
    let (mut circuit, ..) = committed_input();
    assert!(check_hashes(&circuit).is_ok());
    circuit.core.settings.run_args.output_visibility = Visibility::Hashed {
        hash_is_public: false,
        outlets: vec![0],
    };
    assert!(check_hashes(&circuit).is_err());
}
