use ff::{Field, PrimeField};
use group::Curve;
use halo2curves::msm::msm_serial;
use rand_core::{OsRng, RngCore};

use super::*;

fn points(count: usize) -> Vec<G1Affine> {
    let step = G1::random(OsRng);
    let points: Vec<G1> = std::iter::successors(Some(G1::random(OsRng)), |p| Some(p + step))
        .take(count)
        .collect();
    let mut out = vec![G1Affine::default(); count];
    G1::batch_normalize(&points, &mut out);
    out
}

/// halo2curves' plain method: its fast one does not take the identity among the points.
fn plain(scalars: &[Fr], points: &[G1Affine]) -> G1 {
    let mut sum = G1::identity();
    msm_serial(scalars, &points[..scalars.len()], &mut sum);
    sum
}

fn field(v: i64) -> Fr {
    let size = Fr::from(v.unsigned_abs());
    if v < 0 { -size } else { size }
}

/// On every path that this CPU has.
fn sums(points: &[G1Affine], scalars: Scalars<'_>) -> Vec<G1Affine> {
    Path::all()
        .into_iter()
        .map(|path| msm(&Bases::on(path, points), scalars).unwrap().to_affine())
        .collect()
}

fn agrees(points: &[G1Affine], scalars: &[Fr]) {
    let expected = plain(scalars, points).to_affine();
    for sum in sums(points, Scalars::Full(scalars)) {
        assert_eq!(sum, expected);
    }
}

fn agrees_small(points: &[G1Affine], scalars: &[i64]) {
    let full: Vec<Fr> = scalars.iter().map(|v| field(*v)).collect();
    let expected = plain(&full, points).to_affine();
    for sum in sums(points, Scalars::Small(scalars)) {
        assert_eq!(sum, expected);
    }
    agrees(points, &full);
}

const COUNTS: [usize; 9] = [0, 1, 2, 3, 31, 100, 1000, 4096, 10_000];

#[test]
fn random_scalars() {
    let points = points(10_000);
    for count in COUNTS {
        let scalars: Vec<Fr> = (0..count).map(|_| Fr::random(OsRng)).collect();
        agrees(&points, &scalars);
    }
}

#[test]
fn small_scalars_of_every_length() {
    let points = points(10_000);
    for bits in [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 48, 62, 63, 64] {
        for count in [1, 50, 3000] {
            let scalars: Vec<i64> = (0..count)
                .map(|_| match bits {
                    0 => 0,
                    bits => OsRng.next_u64() as i64 >> (64 - bits),
                })
                .collect();
            agrees_small(&points, &scalars);
        }
    }
}

#[test]
fn what_a_witness_looks_like() {
    let points = points(10_000);
    for count in COUNTS {
        let scalars: Vec<i64> = (0..count)
            .map(|_| {
                let v = OsRng.next_u64() as i64;
                match v.rem_euclid(10) {
                    0..3 => 0,
                    3..9 => v >> 55,
                    _ => v >> 47,
                }
            })
            .collect();
        agrees_small(&points, &scalars);
    }
}

#[test]
fn edge_scalars() {
    let two = Fr::from(2);
    let mut scalars = vec![Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::TWO_INV, -Fr::TWO_INV];
    for power in (1..254).step_by(7) {
        let power = two.pow([power]);
        scalars.extend([power, -power, power - Fr::ONE, Fr::ONE - power]);
    }
    let points = points(scalars.len());
    agrees(&points, &scalars);
    for scalar in &scalars {
        agrees(&points[..1], &[*scalar]);
        agrees(&points, &vec![*scalar; points.len()]);
    }
    let small = [
        0,
        1,
        -1,
        i64::MAX,
        i64::MIN,
        i64::MIN + 1,
        1 << 62,
        -(1 << 62),
    ];
    agrees_small(&points, &small);
    for v in small {
        agrees_small(&points[..1], &[v]);
        agrees_small(&points, &vec![v; points.len()]);
    }
}

/// All points in one bucket, in two that cancel, doublings in every round, no point at all.
#[test]
fn hostile_points_and_scalars() {
    let count = 2500;
    let some = points(count);
    let p = some[0];
    let sets = [
        vec![p; count],
        (0..count)
            .map(|i| if i % 2 == 0 { p } else { -p })
            .collect(),
        (0..count)
            .map(|i| if i < count / 2 { p } else { -p })
            .collect(),
        vec![G1Affine::default(); count],
        (0..count)
            .map(|i| {
                if i % 3 == 0 {
                    G1Affine::default()
                } else {
                    some[i]
                }
            })
            .collect(),
        (0..count).map(|i| some[i % 5]).collect(),
    ];
    let random = Fr::random(OsRng);
    for points in &sets {
        agrees(points, &vec![random; count]);
        agrees(points, &vec![-Fr::ONE; count]);
        agrees_small(points, &vec![-77; count]);
        let alternating: Vec<i64> = (0..count as i64)
            .map(|i| if i % 2 == 0 { 9 } else { -9 })
            .collect();
        agrees_small(points, &alternating);
        let scalars: Vec<Fr> = (0..count).map(|_| Fr::random(OsRng)).collect();
        agrees(points, &scalars);
    }
}

#[test]
fn columns_are_summed_each_for_itself() {
    let points = points(3000);
    let bases = Bases::new(&points);
    let full: Vec<Fr> = (0..2000).map(|_| Fr::random(OsRng)).collect();
    let small: Vec<i64> = (0..3000).map(|i| i * i - 5000).collect();
    let columns = [
        Scalars::Small(&small),
        Scalars::Full(&full),
        Scalars::Full(&[]),
        Scalars::Small(&small[..7]),
        Scalars::Full(&full[..1]),
        Scalars::Small(&[0; 3000]),
        Scalars::Full(&full),
    ];
    let sums = msm_many(&bases, &columns).unwrap();
    assert_eq!(sums.len(), columns.len());
    for (sum, column) in sums.iter().zip(columns) {
        assert_eq!(*sum, msm(&bases, column).unwrap());
    }
    assert_eq!(sums[1], plain(&full, &points));
    assert_eq!(sums[2], G1::identity());
    assert_eq!(sums[5], G1::identity());
}

#[test]
fn the_number_of_threads_does_not_show() {
    let points = points(20_000);
    let bases = Bases::new(&points);
    let scalars: Vec<Fr> = (0..20_000).map(|_| Fr::random(OsRng)).collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| msm(&bases, Scalars::Full(&scalars)).unwrap().to_affine())
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

#[test]
fn more_scalars_than_bases_are_an_error() {
    let bases = Bases::new(points(2));
    let error = msm(&bases, Scalars::Small(&[1, 2, 3])).unwrap_err();
    assert_eq!(
        error,
        ArithmeticError::Length {
            expected: 2,
            got: 3
        }
    );
    assert_eq!(error.to_string(), "a column of 3 scalars for 2 bases");
}
