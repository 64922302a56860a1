//! A smaller SRS from a larger one of the same ceremony: fewer powers, and the Lagrange basis of the smaller domain.

use std::path::Path;

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
    let mut points = source.read(Part::Powers, 0, 1 << k)?;
    let mut writer = SrsWriter::create(path, k)?;
    writer.points(&points)?;
    if k == source.k() {
        points = source.read(Part::Lagrange, 0, 1 << k)?;
    } else {
        to_lagrange(&mut points, k, progress)?;
    }
    writer.points(&points)?;
    writer.finish(&verifier.g2, &verifier.tau_g2)
}
