//! Times of this crate's sums and transforms and of halo2curves' own on the same data, in turns: JSON lines on stdout.
//!
//!     cargo run --release --example arithmetic [--features halo2curves-asm] -- FIRST_K LAST_K RUNS THREADS…
//!
//! Scalars: `full` 254 bits, `64`, `16`, `8` bits, `mixed` 30 % zeros, 60 % below 2^8, 10 % below 2^16; ours get random signs, and
//! halo2curves the absolute values, for −x costs it as much as any 254 bits.

use std::hint::black_box;
use std::time::Instant;

use ff::{Field, PrimeField};
use group::{Curve, Group};
use halo2curves::bn256::{Fr, G1, G1Affine};
use halo2curves::fft::best_fft;
use halo2curves::msm::msm_best;
use rand_core::{OsRng, RngCore};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use zkml_arithmetic::{Bases, Domain, Scalars, msm, multiplier};

const BUILD: &str = if cfg!(feature = "halo2curves-asm") {
    "asm"
} else if cfg!(feature = "halo2curves-threads") {
    "threads"
} else {
    "plain"
};

fn main() {
    let arguments: Vec<u32> = std::env::args()
        .skip(1)
        .map(|a| a.parse().expect("arguments are numbers"))
        .collect();
    let [first, last, runs, threads @ ..] = arguments.as_slice() else {
        panic!("usage: arithmetic FIRST_K LAST_K RUNS THREADS…");
    };
    let points = points(1 << last);
    for k in *first..=*last {
        for threads in threads {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(*threads as usize)
                .build()
                .expect("a pool of threads");
            pool.install(|| measure(k, *runs, &points[..1 << k]));
        }
    }
}

fn points(count: usize) -> Vec<G1Affine> {
    let step = G1::random(OsRng);
    let points: Vec<G1> = std::iter::successors(Some(G1::random(OsRng)), |p| Some(p + step))
        .take(count)
        .collect();
    let mut out = vec![G1Affine::default(); count];
    G1::batch_normalize(&points, &mut out);
    out
}

/// Seconds of a run: on the wall, and of the processor, all threads together.
type Times = (f64, f64);

fn processor() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The times of every run of both, in turns, after one that does not count.
fn turns(runs: u32, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (Vec<Times>, Vec<Times>) {
    let clock = |call: &mut dyn FnMut()| {
        let (start, used) = (Instant::now(), processor());
        call();
        (start.elapsed().as_secs_f64(), processor() - used)
    };
    clock(&mut ours);
    (0..runs)
        .map(|_| (clock(&mut ours), clock(&mut theirs)))
        .unzip()
}

fn report(what: &str, k: u32, (ours, theirs): (Vec<Times>, Vec<Times>)) {
    let median = |times: &mut dyn Iterator<Item = f64>| {
        let mut times: Vec<f64> = times.collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let of = |times: Vec<Times>| {
        json!({
            "wall": median(&mut times.iter().map(|t| t.0)),
            "processor": median(&mut times.iter().map(|t| t.1)),
        })
    };
    let line = json!({
        "what": what, "k": k, "threads": rayon::current_num_threads(), "build": BUILD,
        "multiplier": multiplier(), "ours": of(ours), "halo2curves": of(theirs),
    });
    println!("{line}");
}

fn measure(k: u32, runs: u32, points: &[G1Affine]) {
    let n = points.len();
    let bases = Bases::new(points);
    let full: Vec<Fr> = (0..n).map(|_| Fr::random(OsRng)).collect();
    let times = turns(
        runs,
        || {
            let _ = black_box(msm(&bases, Scalars::Full(&full)));
        },
        || {
            black_box(msm_best(&full, points));
        },
    );
    report("msm full", k, times);

    let random = |bits: u32| OsRng.next_u64() as i64 >> (63 - bits.min(63));
    let mixed = |v: i64| match OsRng.next_u32() % 10 {
        0..3 => 0,
        3..9 => v >> 55,
        _ => v >> 47,
    };
    let kinds: [(&str, Vec<i64>); 4] = [
        ("msm 64", (0..n).map(|_| random(63)).collect()),
        ("msm 16", (0..n).map(|_| random(16)).collect()),
        ("msm 8", (0..n).map(|_| random(8)).collect()),
        (
            "msm mixed",
            (0..n).map(|_| mixed(OsRng.next_u64() as i64)).collect(),
        ),
    ];
    for (what, signed) in &kinds {
        let absolute: Vec<Fr> = signed.iter().map(|v| Fr::from(v.unsigned_abs())).collect();
        let times = turns(
            runs,
            || {
                let _ = black_box(msm(&bases, Scalars::Small(signed)));
            },
            || {
                black_box(msm_best(&absolute, points));
            },
        );
        report(what, k, times);
    }

    let domain = Domain::new(k);

    let (mut a, mut b) = (full.clone(), full);
    let omega = Fr::ROOT_OF_UNITY.pow_vartime([1 << (Fr::S - k)]);
    let times = turns(
        runs,
        || domain.fft(black_box(&mut a)),
        || best_fft(black_box(&mut b), omega, k),
    );
    report("fft", k, times);
}
