//! The raw halo2 file: opened with its bounds checked, read by pieces, written by pieces.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{G1Affine, G2Affine};
use rayon::prelude::*;

use crate::points::{G1_BYTES, G2_BYTES, g1_from_raw, g1_to_raw, g2_from_raw, g2_to_raw};
use crate::{Part, PointProblem, SrsError};

/// The two-adicity of the scalar field: no larger domain exists.
pub const MAX_K: u32 = 28;
pub(crate) const MIN_K: u32 = 1;
const HEADER_BYTES: u64 = 4;
/// Points that are read or written at a time (4 MiB).
pub(crate) const PIECE: usize = 1 << 16;
/// Points that one task decodes or encodes.
const TASK: usize = 1 << 11;

/// The size of a file for this k, in bytes.
pub fn file_size(k: u32) -> u64 {
    HEADER_BYTES + (2 * G1_BYTES as u64) * (1 << k) + 2 * G2_BYTES as u64
}

pub(crate) fn check_k(k: u32) -> Result<u32, SrsError> {
    if (MIN_K..=MAX_K).contains(&k) {
        Ok(k)
    } else {
        Err(SrsError::PowerRange {
            got: k,
            min: MIN_K,
            max: MAX_K,
        })
    }
}

/// All that a verifier needs of an SRS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifierPoints {
    pub g1: G1Affine,
    pub g2: G2Affine,
    pub tau_g2: G2Affine,
}

/// An SRS file whose size fits its header. Its points are decoded, and checked one by one, when read.
pub struct SrsFile {
    file: File,
    k: u32,
}

impl SrsFile {
    /// Open a file, and say what it is where it is something else.
    pub fn open(path: &Path) -> Result<Self, SrsError> {
        let mut file = File::open(path).map_err(SrsError::io("open the SRS"))?;
        let got = file
            .metadata()
            .map_err(SrsError::io("read the SRS's size"))?
            .len();
        let mut head = [0u8; HEADER_BYTES as usize];
        if got < HEADER_BYTES {
            return Err(SrsError::NoHeader { got });
        }
        file.read_exact(&mut head)
            .map_err(SrsError::io("read the SRS"))?;
        let k = u32::from_le_bytes(head);
        let in_range = (MIN_K..=MAX_K).contains(&k);
        if !in_range || got != file_size(k) {
            if let Some(found) = other_encoding(head, got) {
                return Err(SrsError::Encoding { found });
            }
            check_k(k)?;
            return Err(SrsError::Size {
                k,
                expected: file_size(k),
                got,
            });
        }
        Ok(Self { file, k })
    }

    pub fn k(&self) -> u32 {
        self.k
    }

    /// 2^k, the number of points in each basis.
    pub fn n(&self) -> u64 {
        1 << self.k
    }

    fn bytes_at(&mut self, at: u64, len: usize) -> Result<Vec<u8>, SrsError> {
        let mut bytes = vec![0; len];
        self.file
            .seek(SeekFrom::Start(at))
            .map_err(SrsError::io("read the SRS"))?;
        self.file
            .read_exact(&mut bytes)
            .map_err(SrsError::io("read the SRS"))?;
        Ok(bytes)
    }

    /// Points `from` to `to` of g or g_lagrange; the first that is no finite point of the curve is named.
    pub(crate) fn read(
        &mut self,
        part: Part,
        from: u64,
        to: u64,
    ) -> Result<Vec<G1Affine>, SrsError> {
        let basis = if part == Part::Lagrange { self.n() } else { 0 };
        let at = HEADER_BYTES + G1_BYTES as u64 * (basis + from);
        let bytes = self.bytes_at(at, G1_BYTES * (to - from) as usize)?;
        decode(&bytes).map_err(|(index, problem)| SrsError::Point {
            part,
            index: from + index,
            problem,
        })
    }

    /// [L_i(τ)]G1 for all rows i: what values are committed with.
    pub fn lagrange(&mut self) -> Result<Vec<G1Affine>, SrsError> {
        self.read(Part::Lagrange, 0, self.n())
    }

    /// [τ^i]G1 for i below `count`, which is at most n: what coefficients are committed with.
    pub fn powers(&mut self, count: u64) -> Result<Vec<G1Affine>, SrsError> {
        self.read(Part::Powers, 0, count)
    }

    /// [τ]G1.
    pub fn tau_g1(&mut self) -> Result<G1Affine, SrsError> {
        Ok(self.read(Part::Powers, 1, 2)?[0])
    }

    /// The points that a verifier uses, each on its curve and in its group; g[0] and [1]G2 are the standard generators.
    pub fn verifier_points(&mut self) -> Result<VerifierPoints, SrsError> {
        let g1 = self.read(Part::Powers, 0, 1)?[0];
        if g1 != G1Affine::generator() {
            return Err(SrsError::G1Generator);
        }
        let bytes = self.bytes_at(file_size(self.k) - 2 * G2_BYTES as u64, 2 * G2_BYTES)?;
        let (g2, tau_g2) = bytes.split_at(G2_BYTES);
        let (g2, tau_g2) = decode_g2_pair(g2, tau_g2)?;
        Ok(VerifierPoints { g1, g2, tau_g2 })
    }
}

/// Decode [1]G2 and [τ]G2 from raw bytes. The first must be the generator.
pub(crate) fn decode_g2_pair(g2: &[u8], tau_g2: &[u8]) -> Result<(G2Affine, G2Affine), SrsError> {
    let point = |part, bytes| {
        g2_from_raw(bytes).map_err(|problem| SrsError::Point {
            part,
            index: 0,
            problem,
        })
    };
    let g2 = point(Part::G2Generator, g2)?;
    if g2 != G2Affine::generator() {
        return Err(SrsError::G2Generator);
    }
    Ok((g2, point(Part::TauG2, tau_g2)?))
}

/// Decode raw points in parallel. Fails with the lowest bad index.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<G1Affine>, (u64, PointProblem)> {
    let mut points = vec![G1Affine::identity(); bytes.len() / G1_BYTES];
    let outcomes: Vec<Result<(), (u64, PointProblem)>> = points
        .par_chunks_mut(TASK)
        .zip(bytes.par_chunks(TASK * G1_BYTES))
        .enumerate()
        .map(|(task, (points, bytes))| {
            for (i, (point, bytes)) in points
                .iter_mut()
                .zip(bytes.chunks_exact(G1_BYTES))
                .enumerate()
            {
                *point =
                    g1_from_raw(bytes).map_err(|problem| ((task * TASK + i) as u64, problem))?;
            }
            Ok(())
        })
        .collect();
    outcomes.into_iter().collect::<Result<(), _>>()?;
    Ok(points)
}

/// What a file that is no raw SRS looks like, where that can be told.
fn other_encoding(head: [u8; 4], size: u64) -> Option<&'static str> {
    let k = u32::from_le_bytes(head);
    match head {
        [b'p', b't', b'a', b'u'] => return Some("a snarkjs .ptau"),
        [b'z', b'k', b'e', b'y'] => return Some("a snarkjs .zkey"),
        [0x1f, 0x8b, ..] => return Some("compressed with gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] => return Some("compressed with zstd"),
        [b'P', b'K', 3, 4] => return Some("a zip archive"),
        [b'<', ..] => return Some("a page of HTML or XML, perhaps a failed download"),
        [b'v', b'e', b'r', b's'] => return Some("a pointer to a file in Git LFS"),
        _ => {}
    }
    // 2n G1 points of 32 bytes and two G2 points of 64
    if (MIN_K..=MAX_K).contains(&k) && size == HEADER_BYTES + 64 * (1 << k) + 128 {
        return Some("an SRS of compressed points (halo2's `Processed` format)");
    }
    // the vector lengths of some serialisers come first, as u64
    if (MIN_K..=MAX_K).contains(&u32::from_be_bytes(head))
        && size == file_size(u32::from_be_bytes(head))
    {
        return Some("an SRS with a big-endian header");
    }
    None
}

/// Writes a file front to back: header, g, g_lagrange, then the G2 points.
pub(crate) struct SrsWriter {
    out: BufWriter<File>,
    buffer: Vec<u8>,
}

impl SrsWriter {
    pub(crate) fn create(path: &Path, k: u32) -> Result<Self, SrsError> {
        let file = File::create(path).map_err(SrsError::io("create the SRS"))?;
        let mut out = BufWriter::new(file);
        out.write_all(&k.to_le_bytes())
            .map_err(SrsError::io("write the SRS"))?;
        Ok(Self {
            out,
            buffer: Vec::new(),
        })
    }

    pub(crate) fn points(&mut self, points: &[G1Affine]) -> Result<(), SrsError> {
        for piece in points.chunks(PIECE) {
            self.buffer.resize(piece.len() * G1_BYTES, 0);
            self.buffer
                .par_chunks_mut(TASK * G1_BYTES)
                .zip(piece.par_chunks(TASK))
                .for_each(|(bytes, points)| {
                    for (bytes, point) in bytes.chunks_exact_mut(G1_BYTES).zip(points) {
                        g1_to_raw(point, bytes);
                    }
                });
            self.out
                .write_all(&self.buffer)
                .map_err(SrsError::io("write the SRS"))?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self, g2: &G2Affine, tau_g2: &G2Affine) -> Result<(), SrsError> {
        for point in [g2, tau_g2] {
            let mut bytes = [0; G2_BYTES];
            g2_to_raw(point, &mut bytes);
            self.out
                .write_all(&bytes)
                .map_err(SrsError::io("write the SRS"))?;
        }
        let file = self
            .out
            .into_inner()
            .map_err(|e| SrsError::io("write the SRS")(e.into_error()))?;
        file.sync_all().map_err(SrsError::io("write the SRS"))
    }
}
