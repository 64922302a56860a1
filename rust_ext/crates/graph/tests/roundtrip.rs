//! Every compiled circuit at hand decodes, and encodes to the same bytes.

use std::path::{Path, PathBuf};

use zkml_graph::{Circuit, Fault};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn compiled_below(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .flat_map(|path| {
            if path.is_dir() {
                compiled_below(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|e| e == "ezkl"))
        .collect();
    found.sort();
    found
}

fn assert_round_trip(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let circuit = Circuit::decode(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(
        circuit.encode() == bytes,
        "{} is not written back as it was",
        path.display()
    );
    let json: serde_json::Value = serde_json::from_str(&circuit.to_json().unwrap()).unwrap();
    assert!(json["core"]["model"]["graph"]["nodes"].is_array());
}

#[test]
fn committed_fixtures_are_written_back_byte_for_byte() {
    let files = compiled_below(&root().join("tests/graph/fixtures"));
    assert!(files.len() >= 5, "the fixtures are missing");
    for path in files {
        assert_round_trip(&path);
    }
}

/// The larger collections, where this machine has them (`ZKML_SHARED`, or `shared` beside the checkout).
#[test]
fn shared_circuits_are_written_back_byte_for_byte() {
    let shared =
        std::env::var_os("ZKML_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    for path in compiled_below(&shared) {
        assert_round_trip(&path);
    }
}

fn fixture() -> Vec<u8> {
    let files = compiled_below(&root().join("tests/graph/fixtures"));
    std::fs::read(files.first().expect("the fixtures are missing")).unwrap()
}

#[test]
fn every_proper_prefix_is_refused() {
    let bytes = fixture();
    for n in 0..bytes.len() {
        assert!(
            Circuit::decode(&bytes[..n]).is_err(),
            "the first {n} bytes alone decode"
        );
    }
}

#[test]
fn a_byte_too_many_is_refused_and_located() {
    let mut bytes = fixture();
    bytes.push(0);
    let error = Circuit::decode(&bytes).unwrap_err();
    assert_eq!(error.fault, Fault::Trailing { left: 1 });
    assert_eq!(error.offset, bytes.len() - 1);
}

#[test]
fn another_version_is_refused_and_both_are_named() {
    let mut bytes = fixture();
    let at = bytes.windows(6).position(|w| w == b"23.0.5").unwrap();
    bytes[at + 5] = b'6';
    let error = Circuit::decode(&bytes).unwrap_err();
    assert_eq!(
        error.fault,
        Fault::Version {
            expected: "23.0.5",
            got: "23.0.6".to_owned()
        }
    );
    assert!(error.to_string().contains("23.0.5") && error.to_string().contains("23.0.6"));
}

#[test]
fn an_unknown_operator_is_located() {
    let mut bytes = fixture();
    // u64 number of nodes, u64 key, u32 tag of the node type: the first node's operator begins at byte 20.
    bytes[20] = 200;
    let error = Circuit::decode(&bytes).unwrap_err();
    assert_eq!(
        error.fault,
        Fault::UnknownTag {
            of: "SupportedOp",
            tag: 200
        }
    );
    assert_eq!(error.offset, 20);
    assert_eq!(error.path, "core.model.graph.nodes[0].Node.opkind");
}

#[test]
fn an_absurd_length_is_refused_before_anything_is_allocated() {
    let mut bytes = fixture();
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let error = Circuit::decode(&bytes).unwrap_err();
    assert!(matches!(
        error.fault,
        Fault::TooLong {
            count: u64::MAX,
            ..
        }
    ));
    assert_eq!(error.path, "core.model.graph.nodes");
}

#[test]
fn operators_nested_without_end_are_refused() {
    let mut bytes = fixture()[..20].to_vec();
    for _ in 0..100_000 {
        bytes.extend_from_slice(&6u32.to_le_bytes()); // Rescaled { inner: Rescaled { …
    }
    let error = Circuit::decode(&bytes).unwrap_err();
    assert!(matches!(error.fault, Fault::TooDeep { .. }));
}
