"""Every word of the calldata changed: the contract's verdict is that of the Rust verifier, and none is accepted."""

from __future__ import annotations

import pytest

from tests.contract.every_word import AT_LEAST, LENIENT, Rust, assert_same_verdicts, rounds_for, words_of
from tests.contract.verdicts import Contract, Interpreted
from tests.vectors import read
from zkml.contract import FORMS, Form, generate
from zkml.protocol import Proof
from zkml.protocol.field import R
from zkml.verifier import check


@pytest.mark.parametrize("kind", read.KINDS)
def test_every_word_changed_once_has_the_verdict_of_rust(kind: str) -> None:
    contract = Interpreted(read.protocol(kind))
    assert assert_same_verdicts(contract, read.proof(kind), 1, kind).total() == words_of(read.protocol(kind))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", read.KINDS)
def test_at_least_200_changes_have_the_verdict_of_rust_in_every_form(kind: str, form: Form) -> None:
    protocol = read.protocol(kind)
    contract = Contract(protocol, generate(protocol, form))
    assert assert_same_verdicts(contract, read.proof(kind), rounds_for(protocol), kind).total() >= AT_LEAST


def test_a_value_outside_its_domain_is_false_before_any_equation() -> None:
    """The one verdict that an equation could give as well: what was paid tells that step 1 gave it."""
    kind = "linear"
    protocol, good = read.protocol(kind), read.proof(kind)
    tensor = next(t for t in protocol.statement.tensors if t.domain is not None)
    assert tensor.domain is not None
    row = sum(protocol.instance_rows[: tensor.column]) + tensor.row
    forms: tuple[Form, ...] = ("single", "universal")  # the two templates
    for form in forms:
        contract = Contract(protocol, generate(protocol, form))
        for value in (tensor.domain[1] + 1, tensor.domain[0] - 1):
            values = [v for column in good.instances for v in column]
            values[row] = value % R
            assert contract.outcome(good.proof, values) == ("rejected", None, 1)
            assert Rust(protocol).check(good.proof, values).step == 1
            assert check(protocol, Proof((tuple(values),), good.proof), LENIENT).step == 1


def test_no_change_of_the_abi_s_own_words_is_accepted() -> None:
    kind = "simulated_gates_only"
    contract = Contract(read.protocol(kind), generate(read.protocol(kind), "single"))
    proof = read.proof(kind)
    good = contract.calldata(proof.proof, [])
    assert contract.evm.call(contract.address, good).output == (1).to_bytes(32, "big")
    own = [4, 36, 68, 100 + len(proof.proof)]  # the offsets of proof and instances, and both lengths
    for at in own:
        for value in (0, 1, 31, 32, 64, 96, len(proof.proof), 2**255, 2**256 - 1):
            changed = good[:at] + value.to_bytes(32, "big") + good[at + 32 :]
            if changed != good:
                called = contract.evm.call(contract.address, changed)
                assert not called.success or called.output == bytes(32), (at, value)
    for changed in (good + b"\0", good + bytes(32), good[:-1], good[:-32], good[:4]):
        assert not contract.evm.call(contract.address, changed).success
