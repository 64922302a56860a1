"""Step 3: the transcript, from the circuit's digest to the last challenge."""

from __future__ import annotations

from dataclasses import dataclass

from zkml.protocol.protocol import Protocol
from zkml.protocol.statement import Instances
from zkml.verifier.reading import Message, columns_by_phase
from zkml.verifier.transcript import Transcript


@dataclass(frozen=True)
class Challenges:
    """`circuit[i]` is the circuit's own challenge i; the others are those of the argument (docs/notation.md)."""

    circuit: tuple[int, ...]
    theta: int
    beta: int
    gamma: int
    y: int
    x: int
    y_prime: int
    v: int
    u: int


def derive_challenges(protocol: Protocol, instances: Instances, message: Message) -> Challenges:
    """Return every challenge, having absorbed everything that precedes it in the order it was sent."""
    t = Transcript()
    t.absorb_scalar(protocol.transcript_digest)
    for column in instances:
        for value in column:
            t.absorb_scalar(value)
    circuit: dict[int, int] = {}
    for phase, columns in enumerate(columns_by_phase(protocol)):
        for c in columns:
            t.absorb_point(message.advice_comms[c])
        for i, challenge_phase in enumerate(protocol.challenge_phases):
            if challenge_phase == phase:
                circuit[i] = t.squeeze()
    theta = t.squeeze()
    for point in message.m_comms:
        t.absorb_point(point)
    beta = t.squeeze()
    gamma = t.squeeze()
    for point in (*message.z_comms, *message.phi_comms, message.random_comm):
        t.absorb_point(point)
    y = t.squeeze()
    for point in message.h_comms:
        t.absorb_point(point)
    x = t.squeeze()
    for value in (*message.advice_evals, *message.fixed_evals, message.random_eval, *message.sigma_evals):
        t.absorb_scalar(value)
    for values in (*message.z_evals, *message.lookup_evals):
        for value in values:
            t.absorb_scalar(value)
    y_prime = t.squeeze()
    v = t.squeeze()
    t.absorb_point(message.w_comm)
    u = t.squeeze()
    return Challenges(tuple(circuit[i] for i in range(len(circuit))), theta, beta, gamma, y, x, y_prime, v, u)
