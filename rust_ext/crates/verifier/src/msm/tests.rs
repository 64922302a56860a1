use ff::Field;
use group::{Curve, Group};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_core::OsRng;

use super::endomorphism::{Half, endomorphism, halve, lambda};
use super::*;

fn point() -> G1Affine {
    G1::random(OsRng).to_affine()
}

fn edge_scalars() -> Vec<Fr> {
    let two = Fr::from(2);
    let mut out = vec![
        Fr::ZERO,
        Fr::ONE,
        -Fr::ONE,
        lambda(),
        -lambda(),
        lambda() + Fr::ONE,
    ];
    for power in [63, 64, 126, 127, 128, 129, 252, 253] {
        let power = two.pow_vartime([power]);
        out.extend([power, power - Fr::ONE, -power, power + Fr::ONE]);
    }
    out
}

fn terms(count: usize) -> Vec<(Fr, G1Affine)> {
    let edges = edge_scalars()
        .into_iter()
        .map(Some)
        .chain(std::iter::repeat(None));
    edges
        .take(count)
        .map(|edge| (edge.unwrap_or_else(|| Fr::random(OsRng)), point()))
        .collect()
}

#[test]
fn halves_recombine_and_are_short() {
    let of = |half: Half| {
        let size = Fr::from(half.size as u64)
            + Fr::from((half.size >> 64) as u64) * Fr::from(2).pow_vartime([64]);
        if half.negative { -size } else { size }
    };
    for scalar in edge_scalars()
        .into_iter()
        .chain((0..2000).map(|_| Fr::random(OsRng)))
    {
        let (first, second) = halve(&scalar);
        assert_eq!(of(first) + of(second) * lambda(), scalar);
        assert!(
            second.size == 0 || (first.size < 1 << 127 && second.size < 1 << 127),
            "{first:?} {second:?}"
        );
    }
}

#[test]
fn the_endomorphism_multiplies_by_lambda() {
    let p = point();
    assert_eq!(endomorphism(&p), (p * lambda()).to_affine());
}

#[test]
fn few_points_agree_with_the_plain_sum() {
    for count in [0, 1, 2, 38, 60] {
        let terms = terms(count);
        assert_eq!(sum_of_products(&terms), plain(&terms), "{count}");
    }
}

#[test]
fn tables_agree_with_the_plain_sum() {
    for count in [1, 40, 130, 520] {
        let known = terms(count);
        let fresh = terms(5);
        let (scalars, points): (Vec<Fr>, Vec<G1Affine>) = known.iter().copied().unzip();
        let sum = with_tables(&Tables::new(&points), &scalars, &fresh);
        assert_eq!(sum, plain(&known) + plain(&fresh), "{count}");
    }
}

#[test]
fn many_points_agree_with_the_plain_sum() {
    for count in [39, FEW + 1, 1500] {
        let terms = terms(count);
        assert_eq!(buckets::sum(&terms), plain(&terms), "{count}");
    }
}

#[test]
fn equal_opposite_and_missing_points_are_no_special_case() {
    let p = point();
    let s = Fr::random(OsRng);
    let hostile = [
        (s, p),
        (s, p),
        (-s, p),
        (s, -p),
        (s, G1Affine::default()),
        (s, p),
        (Fr::ONE, p),
        (Fr::ONE, p),
    ];
    for times in [1, 40, 100] {
        let terms: Vec<_> = hostile
            .iter()
            .copied()
            .cycle()
            .take(hostile.len() * times)
            .collect();
        assert_eq!(sum_of_products(&terms), plain(&terms));
        assert_eq!(buckets::sum(&terms), plain(&terms));
    }
}
