"""One file out of a bundle, and back: a plain tar with fixed metadata, read with bounds."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from zkml.bundle.artifacts import BY_FILE, BY_NAME, KINDS
from zkml.bundle.bundle import Bundle
from zkml.bundle.manifest import MANIFEST, MAX_MANIFEST_BYTES, manifest_dict, parse_manifest
from zkml.errors import MalformedArtifact, UsageError
from zkml.files import disk_errors, parse_json, sha256_file

CHUNK = 1 << 20
MAX_MEMBERS = len(KINDS) + 1


def member(name: str, size: int, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info


def pack(bundle: Bundle, target: Path, *, private: bool = False, keys: bool = True, overwrite: bool = False) -> list[str]:
    """Write the bundle as one tar file and return the artefacts that went in.

    The witness goes in only with `private`, the proving key only with `keys`. Equal bundles give equal bytes. Raises `UsageError`
    when the target exists, and what `Bundle.require` raises.
    """
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists", hint="choose another name or pass --force", code="exists")
    names = [k.name for k in KINDS if k.name in bundle.records and (private or not k.private) and (keys or not k.bulky)]
    bundle.require(*names)
    manifest = json.dumps(manifest_dict({n: bundle.records[n] for n in names}), indent=2).encode()
    with disk_errors(target):
        fd, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with os.fdopen(fd, "wb") as raw:
                with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    tar.addfile(member(MANIFEST, len(manifest), 0o644), io.BytesIO(manifest))
                    for name in names:
                        kind = BY_NAME[name]
                        with bundle.path(name).open("rb") as f:
                            tar.addfile(member(kind.file, bundle.records[name].size, kind.mode), f)
                raw.flush()
                os.fsync(raw.fileno())
            Path(temporary).chmod(0o600 if private else 0o644)
            Path(temporary).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    return names


def copy_member(tar: tarfile.TarFile, info: tarfile.TarInfo, target: Path, mode: int) -> None:
    source = tar.extractfile(info)
    if source is None:
        raise MalformedArtifact(f"{info.name!r} in the pack is not a regular file", code="pack")
    with disk_errors(target), target.open("xb") as f:
        target.chmod(mode)
        shutil.copyfileobj(source, f, CHUNK)
        f.flush()
        os.fsync(f.fileno())


def read_manifest(tar: tarfile.TarFile) -> Any:
    """Read the first member, which must be the manifest."""
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > MAX_MANIFEST_BYTES:
        raise MalformedArtifact("the file is not a packed bundle: it does not begin with a manifest", code="pack")
    source = tar.extractfile(first)
    assert source is not None  # a regular file
    return parse_json(source.read(MAX_MANIFEST_BYTES + 1), what=f"{MANIFEST} in the pack")


def unpack(source: Path, folder: Path) -> Bundle:
    """Unpack a packed bundle into the new folder `folder`.

    Nothing is written outside it, nothing that the manifest does not announce by name and size, and the folder appears only when
    every digest agrees. Raises `MalformedArtifact` on anything else, `UsageError` when the folder exists.
    """
    if folder.exists():
        raise UsageError(f"{folder} exists", hint="choose another --out", code="exists")
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        unpack_into(source, staging)
        with disk_errors(folder):
            staging.chmod(0o755)
            staging.rename(folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return Bundle.open(folder)


def unpack_into(source: Path, staging: Path) -> None:
    try:
        with tarfile.open(source, mode="r:") as tar:  # never compressed, so never a bomb
            manifest = read_manifest(tar)
            records = parse_manifest(manifest)
            missing = {BY_NAME[name].file for name in records}
            for _ in range(MAX_MEMBERS):
                info = tar.next()
                if info is None:
                    break
                if not info.isreg() or info.name not in missing:
                    raise MalformedArtifact(f"the pack holds {info.name!r}, which its manifest does not announce", code="pack")
                kind = BY_FILE[info.name]
                record = records[kind.name]
                if info.size != record.size:
                    raise MalformedArtifact(f"{info.name} in the pack has {info.size} bytes, not {record.size}", code="pack")
                copy_member(tar, info, staging / kind.file, kind.mode)
                if sha256_file(staging / kind.file) != record.sha256:
                    raise MalformedArtifact(f"{info.name} in the pack is not what its manifest announces", code="pack")
                missing.discard(info.name)
    except (tarfile.TarError, EOFError, OSError) as e:
        raise MalformedArtifact(f"cannot read the pack {source}: {e}", code="pack") from e
    if missing:
        raise MalformedArtifact("the pack lacks " + ", ".join(sorted(missing)), code="pack")
    (staging / MANIFEST).write_text(json.dumps(manifest_dict(records), indent=2) + "\n")
