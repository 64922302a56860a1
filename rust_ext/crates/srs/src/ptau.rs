//! Powers of tau as snarkjs keeps them (`.ptau`), for BN254.
//!
//! `ptau`, version u32 (1), number of sections u32; each section: id u32, size u64, bytes. All little-endian. Section 1: element size
//! u32 (32), modulus of the base field, power p u32, power of the ceremony u32. Section 2: [τ^i]G1 for i < 2^(p+1) − 1; section 3:
//! [τ^i]G2 for i < 2^p; coordinates in Montgomery form, as in a raw SRS. The other sections are for Groth16 and are not read.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use halo2curves::bn256::{G1Affine, G2Affine};

use crate::error::PtauProblem;
use crate::file::{MAX_K, SrsWriter, check_k, decode, decode_g2_pair};
use crate::group_fft::to_lagrange;
use crate::points::{G1_BYTES, G2_BYTES};
use crate::{Part, Progress, SrsError};

const MAX_SECTIONS: u32 = 64;
const HEADER: u32 = 1;
const TAU_G1: u32 = 2;
const TAU_G2: u32 = 3;
/// BN254's base field, little-endian.
const MODULUS: [u8; 32] = [
    0x47, 0xfd, 0x7c, 0xd8, 0x16, 0x8c, 0x20, 0x3c, 0x8d, 0xca, 0x71, 0x68, 0x91, 0x6a, 0x81, 0x97,
    0x5d, 0x58, 0x81, 0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
];

#[derive(Clone, Copy)]
struct Section {
    id: u32,
    at: u64,
    size: u64,
}

/// A `.ptau` whose sections were found and have the sizes that its header asks for.
pub struct Ptau<R> {
    file: R,
    power: u32,
    tau_g1: Section,
    tau_g2: Section,
}

impl Ptau<BufReader<File>> {
    pub fn open(path: &Path) -> Result<Self, SrsError> {
        let file = File::open(path).map_err(SrsError::io("open the .ptau file"))?;
        Self::parse(BufReader::new(file))
    }
}

impl<R: Read + Seek> Ptau<R> {
    /// Read the table of sections and the header. Nothing is allocated by a size that the file claims.
    pub fn parse(mut file: R) -> Result<Self, SrsError> {
        let size = file
            .seek(SeekFrom::End(0))
            .map_err(SrsError::io("read the .ptau file"))?;
        file.rewind().map_err(SrsError::io("read the .ptau file"))?;
        if size < 12 || read::<4, _>(&mut file)? != *b"ptau" {
            return Err(PtauProblem::Magic.into());
        }
        let version = u32::from_le_bytes(read(&mut file)?);
        if version != 1 {
            return Err(PtauProblem::Version { got: version }.into());
        }
        let sections = sections(&mut file, size)?;

        let header = find(&sections, HEADER, "header")?;
        file.seek(SeekFrom::Start(header.at))
            .map_err(SrsError::io("read the .ptau file"))?;
        exact(header, 44).or_else(|e| {
            // a header of another size is another curve's: say that where its first word does
            let element = u32::from_le_bytes(read(&mut file)?);
            if element == 32 {
                Err(e)
            } else {
                Err(PtauProblem::ElementSize { got: element }.into())
            }
        })?;
        file.seek(SeekFrom::Start(header.at))
            .map_err(SrsError::io("read the .ptau file"))?;
        let element = u32::from_le_bytes(read(&mut file)?);
        if element != 32 {
            return Err(PtauProblem::ElementSize { got: element }.into());
        }
        if read::<32, _>(&mut file)? != MODULUS {
            return Err(PtauProblem::Modulus.into());
        }
        let power = u32::from_le_bytes(read(&mut file)?);
        if !(1..=MAX_K).contains(&power) {
            return Err(PtauProblem::Power {
                got: power,
                max: MAX_K,
            }
            .into());
        }
        let tau_g1 = find(&sections, TAU_G1, "tauG1")?;
        let tau_g2 = find(&sections, TAU_G2, "tauG2")?;
        exact(tau_g1, ((2u64 << power) - 1) * G1_BYTES as u64)?;
        exact(tau_g2, (1u64 << power) * G2_BYTES as u64)?;
        Ok(Self {
            file,
            power,
            tau_g1,
            tau_g2,
        })
    }

    /// The largest k that can be cut from it.
    pub fn power(&self) -> u32 {
        self.power
    }

    fn bytes(&mut self, at: u64, len: usize) -> Result<Vec<u8>, SrsError> {
        self.file
            .seek(SeekFrom::Start(at))
            .map_err(SrsError::io("read the .ptau file"))?;
        let mut bytes = vec![0; len];
        self.file
            .read_exact(&mut bytes)
            .map_err(SrsError::io("read the .ptau file"))?;
        Ok(bytes)
    }

    fn powers(&mut self, count: usize) -> Result<Vec<G1Affine>, SrsError> {
        let bytes = self.bytes(self.tau_g1.at, count * G1_BYTES)?;
        decode(&bytes).map_err(|(index, problem)| SrsError::Point {
            part: Part::Powers,
            index,
            problem,
        })
    }

    fn g2_pair(&mut self) -> Result<(G2Affine, G2Affine), SrsError> {
        let bytes = self.bytes(self.tau_g2.at, 2 * G2_BYTES)?;
        let (g2, tau_g2) = bytes.split_at(G2_BYTES);
        decode_g2_pair(g2, tau_g2)
    }
}

fn read<const N: usize, R: Read>(file: &mut R) -> Result<[u8; N], SrsError> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)
        .map_err(SrsError::io("read the .ptau file"))?;
    Ok(bytes)
}

fn sections<R: Read + Seek>(file: &mut R, size: u64) -> Result<Vec<Section>, SrsError> {
    let count = u32::from_le_bytes(read(file)?);
    if count > MAX_SECTIONS {
        return Err(PtauProblem::SectionCount {
            got: count,
            max: MAX_SECTIONS,
        }
        .into());
    }
    let mut sections: Vec<Section> = Vec::new();
    let mut at = 12u64;
    for _ in 0..count {
        if size - at < 12 {
            return Err(PtauProblem::SectionOverrun {
                id: 0,
                at,
                size: 12,
                left: size - at,
            }
            .into());
        }
        let id = u32::from_le_bytes(read(file)?);
        let len = u64::from_le_bytes(read(file)?);
        at += 12;
        if len > size - at {
            return Err(PtauProblem::SectionOverrun {
                id,
                at,
                size: len,
                left: size - at,
            }
            .into());
        }
        if sections.iter().any(|s| s.id == id) {
            return Err(PtauProblem::SectionTwice { id }.into());
        }
        sections.push(Section { id, at, size: len });
        at += len;
        file.seek(SeekFrom::Start(at))
            .map_err(SrsError::io("read the .ptau file"))?;
    }
    if at != size {
        return Err(PtauProblem::TrailingBytes { left: size - at }.into());
    }
    Ok(sections)
}

fn find(sections: &[Section], id: u32, name: &'static str) -> Result<Section, SrsError> {
    let found = sections.iter().find(|s| s.id == id).copied();
    found.ok_or_else(|| PtauProblem::SectionMissing { id, name }.into())
}

fn exact(section: Section, expected: u64) -> Result<(), SrsError> {
    if section.size == expected {
        return Ok(());
    }
    Err(PtauProblem::SectionSize {
        id: section.id,
        expected,
        got: section.size,
    }
    .into())
}

/// Write the SRS for `k` (the file's own power if `None`) to `path` (overwritten: name a temporary file). The powers are decoded and
/// known to be points; that they are powers is for [`crate::check`] to say.
pub fn import_ptau<R: Read + Seek>(
    source: &mut Ptau<R>,
    path: &Path,
    k: Option<u32>,
    progress: &mut Progress<'_>,
) -> Result<(), SrsError> {
    let k = check_k(k.unwrap_or(source.power))?;
    if k > source.power {
        return Err(SrsError::TooSmall {
            have: source.power,
            want: k,
        });
    }
    let (g2, tau_g2) = source.g2_pair()?;
    let mut points = source.powers(1 << k)?;
    let mut writer = SrsWriter::create(path, k)?;
    writer.points(&points)?;
    to_lagrange(&mut points, k, progress)?;
    writer.points(&points)?;
    writer.finish(&g2, &tau_g2)
}
