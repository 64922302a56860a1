//! The keys of circuits laid out here are EZKL's, byte for byte.

use std::path::{Path, PathBuf};

use zkml_circuit::ezkl::{
    Columns, KeyError, KeyOptions, Refusal, fill, first_difference, proving_key, verification_key,
};
use zkml_circuit::stop::Stop;
use zkml_circuit::witness::Witness;
use zkml_graph::Circuit;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn committed() -> PathBuf {
    root().join("tests/graph/keys")
}

fn decoded(case: &Path) -> Circuit {
    Circuit::decode(&std::fs::read(case.join("c.ezkl")).unwrap()).unwrap()
}

/// The witness beside a circuit, which a circuit with fixed values is keyed with.
fn witness(case: &Path, circuit: &Circuit) -> Option<Witness> {
    let json = std::fs::read(case.join("witness.json")).ok()?;
    Some(Witness::parse(circuit, &json).unwrap())
}

/// Why there is no key.
fn refusal(circuit: &Circuit) -> String {
    let key = verification_key(
        circuit,
        None,
        Path::new("none.srs"),
        KeyOptions::default(),
        &mut |_, _| true,
    );
    key.unwrap_err().to_string()
}

/// Whether the key is equal (both, where EZKL's proving key is there), or why there is none.
fn compare(case: &Path, srs: &Path) -> Result<bool, KeyError> {
    let circuit = decoded(case);
    let theirs = std::fs::read(case.join("vk.key")).unwrap();
    let options = KeyOptions {
        compress_selectors: theirs[2] == 1,
    };
    let srs = srs.join(format!("k{}.srs", circuit.core.settings.run_args.logrows));
    let witness = witness(case, &circuit);
    let ours = verification_key(&circuit, witness.as_ref(), &srs, options, &mut |_, _| true)?;
    if let (true, Ok(theirs)) = (ours == theirs, std::fs::read(case.join("pk.key"))) {
        let mut pk = Vec::new();
        proving_key(
            &circuit,
            witness.as_ref(),
            &srs,
            options,
            &mut pk,
            &mut |_, _| true,
        )?;
        return Ok(pk == theirs);
    }
    Ok(ours == theirs)
}

/// One line for each case below `folder`, whose SRS files lie in `folder/srs`.
fn report(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut cases: Vec<PathBuf> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.join("vk.key").is_file())
        .collect();
    cases.sort();
    let line = |case: &PathBuf| {
        let name = case.file_name().unwrap().display();
        match compare(case, &folder.join("srs")) {
            Ok(true) => format!("{name}: equal"),
            Ok(false) => {
                let vk = std::fs::read(case.join("vk.key")).unwrap();
                let first = first_difference(&decoded(case), None, &vk).unwrap();
                format!("{name}: DIFFERENT {first:?}")
            }
            Err(error) => format!("{name}: {error}"),
        }
    };
    cases.iter().map(line).collect()
}

fn assert_none_differs(lines: &[String]) {
    println!("{}", lines.join("\n"));
    assert!(
        !lines.iter().any(|l| l.contains("DIFFERENT")),
        "{}",
        lines.join("\n")
    );
}

#[test]
fn committed_circuits_have_the_keys_that_ezkl_gives_them() {
    let lines = report(&committed());
    assert_none_differs(&lines);
    assert!(
        lines.len() >= 30 && lines.iter().all(|l| l.ends_with("equal")),
        "{}",
        lines.join("\n")
    );
}

/// The larger collections, where this machine has them: `ZKML_SHARED`, or `shared` beside the checkout; and `ZKML_KEYS`.
#[test]
fn shared_circuits_have_the_keys_that_ezkl_gives_them_or_are_refused() {
    let shared =
        std::env::var_os("ZKML_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    assert_none_differs(&report(&shared.join("ezkl_cases")));
    if let Some(folder) = std::env::var_os("ZKML_KEYS") {
        assert_none_differs(&report(Path::new(&folder)));
    }
}

#[test]
fn an_operator_without_a_confirmed_recipe_is_refused_by_node() {
    let mut circuit = decoded(&committed().join("linear"));
    circuit.core.settings.run_args.param_visibility = zkml_graph::tensor::Visibility::Public;
    let message = refusal(&circuit);
    assert!(
        message.contains("(Constant): a parameter that is public is not laid out"),
        "{message}"
    );
}

#[test]
fn a_table_of_more_columns_than_a_circuit_may_have_is_refused_before_it_is_built() {
    let mut circuit = decoded(&committed().join("relu"));
    circuit
        .core
        .settings
        .required_range_checks
        .push((0, i128::MAX));
    let message = refusal(&circuit);
    assert!(message.contains("table columns"), "{message}");
}

#[test]
fn cells_beyond_what_the_settings_announce_are_refused() {
    let mut circuit = decoded(&committed().join("linear"));
    circuit.core.settings.run_args.logrows = 5;
    circuit.core.settings.total_assignments = 1;
    let message = refusal(&circuit);
    assert!(message.contains("more cells"), "{message}");
}

#[test]
fn a_layout_ends_when_it_is_asked_to() {
    let circuit = decoded(&committed().join("linear"));
    let stop = Stop::default();
    let columns = || Columns::new(&circuit, None, KeyOptions::default(), &stop);
    assert!(columns().is_ok());
    stop.ask();
    let error = columns().err().unwrap();
    assert_eq!(error.refusal, Refusal::Interrupted);
}

#[test]
fn cells_that_are_being_filled_end_when_they_are_asked_to() {
    let case = committed().join("fixed_input");
    let circuit = decoded(&case);
    let witness = witness(&case, &circuit).unwrap();
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let filling = scope.spawn(|| {
            // One circuit is filled in an instant, so again and again.
            loop {
                if let Err(error) = fill(&circuit, &witness, &[], &stop) {
                    return error.refusal;
                }
            }
        });
        stop.clone().ask();
        assert_eq!(filling.join().unwrap(), Refusal::Interrupted);
    });
}

#[test]
fn an_interrupted_key_is_no_key() {
    let circuit = decoded(&committed().join("linear"));
    let srs = committed().join("srs/k9.srs");
    let mut out = Vec::new();
    let made = proving_key(
        &circuit,
        None,
        &srs,
        KeyOptions::default(),
        &mut out,
        &mut |done, _| done < 3,
    );
    assert!(matches!(made, Err(KeyError::Interrupted)));
}
