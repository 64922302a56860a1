use ff::Field as _;
use group::{Curve, Group};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_core::{OsRng, RngCore};

use super::*;
use crate::field::Portable;
#[cfg(target_arch = "x86_64")]
use crate::ifma;

struct Sums<'a>(&'a [u32], &'a [G1Affine]);

impl Job for Sums<'_> {
    type Output = Vec<G1Affine>;

    fn run<A: Adder>(self, adder: A) -> Vec<G1Affine> {
        let form = adder.form();
        let less = form.invert().unwrap();
        sums(adder, self.0, &|i| Point::new(&self.1[i], form))
            .iter()
            .map(|sum| sum.affine(less))
            .collect()
    }
}

fn agrees(lengths: &[u32], points: &[G1Affine]) {
    let mut rest = points;
    let expected: Vec<G1Affine> = lengths
        .iter()
        .map(|length| {
            let (own, others) = rest.split_at(*length as usize);
            rest = others;
            own.iter()
                .fold(G1::identity(), |sum, p| sum + p)
                .to_affine()
        })
        .collect();
    let job = || Sums(lengths, points);
    for path in Path::all() {
        assert_eq!(on(path, job()), expected);
    }
    assert_eq!(job().run(Single(Portable)), expected);
    #[cfg(target_arch = "x86_64")]
    assert_eq!(job().run(Blocks(LimbUnit::new(ifma::Portable))), expected);
}

fn some_points(count: usize) -> Vec<G1Affine> {
    let step = G1::random(OsRng);
    let points: Vec<G1> = std::iter::successors(Some(G1::random(OsRng)), |p| Some(p + step))
        .take(count)
        .collect();
    let mut out = vec![G1Affine::default(); count];
    G1::batch_normalize(&points, &mut out);
    out
}

#[test]
fn lists_of_all_lengths() {
    for lengths in [
        vec![],
        vec![0],
        vec![1],
        vec![0, 2, 0, 3, 1, 0],
        (0..150).collect(),
        vec![20_000],
        vec![1, BATCH as u32, 3, 2 * BATCH as u32 + 1, 5, 0, 4000, 4000],
    ] {
        let points = some_points(lengths.iter().sum::<u32>() as usize);
        agrees(&lengths, &points);
    }
}

#[test]
fn equal_opposite_and_missing_points() {
    let p = some_points(3);
    let six = [p[0], -p[0], p[1], p[1], G1Affine::default(), p[2]];
    for _ in 0..200 {
        let length = OsRng.next_u32() % 40;
        let lengths = [length, length / 2, 3];
        let total = lengths.iter().sum::<u32>();
        let points: Vec<G1Affine> = (0..total)
            .map(|_| six[OsRng.next_u32() as usize % six.len()])
            .collect();
        agrees(&lengths, &points);
    }
}

#[test]
fn lists_that_vanish_after_they_were_cut() {
    let p = (G1::generator() * Fr::from(9)).to_affine();
    let long = 3 * BATCH;
    let alternating: Vec<G1Affine> = (0..long).map(|i| if i % 2 == 0 { p } else { -p }).collect();
    agrees(&[long as u32], &alternating);
    let halves: Vec<G1Affine> = (0..2 * BATCH)
        .map(|i| if i < BATCH { p } else { -p })
        .collect();
    agrees(&[2 * BATCH as u32], &halves);
    agrees(
        &[long as u32, 2 * BATCH as u32],
        &[vec![p; long], halves].concat(),
    );
}
