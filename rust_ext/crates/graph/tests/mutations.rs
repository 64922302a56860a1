//! Damaged files: an error or a circuit, never a panic; and whatever decodes is written back as it was.

use std::path::Path;

use proptest::prelude::*;
use zkml_graph::Circuit;

fn fixture(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/graph/fixtures");
    std::fs::read(dir.join(name).join("c.ezkl")).unwrap()
}

fn check(bytes: &[u8]) {
    if let Ok(circuit) = Circuit::decode(bytes) {
        assert_eq!(circuit.encode(), bytes);
        circuit.to_json().unwrap();
    }
}

fn names() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "linear",
        "mlp",
        "softmax",
        "hash_param",
        "matmul_freivalds",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn overwritten_bytes_never_panic(
        name in names(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = fixture(name);
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        check(&bytes);
    }

    #[test]
    fn overwritten_words_never_panic(
        name in names(),
        at in any::<prop::sample::Index>(),
        word in prop::sample::select(vec![0u64, 1, 23, 255, 1 << 20, 1 << 32, u64::MAX]),
    ) {
        let mut bytes = fixture(name);
        let at = at.index(bytes.len() - 8);
        bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        check(&bytes);
    }

    #[test]
    fn spliced_files_never_panic(
        name in names(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        len in 0usize..200,
    ) {
        let mut bytes = fixture(name);
        let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
        let piece = bytes[from..(from + len).min(bytes.len())].to_vec();
        bytes.splice(to..to, piece);
        check(&bytes);
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        check(&bytes);
    }
}
