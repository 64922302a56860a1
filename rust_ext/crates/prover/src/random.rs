//! Random scalars: what hides the witness.

use ff::FromUniformBytes;
use halo2curves::bn256::Fr;
use rand_core::{CryptoRng, Error, RngCore};

/// Scalars that are drawn for one request to the generator.
const BATCH: usize = 1 << 10;

/// `count` scalars, each from 64 bytes, so that their distance from uniform is below 2^−250.
pub fn scalars(rng: &mut (impl RngCore + CryptoRng), count: usize) -> Result<Vec<Fr>, Error> {
    let mut out = Vec::with_capacity(count);
    let mut bytes = vec![0; 64 * count.min(BATCH)];
    while out.len() < count {
        let wanted = (count - out.len()).min(BATCH);
        let bytes = &mut bytes[..64 * wanted];
        rng.try_fill_bytes(bytes)?;
        out.extend(bytes.as_chunks::<64>().0.iter().map(Fr::from_uniform_bytes));
    }
    Ok(out)
}
