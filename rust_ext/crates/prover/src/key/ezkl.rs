//! EZKL's `pk.key`: only the values of the fixed columns and of the permutation are read; the rest can be computed anew.
//!
//! The file is the bytes of `vk.key`, three polynomials on the larger domain of E points, then for the fixed and the permutation
//! columns each a slice of values, of coefficients, and of values on the larger domain. The number of selectors in `vk.key` is
//! nowhere written, so places are counted from the end of the file.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use memmap2::Mmap;
use rayon::prelude::*;
use zkml_circuit::grid::small;
use zkml_protocol::{Protocol, wire};
use zkml_srs::g1_to_raw;

use super::{Fixed, Sigma};
use crate::KeyError;

const VERSION: u8 = 3;
const HEADER: usize = 7;
const POINT: usize = 64;
const FELT: usize = 32;

/// A key of EZKL's whose lengths were checked, and whose commitments are those of the Protocol.
pub struct EzklKey {
    map: Mmap,
    n: usize,
    fixed: Slice,
    sigma: Slice,
}

/// Polynomials one after the other, each behind its length.
#[derive(Clone, Copy)]
struct Slice {
    /// Where the first polynomial begins.
    at: usize,
    count: usize,
}

/// The bytes of a slice: count, lengths, then the polynomials.
fn slice_bytes(count: usize, length: usize) -> usize {
    4 + 4 * count + count * polynomial_bytes(length)
}

fn polynomial_bytes(length: usize) -> usize {
    4 + FELT * length
}

impl EzklKey {
    pub fn parse(map: Mmap, protocol: &Protocol) -> Result<Self, KeyError> {
        let n = protocol.n as usize;
        let (fixed, sigma) = (
            protocol.fixed_commitments.len(),
            protocol.permutation_commitments.len(),
        );
        let extended = n * (protocol.degree as usize - 1).next_power_of_two();
        let commitments = HEADER + POINT * (fixed + sigma);
        // values, coefficients, larger domain, of fixed and permutation columns
        let slices = [
            slice_bytes(fixed, n),
            slice_bytes(fixed, n),
            slice_bytes(fixed, extended),
            slice_bytes(sigma, n),
            slice_bytes(sigma, n),
            slice_bytes(sigma, extended),
        ];
        let tail: usize = 3 * polynomial_bytes(extended) + slices.iter().sum::<usize>();
        let head = map.get(..HEADER).ok_or(KeyError::Truncated {
            expected: HEADER as u64,
            got: map.len() as u64,
        })?;
        if head[0] != VERSION || head[2] > 1 {
            return Err(KeyError::Unknown("neither this engine's format nor EZKL's"));
        }
        if u32::from(head[1]) != protocol.k
            || head[3..7] != (fixed as u32).to_le_bytes()
            || !same_commitments(&map, protocol)
        {
            return Err(KeyError::OtherCircuit("its commitments differ"));
        }
        let selectors = map.len().checked_sub(commitments + tail);
        let row_bits = n.div_ceil(8);
        let whole = match selectors {
            Some(bytes) => head[2] == 1 && bytes % row_bits == 0 || bytes == 0,
            None => false,
        };
        if !whole {
            return Err(KeyError::Truncated {
                expected: (commitments + tail) as u64,
                got: map.len() as u64,
            });
        }
        let start = map.len() - tail + 3 * polynomial_bytes(extended);
        let fixed = slice(&map, start, fixed, n)?;
        let sigma = slice(&map, start + slices[..3].iter().sum::<usize>(), sigma, n)?;
        Ok(Self {
            map,
            n,
            fixed,
            sigma,
        })
    }

    pub fn fixed(&self, column: usize) -> Result<Fixed, KeyError> {
        let values = self.column(self.fixed, column)?;
        if values.iter().all(|v| *v == Fr::ZERO) {
            return Ok(Fixed::Zero);
        }
        let small: Option<Vec<i64>> = values.par_iter().map(small).collect();
        Ok(small.map_or(Fixed::Full(values), Fixed::Small))
    }

    pub fn sigma(&self, column: usize) -> Result<Sigma, KeyError> {
        self.column(self.sigma, column).map(Sigma::Values)
    }

    fn column(&self, slice: Slice, column: usize) -> Result<Vec<Fr>, KeyError> {
        let missing = KeyError::Damaged("a column is missing");
        if column >= slice.count {
            return Err(missing);
        }
        let at = slice.at + column * polynomial_bytes(self.n);
        let bytes = self.map.get(at..at + polynomial_bytes(self.n));
        let (length, values) = bytes.ok_or(missing)?.split_at(4);
        if length != (self.n as u32).to_be_bytes() {
            return Err(KeyError::Damaged("a column has not one value for each row"));
        }
        // The file has v·2^256 for v.
        let inverse = Fr::TWO_INV.pow_vartime([256]);
        let values = values.as_chunks::<FELT>().0;
        values
            .par_iter()
            .map(|bytes| wire::scalar_le(bytes).map(|scaled| scaled * inverse))
            .collect::<Option<Vec<Fr>>>()
            .ok_or(KeyError::Damaged("a value is not below r"))
    }
}

fn slice(map: &[u8], at: usize, count: usize, length: usize) -> Result<Slice, KeyError> {
    let heads = 4 + 4 * count;
    let expected: Vec<u8> = (count as u32)
        .to_be_bytes()
        .into_iter()
        .chain((0..count).flat_map(|_| (length as u32).to_be_bytes()))
        .collect();
    if map.get(at..at + heads) != Some(&expected) {
        return Err(KeyError::Damaged(
            "its columns are not where they should be",
        ));
    }
    Ok(Slice {
        at: at + heads,
        count,
    })
}

fn same_commitments(map: &[u8], protocol: &Protocol) -> bool {
    let own = protocol
        .fixed_commitments
        .iter()
        .chain(&protocol.permutation_commitments);
    let mut bytes = map[HEADER..].chunks_exact(POINT);
    own.into_iter().all(|point| {
        let mut expected = [0; POINT];
        g1_to_raw(point, &mut expected);
        bytes.next() == Some(&expected)
    })
}
