//! A smaller SRS from a larger one of the same ceremony: fewer powers, and the Lagrange basis of the smaller domain.

use std::path::Path;

use halo2curves::bn256::G1Affine;

use crate::file::{SrsWriter, check_k};
use crate::group_fft::to_lagrange;
use crate::{Part, Progress, SrsError, SrsFile};

/// Write the first 2^k powers of `source`, and their Lagrange basis, to `path` (overwritten: name a temporary file).
pub fn trim(
    source: &mut SrsFile,
    path: &Path,
    k: u32,
    progress: &mut Progress<'_>,
) -> Result<(), SrsError> {
    check_k(k)?;
    if k > source.k() {
        return Err(SrsError::TooSmall {
            have: source.k(),
            want: k,
        });
    }
    let verifier = source.verifier_points()?;
    let bases = source.bases(k, progress)?;
    let mut writer = SrsWriter::create(path, k)?;
    writer.points(&bases.powers)?;
    writer.points(&bases.lagrange)?;
    writer.finish(&verifier.g2, &verifier.tau_g2)
}

/// [τ^i]G1 and [L_i(τ)]G1 for the domain of 2^k points.
pub struct Bases {
    pub powers: Vec<G1Affine>,
    pub lagrange: Vec<G1Affine>,
}

impl SrsFile {
    /// What polynomials are committed with, by coefficients and by values. Of a larger file the Lagrange basis is made anew.
    pub fn bases(&mut self, k: u32, progress: &mut Progress<'_>) -> Result<Bases, SrsError> {
        check_k(k)?;
        if k > self.k() {
            return Err(SrsError::TooSmall {
                have: self.k(),
                want: k,
            });
        }
        let powers = self.read(Part::Powers, 0, 1 << k)?;
        let lagrange = if k == self.k() {
            self.read(Part::Lagrange, 0, 1 << k)?
        } else {
            let mut points = powers.clone();
            to_lagrange(&mut points, k, progress)?;
            points
        };
        Ok(Bases { powers, lagrange })
    }
}
