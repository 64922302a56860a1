//! Convolution and pooling.

use zkml_graph::execute::{Ints, windows};

use super::assign::{Item, Items, Region};
use super::error::Refusal;
use super::shape::Var;

/// The geometry of an operator that slides.
pub struct Slide<'a> {
    pub stride: &'a [usize],
    pub padding: &'a [(usize, usize)],
}

/// Where the items of each window are, channel by channel; `None` is padding.
struct Patches {
    batch: usize,
    channels: usize,
    positions: Vec<usize>,
    /// For each plane (batch, channel) and window, its items.
    planes: Vec<Vec<Vec<Option<usize>>>>,
}

fn patches(dims: &[usize], kernel: &[usize], slide: &Slide<'_>) -> Result<Patches, Refusal> {
    let count = zkml_graph::execute::cells(dims)?;
    let numbered = Ints::new((1..=count as i128).collect(), dims.to_vec())?;
    let w = windows(&numbered, kernel, slide.stride, slide.padding)?;
    let [batch, channels, ..] = w.padded.dims[..] else {
        return Err(Refusal::Shape);
    };
    let item = |at: usize| usize::try_from(w.padded.data[at] - 1).ok();
    let planes = (0..batch * channels)
        .map(|p| {
            let window = |s: &usize| {
                w.cells
                    .iter()
                    .map(|c| item(p * w.channel + s + c))
                    .collect()
            };
            w.starts.iter().map(window).collect()
        })
        .collect();
    Ok(Patches {
        batch,
        channels,
        positions: w.positions,
        planes,
    })
}

fn pick(t: &Items, at: &[Option<usize>]) -> Vec<Item> {
    at.iter()
        .map(|i| i.map_or_else(|| Item::constant(0), |i| t.all[i]))
        .collect()
}

impl Region {
    /// The convolution of an image with a kernel, plus a bias for each output.
    pub fn convolve(
        &mut self,
        image: &Items,
        kernel: &Items,
        bias: Option<&Items>,
        slide: &Slide<'_>,
        groups: usize,
    ) -> Result<Items, Refusal> {
        let [outputs, depth, shape @ ..] = kernel.dims.as_slice() else {
            return Err(Refusal::Shape);
        };
        let (outputs, depth) = (*outputs, *depth);
        let p = patches(&image.dims, shape, slide)?;
        if groups == 0 || outputs % groups != 0 || depth.checked_mul(groups) != Some(p.channels) {
            return Err(Refusal::Shape);
        }
        if bias.is_some_and(|b| b.len() != 1 && b.len() != outputs) {
            return Err(Refusal::Shape);
        }
        let mut taken = 0;
        let kernel = if kernel.is_assigned() {
            kernel.clone()
        } else {
            taken = kernel.len();
            self.assign(Var::I0, kernel)?
        };
        let image = if image.is_assigned() {
            image.clone()
        } else {
            taken = taken.max(image.len());
            self.assign(Var::I1, image)?
        };
        self.at += taken;
        self.flush();
        let length = kernel.len() / outputs;
        let per_group = outputs / groups;
        let places = p.positions.iter().product::<usize>();
        let mut all = Vec::with_capacity(p.batch * outputs * places);
        for n in 0..p.batch {
            for o in 0..outputs {
                let first = n * p.channels + o / per_group * depth;
                for place in 0..places {
                    let window: Vec<Item> = (first..first + depth)
                        .flat_map(|c| pick(&image, &p.planes[c][place]))
                        .collect();
                    let weights = &kernel.all[o * length..(o + 1) * length];
                    let mut item = self.dot(&window, weights)?;
                    if let Some(bias) = bias {
                        let bias = Items::one(bias.all[if bias.len() == 1 { 0 } else { o }]);
                        item = self.add(&Items::one(item), &bias)?.all[0];
                    }
                    self.flush();
                    all.push(item);
                }
            }
        }
        let mut dims = vec![p.batch, outputs];
        dims.extend(&p.positions);
        Ok(Items::new(all, dims))
    }

    /// The sum of each window, or its mean.
    pub fn sum_pool(
        &mut self,
        image: &Items,
        kernel: &[usize],
        slide: &Slide<'_>,
        normalised: bool,
    ) -> Result<Items, Refusal> {
        let p = patches(&image.dims, kernel, slide)?;
        let mut dims = vec![1, 1];
        dims.extend(kernel);
        let unit = self.assign(Var::I1, &Items::filled(1, &dims)?)?;
        self.at += unit.len();
        let plane = image.dims[2..].iter().product::<usize>();
        let mut all = Vec::new();
        for c in 0..p.batch * p.channels {
            let mut dims = vec![1, 1];
            dims.extend(&image.dims[2..]);
            let channel = Items::new(image.all[c * plane..(c + 1) * plane].to_vec(), dims);
            all.extend(self.convolve(&channel, &unit, None, slide, 1)?.all);
        }
        let mut dims = vec![p.batch, p.channels];
        dims.extend(&p.positions);
        let sums = Items::new(all, dims);
        if normalised {
            self.divide(&sums, unit.len() as f64)
        } else {
            Ok(sums)
        }
    }

    /// The largest of each window.
    pub fn max_pool(
        &mut self,
        image: &Items,
        kernel: &[usize],
        slide: &Slide<'_>,
    ) -> Result<Items, Refusal> {
        let p = patches(&image.dims, kernel, slide)?;
        let mut all = Vec::new();
        for window in p.planes.iter().flatten() {
            let sorted = self.sort(&pick(image, window))?;
            all.push(*sorted.last().ok_or(Refusal::Shape)?);
        }
        let mut dims = vec![p.batch, p.channels];
        dims.extend(&p.positions);
        Ok(Items::new(all, dims))
    }
}
