//! Where the layout of another key leaves ours.

use zkml_graph::Circuit;

use super::error::LayoutError;
use super::layout::lay_out;
use super::shape::Shape;
use crate::stop::Stop;
use crate::witness::Witness;

/// The first place where two layouts differ, by coordinate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub selector: usize,
    pub row: usize,
    /// Whether our layout switches the selector on there.
    pub ours: bool,
    /// The node that we lay out there; none beyond the last one.
    pub node: Option<String>,
    pub operator: Option<String>,
}

/// Bytes in front of the points of a key, and of each point.
const HEAD: usize = 7;
const POINT: usize = 64;

/// The first selector and row in which a key, the bytes of `vk.key`, differs from our layout of the circuit. None if no selector
/// differs, or the key holds none.
pub fn first_difference(
    circuit: &Circuit,
    witness: Option<&Witness>,
    vk: &[u8],
) -> Result<Option<Difference>, LayoutError> {
    let layout = lay_out(circuit, witness, &Stop::default())?;
    let shape = &layout.shape;
    let Some(count) = vk.get(HEAD - 4..HEAD) else {
        return Ok(None);
    };
    let fixed = count.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b));
    let first = HEAD + POINT * fixed.saturating_add(shape.permutation_columns());
    let size = shape.n.div_ceil(8);
    let mut best: Option<(usize, Difference)> = None;
    for (selector, rows) in layout.active.iter().enumerate() {
        let Some(theirs) = vk.get(first + selector * size..first + (selector + 1) * size) else {
            return Ok(None);
        };
        let ours = rows.bytes(shape.n);
        let differs = ours.zip(theirs).position(|(a, b)| a != *b);
        let Some(byte) = differs else { continue };
        let ours: Vec<u8> = rows.bytes(shape.n).collect();
        let bit = (ours[byte] ^ theirs[byte]).trailing_zeros() as usize;
        let row = byte * 8 + bit;
        let Some(at) = place(shape, selector, row) else {
            continue;
        };
        if best.as_ref().is_none_or(|(least, _)| at < *least) {
            let mark = layout.marks.at(at);
            let difference = Difference {
                selector,
                row,
                ours: ours[byte] >> bit & 1 == 1,
                node: mark.map(|m| m.node.clone()),
                operator: mark.map(|m| m.operator.clone()),
            };
            best = Some((at, difference));
        }
    }
    Ok(best.map(|(_, difference)| difference))
}

/// The coordinate at which a selector acts in a row.
fn place(shape: &Shape, selector: usize, row: usize) -> Option<usize> {
    let (block, inner) = shape.lane_of_selector(selector)?;
    Some((block * shape.usable + row) * shape.width + inner)
}
