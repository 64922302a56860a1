"""The checks that proving runs, on the final circuit: compile, witness, mock, and for small ones a real proof."""

from __future__ import annotations

from zkml.errors import InternalFault
from zkml.settings.layout_cost import Layout
from zkml.settings.run_args import RunArgs
from zkml.settings.search import Report
from zkml.settings.trial import Arrays, Trials, write_for_ezkl

MOCK_MAX_CELLS = 2_000_000
PROVE_MAX_K = 12
PROVE_MAX_WORK = 2.0


def validate(trials: Trials, args: RunArgs, sample: Arrays, layout: Layout, report: Report) -> list[str]:
    """Return which checks the circuit of `args` passed on `sample`: `witness`, then `mock` and `proof` where they are cheap and
    there is time.

    Raises the error of the check that failed.
    """
    circuit = trials.compile(args.as_ezkl())
    trials.witness(circuit, sample)
    witness = trials.folder / "witness.json"
    passed = ["witness"]
    if trials.settings(args.as_ezkl())["total_assignments"] <= MOCK_MAX_CELLS and not trials.late:
        report("checking the constraints on a sample")
        answer = trials.worker.call("mock", stage="mock", witness=witness, model=circuit)
        if answer.value is not True:
            raise InternalFault("the calibrated circuit does not hold for a sample", code="calibration-mock")
        passed.append("mock")
    if layout.k <= PROVE_MAX_K and layout.work <= PROVE_MAX_WORK and not trials.late:
        report("proving a sample")
        srs, vk, pk, proof = (trials.folder / name for name in ("unsafe.srs", "vk.key", "pk.key", "proof.json"))
        settings = trials.folder / "settings.json"
        write_for_ezkl(settings, trials.settings(args.as_ezkl()))
        trials.worker.call("gen_srs", srs_path=srs, logrows=layout.k)
        trials.worker.call("setup", model=circuit, vk_path=vk, pk_path=pk, srs_path=srs, witness_path=witness)
        trials.worker.call("prove", witness=witness, model=circuit, pk_path=pk, proof_path=proof, srs_path=srs)
        verdict = trials.worker.call("verify", proof_path=proof, settings_path=settings, vk_path=vk, srs_path=srs)
        if verdict.value is not True:
            raise InternalFault("a proof of the calibrated circuit does not verify", code="calibration-proof")
        passed.append("proof")
    return passed
