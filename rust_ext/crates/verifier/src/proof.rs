//! Step 2: the bytes of a proof as canonical scalars and points of the curve.

use halo2curves::bn256::{Fr, G1Affine};
use zkml_protocol::plan::Sizes;
use zkml_protocol::{Malformed, Protocol, wire};

const POINT: usize = 64;
const SCALAR: usize = 32;

/// A proof, parsed; places are those of `Sizes`.
pub(crate) struct Proof<'a> {
    /// All commitments but the two of the opening.
    pub points: Vec<G1Affine>,
    pub evals: Vec<Fr>,
    /// W and W' of the opening argument.
    pub w: G1Affine,
    pub w_prime: G1Affine,
    /// The bytes of the same parts, which the transcript absorbs.
    pub bytes: Sections<'a>,
    pub sizes: Sizes,
}

pub(crate) struct Sections<'a> {
    pub points: &'a [u8],
    pub evals: &'a [u8],
    pub w: &'a [u8],
}

// 2. Exactly as many bytes as the Protocol says; coordinates below p, points on the curve, scalars below r.
pub(crate) fn read<'a>(protocol: &Protocol, bytes: &'a [u8]) -> Result<Proof<'a>, Malformed> {
    let sizes = protocol.plan.sizes;
    if bytes.len() != sizes.proof_bytes() {
        let reason = format!(
            "{} bytes, where this circuit has {}",
            bytes.len(),
            sizes.proof_bytes()
        );
        return Err(Malformed::new("proof length", reason));
    }
    let mut reader = Reader { rest: bytes, at: 0 };
    let (points_start, points) = reader.take(sizes.points().saturating_mul(POINT))?;
    let (evals_start, evals) = reader.take(sizes.evals().saturating_mul(SCALAR))?;
    let (w_start, w) = reader.take(POINT)?;
    let (w_prime_start, w_prime) = reader.take(POINT)?;
    Ok(Proof {
        points: read_points(points, points_start)?,
        evals: read_scalars(evals, evals_start)?,
        w: only(read_points(w, w_start)?)?,
        w_prime: only(read_points(w_prime, w_prime_start)?)?,
        bytes: Sections { points, evals, w },
        sizes,
    })
}

struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next bytes, with where they start.
    fn take(&mut self, length: usize) -> Result<(usize, &'a [u8]), Malformed> {
        let split = self.rest.split_at_checked(length);
        let (head, tail) = split.ok_or_else(|| Malformed::new("proof length", "too short"))?;
        let start = self.at;
        self.rest = tail;
        self.at = start.saturating_add(length);
        Ok((start, head))
    }
}

fn place(start: usize, index: usize, size: usize) -> String {
    let from = start.saturating_add(index.saturating_mul(size));
    format!("proof[{from}..{}]", from.saturating_add(size))
}

fn read_points(bytes: &[u8], start: usize) -> Result<Vec<G1Affine>, Malformed> {
    let point = |(i, chunk): (usize, &[u8; POINT])| {
        let point = wire::g1(chunk);
        point.ok_or_else(|| {
            Malformed::new(
                place(start, i, POINT),
                "not a point of the curve in canonical coordinates",
            )
        })
    };
    bytes.as_chunks().0.iter().enumerate().map(point).collect()
}

fn read_scalars(bytes: &[u8], start: usize) -> Result<Vec<Fr>, Malformed> {
    let scalar = |(i, chunk): (usize, &[u8; SCALAR])| {
        wire::scalar(chunk)
            .ok_or_else(|| Malformed::new(place(start, i, SCALAR), "not a canonical scalar"))
    };
    bytes.as_chunks().0.iter().enumerate().map(scalar).collect()
}

fn only(points: Vec<G1Affine>) -> Result<G1Affine, Malformed> {
    points
        .first()
        .copied()
        .ok_or_else(|| Malformed::new("proof length", "too short"))
}

impl Proof<'_> {
    pub fn eval(&self, place: usize) -> Option<Fr> {
        self.evals.get(place).copied()
    }

    pub fn advice(&self) -> &[Fr] {
        self.evals
            .get(..self.sizes.advice_evals)
            .unwrap_or_default()
    }

    pub fn fixed(&self) -> &[Fr] {
        self.evals
            .get(self.sizes.advice_evals..self.sizes.random_eval())
            .unwrap_or_default()
    }
}
