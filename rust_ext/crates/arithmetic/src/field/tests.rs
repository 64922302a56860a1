use rand_core::{OsRng, RngCore};

use super::*;

fn edges(p: &Limbs) -> Vec<Limbs> {
    let twice = add_words(p, p);
    let one = [1, 0, 0, 0];
    let mut out = vec![
        [0; 4],
        one,
        sub_words(p, &one).0,
        *p,
        add_words(p, &one),
        sub_words(&twice, &one).0,
        [u64::MAX, u64::MAX, u64::MAX, p[3] - 1],
        [u64::MAX, 0, u64::MAX, 0],
        [0, 0, 0, p[3]],
    ];
    out.extend((0..200).map(|_| {
        let mut words = [0; 4].map(|_: u64| OsRng.next_u64());
        words[3] %= 2 * p[3];
        words
    }));
    out
}

struct Products<'a, F>(&'a [Limbs], std::marker::PhantomData<F>);

impl<F: Field> Job for Products<'_, F> {
    type Output = Vec<Limbs>;
    fn run<M: Multiply>(self, m: M) -> Vec<Limbs> {
        let pairs = self
            .0
            .iter()
            .flat_map(|a| self.0.iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| m.mul::<F>(a, b)).collect()
    }
}

fn agrees<F: Field>(product: impl Fn(Limbs, Limbs) -> Limbs) {
    let values = edges(&F::P);
    let twice = add_words(&F::P, &F::P);
    let fast = fastest(Products::<F>(&values, std::marker::PhantomData));
    let plain = Products::<F>(&values, std::marker::PhantomData).run(Portable);
    let mut at = 0;
    for a in &values {
        for b in &values {
            let expected = product(reduce::<F>(a), reduce::<F>(b));
            for got in [fast[at], plain[at]] {
                assert_eq!(
                    sub_words(&got, &twice).1,
                    1,
                    "{a:x?} {b:x?} is not below 2p"
                );
                assert_eq!(reduce::<F>(&got), expected, "{a:x?} {b:x?}");
            }
            at += 1;
        }
    }
}

#[test]
fn products_of_unreduced_values_agree_with_halo2curves() {
    agrees::<Base>(|a, b| (Fq(a) * Fq(b)).0);
    agrees::<Scalar>(|a, b| (Fr(a) * Fr(b)).0);
}

#[test]
fn sums_and_differences_agree_with_halo2curves() {
    let values: Vec<Limbs> = edges(&Base::P).iter().map(reduce::<Base>).collect();
    for a in &values {
        assert_eq!(neg::<Base>(a), (-Fq(*a)).0);
        for b in &values {
            assert_eq!(add::<Base>(a, b), (Fq(*a) + Fq(*b)).0);
            assert_eq!(sub::<Base>(a, b), (Fq(*a) - Fq(*b)).0);
        }
    }
}

#[test]
fn constants_are_those_of_the_fields() {
    assert_eq!(Base::ONE, Fq::one().0);
    assert_eq!(add_words(&(-Fq::one()).0, &Fq::one().0), Base::P);
    assert_eq!(add_words(&(-Fr::one()).0, &Fr::one().0), Scalar::P);
}
