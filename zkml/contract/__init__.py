"""Contracts: a Protocol as a Solidity verifier, compiled, run in an EVM, deployed and called."""

from zkml.contract.calldata import calldata
from zkml.contract.generate import generate
from zkml.contract.package import package
from zkml.contract.sources import FORMS, Address, Deployable, Form, Sources

__all__ = ["FORMS", "Address", "Deployable", "Form", "Sources", "calldata", "generate", "package"]
