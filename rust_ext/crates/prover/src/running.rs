//! Commitments of running sums and products by their steps.
//!
//! With S_j = Σ_{i ≥ j} [L_i], values v_0, v_1, … on the rows have the commitment v_0·S_0 + Σ_{j ≥ 1} (v_j − v_{j−1})·S_j. Where a
//! lookup is off, and where no cell is copied, one step follows another that equals it. With R = Σ_{j ≥ 1} S_j the commitment is
//! v_0·S_0 + c·R + Σ_{j ≥ 1} (v_j − v_{j−1} − c)·S_j for any c: rows with the step c cost nothing.

use ff::Field;
use group::{Curve, Group};
use halo2curves::bn256::{Fr, G1, G1Affine};
use zkml_arithmetic::{ArithmeticError, Backend, Bases, Scalars, msm};

/// The bases S_0, S_1, …, and R behind them.
pub struct Running {
    bases: Bases,
}

impl Running {
    /// `lagrange` are the points [L_i] of all rows, and the same as bases.
    pub fn new(lagrange: &[G1Affine], bases: &Bases) -> Result<Self, ArithmeticError> {
        let mut sum = G1::identity();
        let mut sums: Vec<G1> = lagrange
            .iter()
            .rev()
            .map(|point| {
                sum += point;
                sum
            })
            .collect();
        sums.reverse();
        // Each [L_i] is in S_1, …, S_i.
        let times: Vec<i64> = (0..lagrange.len() as i64).collect();
        sums.push(msm(bases, Scalars::Small(&times))?);
        let mut points = vec![G1Affine::default(); sums.len()];
        G1::batch_normalize(&sums, &mut points);
        Ok(Self {
            bases: Bases::new(points),
        })
    }

    /// The commitment of one value for each row.
    pub fn commit(&self, backend: &dyn Backend, values: &[Fr]) -> Result<Vec<G1>, ArithmeticError> {
        let mut steps = values.to_vec();
        for (step, pair) in steps.iter_mut().skip(1).zip(values.windows(2)) {
            *step = pair[1] - pair[0];
        }
        let usual = majority(steps.get(1..).unwrap_or_default()).unwrap_or(Fr::ZERO);
        for step in steps.iter_mut().skip(1) {
            *step -= usual;
        }
        steps.push(usual);
        backend.commit(&self.bases, &[Scalars::Full(&steps)])
    }
}

/// The value that more than half of all have (Boyer and Moore 1981).
fn majority(values: &[Fr]) -> Option<Fr> {
    let (mut candidate, mut lead) = (None, 0_usize);
    for value in values {
        if lead == 0 {
            candidate = Some(*value);
        }
        if candidate == Some(*value) {
            lead += 1;
        } else {
            lead -= 1;
        }
    }
    candidate.filter(|value| 2 * values.iter().filter(|v| *v == value).count() > values.len())
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
    use zkml_arithmetic::Cpu;

    use super::*;

    #[test]
    fn commitments_are_those_of_the_values() {
        for n in [1, 2, 64] {
            let points: Vec<G1Affine> = (0..n).map(|_| G1::random(OsRng).to_affine()).collect();
            let bases = Bases::new(&points);
            let running = Running::new(&points, &bases).unwrap();
            let random: Vec<Fr> = (0..n).map(|_| Fr::random(OsRng)).collect();
            let slope = Fr::random(OsRng);
            let mut ramp: Vec<Fr> = (0..n as u64)
                .map(|i| random[0] + slope * Fr::from(i))
                .collect();
            let straight = ramp.clone();
            ramp[n / 3..].iter_mut().for_each(|v| *v += slope);
            for values in [random, ramp, straight, vec![slope; n], vec![Fr::ZERO; n]] {
                let expected = msm(&bases, Scalars::Full(&values)).unwrap();
                assert_eq!(running.commit(&Cpu, &values).unwrap(), [expected]);
            }
        }
    }

    #[test]
    fn a_majority_is_more_than_half() {
        let values = |of: &[u64]| of.iter().map(|v| Fr::from(*v)).collect::<Vec<_>>();
        assert_eq!(majority(&values(&[1, 2, 1, 3, 1])), Some(Fr::from(1)));
        assert_eq!(majority(&values(&[3, 2, 1, 1, 1])), Some(Fr::from(1)));
        assert_eq!(majority(&values(&[1, 2, 1, 2])), None);
        assert_eq!(majority(&values(&[1, 2, 3])), None);
        assert_eq!(majority(&[]), None);
    }
}
