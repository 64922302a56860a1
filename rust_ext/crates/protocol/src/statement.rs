//! The public statement: which instance values belong to which tensor, and the values that a tensor can hold.

use std::collections::BTreeSet;

use ff::PrimeField;
use halo2curves::bn256::Fr;

use crate::bounds::MAX_SCALE;
use crate::error::{Malformed, ensure};
use crate::raw::{RawStatement, RawTensor};
use crate::wire::scalar;

#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tensor {
    pub name: String,
    pub column: usize,
    pub row: usize,
    pub length: usize,
    pub domain: Option<Domain>,
}

/// Signed integers between two bounds, both allowed. A scalar v stands for v or v − r, whichever is closer to zero.
///
/// Both are kept shifted by ⌊r/2⌋, which turns the order of signed integers into the order of canonical scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Domain {
    lowest: Fr,
    highest: Fr,
}

impl Domain {
    pub fn contains(&self, value: &Fr) -> bool {
        (self.lowest..=self.highest).contains(&(value + half()))
    }

    fn new(lowest: &str, highest: &str) -> Option<Self> {
        let domain = Self {
            lowest: signed(lowest)? + half(),
            highest: signed(highest)? + half(),
        };
        (domain.lowest <= domain.highest).then_some(domain)
    }
}

/// ⌊r/2⌋ = −1/2 = (r − 1)/2.
fn half() -> Fr {
    -Fr::TWO_INV
}

/// The scalar of a canonical decimal integer between −⌊r/2⌋ and ⌊r/2⌋.
fn signed(text: &str) -> Option<Fr> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let canonical = match digits.as_bytes() {
        [] => false,
        [b'0', rest @ ..] => rest.is_empty() && !negative,
        all => all.len() <= 78,
    };
    if !canonical {
        return None;
    }
    // Big-endian: ×10 + digit over the bytes, refusing what does not fit.
    let mut bytes = [0_u8; 32];
    for digit in digits.bytes() {
        let mut carry = u16::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
        for byte in bytes.iter_mut().rev() {
            let value = u16::from(*byte).saturating_mul(10).saturating_add(carry);
            let [high, low] = value.to_be_bytes();
            *byte = low;
            carry = high.into();
        }
        if carry != 0 {
            return None;
        }
    }
    let magnitude = scalar(&bytes).filter(|m| *m <= half())?;
    Some(if negative { -magnitude } else { magnitude })
}

/// The tensors, which must cover every instance row exactly once and in order.
pub(crate) fn statement(
    raw: &RawStatement,
    instance_rows: &[u32],
) -> Result<Vec<Tensor>, Malformed> {
    let mut columns = instance_rows.iter().zip(0_u32..);
    let mut now = columns.next();
    let mut row = 0_u32;
    let mut names = BTreeSet::new();
    let mut out = Vec::with_capacity(raw.tensors.len());
    for (i, tensor) in raw.tensors.iter().enumerate() {
        let place = || format!("statement.tensors[{i}]");
        while now.is_some_and(|(rows, _)| *rows == row) {
            now = columns.next();
            row = 0;
        }
        let (rows, column) =
            now.ok_or_else(|| Malformed::new(place(), "beyond the last instance row"))?;
        let starts = tensor.column == column && tensor.row == row;
        ensure(starts, place, "does not start where the one before it ends")?;
        let end = row
            .checked_add(tensor.length)
            .filter(|end| *end <= *rows && tensor.length > 0);
        row = end
            .ok_or_else(|| Malformed::new(place(), "empty, or longer than its instance column"))?;
        check(tensor).map_err(|reason| Malformed::new(place(), reason))?;
        ensure(names.insert(&tensor.name), place, "repeats a name")?;
        let domain = match &tensor.domain {
            None => None,
            Some((lowest, highest)) => Some(
                Domain::new(&lowest.0, &highest.0)
                    .ok_or_else(|| Malformed::new(place(), "has an empty or impossible domain"))?,
            ),
        };
        out.push(Tensor {
            name: tensor.name.0.clone(),
            column: tensor.column as usize,
            row: tensor.row as usize,
            length: tensor.length as usize,
            domain,
        });
    }
    while now.is_some_and(|(rows, _)| *rows == row) {
        now = columns.next();
        row = 0;
    }
    ensure(
        now.is_none(),
        || "statement.tensors".into(),
        "leave instance rows uncovered",
    )?;
    Ok(out)
}

fn check(tensor: &RawTensor) -> Result<(), &'static str> {
    let length = tensor
        .shape
        .iter()
        .try_fold(1_u32, |length, side| length.checked_mul(*side));
    if length != Some(tensor.length) || tensor.length == 0 {
        return Err("has not the number of values of its shape");
    }
    if tensor
        .scale
        .is_some_and(|scale| scale.unsigned_abs() > MAX_SCALE.into())
    {
        return Err("has a scale out of bounds");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_holds_its_bounds_and_nothing_beyond() {
        let domain = Domain::new("-128", "127").unwrap();
        let value = |v: i64| {
            if v < 0 {
                -Fr::from(v.unsigned_abs())
            } else {
                Fr::from(v.unsigned_abs())
            }
        };
        for inside in [-128, -1, 0, 1, 127] {
            assert!(domain.contains(&value(inside)));
        }
        for outside in [-129, 128, i64::MAX, i64::MIN] {
            assert!(!domain.contains(&value(outside)));
        }
        assert!(!domain.contains(&half()) && !domain.contains(&-half()));
    }

    #[test]
    fn the_widest_domain_is_half_the_field_on_either_side() {
        let half_text =
            "10944121435919637611123202872628637544274182200208017171849102093287904247808";
        let beyond =
            "10944121435919637611123202872628637544274182200208017171849102093287904247809";
        let domain = Domain::new(&format!("-{half_text}"), half_text).unwrap();
        assert!(domain.contains(&half()) && domain.contains(&-half()));
        assert!(Domain::new("0", beyond).is_none());
    }

    #[test]
    fn bounds_have_one_spelling() {
        for text in [
            "",
            "-",
            "-0",
            "00",
            "01",
            "+1",
            " 1",
            "1 ",
            "0x1",
            "1e3",
            &"9".repeat(78),
            &"1".repeat(79),
        ] {
            assert!(signed(text).is_none(), "{text}");
        }
        assert!(Domain::new("1", "0").is_none());
    }
}
