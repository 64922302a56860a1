"""Write `circuit.txt` of models: the compiled circuit as text that a reviewer can read and a test can compare.

Usage: python -m circuits.pin NAME [NAME …] | all
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from zkml.circuit.compile import Compilation, compile_model
from zkml.circuit.graph import Graph
from zkml.files import read_json
from zkml.settings.recipe import read_recipe

ROOT = Path(__file__).parent
MODELS = ROOT.parent / "models"


def names() -> list[str]:
    """Return the models that have a recipe."""
    return sorted(p.parent.name for p in ROOT.glob("*/recipe.json"))


def circuit_text(compiled: Compilation) -> str:
    """Return what a compiled bundle is, as text with one fact a line."""
    settings, records = compiled.settings, compiled.bundle.records
    graph = Graph.open(compiled.bundle.path("circuit"))
    counts = (
        "num_rows",
        "total_assignments",
        "total_const_size",
        "total_dynamic_col_size",
        "num_dynamic_lookups",
        "num_shuffles",
        "total_shuffle_col_size",
        "model_instance_shapes",
        "model_input_scales",
        "model_output_scales",
        "required_lookups",
        "required_range_checks",
    )
    lines = [f"{name} sha256 {records[name].sha256}" for name in ("model", "settings", "circuit")]
    lines += [f"run_args.{name} {value}" for name, value in sorted(compiled.run_args.as_ezkl().items())]
    lines += [f"{name} {settings[name]}" for name in counts]
    lines += [f"node {node}" for node in graph.model.walk()]
    lines += [f"audit {finding.severity} {finding.code}" for finding in compiled.audit.findings]
    return "\n".join(lines) + "\n"


def allowed(name: str) -> frozenset[str]:
    """Return the findings that the recipe's reviewer let pass, with the reason in its `note`."""
    codes = read_json(ROOT / name / "recipe.json", what="recipe").get("allow", [])
    return frozenset(str(code) for code in codes)


def compile_recipe(name: str, folder: Path) -> Compilation:
    """Compile a model of the zoo under its recipe, into a bundle below `folder`."""
    return compile_model(
        MODELS / name / "model.onnx",
        run_args=read_recipe(ROOT / name / "recipe.json"),
        allow_findings=allowed(name),
        out=folder / f"{name}.zkml",
    )


def main(wanted: list[str]) -> None:
    for name in names() if wanted == ["all"] else wanted:
        with tempfile.TemporaryDirectory() as folder:
            (ROOT / name / "circuit.txt").write_text(circuit_text(compile_recipe(name, Path(folder))))
        sys.stderr.write(f"{name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
