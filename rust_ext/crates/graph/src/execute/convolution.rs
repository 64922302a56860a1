//! Convolution and pooling.

use super::compare::largest;
use super::context::Context;
use super::contraction::{check_work, dot_narrow, dot_wide, fits_narrow, narrow};
use super::error::ExecuteFault;
use super::pairwise::{Pair, divide};
use super::values::{Ints, cells};
use super::windows::{Windows, windows};

/// The geometry of an operator that slides.
pub struct Slide<'a> {
    pub stride: &'a [usize],
    pub padding: &'a [(usize, usize)],
}

/// The convolution of an image (batch, channel, …) with a kernel (output, channel within the group, …), plus a bias for each output.
pub fn convolve(
    image: &Ints,
    kernel: &Ints,
    bias: Option<&Ints>,
    slide: &Slide<'_>,
    groups: usize,
) -> Result<Ints, ExecuteFault> {
    let misfit = || Ints::misfit(&[image, kernel]);
    let [outputs, depth, shape @ ..] = kernel.dims.as_slice() else {
        return Err(misfit());
    };
    let w = windows(image, shape, slide.stride, slide.padding)?;
    let [batch, channels, ..] = w.padded.dims[..] else {
        return Err(misfit());
    };
    if groups == 0 || outputs % groups != 0 || depth.checked_mul(groups) != Some(channels) {
        return Err(misfit());
    }
    if bias.is_some_and(|b| b.len() != 1 && b.len() != *outputs) {
        return Err(misfit());
    }
    let mut dims = vec![batch, *outputs];
    dims.extend(&w.positions);
    let length = depth * w.cells.len();
    let count = cells(&dims)?;
    check_work(count, length)?;
    let mut data = vec![0i128; count];
    let per_group = outputs / groups;
    let places = w.starts.len();
    let small = fits_narrow(&w.padded.data, &kernel.data, length)
        .then(|| narrow(kernel.data.iter().copied()));
    for n in 0..batch {
        for g in 0..groups {
            for (p, start) in w.starts.iter().enumerate() {
                let window = patch(&w, n * channels + g * depth, *depth, *start);
                let small_window = small.as_ref().map(|_| narrow(window.iter().copied()));
                for o in g * per_group..(g + 1) * per_group {
                    let line = o * length..(o + 1) * length;
                    let value = match (&small, &small_window) {
                        (Some(k), Some(x)) => i128::from(dot_narrow(&k[line], x)),
                        _ => dot_wide(&kernel.data[line], &window)?,
                    };
                    let biased = match bias.map(|b| b.data.as_slice()) {
                        Some([only]) => Pair::Add.of(value, *only)?,
                        Some(all) => Pair::Add.of(value, all[o])?,
                        None => value,
                    };
                    data[(n * outputs + o) * places + p] = biased;
                }
            }
        }
    }
    Ints::new(data, dims)
}

/// The values of one window over `depth` channels from `first` on.
fn patch(w: &Windows, first: usize, depth: usize, start: usize) -> Vec<i128> {
    let mut out = Vec::with_capacity(depth * w.cells.len());
    for c in first..first + depth {
        let base = c * w.channel + start;
        out.extend(w.cells.iter().map(|i| w.padded.data[base + i]));
    }
    out
}

/// f of each window of each channel.
fn pool(
    image: &Ints,
    kernel: &[usize],
    slide: &Slide<'_>,
    mut f: impl FnMut(&[i128]) -> Result<i128, ExecuteFault>,
) -> Result<Ints, ExecuteFault> {
    let w = windows(image, kernel, slide.stride, slide.padding)?;
    let mut dims = w.padded.dims[..2].to_vec();
    let planes: usize = dims.iter().product();
    dims.extend(&w.positions);
    check_work(cells(&dims)?, w.cells.len())?;
    let mut data = Vec::with_capacity(planes * w.starts.len());
    for plane in 0..planes {
        for start in &w.starts {
            data.push(f(&patch(&w, plane, 1, *start))?);
        }
    }
    Ints::new(data, dims)
}

/// The sum of each window, divided by its size where the operator is an average.
pub fn sum_pool(
    ctx: &mut Context,
    image: &Ints,
    kernel: &[usize],
    slide: &Slide<'_>,
    normalised: bool,
) -> Result<Ints, ExecuteFault> {
    let sums = pool(image, kernel, slide, |values| {
        values.iter().try_fold(0, |a, b| Pair::Add.of(a, *b))
    })?;
    if normalised {
        let size: usize = kernel.iter().product();
        divide(ctx, &sums, size as f32)
    } else {
        Ok(sums)
    }
}

/// The largest of each window; padding is zero.
pub fn max_pool(
    ctx: &mut Context,
    image: &Ints,
    kernel: &[usize],
    slide: &Slide<'_>,
) -> Result<Ints, ExecuteFault> {
    pool(image, kernel, slide, |values| largest(ctx, values))
}
