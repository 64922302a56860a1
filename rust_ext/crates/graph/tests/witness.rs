//! The executor gives EZKL's witnesses: same outputs, same extremes, same text.

use std::path::{Path, PathBuf};

use zkml_graph::execute::{execute, read_inputs, witness_json};
use zkml_graph::{Circuit, Visibility};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// Every folder below `dir` that holds a circuit, an input and EZKL's witness.
fn cases(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| {
            ["c.ezkl", "input.json", "witness.json"]
                .iter()
                .all(|f| p.join(f).is_file())
        })
        .collect();
    found.sort();
    found
}

/// Nothing, or what differs.
fn difference(case: &Path) -> Result<(), String> {
    let read = |name: &str| std::fs::read(case.join(name)).map_err(|e| e.to_string());
    let circuit = Circuit::decode(&read("c.ezkl")?).map_err(|e| e.to_string())?;
    let args = &circuit.core.settings.run_args;
    let secret = |v: &Visibility| {
        matches!(
            v,
            Visibility::Hashed {
                hash_is_public: false,
                ..
            }
        )
    };
    if secret(&args.input_visibility) || secret(&args.output_visibility) {
        return Ok(()); // the graph goes on with the hash
    }
    let inputs = read_inputs(&circuit, &read("input.json")?).map_err(|e| e.to_string())?;
    let run = execute(&circuit, &inputs).map_err(|e| e.to_string())?;
    let ours: serde_json::Value =
        serde_json::from_slice(&witness_json(&circuit, &inputs, &run).unwrap()).unwrap();
    let theirs: serde_json::Value =
        serde_json::from_slice(&read("witness.json")?).map_err(|e| e.to_string())?;
    let hashed = |key: &str| !theirs[key].is_null();
    for key in [
        "inputs",
        "outputs",
        "max_lookup_inputs",
        "min_lookup_inputs",
        "max_range_size",
        "version",
    ] {
        if ours[key] != theirs[key] {
            return Err(format!(
                "{key}: {:.300} instead of {:.300}",
                ours[key].to_string(),
                theirs[key].to_string()
            ));
        }
    }
    let modules = ["processed_inputs", "processed_params", "processed_outputs"];
    if !modules.iter().any(|m| hashed(m)) && ours != theirs {
        return Err(format!(
            "{:.600} instead of {:.600}",
            ours["pretty_elements"].to_string(),
            theirs["pretty_elements"].to_string()
        ));
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
    assert!(
        assert_equal(&root().join("tests/graph/witnesses")) >= 5,
        "the fixtures are missing"
    );
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
