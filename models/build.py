"""Rebuild models of the zoo: `python -m models.build NAME…|all`, from the root of the repository.

One thread and fixed seeds, so that the same versions on the same machine give the same `model.onnx` byte for
byte. The extra `models` of the package holds what this needs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: list[str]) -> int:
    """Build the named models, print one line for each, and return the exit status."""
    # Set before any numeric library is loaded: they read these once.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    from models.entry import ROOT, names, write  # noqa: PLC0415

    known = names()
    parser = argparse.ArgumentParser(prog="python -m models.build", description="rebuild models of the zoo")
    parser.add_argument("name", nargs="+", choices=[*known, "all"])
    parser.add_argument("--into", type=Path, default=ROOT, help="folder for the models' folders (default: here)")
    options = parser.parse_args(arguments)
    for name in known if "all" in options.name else options.name:
        card = write(name, importlib.import_module(f"models.{name}.build").build(), options.into)
        metric = card["metric"]
        print(
            f"{name}: {metric['name']} {metric['test']['value']:.4f} on {metric['test']['samples']}, "
            f"{card['parameters']} parameters, {card['multiply_accumulates']} multiply-accumulates",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
