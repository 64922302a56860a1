//! What a prover must know of a circuit beyond its Protocol: the fixed columns and the permutation.

mod ezkl;
mod file;
mod mapped;

use halo2curves::bn256::Fr;
use memmap2::Mmap;
use zkml_protocol::Protocol;

pub use file::{Contents, write};

use crate::KeyError;
use ezkl::EzklKey;
use file::KeyFile;

/// The values of a fixed column; missing rows are zero.
#[derive(Clone, Debug, PartialEq)]
pub enum Fixed {
    Zero,
    Small(Vec<i64>),
    Full(Vec<Fr>),
}

/// A column of the permutation.
#[derive(Clone, Debug, PartialEq)]
pub enum Sigma {
    /// For each cell the place of its successor: column·n + row.
    Next(Vec<u32>),
    /// δ^column·ω^row of each cell's successor.
    Values(Vec<Fr>),
}

enum Source {
    Own(KeyFile),
    Ezkl(EzklKey),
}

/// An open key. Columns are read from the mapped file when they are asked for.
pub struct ProvingKey {
    source: Source,
}

impl ProvingKey {
    /// Open the key of `protocol` at `path`: one of this format, or EZKL's `pk.key`.
    pub fn open(path: &std::path::Path, protocol: &Protocol) -> Result<Self, KeyError> {
        Self::decode(mapped::map(path)?, protocol)
    }

    /// The key of `protocol` in `bytes`, which are copied.
    pub fn parse(bytes: &[u8], protocol: &Protocol) -> Result<Self, KeyError> {
        Self::decode(mapped::copy(bytes)?, protocol)
    }

    fn decode(map: Mmap, protocol: &Protocol) -> Result<Self, KeyError> {
        let source = if map.starts_with(file::MAGIC) {
            Source::Own(KeyFile::parse(map, protocol)?)
        } else {
            Source::Ezkl(EzklKey::parse(map, protocol)?)
        };
        Ok(Self { source })
    }

    /// What made the key.
    pub fn format(&self) -> &'static str {
        match self.source {
            Source::Own(_) => "zkml",
            Source::Ezkl(_) => "ezkl",
        }
    }

    /// Compare the whole file with its digest. EZKL's keys have none.
    pub fn check_digest(&self) -> Result<(), KeyError> {
        match &self.source {
            Source::Own(file) => file.check_digest(),
            Source::Ezkl(_) => Ok(()),
        }
    }

    pub fn fixed(&self, column: usize) -> Result<Fixed, KeyError> {
        match &self.source {
            Source::Own(file) => file.fixed(column),
            Source::Ezkl(file) => file.fixed(column),
        }
    }

    pub fn sigma(&self, column: usize) -> Result<Sigma, KeyError> {
        match &self.source {
            Source::Own(file) => file.sigma(column),
            Source::Ezkl(file) => file.sigma(column),
        }
    }
}
