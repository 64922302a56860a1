//! The transforms of one size, by the path that runs: some lines at a time in vectors, or one by one.

use std::sync::{Arc, Mutex, PoisonError};

use halo2curves::bn256::Fr;

use crate::fft::{self, Direction};
use crate::path::Path;
#[cfg(target_arch = "x86_64")]
use crate::{
    ifma::{self, Avx512},
    vector,
};

/// The largest size whose twiddles are kept as factors of doubles, 80 bytes each.
#[cfg(target_arch = "x86_64")]
const LARGEST: u32 = 21;

/// Tables of one size.
#[derive(Debug)]
pub(crate) enum Transforms {
    Scalar {
        plan: fft::Plan,
        n_inverse: Fr,
        shifts: Last<Vec<Fr>>,
    },
    #[cfg(target_arch = "x86_64")]
    Vector {
        plan: vector::Plan,
        n_inverse: vector::Factor,
        shifts: Last<vector::Scale>,
    },
    #[cfg(target_arch = "x86_64")]
    Ifma {
        plan: ifma::Plan<Avx512>,
        n_inverse: ifma::Factor,
        shifts: Last<ifma::Scale<Avx512>>,
    },
}

impl Transforms {
    pub(crate) fn new(path: Path, k: u32, omega: Fr, n_inverse: Fr) -> Self {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx2(avx2) if (vector::SMALLEST..=LARGEST).contains(&k) => Self::Vector {
                plan: vector::Plan::new(avx2, k, omega),
                n_inverse: vector::Factor::new(&n_inverse),
                shifts: Last::default(),
            },
            #[cfg(target_arch = "x86_64")]
            Path::Avx512(avx512) if k >= ifma::SMALLEST => Self::Ifma {
                plan: ifma::Plan::new(avx512, k, omega),
                n_inverse: ifma::Factor::new(&n_inverse),
                shifts: Last::default(),
            },
            _ => Self::Scalar {
                plan: fft::Plan::new(k, omega),
                n_inverse,
                shifts: Last::default(),
            },
        }
    }

    pub(crate) fn fft(&self, values: &mut [Fr]) {
        match self {
            Self::Scalar { plan, .. } => fft::transform(plan, values, Direction::Forward),
            #[cfg(target_arch = "x86_64")]
            Self::Vector { plan, .. } => plan.fft(values),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma { plan, .. } => plan.fft(values),
        }
    }

    pub(crate) fn ifft(&self, values: &mut [Fr]) {
        match self {
            Self::Scalar {
                plan, n_inverse, ..
            } => {
                let n_inverse = *n_inverse;
                fft::transform(plan, values, Direction::Inverse { n_inverse });
            }
            #[cfg(target_arch = "x86_64")]
            Self::Vector {
                plan, n_inverse, ..
            } => plan.ifft(values, n_inverse),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma {
                plan, n_inverse, ..
            } => plan.ifft(values, n_inverse),
        }
    }

    /// times·f(shift·ω^i) from at most n coefficients of f.
    pub(crate) fn coset_values(&self, coefficients: &[Fr], shift: Fr, times: Fr) -> Vec<Fr> {
        match self {
            Self::Scalar { plan, shifts, .. } => {
                let powers = shifts.get([shift, times], || {
                    std::iter::successors(Some(times), |power| Some(power * shift))
                        .take(plan.n())
                        .collect()
                });
                assert!(coefficients.len() <= plan.n(), "at most n coefficients");
                let mut values = Vec::with_capacity(plan.n());
                values.extend(
                    coefficients
                        .iter()
                        .zip(&*powers)
                        .map(|(c, power)| c * power),
                );
                values.resize(plan.n(), Fr::zero());
                fft::transform(plan, &mut values, Direction::Forward);
                values
            }
            #[cfg(target_arch = "x86_64")]
            Self::Vector { plan, shifts, .. } => {
                let scale = shifts.get([shift, times], || {
                    vector::Scale::powers(times, shift, plan.n())
                });
                let mut values = vec![Fr::zero(); plan.n()];
                plan.scaled_fft(coefficients, &scale, &mut values);
                values
            }
            #[cfg(target_arch = "x86_64")]
            Self::Ifma { plan, shifts, .. } => {
                let scale = shifts.get([shift, times], || plan.scale(times, shift));
                let mut values = vec![Fr::zero(); plan.n()];
                plan.scaled_fft(coefficients, &scale, &mut values);
                values
            }
        }
    }
}

/// What was made for the shift, and the factor, that were used last: columns come in numbers to one coset.
#[derive(Debug)]
pub(crate) struct Last<T>(Mutex<Option<([Fr; 2], Arc<T>)>>);

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Last<T> {
    /// Others wait while one makes it, and would only make the same. `make` must not use rayon: while it waits for its parts, its
    /// thread may be given a transform that waits for it.
    fn get(&self, shift: [Fr; 2], make: impl FnOnce() -> T) -> Arc<T> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, made)) = &*last
            && *known == shift
        {
            return made.clone();
        }
        let made = Arc::new(make());
        *last = Some((shift, made.clone()));
        made
    }
}

#[cfg(test)]
mod tests {
    use ff::{Field, PrimeField};
    use rand_core::OsRng;

    use super::*;

    #[test]
    fn all_paths_agree() {
        let paths = Path::all();
        if let [Path::Scalar] = paths[..] {
            println!("one path only: nothing was compared");
        }
        for k in [1, 4, 5, 6, 9, 12, 13, 17] {
            let omega = Fr::ROOT_OF_UNITY.pow_vartime([1u64 << (Fr::S - k)]);
            let n_inverse = Fr::TWO_INV.pow_vartime([u64::from(k)]);
            let transforms: Vec<Transforms> = paths
                .iter()
                .map(|path| Transforms::new(*path, k, omega, n_inverse))
                .collect();
            let mut columns = vec![vec![-Fr::ONE; 1 << k], vec![Fr::ZERO; 1 << k]];
            columns.push((0..1 << k).map(|_| Fr::random(OsRng)).collect());
            for column in columns {
                let with = |transforms: &Transforms| {
                    let [mut a, mut b] = [column.clone(), column.clone()];
                    transforms.fft(&mut a);
                    transforms.ifft(&mut b);
                    let shift = Fr::MULTIPLICATIVE_GENERATOR;
                    let all = transforms.coset_values(&column, shift, Fr::from(5));
                    let some = &column[..column.len() * 2 / 3];
                    let some = transforms.coset_values(some, shift, Fr::ONE);
                    [a, b, all, some]
                };
                let expected = with(&transforms[0]);
                for other in &transforms[1..] {
                    assert!(with(other) == expected, "k = {k}");
                }
            }
        }
    }
}
