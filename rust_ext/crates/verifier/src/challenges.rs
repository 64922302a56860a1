//! Step 3: the challenges, by replaying the transcript over the instances and the bytes of the proof.

use halo2curves::bn256::Fr;
use zkml_protocol::{Protocol, Transcript, wire};

use crate::proof::Proof;
use crate::verdict::Failure;

pub(crate) struct Challenges {
    /// Those of the circuit's own phases, in index order.
    pub circuit: Vec<Fr>,
    pub theta: Fr,
    pub beta: Fr,
    pub gamma: Fr,
    pub y: Fr,
    pub x: Fr,
    /// y' of the opening argument.
    pub y_prime: Fr,
    pub v: Fr,
    pub u: Fr,
}

// 3. digest ‖ instances ‖ advice by phase → θ ‖ m → β, γ ‖ z, φ, random → y ‖ h → x ‖ evaluations → y', v ‖ W → u
pub(crate) fn replay(
    protocol: &Protocol,
    instances: &[Vec<Fr>],
    proof: &Proof,
) -> Result<Challenges, Failure> {
    let sizes = &proof.sizes;
    let mut rest = proof.bytes.points;
    let mut transcript = Transcript::new();
    let mut points = |transcript: &mut Transcript, count: usize| {
        let (head, tail) = rest
            .split_at_checked(count.saturating_mul(64))
            .ok_or_else(|| Failure::missing(3))?;
        transcript.absorb(head);
        rest = tail;
        Ok::<(), Failure>(())
    };

    transcript.absorb(&protocol.transcript_digest);
    for value in instances.iter().flatten() {
        transcript.absorb(&wire::scalar_bytes(value));
    }
    let mut circuit = vec![None; protocol.challenge_phases.len()];
    for phase in 0..protocol.phases() {
        let columns = protocol
            .advice_phases
            .iter()
            .filter(|p| **p == phase)
            .count();
        points(&mut transcript, columns)?;
        for (challenge, _) in circuit
            .iter_mut()
            .zip(&protocol.challenge_phases)
            .filter(|(_, p)| **p == phase)
        {
            *challenge = Some(transcript.squeeze());
        }
    }
    let circuit = circuit
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| Failure::missing(3))?;
    let theta = transcript.squeeze();
    points(&mut transcript, sizes.lookups)?;
    let beta = transcript.squeeze();
    let gamma = transcript.squeeze();
    points(&mut transcript, sizes.products)?;
    points(&mut transcript, sizes.lookups)?;
    points(&mut transcript, 1)?;
    let y = transcript.squeeze();
    points(&mut transcript, sizes.pieces)?;
    let x = transcript.squeeze();
    transcript.absorb(proof.bytes.evals);
    let y_prime = transcript.squeeze();
    let v = transcript.squeeze();
    transcript.absorb(proof.bytes.w);
    let u = transcript.squeeze();
    Ok(Challenges {
        circuit,
        theta,
        beta,
        gamma,
        y,
        x,
        y_prime,
        v,
        u,
    })
}
