"""A process that has everything imported and forks a child for each stage that it is asked to run.

Reads lines `LOG N WHEN STAGE FOLDER SAMPLE` and answers each with the child's exit status (negative: the signal that ended it).
The child counts its changes of the file system and kills itself at the N-th (`Killer`). This process itself runs nothing, so that
no thread of a native library is lost in the fork.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from models.entry import ROOT
from tests.bundle.killed import Killer
from zkml.bundle import Bundle
from zkml.circuit.compile import compile_model
from zkml.ezkl import Worker
from zkml.keys.setup import setup
from zkml.keys.srs import Srs, generate_unsafe
from zkml.model import load, load_samples
from zkml.proof import prove
from zkml.settings import RunArgs
from zkml.witness import make_witness

MODEL = ROOT / "linear_regression"
RUN_ARGS = RunArgs(
    input_scale=6, param_scale=8, scale_rebase_multiplier=2, lookup_range=(-1, 1), logrows=6, num_inner_cols=1, decomp_base=48,
    decomp_legs=3,
)  # fmt: skip


def run(stage: str, folder: Path, sample: int) -> None:
    srs = Path(os.environ["ZKML_HOME"]) / "test.srs"
    if stage == "srs":
        generate_unsafe(srs, RUN_ARGS.logrows)
    elif stage == "compile":
        compile_model(MODEL / "model.onnx", run_args=RUN_ARGS.with_(input_scale=6 - sample), out=folder)
    elif stage == "setup":
        setup(Bundle.open(folder), Srs.open(srs), allow_unsafe_srs=True, compress_selectors=not sample)
    else:
        bundle = Bundle.open(folder)
        with Worker() as worker:
            if stage == "witness":
                model = load(bundle.path("model"))
                make_witness(bundle, model, load_samples(MODEL / "samples.npz", model)[sample], worker)
            else:
                prove(bundle, Srs.open(srs), worker)


def main() -> None:
    for line in sys.stdin:
        log, number, when, stage, folder, sample = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                Killer(fd, int(number), when).arm()
                run(stage, Path(folder), int(sample))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
