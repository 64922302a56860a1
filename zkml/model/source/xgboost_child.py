"""Reads a model file of xgboost in a process of its own: `python -m zkml.model.source.xgboost_child FILE OUT`.

xgboost's reader can crash on a file that was made to do so. The ONNX form is written to OUT; an error goes to stdout as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from zkml.errors import ZkmlError
from zkml.model.source.xgboost_booster import from_loaded, load_booster


def main(file: str, out: str) -> int:
    """Export one file and return the exit status."""
    source = Path(file)
    try:
        made = from_loaded(load_booster(source), source.stem)
    except ZkmlError as e:
        json.dump(e.as_dict(), sys.stdout)
        return e.exit_code
    Path(out).write_bytes(made.proto.SerializeToString(deterministic=True))
    json.dump({"notes": list(made.notes)}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
