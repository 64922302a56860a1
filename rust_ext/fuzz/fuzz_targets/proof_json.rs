//! Any bytes: an error or a proof, which parses to the same from the shortest JSON that says it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zkml_protocol::{ProofFile, wire};

fuzz_target!(|data: &[u8]| {
    let Ok(file) = ProofFile::parse(data) else { return };
    let hex = |value| {
        let mut bytes = wire::scalar_bytes(value);
        bytes.reverse();
        format!("\"{}\"", &wire::to_hex(&bytes)[2..])
    };
    let columns: Vec<String> = file
        .instances
        .iter()
        .map(|column| format!("[{}]", column.iter().map(hex).collect::<Vec<_>>().join(",")))
        .collect();
    let bytes: Vec<String> = file.proof.iter().map(u8::to_string).collect();
    let text = format!(
        "{{\"instances\":[{}],\"proof\":[{}]}}",
        columns.join(","),
        bytes.join(",")
    );
    assert_eq!(
        ProofFile::parse(text.as_bytes()).expect("what was read can be read again"),
        file
    );
});
