"""What the contract commands work on: a bundle, or a Protocol alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from zkml.bundle import Bundle
from zkml.checking import read_protocol
from zkml.contract.sources import FORMS
from zkml.errors import UsageError
from zkml.files import read_bounded
from zkml.protocol import Proof, Protocol, read_proof
from zkml.protocol.proof import MAX_PROOF_JSON_BYTES

P = ParamSpec("P")
R = TypeVar("R")

FORM_CHOICES = ("auto", *FORMS)

target_argument = click.argument("target", type=click.Path(path_type=Path, exists=True))
proof_argument = click.argument("proof", type=click.Path(path_type=Path, dir_okay=False), required=False)
form_option = click.option(
    "--form",
    type=click.Choice(FORM_CHOICES),
    default="auto",
    show_default=True,
    help="The key in the code, in a contract of its own, the gates too, or one verifier for many circuits; auto: the cheapest "
    "that fits.",
)


def rpc_options(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--chain-id` and `--rpc-timeout`."""
    f = click.option(
        "--rpc-timeout", type=click.FloatRange(0.1, 600), default=20.0, show_default=True, help="Seconds an answer may take."
    )(f)
    return click.option("--chain-id", type=click.IntRange(1), help="The chain that you mean; another one is refused.")(f)


@dataclass(frozen=True)
class Target:
    """A circuit, its bundle if it has one, and the proof that was named or that lies in the bundle."""

    path: Path
    protocol: Protocol
    bundle: Bundle | None
    proof_path: Path | None

    @property
    def proof(self) -> Proof | None:
        """The proof. Raises `MalformedArtifact` when it does not parse."""
        if self.proof_path is None:
            return None
        return read_proof(read_bounded(self.proof_path, what="proof", max_bytes=MAX_PROOF_JSON_BYTES))

    def require_proof(self) -> Proof:
        """Return the proof. Raises `UsageError` when none was named and there is no bundle, what `Bundle.require` raises else."""
        if self.proof is None and self.bundle is not None:
            self.bundle.require("proof")
        proof = self.proof
        if proof is None:
            raise UsageError("which proof?", hint="name a proof.json after the protocol", code="no-proof")
        return proof


def open_target(path: Path, proof: Path | None = None) -> Target:
    """Return the circuit in a bundle or in a protocol.json. Raises what reading them raises."""
    if not path.is_dir():
        return Target(path, read_protocol(path), None, proof)
    bundle = Bundle.open(path)
    bundle.require("protocol")
    if proof is None and bundle.has("proof"):
        bundle.require("proof")
        proof = bundle.path("proof")
    return Target(path, read_protocol(bundle.path("protocol")), bundle, proof)
