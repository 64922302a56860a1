use ff::Field as _;
use halo2curves::bn256::Fr;
use rand_core::OsRng;

use super::convert::{exchange, load, store};
use super::digits::{add, digits, reduce, sub};
use super::factor::{Factor, Factors};
use super::product::{multiply, product};
use super::{Avx2, Lanes};
use crate::field::Scalar;

/// 0, 1, the ends of the field, both sides of p/2, and digits that are all at an end.
fn edges() -> Vec<Fr> {
    let half = Fr::from(2).invert().unwrap();
    let ones = |shift: u32| {
        (0..5).fold(Fr::ZERO, |x, j| {
            x + Fr::from(2).pow_vartime([u64::from(51 * j + shift)])
        })
    };
    // What is kept is x·2^256: the integers are meant.
    let kept = Fr::from(2).pow_vartime([256]).invert().unwrap();
    let values = [
        Fr::ZERO,
        Fr::ONE,
        -Fr::ONE,
        half,
        -half,
        ones(50),
        -ones(50),
        ones(49),
        -ones(49),
    ];
    values.into_iter().flat_map(|x| [x, x * kept]).collect()
}

fn values() -> Vec<Fr> {
    let mut values = edges();
    values.extend((0..46).map(|_| Fr::random(OsRng)));
    values
}

/// Run with the proof that the CPU has AVX2, or say that it has not.
#[allow(unsafe_code)]
fn with_avx2(test: unsafe fn()) {
    match Avx2::detect() {
        // SAFETY: the tests are compiled for what was detected.
        Some(_) => unsafe { test() },
        None => println!("this CPU has no AVX2: nothing was tested"),
    }
}

#[allow(unsafe_code)]
fn integers(x: &Lanes) -> [[f64; 4]; 5] {
    // SAFETY: both are five times 32 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute::<Lanes, [[f64; 4]; 5]>(*x) }
}

/// In multiples of p.
fn sizes(x: &Lanes) -> [f64; 4] {
    let p = f64::from_bits(0x3fe8_3227_3970_98d0) * 2_f64.powi(254);
    let digits = integers(x);
    std::array::from_fn(|l| {
        (0..5)
            .map(|j| digits[j][l] * 2_f64.powi(51 * j as i32))
            .sum::<f64>()
            .abs()
            / p
    })
}

#[target_feature(enable = "avx2,fma")]
fn products() {
    let values = values();
    let groups = values.as_chunks::<4>().0;
    for w in &values {
        let factor = Factor::new(w).everywhere();
        for (i, a) in groups.iter().enumerate() {
            let b = &groups[(i + 5) % groups.len()];
            // As large and as loose as bounds allow: three and four terms, of one sign.
            let (x, y) = (load(a.each_ref()), load(b.each_ref()));
            let sums = [
                (x, a.map(|a| a), 1.0),
                (
                    add(add(x, x), add(y, y)),
                    [0, 1, 2, 3].map(|l| a[l].double() + b[l].double()),
                    4.0,
                ),
                (
                    sub(sub(sub(sub(x, x), x), y), y),
                    [0, 1, 2, 3].map(|l| -a[l] - b[l].double()),
                    3.0,
                ),
                (sub(x, y), [0, 1, 2, 3].map(|l| a[l] - b[l]), 1.0),
            ];
            for (sum, expected, size) in sums {
                let product = multiply::<Scalar>(sum, &factor);
                for value in sizes(&product) {
                    assert!(value <= 0.501 + 0.19 * size, "{value} of {size}");
                }
                for digit in integers(&product).as_flattened() {
                    assert!((-2_f64.powi(50)..2_f64.powi(50)).contains(digit));
                }
                let mut got: [Fr; 4] = store(product);
                assert_eq!(got, expected.map(|x| x * w));
                for value in sizes(&reduce::<Scalar>(sum)) {
                    assert!(value <= 0.51);
                }
                got = store(sum);
                assert_eq!(got, expected);
            }
        }
    }
}

#[test]
fn products_and_reductions_agree_and_keep_their_bounds() {
    with_avx2(products);
}

#[target_feature(enable = "avx2,fma")]
fn variable_products() {
    let values = values();
    let groups = values.as_chunks::<4>().0;
    let r = Fr::from(2).pow_vartime([255]);
    let form = Fr::from(2).pow_vartime([256]) * r.invert().unwrap();
    for a in groups {
        for b in groups {
            let (x, y) = (load(a.each_ref()), load(b.each_ref()));
            // The integers are a·2^256 and b·2^256.
            let expected: [Fr; 4] = std::array::from_fn(|l| a[l] * b[l] * form);
            let cases = [
                (x, y, 1, 1.0, 1.0),
                (add(x, x), add(y, y), 4, 2.0, 2.0),
                (sub(x, add(x, x)), y, -1, 1.0, 1.0),
                (add(add(x, x), add(x, x)), y, 4, 4.0, 1.0),
                (sub(sub(x, x), add(x, x)), add(y, y), -4, 2.0, 2.0),
            ];
            for (a, b, times, size, other) in cases {
                let got = product::<Scalar>(&a, &b);
                for value in sizes(&got) {
                    assert!(value <= 0.501 + 0.38 * size * other, "{value}");
                }
                for digit in integers(&got)[..4].as_flattened() {
                    assert!((-2_f64.powi(50)..2_f64.powi(50)).contains(digit));
                }
                let words: [Fr; 4] = store(got);
                let scale = if times < 0 {
                    -Fr::from(-times as u64)
                } else {
                    Fr::from(times as u64)
                };
                assert_eq!(words, expected.map(|x| x * scale));
            }
        }
    }
}

#[test]
fn products_of_two_variables_agree_and_keep_their_bounds() {
    with_avx2(variable_products);
}

#[target_feature(enable = "avx2,fma")]
fn lanes() {
    let values: [Fr; 16] = std::array::from_fn(|_| Fr::random(OsRng));
    let rows: [[Fr; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|l| values[4 * i + l]));
    let out = exchange(&[
        load(rows[0].each_ref()),
        load(rows[1].each_ref()),
        load(rows[2].each_ref()),
        load(rows[3].each_ref()),
    ]);
    for (i, x) in out.into_iter().enumerate() {
        let got: [Fr; 4] = store(x);
        assert_eq!(got, [0, 1, 2, 3].map(|l| rows[l][i]));
    }
    let factors = Factors::new(&rows[1]);
    let got: [Fr; 4] = store(multiply::<Scalar>(load(rows[0].each_ref()), &factors));
    assert_eq!(got, [0, 1, 2, 3].map(|l| rows[0][l] * rows[1][l]));
}

#[test]
fn every_lane_is_its_own() {
    with_avx2(lanes);
}

#[test]
fn digits_are_normal() {
    let half = 2_f64.powi(50);
    assert_eq!(digits([1 << 50, 0, 0, 0]), [-half, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(digits([u64::MAX; 4]), [-1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(
        digits([(1 << 50) - 1, 0, 0, 0]),
        [half - 1.0, 0.0, 0.0, 0.0, 0.0]
    );
}
