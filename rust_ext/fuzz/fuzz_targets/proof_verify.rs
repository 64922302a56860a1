//! Changes of good proofs of two circuits (one with two phases and challenges): never a panic, and never accepted unless nothing
//! changed.
//!
//! The input is a list of edits: one byte (bit 0: which circuit; bit 1: the rest *is* the proof; bit 2: check in a batch
//! too), else records of a place (two
//! bytes), a length (one) and as many bytes; places beyond the proof change the instances.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zkml_protocol::{ProofFile, Protocol, wire};
use zkml_verifier::{Item, Verifier, verify_batch};

static CASES: LazyLock<[(Verifier, ProofFile); 2]> = LazyLock::new(|| {
    [
        case(
            include_bytes!("../../../tests/vectors/verify/linear/protocol.json"),
            include_bytes!("../../../tests/vectors/verify/linear/proof.json"),
        ),
        case(
            include_bytes!("../../../tests/vectors/verify/matmul_freivalds/protocol.json"),
            include_bytes!("../../../tests/vectors/verify/matmul_freivalds/proof.json"),
        ),
    ]
});

fn case(protocol: &[u8], proof: &[u8]) -> (Verifier, ProofFile) {
    let protocol = Protocol::parse(protocol).expect("a vector parses");
    (
        Verifier::new(protocol),
        ProofFile::parse(proof).expect("a vector parses"),
    )
}

fuzz_target!(|data: &[u8]| {
    let Some((mode, mut rest)) = data.split_first() else {
        return;
    };
    let (verifier, good) = &CASES[usize::from(mode & 1)];
    let mut file = good.clone();
    if mode & 2 != 0 {
        file.proof = rest.to_vec();
    } else {
        while let [high, low, length, tail @ ..] = rest {
            let (bytes, tail) = tail.split_at(usize::from(*length).min(tail.len()));
            let place = usize::from(*high) << 8 | usize::from(*low);
            if let Some(target) = file.proof.get_mut(place..) {
                target.iter_mut().zip(bytes).for_each(|(target, byte)| *target = *byte);
            } else if let (Some(value), Some(word)) = (file.instances[0].first_mut(), bytes.first_chunk()) {
                *value = wire::scalar(word).unwrap_or(*value);
            }
            rest = tail;
        }
    }
    let verdict = verifier.check(&file.instances, &file.proof);
    assert_eq!(verdict.is_accepted(), file == *good);
    if mode & 4 != 0 {
        let items = [&file, good].map(|file| Item {
            verifier,
            instances: &file.instances,
            proof: &file.proof,
        });
        let verdicts = verify_batch(&items);
        assert_eq!(verdicts[0], verdict);
        assert!(verdicts[1].is_accepted());
    }
});
