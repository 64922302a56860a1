"""A budget is enforced on the estimate, and the error says what would do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zkml.errors import InfeasibleError
from zkml.estimate import Budget, Estimate, Machine, NodeCost, enforce, estimate

SETTINGS = json.loads((Path(__file__).parent / "settings" / "softmax.json").read_text())["settings"]
MACHINE = Machine("test", 2, 1.0)
NODES = [NodeCost("small", "Add", (1,), 0, 0, 10, True), NodeCost("large", "Softmax", (1,), 0, 0, 990, True)]


@pytest.fixture
def said() -> Estimate:
    return estimate(SETTINGS, machine=MACHINE)


def test_what_fits_passes(said: Estimate) -> None:
    enforce(said, Budget())
    enforce(said, Budget(max_ram=said.peak_ram, max_seconds=said.prove.seconds + said.setup.seconds, max_k=said.k))


@pytest.mark.parametrize(
    ("budget", "what", "flag"),
    [
        (Budget(max_k=8), "rows", "--max-k 11"),
        (Budget(max_ram=10_000_000), "memory", "--max-ram"),
        (Budget(max_seconds=0.001), "time", "--max-time"),
    ],
)
def test_each_limit_names_its_numbers_and_its_relaxation(said: Estimate, budget: Budget, what: str, flag: str) -> None:
    with pytest.raises(InfeasibleError) as e:
        enforce(said, budget, NODES)
    assert e.value.exit_code == 4
    assert list(e.value.details["over"]) == [what]
    assert e.value.details["relax"][0].startswith(flag)
    assert e.value.node == "large"
    assert "99 %" in (e.value.hint or "")


def test_the_relaxation_is_enough(said: Estimate) -> None:
    with pytest.raises(InfeasibleError) as e:
        enforce(said, Budget(max_ram=1, max_seconds=0.0, max_k=4))
    flags = " ".join(e.value.details["relax"]).split()
    ram, seconds, k = flags[flags.index("--max-ram") + 1], flags[flags.index("--max-time") + 1], flags[1]
    enforce(said, Budget(int(ram.removesuffix("MB")) * 10**6, float(seconds.removesuffix("s")), int(k)))


def test_a_slower_machine_takes_longer_and_no_more_memory(said: Estimate) -> None:
    slow = estimate(SETTINGS, machine=Machine("slow", 2, 3.0))
    assert slow.prove.seconds == pytest.approx(3 * said.prove.seconds)
    assert slow.peak_ram == said.peak_ram


def test_more_cpus_shorten_the_wall_clock_and_not_the_work(said: Estimate) -> None:
    wide = estimate(SETTINGS, machine=Machine("wide", 16, 1.0))
    assert wide.prove.cpu_seconds == said.prove.cpu_seconds
    assert wide.prove.seconds < said.prove.seconds
