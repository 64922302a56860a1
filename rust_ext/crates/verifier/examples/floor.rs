//! What verifying must cost at least, measured on this machine, one thread: `floor PROTOCOL_JSON BATCH…` prints JSON in seconds.
//!
//! A verifier without tricks does one MSM over the distinct commitments of a proof with 254-bit scalars, one product of two pairings,
//! hashes what the transcript absorbs, puts every point on the curve, and evaluates the expressions. `msm` is the best of
//! halo2curves' and ours without tables. A batch folds the Protocol's own points once and adds an MSM with 128-bit scalars.

use std::hint::black_box;
use std::time::Instant;

use halo2curves::bn256::{Fr, G1, G1Affine, multi_miller_loop};
use halo2curves::ff::Field;
use halo2curves::group::{Curve, Group};
use halo2curves::pairing::MillerLoopResult;
use rand_core::OsRng;
use zkml_protocol::{Protocol, Transcript, wire};
use zkml_verifier::msm;

const RUNS: usize = 9;

/// The least of some runs: what other load on the machine disturbs least.
fn least(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..RUNS).map(time).fold(f64::INFINITY, f64::min)
}

fn terms(count: usize, short: bool) -> Vec<(Fr, G1Affine)> {
    let base = G1::random(OsRng);
    let mut point = base;
    let points: Vec<G1> = (0..count)
        .map(|_| {
            point += base;
            point
        })
        .collect();
    let mut affine = vec![G1Affine::default(); count];
    G1::batch_normalize(&points, &mut affine);
    let scalar = |_| {
        if short {
            Fr::from_raw([rand_core::RngCore::next_u64(&mut OsRng), 7, 0, 0])
        } else {
            Fr::random(OsRng)
        }
    };
    affine
        .into_iter()
        .map(|point| (scalar(()), point))
        .collect()
}

fn best_msm(count: usize, short: bool) -> (f64, f64) {
    let terms = terms(count, short);
    let (scalars, points): (Vec<Fr>, Vec<G1Affine>) = terms.iter().copied().unzip();
    let theirs = least(|| {
        let mut acc = G1::identity();
        halo2curves::msm::msm_serial(&scalars, &points, &mut acc);
        black_box(acc);
    });
    let ours = least(|| {
        black_box(msm::sum_of_products(&terms));
    });
    (theirs, ours)
}

fn main() {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("the pool is made once");
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("usage: floor PROTOCOL_JSON BATCH…");
    let protocol =
        Protocol::parse(&std::fs::read(path).expect("the file can be read")).expect("a Protocol");
    let sizes = protocol.plan.sizes;
    let shared = protocol
        .fixed_commitments
        .iter()
        .chain(&protocol.permutation_commitments);
    let shared = shared
        .filter(|point| **point != G1Affine::default())
        .count()
        + 1;
    let own = sizes.points() + 2;

    let srs = protocol.srs;
    let point = G1::random(OsRng);
    let pairings = least(|| {
        let left = point.to_affine();
        let right = (-point).to_affine();
        black_box(
            multi_miller_loop(&[(&left, &srs.tau_g2), (&right, &srs.g2)]).final_exponentiation(),
        );
    });
    let bytes = vec![7; sizes.proof_bytes() + 32 * protocol.instances()];
    let keccak = least(|| {
        let mut transcript = Transcript::new();
        transcript.absorb(&bytes);
        black_box(transcript.squeeze());
    });
    let encoded = wire::g1_bytes(&point.to_affine());
    let decode = least(|| {
        for _ in 0..own {
            black_box(wire::g1(black_box(&encoded)));
        }
    });
    // Multiplications: the program's, three an evaluation (fold, interpolation, weight), five an instance (batch inversion).
    let multiplications = protocol.program.products()
        + 3 * sizes.evals()
        + 5 * protocol.instances()
        + 2 * (shared + own);
    let (mut a, b) = (Fr::random(OsRng), Fr::random(OsRng));
    let field = least(|| {
        for _ in 0..multiplications {
            a *= b;
        }
        black_box(a);
    });
    let (theirs, ours) = best_msm(shared + own, false);
    let rest = keccak + decode + field;
    let floor = theirs.min(ours) + pairings + rest;
    let batches: Vec<String> = arguments
        .map(|text| {
            let count: usize = text.parse().expect("a batch size");
            let (theirs, ours) = best_msm(shared + count * own, false);
            let (short_theirs, short_ours) = best_msm(count, true);
            let total = theirs.min(ours) + short_theirs.min(short_ours) + pairings;
            format!("\"{count}\":{}", total / count as f64 + rest)
        })
        .collect();
    println!(
        "{{\"points\":{},\"shared\":{shared},\"own\":{own},\"multiplications\":{multiplications},\"msm_halo2curves\":{theirs},\
         \"msm_ours_without_tables\":{ours},\"pairings\":{pairings},\"keccak\":{keccak},\"decode\":{decode},\"field\":{field},\
         \"floor\":{floor},\"batch_floor_per_proof\":{{{}}}}}",
        shared + own,
        batches.join(",")
    );
}
