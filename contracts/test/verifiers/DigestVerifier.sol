// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { IVerifier } from "../../src/IVerifier.sol";

/// @title The simplest honest verifier, for tests of what stands around verifiers
/// @notice Its "circuit" is satisfied by every statement, and the only proof of a statement is the digest of both: so that tests
/// can make proofs, rejected ones and malformed ones without a prover.
contract DigestVerifier is IVerifier {
    bytes32 public immutable override circuitId;
    uint256 public immutable override instanceCount;

    constructor(bytes32 id, uint256 count) {
        circuitId = id;
        instanceCount = count;
    }

    /// @return the proof that `verifyProof` accepts for these instances
    function prove(uint256[] memory instances) external view returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(circuitId, instances)));
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view override returns (bool) {
        if (instances.length != instanceCount) revert MalformedInstances(instances.length);
        if (proof.length != 32) revert MalformedProof(proof.length);
        return bytes32(proof) == keccak256(abi.encode(circuitId, instances));
    }
}
