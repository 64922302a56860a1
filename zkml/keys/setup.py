"""Keys for a compiled circuit, and the Protocol by which anybody verifies its proofs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from zkml._core import graph as core
from zkml._core import keys as core_keys
from zkml.bundle import Bundle, Transaction
from zkml.circuit.audit import AuditReport, audit_files
from zkml.circuit.registry import remember
from zkml.errors import CircuitError, MismatchedArtifacts, SrsError, UsageError
from zkml.estimate import Budget, enforce, estimate
from zkml.ezkl import CallResult, Limits, Progress, ProgressCallback, Worker
from zkml.files import disk_errors, read_bounded
from zkml.keys.srs import Srs
from zkml.keys.srs_checked import require_checked
from zkml.protocol import Protocol, canonical_bytes
from zkml.protocol.ezkl import protocol_from_ezkl
from zkml.settings import read_settings

ENGINES = ("auto", "ezkl", "rust")
UNSUPPORTED = "engine-unsupported"
MAX_CIRCUIT_BYTES = 1 << 34
MAX_WITNESS_BYTES = 8 << 30


@dataclass(frozen=True)
class Keys:
    """Keys made, the circuit they identify, and what it cost; `reason` says why `auto` took EZKL."""

    bundle: Bundle
    protocol: Protocol
    circuit_id: str
    srs: Srs
    seconds: float
    peak_rss: int
    pk_bytes: int
    vk_bytes: int
    engine: str
    reason: str | None = None


def needs_witness(settings: dict[str, Any]) -> bool:
    """Whether inputs or outputs are constants of the circuit, which key generation takes from a witness."""
    return "Fixed" in (settings["run_args"]["input_visibility"], settings["run_args"]["output_visibility"])


def require_size(srs: Srs, k: int) -> None:
    """Raise `SrsError` unless the SRS has 2^k points."""
    if srs.k < k:
        raise SrsError(
            f"the circuit has 2^{k} rows, the SRS {srs.path} only 2^{srs.k} points",
            hint="import a larger one with `zkml srs import`",
            code="srs-too-small",
        )


def check_srs(bundle: Bundle, srs: Srs) -> None:
    """Raise `MismatchedArtifacts` unless the SRS is of the ceremony that the keys were made with."""
    made_with = bundle.records["vk"].made_from.get("srs")
    if made_with != srs.digest:
        raise MismatchedArtifacts(
            f"the keys were made with the SRS {made_with}, this is {srs.digest} ({srs.path})",
            hint="give the SRS of `zkml setup` with --srs, or run setup again",
            code="srs-mismatch",
        )


def without_floats(value: Any) -> Any:
    """Return JSON data with every float as its shortest decimal string: a Protocol's canonical encoding has integers only."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {k: without_floats(v) for k, v in value.items()}
    return [without_floats(v) for v in value] if isinstance(value, list) else value


def check_powers(srs: Srs, k: int, on_progress: ProgressCallback | None) -> None:
    """Check what a circuit of 2^k rows uses of the SRS, unless this machine did so before. Raises what `require_checked` does."""
    started = time.monotonic()

    def tell(stage: str, done: int, total: int) -> None:
        if on_progress is not None:
            share = f"{100 * done // max(total, 1)} %"
            on_progress(Progress(f"SRS: {stage}, {share}", time.monotonic() - started, psutil.Process().memory_info().rss))

    require_checked(srs.path, k, tell)


@dataclass(frozen=True)
class RustKeys:
    """A circuit laid out without EZKL: its columns, the verification key, and what that cost."""

    columns: core_keys.KeyColumns
    vk: bytes
    result: CallResult


def rust_keys(circuit: Path, witness: Path | None, srs: Srs, compress_selectors: bool, worker: Worker) -> RustKeys:
    """Lay a circuit out and commit to its columns: the bytes of EZKL's `vk.key`. `witness` holds the values of fixed tensors.

    Raises `CircuitError` (`engine-unsupported`) for what this engine cannot lay out, `InfeasibleError` when a limit is hit.
    """
    started = time.monotonic()
    process = psutil.Process()
    peak = 0

    def tell(done: int, total: int) -> None:
        nonlocal peak
        elapsed, rss = time.monotonic() - started, process.memory_info().rss
        peak = max(peak, rss)
        worker.enforce("setup", elapsed, rss)
        if worker.on_progress is not None:
            worker.on_progress(Progress(f"keys: {100 * done // max(total, 1)} %", elapsed, rss))

    compiled = core.decode(read_bounded(circuit, what="circuit", max_bytes=MAX_CIRCUIT_BYTES))
    values = read_bounded(witness, what="witness", max_bytes=MAX_WITNESS_BYTES) if witness is not None else None
    columns = core_keys.KeyColumns(compiled, compress_selectors, tell, values)
    vk = columns.verification_key(srs.path, tell)
    return RustKeys(columns, vk, CallResult(None, time.monotonic() - started, peak, ""))


def try_rust(
    engine: str, circuit: Path, witness: Path | None, srs: Srs, compress_selectors: bool, worker: Worker
) -> tuple[RustKeys | None, str | None]:
    """Return the keys of the Rust engine where it is asked for and can, and why not where `auto` has to do without it."""
    if engine == "ezkl":
        return None, None
    try:
        return rust_keys(circuit, witness, srs, compress_selectors, worker), None
    except CircuitError as e:
        if engine == "rust" or e.code != UNSUPPORTED:
            raise
        return None, e.message


def make_protocol(change: Transaction, settings: dict[str, Any], srs: Srs, audit: AuditReport) -> Protocol:
    """Return the Protocol of the keys in this change, with the audit that was made of its circuit."""
    vk = change.path("vk").read_bytes()
    return replace(protocol_from_ezkl(settings, vk, srs.verifier_points()), audit=without_floats(audit.as_dict()))


def setup(
    bundle: Bundle | Path | str,
    srs: Srs,
    *,
    allow_unsafe_srs: bool = False,
    compress_selectors: bool = True,
    engine: str = "ezkl",
    budget: Budget | None = None,
    on_progress: ProgressCallback | None = None,
) -> Keys:
    """Make proving key, verification key and Protocol: with EZKL, with the Rust engine, or (`auto`) with Rust where it can.

    The verification key is the same bytes. EZKL's proving key is `pk.key`, which both engines read; that of the Rust engine is
    `prover.key`, a small part of its size, which EZKL does not read.

    Raises `SrsError` when the SRS is unsafe and that was not allowed, too small, or its points are not those of its [τ]G2
    (checked once for each file: `srs_checked`); `InfeasibleError` when the estimate is over budget;
    `CircuitError` when the Rust engine cannot lay the circuit out;
    `UsageError` when inputs or outputs are fixed and the bundle has no witness; what `Bundle.require` raises.
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r} makes keys", hint="engines: " + ", ".join(ENGINES), code="engine")
    bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(Path(bundle))
    budget = budget or Budget()
    bundle.require("settings", "circuit", "audit")
    settings = read_settings(bundle.path("settings"))
    srs.require_trust(allow_unsafe_srs)
    require_size(srs, settings["run_args"]["logrows"])
    enforce(estimate(settings), budget)
    with_witness = needs_witness(settings)
    if with_witness and not bundle.has("witness"):
        raise UsageError(
            "inputs or outputs are fixed, so the keys depend on a witness and the bundle has none",
            hint=f"run `zkml witness {bundle.folder} --input …` first",
            code="setup-needs-witness",
        )
    check_powers(srs, settings["run_args"]["logrows"], on_progress)
    limits = Limits(budget.max_ram, budget.max_seconds)
    with bundle.change() as change, Worker(limits=limits, on_progress=on_progress) as worker:
        bundle.require("settings", "circuit", "audit", *(("witness",) if with_witness else ()))
        # Audited again: the bundle may come from a stranger, and what is said of it in its files is his word.
        audit = audit_files(bundle.path("circuit"), bundle.path("settings"))
        witness = bundle.path("witness") if with_witness else None
        rust, reason = try_rust(engine, bundle.path("circuit"), witness, srs, compress_selectors, worker)
        made_from = {"srs": srs.digest}
        if rust is None:
            values: dict[str, Any] = {"witness_path": witness} if witness is not None else {}
            result = worker.call(
                "setup",
                model=bundle.path("circuit"),
                vk_path=change.path("vk"),
                pk_path=change.path("pk"),
                srs_path=srs.path,
                disable_selector_compression=not compress_selectors,
                **values,
            )
            vk = change.record("vk", made_from=made_from, compress_selectors=compress_selectors)
        else:
            result = rust.result
            vk = change.write("vk", rust.vk, made_from=made_from, compress_selectors=compress_selectors)
        protocol = make_protocol(change, settings, srs, audit)
        change.write("protocol", canonical_bytes(protocol), made_from=made_from, circuit_id=protocol.circuit_id)
        if rust is None:
            pk, stale = change.record("pk", made_from=made_from), "prover_key"
        else:
            with disk_errors(change.path("prover_key")):
                rust.columns.write_proving_key(change.path("prover_key"), change.path("protocol").read_bytes())
            pk, stale = change.record("prover_key", made_from=made_from), "pk"
        for name in (stale, "proof"):
            if change.has(name):
                change.remove(name)
    # The key was made here from the very circuit that was audited here: that is what an audit vouches for.
    remember(protocol.circuit_id, audit)
    used = "ezkl" if rust is None else "rust"
    return Keys(bundle, protocol, protocol.circuit_id, srs, result.seconds, result.peak_rss, pk.size, vk.size, used, reason)
