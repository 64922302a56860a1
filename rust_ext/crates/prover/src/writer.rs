//! The proof as it grows, and the transcript that reads along.

use group::Curve;
use halo2curves::bn256::{Fr, G1, G1Affine};
use zkml_protocol::{Transcript, wire};

#[derive(Default)]
pub struct Writer {
    transcript: Transcript,
    bytes: Vec<u8>,
}

impl Writer {
    /// Absorbed, but no part of the proof.
    pub fn absorb(&mut self, bytes: &[u8]) {
        self.transcript.absorb(bytes);
    }

    pub fn points(&mut self, points: &[G1]) {
        let mut affine = vec![G1Affine::default(); points.len()];
        G1::batch_normalize(points, &mut affine);
        for point in &affine {
            self.write(&wire::g1_bytes(point));
        }
    }

    pub fn scalars(&mut self, values: &[Fr]) {
        for value in values {
            self.write(&wire::scalar_bytes(value));
        }
    }

    pub fn squeeze(&mut self) -> Fr {
        self.transcript.squeeze()
    }

    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn write(&mut self, bytes: &[u8]) {
        self.transcript.absorb(bytes);
        self.bytes.extend_from_slice(bytes);
    }
}
