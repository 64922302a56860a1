//! A file as memory. The only unsafe code of the crate.
#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;

use memmap2::{Mmap, MmapMut};

use crate::KeyError;

const EMPTY: KeyError = KeyError::Truncated {
    expected: 1,
    got: 0,
};

/// The bytes of the file at `path`, read from the disk when they are touched.
pub fn map(path: &Path) -> Result<Mmap, KeyError> {
    let file = File::open(path).map_err(KeyError::io("open"))?;
    if file.metadata().map_err(KeyError::io("open"))?.len() == 0 {
        return Err(EMPTY);
    }
    // SAFETY: the map is read-only, and every byte of it is checked each time it is read, so a file that changes underneath can
    // only give other values, never an invalid one. Keys are written under another name and renamed, so that a file in use is never
    // cut short by us; whoever cuts it while we read ends the process with SIGBUS, and no memory is misused.
    unsafe { Mmap::map(&file) }.map_err(KeyError::io("map"))
}

/// A copy of these bytes.
pub fn copy(bytes: &[u8]) -> Result<Mmap, KeyError> {
    if bytes.is_empty() {
        return Err(EMPTY);
    }
    let mut map = MmapMut::map_anon(bytes.len()).map_err(KeyError::io("map"))?;
    map.copy_from_slice(bytes);
    map.make_read_only().map_err(KeyError::io("map"))
}
