//! Step 1: the instances fit the statement.

use halo2curves::bn256::Fr;
use zkml_protocol::{Malformed, Protocol, wire};

use crate::verdict::Failure;

/// The instance values that big-endian canonical 32-byte words spell, one list of words for each column.
pub fn read_instances<'a, C, W>(columns: C) -> Result<Vec<Vec<Fr>>, Malformed>
where
    C: IntoIterator<Item = W>,
    W: IntoIterator<Item = &'a [u8; 32]>,
{
    let column = |(c, words): (usize, W)| {
        let word = |(row, word): (usize, &[u8; 32])| {
            wire::scalar(word)
                .ok_or_else(|| Malformed::new(format!("instances[{c}][{row}]"), "not below r"))
        };
        words.into_iter().enumerate().map(word).collect()
    };
    columns.into_iter().enumerate().map(column).collect()
}

// 1. Every column has the number of values that the Protocol fixes (or the message is malformed) …
pub(crate) fn count(protocol: &Protocol, instances: &[Vec<Fr>]) -> Result<(), Malformed> {
    if instances.len() != protocol.instance_rows.len() {
        return Err(Malformed::new("instances", "wrong number of columns"));
    }
    for (c, (column, rows)) in instances.iter().zip(&protocol.instance_rows).enumerate() {
        if column.len() != *rows {
            return Err(Malformed::new(
                format!("instances[{c}]"),
                "wrong number of values",
            ));
        }
    }
    Ok(())
}

// 1. … and every value lies in the domain of its tensor.
pub(crate) fn fit(protocol: &Protocol, instances: &[Vec<Fr>]) -> Result<(), Failure> {
    for tensor in &protocol.statement {
        let Some(domain) = &tensor.domain else {
            continue;
        };
        let rows = tensor.row..tensor.row.saturating_add(tensor.length);
        let values = instances
            .get(tensor.column)
            .and_then(|column| column.get(rows));
        let values = values.ok_or_else(|| Failure::missing(1))?;
        if !values.iter().all(|value| domain.contains(value)) {
            return Err(Failure::rejected(
                1,
                "an instance lies outside the domain of its tensor",
            ));
        }
    }
    Ok(())
}
