"""A model file of any kind that can be read, as an ONNX file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zkml.model.source.export import export_file, is_exportable


@contextmanager
def onnx_file(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the path of a model's ONNX form, and remarks on how it was made: `path` itself unless it is another library's file.

    Raises what `is_exportable` and `export_file` raise.
    """
    if not is_exportable(path):
        yield path, ()
        return
    exported = export_file(path)
    with tempfile.TemporaryDirectory(prefix="zkml-export-") as folder:
        file = Path(folder) / f"{path.stem}.onnx"
        file.write_bytes(exported.proto.SerializeToString(deterministic=True))
        yield file, (f"{path.name} exported to ONNX by onnxmltools", *exported.notes)
