use std::array::from_fn;

use ff::{Field as _, PrimeField};
use halo2curves::bn256::{Fq, Fr};
use rand_core::{OsRng, RngCore};

use super::Avx512;
use super::convert::{exchange, load, store};
use super::factor::{Factor, Factors};
use super::limbs::{self, Modulus, broadcast};
use super::product::{multiply, product, scale};
use super::{Instructions, Job, Lanes, LimbUnit, Plan, Portable, WIDTH};
use crate::block::{Bound, ROWS, Unit};
use crate::field::{Element, Field, Scalar};
use crate::path::Path;
use crate::transforms::Transforms;

/// Tests of these names, each on the twin in plain Rust and, where the CPU has them, on its instructions.
macro_rules! on_both {
    ($($name:ident: $test:ident$(::<$field:ty>)?;)*) => {$(
        #[test]
        fn $name() {
            $test$(::<_, $field>)?(Portable);
            match Avx512::detect() {
                Some(i) => $test$(::<_, $field>)?(i),
                None => println!("this CPU has no AVX-512 IFMA: the twin of its instructions was tested"),
            }
        }
    )*};
}

on_both! {
    elements_come_in_and_go_out: conversions::<Fr>;
    elements_of_the_other_field_do_too: conversions::<Fq>;
    reductions_agree_and_keep_their_bounds: reductions::<Fr>;
    reductions_of_the_other_field_do_too: reductions::<Fq>;
    products_agree_and_keep_their_bounds: products::<Fr>;
    products_of_the_other_field_do_too: products::<Fq>;
    every_lane_is_its_own: lanes;
    a_unit_computes_what_words_do: unit::<Fr>;
    a_unit_of_the_other_field_does_too: unit::<Fq>;
    values_of_programs_keep_their_bounds: programs::<Fr>;
    values_of_the_other_field_do_too: programs::<Fq>;
    transforms_agree_with_those_of_one_line: transforms;
}

/// Work of a test, as all work on vectors is done.
struct Apply<F>(F);

impl<I: Instructions, T, F: FnOnce(I) -> T> Job<I> for Apply<F> {
    type Output = T;

    #[inline(always)]
    fn run(self, i: I) -> T {
        (self.0)(i)
    }
}

fn power<E: Element>(exponent: u64) -> E {
    E::from(2).pow_vartime([exponent])
}

/// Elements whose words are these integers: the ends of the field, its middle, and limbs that are all at an end.
fn edges<E: Element>() -> Vec<E> {
    let ones = |bits: u64| (0..5).map(|j| power::<E>(52 * j + bits)).sum::<E>();
    let integers = [
        E::ZERO,
        E::ONE,
        E::from(2),
        E::from((1 << 52) - 1),
        E::from(1 << 52),
        E::TWO_INV,
        power::<E>(208) - E::ONE,
        power::<E>(253) - E::ONE,
        ones(0),
        ones(51) - power::<E>(259),
    ];
    let kept = E::from_words([1, 0, 0, 0]);
    integers
        .into_iter()
        .flat_map(|x| [x, -x, x * kept, -x * kept])
        .collect()
}

/// Edges and random elements, in groups.
fn groups<E: Element>(random: usize) -> Vec<[E; WIDTH]> {
    let mut values = edges::<E>();
    values.extend((0..random).map(|_| E::random(OsRng)));
    values.resize(values.len().next_multiple_of(WIDTH), E::ZERO);
    values.as_chunks().0.to_vec()
}

fn signed<I: Instructions>(i: I, x: &Lanes<I>) -> [[i64; WIDTH]; 5] {
    x.map(|limb| i.words(limb).map(u64::cast_signed))
}

/// The element whose words each integer is, modulo p.
fn elements<I: Instructions, E: Element>(i: I, x: &Lanes<I>) -> [E; WIDTH] {
    let unit = E::from_words([1, 0, 0, 0]);
    let limbs = signed(i, x);
    from_fn(|l| {
        let integer = limbs.iter().rev().fold(E::ZERO, |above, limb| {
            let size = E::from(limb[l].unsigned_abs());
            above * E::from(1 << 52) + if limb[l] < 0 { -size } else { size }
        });
        integer * unit
    })
}

/// In multiples of p.
fn sizes<I: Instructions>(i: I, x: &Lanes<I>) -> [f64; WIDTH] {
    // 2^208/p, of both fields
    let scale = 2_f64.powi(208 - 254) / f64::from_bits(0x3fe8_3227_3970_98d0);
    let limbs = signed(i, x);
    from_fn(|l| {
        let value: f64 = (0..5)
            .map(|j| limbs[j][l] as f64 * 2_f64.powi(52 * (j as i32 - 4)))
            .sum();
        value * scale
    })
}

fn assert_carried<I: Instructions>(i: I, x: &Lanes<I>) {
    for limb in signed(i, x)[..4].as_flattened() {
        assert!((0..1 << 52).contains(limb), "{limb}");
    }
}

/// The same value and `times` p more, its limbs far from carried.
fn loose<I: Instructions, F: Field>(i: I, x: Lanes<I>, times: i64) -> Lanes<I> {
    let more = broadcast(i, &Modulus::<F>::multiple(times.unsigned_abs()));
    let mut x = if times < 0 {
        limbs::sub(i, &x, &more)
    } else {
        limbs::add(i, &x, &more)
    };
    for j in 0..4 {
        let up: [u64; WIDTH] = from_fn(|_| (OsRng.next_u64() >> 54).wrapping_sub(1 << 9));
        x[j] = i.sub(x[j], i.vector(up.map(|up| up << 52)));
        x[j + 1] = i.add(x[j + 1], i.vector(up));
    }
    x
}

fn conversions<I: Instructions, E: Element>(i: I) {
    for x in groups::<E>(200) {
        i.run(Apply(|i| {
            let loaded = load(i, x.each_ref());
            assert_carried(i, &loaded);
            assert_eq!(elements::<I, E>(i, &loaded), x);
            assert_eq!(store::<I, E>(i, &loaded), x);
        }));
    }
}

fn reductions<I: Instructions, E: Element>(i: I) {
    for x in groups::<E>(24) {
        for times in -31..=30 {
            i.run(Apply(|i| {
                let value = loose::<I, E::Field>(i, load(i, x.each_ref()), times);
                assert_eq!(elements::<I, E>(i, &value), x);
                let carried = limbs::carried(i, value);
                assert_carried(i, &carried);
                assert_eq!(elements::<I, E>(i, &carried), x);
                let reduced = limbs::reduce::<I, E::Field>(i, &value);
                assert_carried(i, &reduced);
                assert_eq!(elements::<I, E>(i, &reduced), x);
                for size in sizes(i, &reduced) {
                    assert!(size.abs() <= 0.501, "{size}");
                }
                assert_eq!(store::<I, E>(i, &value), x);
            }));
        }
    }
}

fn products<I: Instructions, E: Element>(i: I) {
    let groups = groups::<E>(24);
    // Products have 2^256 twice and 2^-260.
    let form = power::<E>(4).invert().unwrap();
    for (at, x) in groups.iter().enumerate() {
        for y in groups.iter().skip(at) {
            i.run(Apply(|i| {
                let [a, b] = [x, y].map(|x| load(i, x.each_ref()));
                let factors = Factors::new(i, y);
                let expected: [E; WIDTH] = from_fn(|l| x[l] * y[l]);
                for times in [-31, -3, 0, 2, 30] {
                    let a = loose::<I, E::Field>(i, a, times);
                    let got = multiply::<I, E::Field>(i, &a, &factors);
                    assert_eq!(elements::<I, E>(i, &got), expected);
                    for size in sizes(i, &got) {
                        assert!((0.0..1.75).contains(&size), "{size}");
                    }
                }
                for (times, other) in [(-3, -3), (-3, 2), (2, 2), (0, 0), (-1, 0), (2, -3)] {
                    let a = loose::<I, E::Field>(i, a, times);
                    let b = loose::<I, E::Field>(i, b, other);
                    let bounds = [&a, &b].map(|x| sizes(i, x));
                    let got = product::<I, E::Field>(i, &a, &b);
                    assert_eq!(elements::<I, E>(i, &got), expected.map(|x| x * form));
                    for (l, size) in sizes(i, &got).into_iter().enumerate() {
                        let [a, b] = bounds.map(|of| 3.0 + of[l].abs());
                        assert!(size.abs() <= 0.501 + a * b / 84.0, "{size}");
                    }
                    let got = scale::<I, E::Field>(i, &a, &factors);
                    assert_eq!(elements::<I, E>(i, &got), expected);
                    for (l, size) in sizes(i, &got).into_iter().enumerate() {
                        let a = 3.0 + bounds[0][l].abs();
                        assert!(size.abs() <= 0.501 + a / 84.0, "{size}");
                    }
                    for limb in signed(i, &got).as_flattened() {
                        assert!(limb.abs() < 20 << 52);
                    }
                }
            }));
        }
    }
}

fn lanes<I: Instructions>(i: I) {
    let rows: [[Fr; WIDTH]; WIDTH] = from_fn(|_| from_fn(|_| Fr::random(OsRng)));
    i.run(Apply(|i| {
        let mut x = rows.each_ref().map(|row| load(i, row.each_ref()));
        exchange(i, &mut x);
        for (l, x) in x.iter().enumerate() {
            assert_eq!(elements::<I, Fr>(i, x), rows.map(|row| row[l]));
        }
        let w = Fr::random(OsRng);
        let got = multiply::<I, Scalar>(
            i,
            &load(i, rows[0].each_ref()),
            &Factor::new(&w).everywhere(i),
        );
        assert_eq!(elements::<I, Fr>(i, &got), rows[0].map(|x| x * w));
    }));
}

fn random_rows<E: Element>() -> [E; ROWS] {
    let edges = edges::<E>();
    from_fn(|_| match OsRng.next_u32() as usize % 4 {
        0 => edges[OsRng.next_u32() as usize % edges.len()],
        _ => E::random(OsRng),
    })
}

fn unit<I: Instructions, E: Element>(i: I) {
    operations::<_, E>(LimbUnit::new(i));
}

fn operations<U: Unit<E>, E: Element>(unit: U) {
    let form = unit.form();
    let stored = |block: &_| {
        let mut rows = [E::ZERO; ROWS];
        unit.store(block, &mut rows);
        rows
    };
    for _ in 0..50 {
        let (a, b, w): (_, _, E) = (random_rows(), random_rows(), random_rows()[0]);
        let load = |rows: &[E; ROWS]| {
            let mut block = unit.zero();
            unit.load(&mut block, &rows.map(|x| x * form));
            block
        };
        let (x, y, factor) = (load(&a), load(&b), unit.factor(&w));
        assert_eq!(stored(&x), a.map(|x| x * form));
        assert_eq!(stored(&unit.zero()), [E::ZERO; ROWS]);
        let expect = |block: &_, expected: [E; ROWS]| {
            assert_eq!(stored(block), expected.map(|x| x * form));
        };
        let mut to = unit.zero();
        unit.negate(&mut to, &x);
        expect(&to, a.map(|a| -a));
        unit.add(&mut to, &x, &y);
        expect(&to, from_fn(|l| a[l] + b[l]));
        unit.sub(&mut to, &x, &y);
        expect(&to, from_fn(|l| a[l] - b[l]));
        unit.multiply(&mut to, &x, &y);
        expect(&to, from_fn(|l| a[l] * b[l]));
        unit.reduce(&mut to);
        expect(&to, from_fn(|l| a[l] * b[l]));
        unit.scale(&mut to, &x, &factor);
        expect(&to, a.map(|a| a * w));
        unit.scale_add(&mut to, &x, &factor, &y);
        expect(&to, from_fn(|l| a[l] * w + b[l]));
    }
}

/// Random operations on values whose bounds are kept as programs keep them.
fn programs<I: Instructions, E: Element>(i: I) {
    random_program::<_, _, E>(i, LimbUnit::new(i));
}

fn random_program<I, U, E>(i: I, unit: U)
where
    I: Instructions,
    U: Unit<E, Block = [Lanes<I>; 2]>,
    E: Element,
{
    let form = unit.form();
    let mut values: Vec<_> = (0..8)
        .map(|_| {
            let rows: [E; ROWS] = random_rows();
            let mut block = unit.zero();
            unit.load(&mut block, &rows.map(|x| x * form));
            (Bound::LOADED, rows, block)
        })
        .collect();
    for _ in 0..3000 {
        let [at, a, b] = from_fn(|_| OsRng.next_u32() as usize % values.len());
        let ((of_a, a, x), (of_b, b, y)) = (&values[a], &values[b]);
        let w: E = random_rows()[0];
        let factor = unit.factor(&w);
        let mut block = unit.zero();
        let (bound, rows): (_, [E; ROWS]) = match OsRng.next_u32() % 6 {
            0 => {
                unit.negate(&mut block, x);
                (*of_a, a.map(|a| -a))
            }
            1 => {
                unit.add(&mut block, x, y);
                (of_a.sum(*of_b), from_fn(|l| a[l] + b[l]))
            }
            2 => {
                unit.sub(&mut block, x, y);
                (of_a.sum(*of_b), from_fn(|l| a[l] - b[l]))
            }
            3 => {
                unit.multiply(&mut block, x, y);
                (of_a.product(*of_b), from_fn(|l| a[l] * b[l]))
            }
            4 => {
                unit.scale(&mut block, x, &factor);
                (of_a.scaled(), a.map(|a| a * w))
            }
            _ => {
                unit.scale_add(&mut block, x, &factor, y);
                (of_a.scaled().sum(*of_b), from_fn(|l| a[l] * w + b[l]))
            }
        };
        let within = |bound: Bound, block: &[Lanes<I>; 2]| {
            for size in block.iter().flat_map(|x| sizes(i, x)) {
                assert!(size.abs() <= 1.25 * bound.value, "{size} of {bound:?}");
            }
        };
        within(bound, &block);
        let bound = if bound.fits() {
            bound
        } else {
            unit.reduce(&mut block);
            within(Bound::REDUCED, &block);
            Bound::REDUCED
        };
        let mut got = [E::ZERO; ROWS];
        unit.store(&block, &mut got);
        assert_eq!(got, rows.map(|x| x * form));
        values[at] = (bound, rows, block);
    }
}

#[test]
fn the_bounds_of_blocks_hold_here() {
    let bounds: Vec<f64> = (51..=240).map(|v| f64::from(v) / 100.0).collect();
    for v in &bounds {
        let bound = |value| Bound { digits: 1.0, value };
        let scaled = 0.501 + (3.0 + 1.25 * v) / 84.0;
        assert!(scaled <= 1.25 * bound(*v).scaled().value);
        for w in &bounds {
            let product = 0.501 + (3.0 + 1.25 * v) * (3.0 + 1.25 * w) / 84.0;
            assert!(product <= 1.25 * bound(*v).product(bound(*w)).value);
        }
    }
    for first in [Bound::LOADED, Bound::REDUCED] {
        assert!((0.51..=2.4).contains(&first.value) && first.fits());
    }
}

fn transforms<I: Instructions>(i: I) {
    for k in [6, 7, 8, 9, 10, 11, 13] {
        let omega = Fr::ROOT_OF_UNITY.pow_vartime([1u64 << (Fr::S - k)]);
        let n_inverse = Fr::TWO_INV.pow_vartime([u64::from(k)]);
        let one = Transforms::new(Path::Scalar, k, omega, n_inverse);
        let plan = Plan::new(i, k, omega);
        let n_inverse = Factor::new(&n_inverse);
        let mut columns = vec![vec![-Fr::ONE; 1 << k], vec![Fr::ZERO; 1 << k]];
        // The largest words: p − 1 and p − 2 in turns.
        let largest = -Fr::from_words([1, 0, 0, 0]);
        columns.push((0..1 << k).map(|j| largest * Fr::from(1 + j % 2)).collect());
        columns.push((0..1 << k).map(|_| Fr::random(OsRng)).collect());
        for column in columns {
            let run = |fft: &dyn Fn(&mut [Fr])| {
                let mut values = column.clone();
                fft(&mut values);
                values
            };
            assert!(run(&|v| plan.fft(v)) == run(&|v| one.fft(v)), "k = {k}");
            let inverse = run(&|v| plan.ifft(v, &n_inverse));
            assert!(inverse == run(&|v| one.ifft(v)), "k = {k}");
            let (shift, times) = (Fr::MULTIPLICATIVE_GENERATOR, Fr::random(OsRng));
            let scale = plan.scale(times, shift);
            for count in [column.len(), column.len() * 2 / 3, 1, 0] {
                let some = &column[..count];
                let mut values = vec![Fr::ONE; 1 << k];
                plan.scaled_fft(some, &scale, &mut values);
                assert!(values == one.coset_values(some, shift, times), "k = {k}");
            }
        }
    }
}
