//! Sums over G1 against multiples of the generator that are known beforehand: any scalars, any choice among points that repeat,
//! cancel and vanish. `ZKML_ARITHMETIC` chooses the path.
//!
//! The input is one byte (0: small scalars, 1: full ones, 2: lists of the points themselves) and records: the index of a point with a
//! scalar of 8 or of 32 bytes, or with a byte that says whether a list begins there.

#![no_main]

use std::sync::LazyLock;

use ff::{Field, FromUniformBytes};
use group::Curve;
use halo2curves::bn256::{Fr, G1, G1Affine};
use libfuzzer_sys::fuzz_target;
use zkml_arithmetic::{Bases, Scalars, Table, Term, msm};

/// Multiples of the generator, and the points that they are: 0, small ones of both signs, others.
static POINTS: LazyLock<(Vec<Fr>, Vec<G1Affine>)> = LazyLock::new(|| {
    let small = (0..16).map(Fr::from);
    let multiples: Vec<Fr> = small
        .clone()
        .chain(small.map(|i| -i))
        .chain((0..32_u64).map(|i| Fr::from(7).pow_vartime([90 + i])))
        .collect();
    let points = multiples.iter().map(multiple).collect();
    (multiples, points)
});

fn multiple(scalar: &Fr) -> G1Affine {
    (G1::generator() * scalar).to_affine()
}

/// Σ scalars[i]·points[i], and what it has to be.
fn check(scalars: Scalars<'_>, values: impl Iterator<Item = Fr>, chosen: &[usize]) {
    let (multiples, points) = &*POINTS;
    let bases: Vec<G1Affine> = chosen.iter().map(|i| points[*i]).collect();
    let expected: Fr = values
        .zip(chosen)
        .map(|(value, i)| value * multiples[*i])
        .sum();
    let got = msm(&Bases::new(&bases), scalars).expect("as many bases as scalars");
    assert_eq!(got.to_affine(), multiple(&expected));
}

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let (multiples, points) = &*POINTS;
    let place = |byte: u8| usize::from(byte) % points.len();
    match mode % 3 {
        0 => {
            let records = rest.as_chunks::<9>().0;
            let chosen: Vec<usize> = records.iter().map(|record| place(record[0])).collect();
            let scalars: Vec<i64> = records
                .iter()
                .map(|[_, scalar @ ..]| i64::from_le_bytes(*scalar))
                .collect();
            let values = scalars.iter().map(|v| {
                let size = Fr::from(v.unsigned_abs());
                if *v < 0 { -size } else { size }
            });
            check(Scalars::Small(&scalars), values, &chosen);
        }
        1 => {
            let records = rest.as_chunks::<33>().0;
            let chosen: Vec<usize> = records.iter().map(|record| place(record[0])).collect();
            let scalars: Vec<Fr> = records
                .iter()
                .map(|[_, scalar @ ..]| {
                    let mut wide = [0; 64];
                    wide[..32].copy_from_slice(scalar);
                    Fr::from_uniform_bytes(&wide)
                })
                .collect();
            check(Scalars::Full(&scalars), scalars.iter().copied(), &chosen);
        }
        _ => {
            let (mut lengths, mut terms, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            for [index, begins] in rest.as_chunks::<2>().0 {
                if lengths.is_empty() || begins % 8 == 0 {
                    lengths.push(0);
                    expected.push(Fr::ZERO);
                }
                let (place, negative) = (place(*index), index & 128 != 0);
                terms.push(Term::new(place, negative));
                if let (Some(length), Some(sum)) = (lengths.last_mut(), expected.last_mut()) {
                    *length += 1;
                    *sum += if negative {
                        -multiples[place]
                    } else {
                        multiples[place]
                    };
                }
            }
            let expected: Vec<G1Affine> = expected.iter().map(multiple).collect();
            assert_eq!(Table::new(points).sums(&lengths, &terms), expected);
        }
    }
});
