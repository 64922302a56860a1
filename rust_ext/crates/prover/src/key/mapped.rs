//! A file as memory. The only unsafe code of the crate.
#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::KeyError;

/// The bytes of the file at `path`, read from the disk when they are touched.
pub fn map(path: &Path) -> Result<Mmap, KeyError> {
    let file = File::open(path).map_err(KeyError::io("open"))?;
    if file.metadata().map_err(KeyError::io("open"))?.len() == 0 {
        return Err(KeyError::Truncated {
            expected: 1,
            got: 0,
        });
    }
    // SAFETY: the map is read-only, and every byte of it is checked each time it is read, so a file that changes underneath can
    // only give other values, never an invalid one. Keys are written under another name and renamed, so that a file in use is never
    // cut short by us; whoever cuts it while we read ends the process with SIGBUS, and no memory is misused.
    unsafe { Mmap::map(&file) }.map_err(KeyError::io("map"))
}
