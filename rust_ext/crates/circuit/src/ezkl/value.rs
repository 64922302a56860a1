//! What an item is worth: an integer where it fits one, an element of the field where not, nothing while only keys are made.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use zkml_graph::{ExecuteFault, Felt};

use super::error::Refusal;
use crate::grid::felt;

/// See the module. An element that fits 64 bits with its sign is always an `Int`, so that equal values are equal here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    Unknown,
    Int(i64),
    Felt(Fr),
}

/// Half away from zero. Not a number gives 0; what is beyond the integers, the nearest of them.
pub fn round(x: f64) -> i128 {
    x.round() as i128
}

impl Value {
    pub const ZERO: Self = Self::Int(0);

    pub fn int(value: i128) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Felt(felt(value)), Self::Int)
    }

    pub fn felt(value: Fr) -> Self {
        let narrow = Felt(value.to_repr().into())
            .to_i128()
            .and_then(|v| i64::try_from(v).ok());
        narrow.map_or(Self::Felt(value), Self::Int)
    }

    /// The element, where the value is known.
    pub fn known(self) -> Option<Fr> {
        match self {
            Self::Unknown => None,
            Self::Int(v) => Some(felt(v.into())),
            Self::Felt(v) => Some(v),
        }
    }

    /// The integer, where the value is known. Fails beyond 127 bits.
    pub fn integer(self) -> Result<Option<i128>, Refusal> {
        match self {
            Self::Unknown => Ok(None),
            Self::Int(v) => Ok(Some(v.into())),
            Self::Felt(v) => match Felt(v.to_repr().into()).to_i128() {
                Some(v) => Ok(Some(v)),
                None => Err(ExecuteFault::Overflow.into()),
            },
        }
    }

    /// f of the integer, where the value is known.
    pub fn map(self, f: impl FnOnce(i128) -> i128) -> Result<Self, Refusal> {
        Ok(self.integer()?.map_or(Self::Unknown, |v| Self::int(f(v))))
    }

    fn combine(
        self,
        other: Self,
        small: impl FnOnce(i64, i64) -> Option<i64>,
        large: impl FnOnce(Fr, Fr) -> Fr,
    ) -> Self {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(v) = small(a, b)
        {
            return Self::Int(v);
        }
        match (self.known(), other.known()) {
            (Some(a), Some(b)) => Self::felt(large(a, b)),
            _ => Self::Unknown,
        }
    }

    pub fn plus(self, other: Self) -> Self {
        self.combine(other, i64::checked_add, |a, b| a + b)
    }

    pub fn minus(self, other: Self) -> Self {
        self.combine(other, i64::checked_sub, |a, b| a - b)
    }

    pub fn times(self, other: Self) -> Self {
        self.combine(other, i64::checked_mul, |a, b| a * b)
    }
}

/// 1/v for each value, 0 for 0, in one inversion.
pub fn inverses(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let values: Vec<Option<Fr>> = values.map(Value::known).collect();
    let factor = |v: &Option<Fr>| v.filter(|v| !bool::from(v.is_zero()));
    let mut running = Fr::ONE;
    let before: Vec<Fr> = values
        .iter()
        .map(|v| {
            let before = running;
            running *= factor(v).unwrap_or(Fr::ONE);
            before
        })
        .collect();
    let mut rest = running.invert().unwrap_or(Fr::ONE);
    let mut out = vec![Value::Unknown; values.len()];
    for ((out, v), before) in out.iter_mut().zip(&values).zip(before).rev() {
        *out = match (v, factor(v)) {
            (None, _) => Value::Unknown,
            (Some(_), None) => Value::ZERO,
            (Some(_), Some(v)) => {
                let inverse = rest * before;
                rest *= v;
                Value::felt(inverse)
            }
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_beyond_64_bits_are_the_field_s_and_come_back_as_integers() {
        let big = Value::Int(i64::MAX);
        let more = big.plus(Value::Int(1));
        assert_eq!(more, Value::Felt(Fr::from(1u64 << 63)));
        assert_eq!(more.minus(Value::Int(1)), big);
        assert_eq!(more.integer(), Ok(Some(1 << 63)));
        let square = big.times(big);
        assert_eq!(square.integer(), Ok(Some(i128::from(i64::MAX).pow(2))));
        assert!(square.times(square).integer().is_err());
    }

    #[test]
    fn what_is_unknown_stays_so() {
        assert_eq!(Value::Unknown.times(Value::ZERO), Value::Unknown);
        assert_eq!(Value::Int(3).plus(Value::Unknown), Value::Unknown);
    }

    #[test]
    fn inverses_are_inverse_and_zero_has_zero() {
        let values = [
            Value::Int(-7),
            Value::ZERO,
            Value::Unknown,
            Value::Int(1),
            Value::Int(12),
        ];
        let out = inverses(values.into_iter());
        assert_eq!(out[0].times(values[0]), Value::Int(1));
        assert_eq!(out[1..4], [Value::ZERO, Value::Unknown, Value::Int(1)]);
        assert_eq!(out[4].times(values[4]), Value::Int(1));
    }
}
