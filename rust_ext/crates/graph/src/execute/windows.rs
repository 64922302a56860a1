//! Sliding windows over the spatial axes of an image.

use super::error::ExecuteFault;
use super::values::{Ints, cells, offsets, strides};

/// An image padded with zeros, and where its windows lie in one channel of it.
pub struct Windows {
    pub padded: Ints,
    /// The number of windows along each spatial axis.
    pub positions: Vec<usize>,
    /// The first cell of each window, from the start of its channel.
    pub starts: Vec<usize>,
    /// The cells of a window, from its first.
    pub cells: Vec<usize>,
    /// The number of cells in a channel.
    pub channel: usize,
}

/// Pad every axis by (before, after) zeros.
pub fn pad(t: &Ints, padding: &[(usize, usize)]) -> Result<Ints, ExecuteFault> {
    let lead = t
        .dims
        .len()
        .checked_sub(padding.len())
        .ok_or_else(|| Ints::misfit(&[t]))?;
    let mut dims = t.dims.clone();
    let mut first = vec![0; dims.len()];
    for (i, (before, after)) in padding.iter().enumerate() {
        dims[lead + i] = dims[lead + i]
            .saturating_add(*before)
            .saturating_add(*after);
        first[lead + i] = *before;
    }
    let count = cells(&dims)?;
    if dims == t.dims {
        return Ok(t.clone());
    }
    let step = strides(&dims);
    let base: usize = first.iter().zip(&step).map(|(f, s)| f * s).sum();
    let mut data = vec![0; count];
    for (value, at) in t.data.iter().zip(offsets(&t.dims, &step)) {
        data[base + at] = *value;
    }
    Ints::new(data, dims)
}

/// The windows of `kernel` over the axes after batch and channel.
pub fn windows(
    image: &Ints,
    kernel: &[usize],
    stride: &[usize],
    padding: &[(usize, usize)],
) -> Result<Windows, ExecuteFault> {
    let misfit = || ExecuteFault::Shape {
        shapes: vec![image.dims.clone(), kernel.to_vec()],
    };
    let spatial = kernel.len();
    if image.dims.len() != spatial + 2 || stride.len() != spatial || padding.len() != spatial {
        return Err(misfit());
    }
    let padded = pad(image, padding)?;
    let sides = &padded.dims[2..];
    let mut positions = Vec::with_capacity(spatial);
    for ((side, k), s) in sides.iter().zip(kernel).zip(stride) {
        match side.checked_sub(*k) {
            Some(room) if *s > 0 && *k > 0 => positions.push(room / s + 1),
            _ => return Err(misfit()),
        }
    }
    let step = strides(sides);
    let jump: Vec<usize> = step
        .iter()
        .zip(stride)
        .map(|(a, b)| a.saturating_mul(*b))
        .collect();
    Ok(Windows {
        starts: offsets(&positions, &jump),
        cells: offsets(kernel, &step),
        channel: sides.iter().product(),
        positions,
        padded,
    })
}
