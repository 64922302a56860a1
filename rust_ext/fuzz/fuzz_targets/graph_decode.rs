//! Any bytes: an error or a circuit that encodes to the same bytes. Never a panic, never memory beyond a small multiple of the input.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zkml_graph::Circuit;

fuzz_target!(|data: &[u8]| {
    if let Ok(circuit) = Circuit::decode(data) {
        assert_eq!(circuit.encode(), data);
        circuit.to_json().expect("a decoded circuit has a JSON form");
    }
});
