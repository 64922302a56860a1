"""What a bundle may hold: one row an artefact, in the order of the flow."""

from __future__ import annotations

from dataclasses import dataclass

from zkml.files import PRIVATE_MODE

GIB = 1 << 30


@dataclass(frozen=True)
class Kind:
    """An artefact: its word, its file, the format version we write, the artefacts it is made from.

    `command` makes it. `max_bytes` bounds it in packs. A private one holds inputs: mode 0600, never packed unless
    asked. A bulky one can be left out of packs.
    """

    name: str
    file: str
    format: int
    made_from: tuple[str, ...]
    command: str
    max_bytes: int
    private: bool = False
    bulky: bool = False

    @property
    def mode(self) -> int:
        return PRIVATE_MODE if self.private else 0o644


KINDS: tuple[Kind, ...] = (
    Kind("model", "model.onnx", 1, (), "compile", 8 * GIB),
    Kind("fidelity", "fidelity.json", 1, ("model",), "compile", GIB // 4),
    Kind("settings", "settings.json", 1, ("model",), "compile", GIB // 4),
    Kind("circuit", "circuit.ezkl", 1, ("model", "settings"), "compile", 8 * GIB),
    Kind("audit", "audit.json", 1, ("circuit", "settings"), "compile", GIB // 4),
    Kind("vk", "vk.key", 1, ("circuit", "settings"), "setup", GIB),
    Kind("pk", "pk.key", 1, ("vk", "circuit"), "setup", 512 * GIB, bulky=True),
    Kind("protocol", "protocol.json", 1, ("vk", "settings"), "setup", GIB // 4),
    Kind("prover_key", "prover.key", 1, ("vk", "circuit", "protocol"), "setup", 512 * GIB, bulky=True),
    Kind("witness", "witness.json", 1, ("circuit",), "witness", 8 * GIB, private=True),
    Kind("proof", "proof.json", 1, ("circuit", "vk"), "prove", GIB),
    Kind("deployment", "deployment.json", 1, ("protocol",), "contract deploy", 1 << 20),
)

BY_NAME = {kind.name: kind for kind in KINDS}
BY_FILE = {kind.file: kind for kind in KINDS}
