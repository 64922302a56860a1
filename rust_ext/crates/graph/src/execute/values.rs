//! Tensors of signed integers, and the index arithmetic on them.

use super::error::ExecuteFault;

/// The largest number of values in one tensor: 2 GiB of integers.
pub const MAX_CELLS: usize = 1 << 27;

/// Values in row-major order with their dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ints {
    pub data: Vec<i128>,
    pub dims: Vec<usize>,
}

/// The number of cells of a shape. Fails beyond [`MAX_CELLS`].
pub fn cells(dims: &[usize]) -> Result<usize, ExecuteFault> {
    let count = dims
        .iter()
        .try_fold(1u128, |n, d| n.checked_mul(*d as u128))
        .unwrap_or(u128::MAX);
    match usize::try_from(count) {
        Ok(n) if n <= MAX_CELLS => Ok(n),
        _ => Err(ExecuteFault::TooLarge {
            cells: count,
            limit: MAX_CELLS,
        }),
    }
}

/// Row-major strides.
pub fn strides(dims: &[usize]) -> Vec<usize> {
    let mut out = vec![1; dims.len()];
    for i in (1..dims.len()).rev() {
        out[i - 1] = out[i] * dims[i];
    }
    out
}

/// For each coordinate of `dims` in row-major order, Σ coordinate·step. The shape must have been counted by [`cells`].
pub fn offsets(dims: &[usize], steps: &[usize]) -> Vec<usize> {
    let mut out = vec![0];
    for (dim, step) in dims.iter().zip(steps) {
        let mut next = Vec::with_capacity(out.len() * dim);
        for base in &out {
            next.extend((0..*dim).map(|i| base + i * step));
        }
        out = next;
    }
    out
}

/// A shape as it stands in a circuit.
pub fn to_usize(dims: &[u64]) -> Result<Vec<usize>, ExecuteFault> {
    dims.iter()
        .map(|d| {
            usize::try_from(*d).map_err(|_| ExecuteFault::TooLarge {
                cells: u128::from(*d),
                limit: MAX_CELLS,
            })
        })
        .collect()
}

impl Ints {
    /// The tensor, if `data` fills `dims`.
    pub fn new(data: Vec<i128>, dims: Vec<usize>) -> Result<Self, ExecuteFault> {
        if cells(&dims)? != data.len() {
            return Err(ExecuteFault::Shape {
                shapes: vec![vec![data.len()], dims],
            });
        }
        Ok(Self { data, dims })
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The same values in another shape.
    pub fn reshaped(self, dims: Vec<usize>) -> Result<Self, ExecuteFault> {
        Self::new(self.data, dims)
    }

    pub fn map(&self, f: impl FnMut(&i128) -> i128) -> Self {
        Self {
            data: self.data.iter().map(f).collect(),
            dims: self.dims.clone(),
        }
    }

    /// f of every value; the first failure ends it.
    pub fn try_map(
        &self,
        f: impl FnMut(&i128) -> Result<i128, ExecuteFault>,
    ) -> Result<Self, ExecuteFault> {
        let data = self.data.iter().map(f).collect::<Result<_, _>>()?;
        Ok(Self {
            data,
            dims: self.dims.clone(),
        })
    }

    /// The fault that this operator does not take these shapes.
    pub fn misfit(tensors: &[&Self]) -> ExecuteFault {
        ExecuteFault::Shape {
            shapes: tensors.iter().map(|t| t.dims.clone()).collect(),
        }
    }

    /// The values at `positions`, which must lie inside.
    pub fn gather(&self, positions: &[usize], dims: Vec<usize>) -> Result<Self, ExecuteFault> {
        let data = positions
            .iter()
            .map(|p| {
                self.data.get(*p).copied().ok_or(ExecuteFault::Index {
                    index: *p as i128,
                    size: self.data.len(),
                })
            })
            .collect::<Result<_, _>>()?;
        Self::new(data, dims)
    }

    /// The length of axis `axis`.
    pub fn dim(&self, axis: usize) -> Result<usize, ExecuteFault> {
        self.dims
            .get(axis)
            .copied()
            .ok_or_else(|| Self::misfit(&[self]))
    }
}
