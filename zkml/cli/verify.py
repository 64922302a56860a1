"""`zkml verify`: the verdict on a proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from zkml.attestation.check import check as check_attestation
from zkml.attestation.format import FILE as ATTESTATION
from zkml.attestation.format import PROTOCOL
from zkml.bundle import Bundle
from zkml.checking import MAX_VK_BYTES, VERIFIERS, check_ezkl, check_proof, read_protocol, vouched
from zkml.cli.attestation import draw as draw_attestation
from zkml.cli.output import command_errors, emit, hint, json_option
from zkml.errors import MalformedArtifact, ProofRejected, RefusedByPolicy, UsageError
from zkml.files import read_bounded
from zkml.keys.srs import Srs
from zkml.protocol import Protocol, read_proof
from zkml.protocol.tensors import public_tensors
from zkml.settings import read_settings
from zkml.verdict import Verdict
from zkml.verifier.policy import Policy

EXIT = {
    "accepted": 0,
    "rejected": ProofRejected.exit_code,
    "malformed": MalformedArtifact.exit_code,
    "refused": RefusedByPolicy.exit_code,
}
SHOWN = 12


def remedy(policy: str, digest: str, bundle: Path | None) -> str:
    """Return what to do about a refusal, with the command to run. `digest` is that of the SRS."""
    if policy == "unsafe-srs":
        return f"`zkml srs trust {digest}` if you know who ran the ceremony; --unsafe-srs only to try things out"
    if policy == "unaudited":
        name = bundle or "BUNDLE"
        return f"`zkml audit {name} --rebuild` checks that the key is the model; --allow-unaudited takes it on trust"
    code = policy.removeprefix("finding:")
    return f"--allow {code} accepts it all the same; `zkml audit {bundle or 'BUNDLE'}` says what a forger could do"


def public_values(protocol: Protocol, proof: Path) -> list[dict[str, Any]]:
    """Return what an accepted proof states: each public tensor in integers and in the numbers they stand for."""
    instances = read_proof(proof.read_bytes()).instances
    values = []
    for public in public_tensors(protocol.statement, instances):
        tensor = public.tensor
        values.append(
            {
                "name": tensor.name,
                "role": tensor.role,
                "visibility": tensor.visibility,
                "shape": list(tensor.shape),
                "scale": tensor.scale,
                "integers": [str(v) for v in public.integers.reshape(-1)],
                "values": None if tensor.scale is None else public.values.tolist(),
            }
        )
    return values


def flat(values: Any) -> list[Any]:
    return [v for item in values for v in flat(item)] if isinstance(values, list) else [values]


def draw(console: Console, verdict: Verdict, statement: list[dict[str, Any]], slack: list[dict[str, Any]]) -> None:
    colour = {"accepted": "green", "refused": "yellow"}.get(verdict.outcome, "red")
    console.print(f"[{colour}]{verdict.outcome}[/]")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("circuit", verdict.circuit_id or "?")
    place = {
        "rejected": ("step", str(verdict.step)),
        "malformed": ("where", verdict.where),
        "refused": ("policy", verdict.policy),
    }
    if verdict.outcome in place:
        table.add_row(*place[verdict.outcome])
    if verdict.reason:
        table.add_row("reason", verdict.reason)
    for tensor in statement:
        numbers = flat(tensor["values"]) if tensor["values"] is not None else tensor["integers"]
        shown = ", ".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in numbers[:SHOWN])
        more = f", … ({len(numbers)} values)" if len(numbers) > SHOWN else ""
        table.add_row(f"{tensor['role']} {tensor['name']}", shown + more)
    for item in slack:
        bound = "unbounded" if item["units"] is None else f"±{item['units']} units (±{item['value']:.3g})"
        table.add_row("rounding slack", f"{item['node']}: {bound}")
    console.print(table)


def attested(folder: Path, policy: Policy, dataset: str | None, labels: str | None, verifier: str, *, as_json: bool) -> NoReturn:
    """Print the verdict on an attestation and exit with its status."""
    checked = check_attestation(folder, policy=policy, dataset=dataset, labels=labels, verifier=verifier)
    value = checked.as_dict() | {"verifier": verifier}
    emit(value, as_json=as_json, text=lambda console: draw_attestation(console, checked))
    if checked.verdict.policy in ("unsafe-srs", "unaudited") or (checked.verdict.policy or "").startswith("finding:"):
        hint(remedy(str(checked.verdict.policy), read_protocol(folder / PROTOCOL).points.digest, None))
    raise SystemExit(EXIT[checked.verdict.outcome])


@click.command()
@click.argument("target", type=click.Path(path_type=Path, exists=True))
@click.argument("proof", type=click.Path(path_type=Path), required=False)
@click.option(
    "--protocol", type=click.Path(path_type=Path), help="Verify TARGET, a proof, under this Protocol instead of a bundle."
)
@click.option("--settings", type=click.Path(path_type=Path), help="EZKL's settings.json, for a proof with bare EZKL files.")
@click.option("--vk", type=click.Path(path_type=Path), help="EZKL's vk.key.")
@click.option("--srs", "srs_path", type=click.Path(path_type=Path), help="The SRS (any size of the ceremony).")
@click.option("--dataset", help="The data set that an attestation must be about: .npz, .npy, .jsonl, or its sha256:….")
@click.option("--labels", help="The labels that an attestation must be about: .npz, .npy, .json, or their sha256:….")
@click.option("--verifier", type=click.Choice(VERIFIERS), default="rust", show_default=True)
@click.option("--unsafe-srs", is_flag=True, help="Accept proofs under an SRS that nobody trusted vouches for.")
@click.option("--allow-unaudited", is_flag=True, help="Accept a circuit that was not audited on this machine.")
@click.option("--allow", multiple=True, help="Accept a circuit although its audit found this (a finding's code).")
@json_option
@command_errors
def command(
    target: Path,
    proof: Path | None,
    protocol: Path | None,
    settings: Path | None,
    vk: Path | None,
    srs_path: Path | None,
    dataset: str | None,
    labels: str | None,
    verifier: str,
    unsafe_srs: bool,
    allow_unaudited: bool,
    allow: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check a proof: TARGET is a bundle (with its own proof, or PROOF), or a proof with --protocol, or with bare EZKL files.

    Or check an attestation (`zkml job evaluate`): TARGET is its folder, and --dataset and --labels bind it to files of yours.

    Needs neither EZKL nor the proving key. Exit 0 accepted, 1 rejected, 3 malformed, 7 refused by policy.
    """
    policy = Policy(allow_unsafe_srs=unsafe_srs, allow_unaudited=allow_unaudited, allow_findings=frozenset(allow))
    if (target / ATTESTATION).exists():
        if proof is not None or any(path is not None for path in (protocol, settings, vk, srs_path)):
            raise UsageError("an attestation is a folder of its own: it takes no other files", code="attestation")
        attested(target, policy, dataset, labels, verifier, as_json=as_json)
    if dataset is not None or labels is not None:
        raise UsageError(f"{target} is no attestation: --dataset and --labels are for one", code="attestation")
    statement: list[dict[str, Any]] = []
    slack: list[dict[str, Any]] = []
    folder: Path | None = None
    if settings is not None or vk is not None:
        if settings is None or vk is None or srs_path is None:
            raise UsageError("bare EZKL files are verified with --settings, --vk and --srs together", code="bare-files")
        points = Srs.open(srs_path).verifier_points()
        key = read_bounded(vk, what="verification key", max_bytes=MAX_VK_BYTES)
        verdict = check_ezkl(read_settings(settings), key, points, target, policy=policy, verifier=verifier)
    else:
        if protocol is None:
            folder = target
            bundle = Bundle.open(target)
            bundle.require("protocol", *(() if proof else ("proof",)))
            protocol, proof = bundle.path("protocol"), proof or bundle.path("proof")
        else:
            proof = target
        described = read_protocol(protocol)
        points = described.points
        verdict = check_proof(described, proof, policy=policy, verifier=verifier)
        if verdict.accepted:
            statement = public_values(described, proof)
            report = vouched(described)
            slack = [s.as_dict() for s in report.slack] if report else []
    value = verdict.as_dict() | {"statement": statement, "slack": slack, "verifier": verifier}
    emit(value, as_json=as_json, text=lambda console: draw(console, verdict, statement, slack))
    if verdict.policy is not None:
        hint(remedy(verdict.policy, points.digest, folder))
    raise SystemExit(EXIT[verdict.outcome])
