"""Each hole is named where it is, and none where it is not.

The expected codes are reasoned from how each circuit was made (its visibility, its operators, its options), not taken from the
audit's output.
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import pytest

from zkml.circuit.audit import AuditReport, audit, audit_files
from zkml.circuit.graph import Graph
from zkml.errors import MalformedArtifact, UsageError

FIXTURES = Path(__file__).parents[1] / "graph" / "fixtures"
SHARED = Path(os.environ.get("ZKML_SHARED", Path(__file__).parents[2].parent / "shared"))

TABLES = {"table-ends-from-key"}  # every circuit with a static table or a range check
ROUNDED = TABLES | {"rounding-slack"}  # and every one that divides
FREIVALDS = ROUNDED | {"unlinked-einsum", "unlinked-digits"}

EXPECTED: dict[str, set[str]] = {
    "argmax": ROUNDED | {"argmax-ties"},  # the index itself is loose
    "conv": ROUNDED,
    "hash_input": ROUNDED | {"inputs-unranged", "guessable-hash"},
    "hash_param": ROUNDED | {"parameters-unbound"},  # six weights of 29 bits: no searchable domain
    # Relu decomposes what it reads, so the input is in range; the output divides nothing.
    "hash_private": TABLES | {"hash-unconstrained", "guessable-hash"},
    "kzg_input": ROUNDED | {"inputs-unranged", "unblinded-commitment"},
    "linear": ROUNDED,
    "loose_ends": ROUNDED | {"public-inputs-unranged", "outputs-unranged"},
    "matmul": ROUNDED,
    "matmul_freivalds": FREIVALDS,
    "mean": ROUNDED,
    "mlp": ROUNDED,
    "nothing_public": ROUNDED | {"output-unstated"},
    "onehot": TABLES | {"onehot-unchecked"},
    "param_private": ROUNDED | {"parameters-private"},
    "rnn": ROUNDED | {"unaudited-operator"},
    "sigmoid": TABLES,
    "softmax": ROUNDED,
    "sqrt": TABLES | {"root-unbound"},
    "topk": TABLES,
    "trilu": TABLES | {"trilu-unmasked"},
    "wide_table": TABLES | {"wide-table"},  # 65,537 entries in columns of 504
}

SHARED_EXPECTED: dict[str, set[str]] = {
    "argmax": ROUNDED | {"argmax-ties"},
    **dict.fromkeys(("bmm", "bmm_ic3", "matmul", "matmul2", "matmul_blk"), FREIVALDS),
    "matmul_nofrei": ROUNDED,
    # The index of the last axis is looked up itself, so it is in range.
    **dict.fromkeys(("gather", "gather_blk"), TABLES),
    "hash_all": ROUNDED | {"parameters-unbound", "inputs-unranged", "guessable-hash"},
    "hash_in": ROUNDED | {"inputs-unranged", "guessable-hash"},
    "hash_out": ROUNDED | {"guessable-hash"},
    "hash_param": ROUNDED | {"parameters-unbound"},
    # One addition without any range check: no table at all.
    "hash_priv": {"hash-unconstrained", "inputs-unranged", "guessable-hash", "outputs-unranged"},
    "kzg_in": ROUNDED | {"inputs-unranged", "unblinded-commitment"},
    "kzg_all": ROUNDED | {"parameters-unbound", "inputs-unranged", "unblinded-commitment"},
    "in_fixed": ROUNDED | {"outputs-unranged"},
    "out_fixed2": ROUNDED | {"inputs-unranged"},  # private, with the range checks of inputs switched off
    "linear_priv": ROUNDED | {"parameters-private"},
    "linear_allpriv": ROUNDED | {"output-unstated"},
    **dict.fromkeys(("linear", "linear_blocks", "linear_ic1", "linear_ic4", "linear_nocomp", "mlp", "softmax"), ROUNDED),
    **dict.fromkeys(("relu", "relu_mc", "topk", "lookup2blk", "sigtanh"), TABLES),
    **dict.fromkeys(("sigmoid", "sigmoid_mc", "sigmoid_mc2", "sigmoid_mc3", "sigmoid_mc11"), TABLES),
}

UNSOUND = {
    *("unlinked-einsum", "unlinked-digits", "onehot-unchecked", "root-unbound", "trilu-unmasked", "settings-disagree"),
    *("parameters-unbound", "parameter-read-twice", "inputs-unranged", "hash-unconstrained"),
}


def audited(name: str) -> AuditReport:
    return audit_files(FIXTURES / name / "c.ezkl", FIXTURES / name / "settings.json")


def test_every_fixture_has_an_expectation() -> None:
    assert {path.parent.name for path in FIXTURES.glob("*/c.ezkl")} == EXPECTED.keys()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_fixture_has_its_holes_and_no_others(name: str) -> None:
    report = audited(name)
    assert report.codes == EXPECTED[name]
    assert {f.code for f in report.refused} == EXPECTED[name] & UNSOUND


@pytest.mark.slow
def test_the_shared_circuits_have_their_holes_and_no_others() -> None:
    folders = sorted(path.parent for path in SHARED.glob("ezkl_cases/*/c.ezkl"))
    if not folders:
        pytest.skip("the shared fixtures are not on this machine")
    found = {folder.name: audit_files(folder / "c.ezkl", folder / "settings.json").codes for folder in folders}
    assert found == SHARED_EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_report_survives_json(name: str) -> None:
    report = audited(name)
    assert AuditReport.from_dict(json.loads(json.dumps(report.as_dict()))) == report


def test_findings_name_the_nodes() -> None:
    named = {f.code: f.nodes for f in audited("matmul_freivalds").findings}
    assert named["unlinked-einsum"] == ("2 RebaseScale(Einsum)",)
    assert "2 RebaseScale(Einsum)" in named["unlinked-digits"]
    assert {f.code: f.nodes for f in audited("hash_param").findings}["parameters-unbound"] == ("1 Constant", "3 Constant")


def test_settings_of_another_circuit_are_unsound_and_the_keys_are_named() -> None:
    graph = Graph.open(FIXTURES / "linear" / "c.ezkl")
    settings = json.loads((FIXTURES / "linear" / "settings.json").read_text())
    settings["run_args"]["lookup_range"] = [-1, 1]
    settings["required_range_checks"].append([0, 1])
    (finding,) = [f for f in audit(graph, settings).findings if f.code == "settings-disagree"]
    assert finding.severity == "unsound"
    assert finding.details == {"keys": ["required_range_checks", "run_args.lookup_range"]}


def test_a_timestamp_does_not_matter() -> None:
    graph = Graph.open(FIXTURES / "linear" / "c.ezkl")
    settings = json.loads((FIXTURES / "linear" / "settings.json").read_text()) | {"timestamp": None}
    assert "settings-disagree" not in audit(graph, settings).codes


def test_a_freivalds_area_hidden_in_either_settings_is_found() -> None:
    graph = Graph.open(FIXTURES / "matmul" / "c.ezkl")
    settings = json.loads((FIXTURES / "matmul" / "settings.json").read_text())
    settings["einsum_params"]["total_einsum_col_size"] = 70
    assert {"unlinked-einsum", "settings-disagree"} <= audit(graph, settings).codes


def test_a_small_domain_is_searchable() -> None:
    graph = Graph.open(FIXTURES / "hash_input" / "c.ezkl")
    (wide,) = [f for f in audit(graph).findings if f.code == "guessable-hash"]
    (small,) = [f for f in audit(graph, domains=[(0, 255)]).findings if f.code == "guessable-hash"]
    assert small.details == {"tensor": "input", "domain_bits": 24.0, "searchable": True}
    assert wide.details["domain_bits"] == pytest.approx(3 * 29, abs=0.1)


def test_settings_that_lack_a_field_are_malformed() -> None:
    graph = Graph.open(FIXTURES / "linear" / "c.ezkl")
    with pytest.raises(MalformedArtifact, match="settings"):
        audit(graph, {"run_args": {}})


def test_domains_must_fit_the_inputs() -> None:
    graph = Graph.open(FIXTURES / "matmul" / "c.ezkl")
    for wrong in ([(0, 1)], [(0, 1), (2, 1)]):
        with pytest.raises(UsageError):
            audit(graph, domains=wrong)


@pytest.mark.parametrize(
    ("where", "value"),
    [("kind", "x"), ("version", 2), ("findings", {}), ("slack", [1]), ("refused", True)],
)
def test_a_damaged_report_is_malformed(where: str, value: object) -> None:
    data = copy.deepcopy(audited("linear").as_dict()) | {where: value}
    with pytest.raises(MalformedArtifact):
        AuditReport.from_dict(data)


@pytest.mark.parametrize("logrows", [0, 29, 2**32 - 1])
def test_an_absurd_number_of_rows_is_malformed_at_once(logrows: int) -> None:
    data = (FIXTURES / "linear" / "c.ezkl").read_bytes()
    # The rows stand after the table range (two 16-byte integers), before the two inner columns.
    marker = (1024).to_bytes(16, "little") + (12).to_bytes(4, "little") + (2).to_bytes(8, "little")
    assert data.count(marker) == 1
    damaged = data.replace(marker, marker[:16] + logrows.to_bytes(4, "little") + marker[20:])
    with pytest.raises(MalformedArtifact, match="rows"):
        audit(Graph.parse(damaged))
