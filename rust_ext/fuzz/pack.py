"""Keep what the fuzzer found: `python rust_ext/fuzz/pack.py [CORPUS]` writes each `CORPUS/TARGET` to `kept/TARGET.tar.xz`.

Minimise first (`cargo +nightly fuzz cmin TARGET`). Larger inputs than 20 kB are left out: their parts are in smaller ones.
`seeds.py` unpacks; the tests replay what is kept through the decoders.
"""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MAX_INPUT_BYTES = 20_000


def main(corpus: Path) -> None:
    (HERE / "kept").mkdir(exist_ok=True)
    for folder in sorted(path for path in corpus.iterdir() if path.is_dir()):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:xz", preset=9) as archive:
            for number, path in enumerate(sorted(folder.iterdir(), key=lambda p: (p.stat().st_size, p.name))):
                data = path.read_bytes()
                if len(data) > MAX_INPUT_BYTES:
                    continue
                entry = tarfile.TarInfo(f"{number:04}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        (HERE / "kept" / f"{folder.name}.tar.xz").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus")
