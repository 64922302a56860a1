//! Any bytes: an error or a Protocol, whose canonical encoding has the same circuit id and is its own canonical encoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zkml_protocol::{Protocol, canonical};

fuzz_target!(|data: &[u8]| {
    let Ok(protocol) = Protocol::parse(data) else { return };
    let encoded = canonical(data).expect("a decoded Protocol has a canonical encoding");
    let text = String::from_utf8(encoded.clone()).expect("JSON is text");
    let whole = text.replacen("{", "{\"audit\":null,", 1);
    let again = Protocol::parse(whole.as_bytes()).expect("the canonical encoding is a Protocol");
    assert_eq!(again.circuit_id, protocol.circuit_id);
    assert_eq!(canonical(whole.as_bytes()).expect("it encodes again"), encoded);
});
