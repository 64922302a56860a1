//! The key file: a header, a directory of the fixed columns, the columns in the narrowest form that holds them, the permutation.
//!
//! All integers are little-endian. Sections begin at multiples of 64 bytes.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `zkml.pk` and a zero byte |
//! | 4, 4 | format (1), k |
//! | 4, 4 | number of fixed columns F, of permutation columns P |
//! | 32 | circuit id |
//! | 32 | SHA-256 of everything behind the directory |
//! | 8 | length of the file |
//! | 8 | where the permutation begins |
//! | 32 | SHA-256 of the header up to here and of the directory |
//! | 16·F | for each fixed column: bytes of a value (0, 1, 2, 4, 8, 32), number of values, where they begin (4, 4, 8); beyond are zeros |
//! | … | values: signed integers, or field elements of 32 bytes, below r |
//! | 4·P·n | for each cell of the permutation, column by column, the place column·n + row of its successor |

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use memmap2::Mmap;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use zkml_circuit::grid::small;
use zkml_protocol::{Protocol, wire};

use super::{Fixed, Sigma};
use crate::KeyError;

pub const MAGIC: &[u8] = b"zkml.pk\0";
const VERSION: u32 = 1;
const SEALED: usize = 104;
const DIRECTORY: usize = SEALED + 32;
const ENTRY: usize = 16;
const ALIGN: u64 = 64;
const FELT: u32 = 32;

/// A key of this format whose header, directory and length were checked.
pub struct KeyFile {
    map: Mmap,
    n: usize,
    columns: usize,
    permutation: usize,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    width: u32,
    rows: u32,
    at: u64,
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, KeyError> {
    take(bytes, at)
        .map(u32::from_le_bytes)
        .ok_or_else(|| short(bytes, at as u64 + 4))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, KeyError> {
    take(bytes, at)
        .map(u64::from_le_bytes)
        .ok_or_else(|| short(bytes, at as u64 + 8))
}

fn short(bytes: &[u8], expected: u64) -> KeyError {
    KeyError::Truncated {
        expected,
        got: bytes.len() as u64,
    }
}

impl KeyFile {
    pub fn parse(map: Mmap, protocol: &Protocol) -> Result<Self, KeyError> {
        let version = u32_at(&map, 8)?;
        if version != VERSION {
            return Err(KeyError::Version {
                expected: VERSION,
                got: version,
            });
        }
        let (k, fixed, columns) = (u32_at(&map, 12)?, u32_at(&map, 16)?, u32_at(&map, 20)?);
        let id: [u8; 32] = take(&map, 24).ok_or_else(|| short(&map, DIRECTORY as u64))?;
        let (length, permutation) = (u64_at(&map, 88)?, u64_at(&map, 96)?);
        let seal: [u8; 32] = take(&map, SEALED).ok_or_else(|| short(&map, DIRECTORY as u64))?;
        // The counts must be the Protocol's before anything is as large as they say.
        if id != protocol.circuit_id {
            return Err(KeyError::OtherCircuit("it names another circuit id"));
        }
        if k != protocol.k
            || fixed as usize != protocol.fixed_commitments.len()
            || columns as usize != protocol.permutation.columns.len()
        {
            return Err(KeyError::Damaged("its header contradicts its circuit"));
        }
        let got = map.len() as u64;
        if got < length {
            return Err(KeyError::Truncated {
                expected: length,
                got,
            });
        }
        if got > length {
            return Err(KeyError::Trailing {
                extra: got - length,
            });
        }
        let body = DIRECTORY + ENTRY * fixed as usize;
        let directory = map
            .get(DIRECTORY..body)
            .ok_or_else(|| short(&map, body as u64))?;
        let header = map.get(..SEALED).unwrap_or_default();
        let sum = Sha256::new()
            .chain_update(header)
            .chain_update(directory)
            .finalize();
        if seal != <[u8; 32]>::from(sum) {
            return Err(KeyError::Damaged("its header is not what its digest says"));
        }
        let n = protocol.n as usize;
        let within = |at: u64, bytes: u64| {
            at >= body as u64 && at.checked_add(bytes).is_some_and(|end| end <= length)
        };
        let mut entries = Vec::with_capacity(fixed as usize);
        for i in 0..fixed as usize {
            let at = ENTRY * i;
            let entry = Entry {
                width: u32_at(directory, at)?,
                rows: u32_at(directory, at + 4)?,
                at: u64_at(directory, at + 8)?,
            };
            let known = matches!(entry.width, 0 | 1 | 2 | 4 | 8 | FELT);
            let bytes = u64::from(entry.width) * u64::from(entry.rows);
            if !known || entry.rows as usize > n || (entry.width > 0 && !within(entry.at, bytes)) {
                return Err(KeyError::Damaged("a column lies outside the file"));
            }
            entries.push(entry);
        }
        let cells = u64::from(columns) * n as u64;
        if cells > 1 << 32 || (cells > 0 && !within(permutation, 4 * cells)) {
            return Err(KeyError::Damaged("the permutation lies outside the file"));
        }
        Ok(Self {
            map,
            n,
            columns: columns as usize,
            permutation: permutation as usize,
            entries,
        })
    }

    pub fn check_digest(&self) -> Result<(), KeyError> {
        let body = DIRECTORY + ENTRY * self.entries.len();
        let digest: [u8; 32] = Sha256::digest(self.map.get(body..).unwrap_or_default()).into();
        if take(&self.map, 56) == Some(digest) {
            Ok(())
        } else {
            Err(KeyError::Damaged("its content is not what its digest says"))
        }
    }

    pub fn fixed(&self, column: usize) -> Result<Fixed, KeyError> {
        let missing = || KeyError::Damaged("a column is missing");
        let Entry { width, rows, at } = *self.entries.get(column).ok_or_else(missing)?;
        let start = at as usize;
        let bytes = self
            .map
            .get(start..start + width as usize * rows as usize)
            .or((width == 0).then_some(&[][..]));
        let bytes = bytes.ok_or_else(missing)?;
        Ok(match width {
            0 => Fixed::Zero,
            1 => Fixed::Small(bytes.iter().map(|b| i64::from(*b as i8)).collect()),
            2 => Fixed::Small(each(bytes, |b| i16::from_le_bytes(b).into())),
            4 => Fixed::Small(each(bytes, |b| i32::from_le_bytes(b).into())),
            8 => Fixed::Small(each(bytes, i64::from_le_bytes)),
            _ => {
                let values: Option<Vec<Fr>> = bytes
                    .as_chunks::<{ FELT as usize }>()
                    .0
                    .par_iter()
                    .map(wire::scalar_le)
                    .collect();
                Fixed::Full(values.ok_or(KeyError::Damaged("a value is not below r"))?)
            }
        })
    }

    pub fn sigma(&self, column: usize) -> Result<Sigma, KeyError> {
        let missing = KeyError::Damaged("the permutation is missing");
        if column >= self.columns {
            return Err(missing);
        }
        let start = self.permutation + 4 * self.n * column;
        let bytes = self.map.get(start..start + 4 * self.n).ok_or(missing)?;
        let next: Vec<u32> = each(bytes, u32::from_le_bytes);
        let cells = (self.columns * self.n) as u64;
        if next.iter().any(|to| u64::from(*to) >= cells) {
            return Err(KeyError::Damaged("a copy leads outside the columns"));
        }
        Ok(Sigma::Next(next))
    }
}

fn each<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|b| value(*b)).collect()
}

/// What a key holds, column by column, so that no more than one is in memory because of us.
pub trait Contents {
    /// Fixed column `column`, at most n values.
    fn fixed(&self, column: usize) -> Fixed;

    /// The successors of the cells of a permutation column, n places column·n + row.
    fn next(&self, column: usize) -> &[u32];
}

/// Write the key of `protocol` to `path`: all of it, or nothing.
pub fn write(path: &Path, protocol: &Protocol, contents: &dyn Contents) -> Result<u64, KeyError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = write_file(&temporary, protocol, contents).and_then(|length| {
        std::fs::rename(&temporary, path).map_err(KeyError::io("put in place"))?;
        Ok(length)
    });
    if written.is_err() {
        // What failed is reported; that the rest of it may stay behind is not worth hiding that.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn write_file(path: &Path, protocol: &Protocol, contents: &dyn Contents) -> Result<u64, KeyError> {
    let fixed = protocol.fixed_commitments.len();
    let columns = protocol.permutation.columns.len();
    let cells = columns as u64 * protocol.n;
    if cells > 1 << 32 {
        return Err(KeyError::TooLarge { cells });
    }
    let file = File::create(path).map_err(KeyError::io("create"))?;
    let body = DIRECTORY + ENTRY * fixed;
    let mut out = Body {
        file: BufWriter::with_capacity(1 << 20, file),
        digest: Sha256::new(),
        at: 0,
    };
    out.file
        .write_all(&vec![0; body])
        .map_err(KeyError::io("write"))?;
    out.at = body as u64;
    let mut directory = Vec::with_capacity(ENTRY * fixed);
    for column in 0..fixed {
        let (width, bytes) = encode(&contents.fixed(column));
        out.align()?;
        directory.extend(width.to_le_bytes());
        let rows = bytes.len() as u32 / width.max(1);
        directory.extend(rows.to_le_bytes());
        directory.extend(out.at.to_le_bytes());
        out.write(&bytes)?;
    }
    out.align()?;
    let permutation = out.at;
    for column in 0..columns {
        let next = contents.next(column);
        let bytes: Vec<u8> = next.iter().flat_map(|to| to.to_le_bytes()).collect();
        out.write(&bytes)?;
    }
    let mut header = Vec::with_capacity(DIRECTORY);
    header.extend(MAGIC);
    for number in [VERSION, protocol.k, fixed as u32, columns as u32] {
        header.extend(number.to_le_bytes());
    }
    header.extend(protocol.circuit_id);
    header.extend(<[u8; 32]>::from(out.digest.finalize()));
    header.extend(out.at.to_le_bytes());
    header.extend(permutation.to_le_bytes());
    let seal = Sha256::new()
        .chain_update(&header)
        .chain_update(&directory)
        .finalize();
    header.extend(<[u8; 32]>::from(seal));
    header.extend(directory);
    let mut file = out
        .file
        .into_inner()
        .map_err(|e| KeyError::io("write")(e.into_error()))?;
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.write_all(&header))
        .and_then(|()| file.sync_all())
        .map_err(KeyError::io("write"))?;
    Ok(out.at)
}

struct Body {
    file: BufWriter<File>,
    digest: Sha256,
    at: u64,
}

impl Body {
    fn write(&mut self, bytes: &[u8]) -> Result<(), KeyError> {
        self.digest.update(bytes);
        self.at += bytes.len() as u64;
        self.file.write_all(bytes).map_err(KeyError::io("write"))
    }

    fn align(&mut self) -> Result<(), KeyError> {
        let padding = self.at.next_multiple_of(ALIGN) - self.at;
        self.write(&[0; ALIGN as usize][..padding as usize])
    }
}

/// The narrowest form of a column: the bytes of a value, and all values up to the last that is not zero.
fn encode(column: &Fixed) -> (u32, Vec<u8>) {
    let zero = (0, Vec::new());
    match column {
        Fixed::Zero => zero,
        Fixed::Small(values) => {
            let rows = values.iter().rposition(|v| *v != 0).map_or(0, |at| at + 1);
            let values = &values[..rows];
            if values.is_empty() {
                return zero;
            }
            let fits = |bits: u32| {
                let bound = 1_i64 << (bits - 1);
                values.iter().all(|v| (-bound..bound).contains(v))
            };
            let width = [8, 16, 32].into_iter().find(|bits| fits(*bits));
            let width = width.map_or(8, |bits| bits / 8);
            let bytes = values
                .iter()
                .flat_map(|v| v.to_le_bytes().into_iter().take(width as usize));
            (width, bytes.collect())
        }
        Fixed::Full(values) => {
            if let Some(small) = values.iter().map(small).collect::<Option<Vec<i64>>>() {
                return encode(&Fixed::Small(small));
            }
            let rows = values
                .iter()
                .rposition(|v| *v != Fr::ZERO)
                .map_or(0, |at| at + 1);
            let bytes = values[..rows]
                .iter()
                .flat_map(|v| <[u8; FELT as usize]>::from(v.to_repr()));
            (FELT, bytes.collect())
        }
    }
}
