"""Contracts: a Protocol as a Solidity verifier, compiled, run in an EVM, deployed and called."""
