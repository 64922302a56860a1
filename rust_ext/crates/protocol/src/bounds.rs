//! The limits of the Protocol format. They bound the memory and time that a hostile file can cost; every real circuit is far below.

pub const MAX_FILE_BYTES: usize = 16 << 20;
pub const MAX_JSON_DEPTH: u32 = 64;
pub const MAX_K: u32 = 28;
pub const MAX_COLUMNS: usize = 1 << 16;
pub const MAX_QUERIES: usize = 1 << 18;
pub const MAX_ROTATION: i32 = 1 << 20;
/// Different rotations among the advice and fixed queries: every set of points is as large at most.
pub const MAX_ROTATIONS: usize = 128;
/// Rows of the instance columns, counted once for each query of the column: the verifier's own work on them.
pub const MAX_INSTANCE_TERMS: u64 = 1 << 24;
pub const MAX_NODES: usize = 1 << 22;
pub const MAX_LOOKUPS: usize = 1 << 16;
pub const MAX_DEGREE: u32 = 64;
pub const MAX_CHALLENGES: usize = 1024;
pub const MAX_PHASES: u32 = 256;
pub const MAX_BLINDING_FACTORS: u32 = 1 << 16;
pub const MAX_PERMUTATION_COLUMNS: usize = 3 * MAX_COLUMNS;
pub const MAX_CHUNK: u32 = 1 << 16;
pub const MAX_RANK: usize = 32;
pub const MAX_SCALE: u32 = 128;
pub const MAX_TEXT_BYTES: usize = 256;
pub const MAX_SOURCE_KEYS: usize = 32;
pub const MAX_AUDIT_BYTES: usize = 1 << 20;
pub const MAX_AUDIT_DEPTH: u32 = 16;

/// Of `proof.json` and the proof in it.
pub const MAX_PROOF_JSON_BYTES: usize = 64 << 20;
pub const MAX_PROOF_BYTES: usize = 16 << 20;
