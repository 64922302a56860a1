#!/usr/bin/env bash
# From the checkout to a user: source distribution, wheel made from it, installed where no checkout is; there the command line
# proves a small model and two verifiers accept. Reaches for nothing but the package registries.
#
# Usage: tools/check_dist.sh [PYTHON]    (3.11 or later, with pip; default: the checkout's own, else python3)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=${1:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
work=$(mktemp -d "${TMPDIR:-/tmp}/zkml-dist.XXXXXX")
trap 'rm -rf "$work"' EXIT
say() { echo "check_dist: $*" >&2; }

say "a fresh environment"
"$python" -m venv "$work/venv"
bin=$work/venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$bin/python" -m pip install --quiet "maturin>=1.9,<2"

say "the source distribution"
"$bin/maturin" sdist --manifest-path rust_ext/Cargo.toml --out "$work/dist" > "$work/sdist.log" 2>&1 || { cat "$work/sdist.log" >&2; exit 1; }
sdist=$(echo "$work"/dist/zkml-*.tar.gz)
tar -tzf "$sdist" > "$work/sdist.txt"
for part in pyproject.toml README.md rust_ext/Cargo.lock zkml/py.typed zkml/estimate/coefficients.json; do
  grep -q "^zkml-[^/]*/$part\$" "$work/sdist.txt" || { say "the source distribution lacks $part"; exit 1; }
done
if grep -E '\.(so|srs|ptau|pyc)$|/target/|/\.venv/|pk\.key$' "$work/sdist.txt" >&2; then say "the source distribution holds what was built"; exit 1; fi

say "the wheel, built from it"
CARGO_TARGET_DIR=$root/rust_ext/target "$bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$work/dist" "$sdist"
wheel=$(echo "$work"/dist/zkml-*.whl)
"$bin/python" -m zipfile -l "$wheel" > "$work/wheel.txt"
for part in zkml/_core zkml/py.typed zkml/estimate/coefficients.json zkml/ezkl/child.py; do
  grep -q "^$part" "$work/wheel.txt" || { say "the wheel lacks $part"; exit 1; }
done
if grep -E '^(tests|benches|models|rust_ext|tools)/' "$work/wheel.txt" >&2; then say "the wheel holds what does not belong into it"; exit 1; fi

say "installed, away from the checkout"
"$bin/python" -m pip uninstall --quiet --yes maturin
"$bin/python" -m pip install --quiet "$wheel"
"$bin/python" -m pip check >&2
cd "$work"
export ZKML_HOME=$work/home PATH=$bin:/usr/bin:/bin
unset PYTHONPATH ZKML_SRS
"$bin/python" - <<'PYTHON'
import numpy as np
import onnx
import zkml
from onnx import TensorProto, helper, numpy_helper

assert "site-packages" in zkml.__file__, zkml.__file__
rng = np.random.default_rng(1)
graph = helper.make_graph(
    [helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="dense"), helper.make_node("Relu", ["h"], ["y"], name="relu")],
    "tiny",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
    [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), n) for n, s in (("w", (4, 3)), ("b", (3,)))],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "tiny.onnx")
np.savez("samples.npz", x=rng.normal(size=(10, 1, 4)).astype(np.float32))
PYTHON
say "doctor"
zkml doctor >&2
say "compile, setup, prove, verify"
zkml compile tiny.onnx --data samples.npz >&2
zkml setup tiny.zkml --unsafe-srs >&2
zkml prove tiny.zkml --input samples.npz >&2
for verifier in rust python; do
  zkml verify tiny.zkml --verifier $verifier --unsafe-srs >&2
done
status=0
zkml verify tiny.zkml >&2 || status=$?
[ $status = 7 ] || { say "an unsafe SRS was not refused: exit status $status"; exit 1; }
say "$(basename "$sdist") and $(basename "$wheel") work"
