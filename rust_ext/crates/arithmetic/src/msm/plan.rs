//! How scalars are cut into digits: the widths with the least work.
//!
//! A magnitude below 2^bits is Σ_j d_j·2^(cj) over W windows, −2^(c−1) ≤ d_j < 2^(c−1) in all but the highest, which takes what is
//! left: 0 ≤ d_{W−1} ≤ 2^t with t = bits − c(W − 1). With K = Σ_{j < W−1} 2^(c−1)·2^(cj) added to the magnitude, d_j + 2^(c−1) is
//! just the bits [cj, cj + c) of the sum, and d_{W−1} what lies above.

/// Digits of up to this many bits: more buckets than that no longer fit any cache.
const WIDEST: u32 = 16;

/// How many magnitudes have each length in bits.
pub(crate) type Lengths = [usize; 129];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// c, the width of every window but the highest.
    pub width: u32,
    /// W; none where all scalars are zero.
    pub windows: u32,
    /// t, the bits of the highest window.
    pub top: u32,
}

impl Plan {
    pub(crate) fn of(bits: u32, width: u32) -> Self {
        let windows = bits.div_ceil(width);
        Self {
            width,
            windows,
            top: bits.saturating_sub(width * windows.saturating_sub(1)),
        }
    }

    /// The plan of least cost for scalars of these lengths, in digits of `least` bits or more.
    pub(crate) fn best(lengths: &Lengths, least: u32) -> Self {
        let Some(bits) = lengths.iter().rposition(|count| *count > 0) else {
            return Self::of(0, least);
        };
        (least..=WIDEST)
            .map(|width| Self::of(bits as u32, width))
            .min_by_key(|plan| plan.cost(lengths))
            .unwrap_or(Self::of(bits as u32, least))
    }

    /// The largest |d_j| of a window.
    pub(crate) fn largest(&self, window: u32) -> usize {
        if window + 1 == self.windows {
            1 << self.top
        } else {
            1 << (self.width - 1)
        }
    }

    /// In thirty-seconds of an addition: one for each digit that is not zero; two for each bucket that is not empty, to fold it,
    /// and some for each window; a little for each scalar that is looked at.
    fn cost(&self, lengths: &Lengths) -> usize {
        let scalars: usize = lengths.iter().sum();
        (0..self.windows)
            .map(|window| {
                let digits: usize = lengths
                    .iter()
                    .skip((window * self.width) as usize + 1)
                    .sum();
                let buckets = self.largest(window);
                32 * (digits + 2 * buckets.min(digits) + 40) + 2 * scalars
            })
            .sum()
    }

    /// K.
    pub(crate) fn bias(&self) -> u128 {
        (0..self.windows.saturating_sub(1))
            .map(|window| 1 << (window * self.width + self.width - 1))
            .sum()
    }
}
