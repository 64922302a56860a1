//! Changes of two good proving keys, our own and EZKL's: never a panic, never memory beyond a small multiple of the file, and what
//! is read fits the circuit. A digest lets nothing through that was changed.
//!
//! The input is a list of edits: one byte (bit 0: which key; bit 1: the rest *is* the key; bit 2: the digests of our own form are
//! made anew, so that what lies behind them is reached), else records of a place (two bytes), a length (one) and as many bytes:
//! written there, beyond the end too. A record of no bytes cuts the key at its place.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use zkml_protocol::Protocol;
use zkml_prover::ProvingKey;
use zkml_prover::key::{Fixed, Sigma};

static CASES: LazyLock<[(Protocol, &[u8]); 2]> = LazyLock::new(|| {
    [
        case(
            include_bytes!("../../../tests/vectors/verify/simulated_three_phases/protocol.json"),
            include_bytes!("../../../tests/vectors/keys/zkml.key"),
        ),
        case(
            include_bytes!("../../../tests/vectors/verify/simulated_one_chunk/protocol.json"),
            include_bytes!("../../../tests/vectors/keys/ezkl.key"),
        ),
    ]
});

const SEALED: usize = 104;
const HEADER: usize = 136;

fn case<'a>(protocol: &[u8], key: &'a [u8]) -> (Protocol, &'a [u8]) {
    (Protocol::parse(protocol).expect("a vector parses"), key)
}

fn edit(key: &mut Vec<u8>, mut records: &[u8]) {
    while let [high, low, length, tail @ ..] = records {
        let (bytes, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        let place = usize::from(*high) << 8 | usize::from(*low);
        if bytes.is_empty() {
            key.truncate(place);
        } else {
            key.resize(key.len().max(place + bytes.len()), 0);
            key[place..place + bytes.len()].copy_from_slice(bytes);
        }
        records = tail;
    }
}

fn seal(key: &mut [u8], columns: usize) {
    let body = HEADER + 16 * columns;
    if key.len() >= body {
        let content = Sha256::digest(&key[body..]);
        key[56..88].copy_from_slice(&content);
        let header = Sha256::new().chain_update(&key[..SEALED]).chain_update(&key[HEADER..body]);
        key[SEALED..HEADER].copy_from_slice(&header.finalize());
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let own = mode & 1 == 0;
    let (protocol, good) = &CASES[usize::from(mode & 1)];
    let mut bytes = good.to_vec();
    if mode & 2 != 0 {
        bytes = rest.to_vec();
    } else {
        edit(&mut bytes, rest);
    }
    let sealed = mode & 4 != 0;
    if sealed && own {
        seal(&mut bytes, protocol.fixed_commitments.len());
    }
    let key = ProvingKey::parse(&bytes, protocol);
    if own && !sealed {
        let whole = key.as_ref().is_ok_and(|key| key.check_digest().is_ok());
        assert_eq!(whole, bytes == *good);
    }
    let Ok(key) = key else { return };
    let (n, columns) = (protocol.n as usize, protocol.permutation.columns.len());
    for column in 0..protocol.fixed_commitments.len() {
        match key.fixed(column) {
            Ok(Fixed::Small(values)) => assert!(values.len() <= n),
            Ok(Fixed::Full(values)) => assert!(values.len() <= n),
            Ok(Fixed::Zero) | Err(_) => {}
        }
    }
    for column in 0..columns {
        match key.sigma(column) {
            Ok(Sigma::Next(next)) => {
                assert!(next.len() == n && next.iter().all(|to| (*to as usize) < columns * n));
            }
            Ok(Sigma::Values(values)) => assert_eq!(values.len(), n),
            Err(_) => {}
        }
    }
    assert!(key.fixed(protocol.fixed_commitments.len()).is_err());
    assert!(key.sigma(columns).is_err());
});
