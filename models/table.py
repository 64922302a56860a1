"""The table of the zoo in `docs/models.md`, made from the cards: `python -m models.table`."""

from __future__ import annotations

import json
import sys
from typing import Any

from models.entry import ROOT, names
from zkml.files import write_atomic

PAGE = ROOT.parent / "docs" / "models.md"
HEAD = """# The model zoo

Made by `python -m models.table` from the cards in `models/*/card.json` and the measurements in
`models/*/ezkl.json`; do not edit by hand. How a model is rebuilt, and how one is added: `models/README.md`.

*Quality* is the float model's, measured with onnxruntime on the whole test set. *MACs* are the
multiply-accumulates of one inference. *Rows* are those of EZKL's circuit (two inner columns, public input and
output, fixed parameters, `disable_freivalds`); *error* is the largest difference between EZKL's output and
onnxruntime's over a few samples, at fixed-point scales 7 and 10, beside the largest output.
"""


def page() -> str:
    """Return the text of the page."""
    columns = ["model", "what it does", "quality", "parameters", "MACs", "rows"]
    columns += ["error at 7", "error at 10", "largest output"]
    lines = [HEAD, "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    lines += [_row(name) for name in names()]
    return "\n".join(lines) + "\n"


def _row(name: str) -> str:
    card = _load(name, "card.json")
    measured = {m["scale"]: m for m in _load(name, "ezkl.json")["measurements"]}
    metric = card["metric"]
    cells = [
        f"`{name}`",
        card["description"],
        f"{metric['name'].replace('_', ' ')} {metric['test']['value']:.4f} on {metric['test']['samples']}",
        f"{card['parameters']:,}",
        f"{card['multiply_accumulates']:,}",
        f"{measured[7]['num_rows']:,}",
        f"{measured[7]['max_error']:.4f}",
        f"{measured[10]['max_error']:.4f}",
        f"{measured[7]['max_output']:.3g}",
    ]
    return "| " + " | ".join(cells) + " |"


def _load(name: str, file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / name / file).read_text())
    return content


if __name__ == "__main__":
    write_atomic(PAGE, page().encode())
    sys.exit(0)
