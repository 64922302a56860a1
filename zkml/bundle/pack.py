"""One file out of a bundle, and back.

A pack is a plain tar, so that any tool can look into it: the manifest first, then the artefacts in the order of the flow, with
fixed owners, times and modes. Its bytes follow from its manifest; the reader compares every header with the one that it expects,
and so never has to interpret one that a stranger chose.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

from zkml.bundle.artifacts import BY_NAME, KINDS
from zkml.bundle.bundle import Bundle
from zkml.bundle.manifest import MANIFEST, MAX_MANIFEST_BYTES, Record, brief, encode_manifest, parse_manifest
from zkml.errors import EnvironmentFault, MalformedArtifact, UsageError
from zkml.files import PRIVATE_MODE, disk_errors, fsync_dir, parse_json, temporary

CHUNK = 1 << 20
BLOCK = tarfile.BLOCKSIZE
SIZE_FIELD = slice(124, 136)


def header(name: str, size: int, mode: int) -> bytes:
    """Return the tar header of a member: one block, whatever the size (GNU's binary form from 8 GiB on)."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info.tobuf(format=tarfile.GNU_FORMAT)


def padding(size: int) -> int:
    return -size % BLOCK


def ending(length: int) -> int:
    """Return how many zero bytes end a tar of `length` bytes: two blocks, then up to a whole record."""
    return 2 * BLOCK + -(length + 2 * BLOCK) % tarfile.RECORDSIZE


def pack(bundle: Bundle, target: Path, *, private: bool = False, keys: bool = True, overwrite: bool = False) -> list[str]:
    """Write the bundle as one tar file and return the artefacts that went in.

    The witness goes in only with `private`, the proving key only with `keys`. Equal bundles give equal bytes. Raises `UsageError`
    when the target exists, `EnvironmentFault` when a writer is at work, and what `Bundle.require` raises.
    """
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists", hint="choose another name or pass --force", code="exists")
    with bundle.reading():
        names = [k.name for k in KINDS if k.name in bundle.records and (private or not k.private) and (keys or not k.bulky)]
        bundle.require(*names)
        records = {name: bundle.records[name] for name in names}
        manifest = encode_manifest(records)
        with disk_errors(target):
            with temporary(f".{target.name}.", target.parent) as new:
                with new.open("wb") as f:
                    append(f, MANIFEST, len(manifest), 0o644, io.BytesIO(manifest))
                    for name in names:
                        kind = BY_NAME[name]
                        with bundle.path(name).open("rb") as source:
                            append(f, kind.file, records[name].size, kind.mode, source)
                    f.write(bytes(ending(f.tell())))
                    f.flush()
                    os.fsync(f.fileno())
                new.chmod(PRIVATE_MODE if private else 0o644)
                new.replace(target)
            fsync_dir(target.parent)
    return names


def append(tar: BinaryIO, name: str, size: int, mode: int, source: BinaryIO) -> None:
    tar.write(header(name, size, mode))
    start = tar.tell()
    shutil.copyfileobj(source, tar, CHUNK)
    if tar.tell() - start != size:
        raise MalformedArtifact(f"{name} changed while it was packed", code="changed")
    tar.write(bytes(padding(size)))


# ---- reading


def unpack(source: Path, folder: Path) -> Bundle:
    """Unpack a packed bundle into the new folder `folder`.

    Nothing is written outside it, nothing that the manifest does not announce by name and size, and the folder appears only when
    every digest agrees. Raises `MalformedArtifact` on anything else, `UsageError` when the folder exists, `EnvironmentFault` when
    it does not fit the disk.
    """
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} exists", hint="choose another --out", code="exists")
    try:
        pack_file = source.open("rb")
    except OSError as e:
        raise MalformedArtifact(f"cannot read the pack {source}: {e.strerror or e}", code="missing") from e
    with pack_file:
        manifest, records = read_head(pack_file, source)
        with disk_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            check_space(folder, sum(record.size for record in records.values()))
            with temporary(f".{folder.name}.", folder.parent, folder=True) as staging:
                for name, record in records.items():
                    read_member(pack_file, name, record, staging)
                zeros(pack_file, ending(pack_file.tell()))
                with (staging / MANIFEST).open("xb") as f:
                    f.write(manifest)
                    f.flush()
                    os.fsync(f.fileno())
                fsync_dir(staging)
                staging.chmod(0o755)
                staging.rename(folder)
            fsync_dir(folder.parent)
    return Bundle.open(folder)


def exactly(f: BinaryIO, size: int) -> bytes:
    """Read `size` bytes. Raises `MalformedArtifact` when the pack ends before, or cannot be read."""
    try:
        data = f.read(size)
    except OSError as e:
        raise MalformedArtifact(f"cannot read the pack: {e.strerror or e}", code="pack") from e
    if len(data) != size:
        raise MalformedArtifact("the pack is cut short", code="pack")
    return data


def read_head(f: BinaryIO, source: Path) -> tuple[bytes, dict[str, Record]]:
    """Read the manifest, and return it encoded anew with its records in the order of the flow.

    The length of the file must be the one that follows from the manifest.
    """
    no_pack = MalformedArtifact(
        f"{source} is not a packed bundle: it does not begin with a manifest", hint="`zkml bundle pack` makes one", code="pack"
    )
    try:
        first = f.read(BLOCK)
    except OSError as e:
        raise MalformedArtifact(f"cannot read the pack {source}: {e.strerror or e}", code="pack") from e
    digits = first[SIZE_FIELD].rstrip(b"\0 ")
    if not 1 <= len(digits) <= 11 or not set(digits) <= set(b"01234567"):
        raise no_pack
    size = int(digits, 8)
    if size > MAX_MANIFEST_BYTES or first != header(MANIFEST, size, 0o644):
        raise no_pack
    parsed = parse_manifest(parse_json(exactly(f, size), what=f"{MANIFEST} in the pack"))
    zeros(f, padding(size))
    records = {kind.name: parsed[kind.name] for kind in KINDS if kind.name in parsed}
    length = BLOCK + size + padding(size) + sum(BLOCK + r.size + padding(r.size) for r in records.values())
    length += ending(length)
    found = os.fstat(f.fileno()).st_size
    if found != length:
        raise MalformedArtifact(f"the pack has {found} bytes, its manifest announces {length}", code="pack")
    return encode_manifest(records), records


def zeros(f: BinaryIO, count: int) -> None:
    if any(exactly(f, count)):
        raise MalformedArtifact("the pack holds bytes between its members", code="pack")


def check_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder.parent).free
    if size > free:
        raise EnvironmentFault(
            f"the bundle needs {size} bytes, the disk of {folder.parent} has {free}",
            hint="free disk space or choose another --out",
            code="disk",
        )


def read_member(f: BinaryIO, name: str, record: Record, staging: Path) -> None:
    """Copy one artefact out of the pack. Raises `MalformedArtifact` unless it is the one that `record` announces."""
    kind = BY_NAME[name]
    found = exactly(f, BLOCK)
    if found != header(kind.file, record.size, kind.mode):
        member = found[:100].rstrip(b"\0").decode(errors="replace")
        raise MalformedArtifact(f"the pack holds {brief(member)} where its manifest announces {kind.file}", code="pack")
    digest, left = hashlib.sha256(), record.size
    target = staging / kind.file
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, kind.mode)
    with os.fdopen(fd, "wb") as out:
        while left:
            chunk = exactly(f, min(CHUNK, left))
            digest.update(chunk)
            out.write(chunk)
            left -= len(chunk)
        out.flush()
        os.fsync(out.fileno())
    zeros(f, padding(record.size))
    if digest.hexdigest() != record.sha256:
        raise MalformedArtifact(f"{kind.file} in the pack is not what its manifest announces", code="pack")
