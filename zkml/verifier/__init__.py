"""The plain verifier: Python integers, Keccak, and py-ecc's curve. It needs neither EZKL nor native code of ours."""

from zkml.verifier.policy import Audit, Finding, Policy
from zkml.verifier.verify import check, check_bytes, verify

__all__ = ["Audit", "Finding", "Policy", "check", "check_bytes", "verify"]
