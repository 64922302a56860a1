// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title What the verifier of all circuits answers
interface IUniversalVerifier {
    /// @notice Verifies a proof of the circuit whose key lies in the contracts `key`.
    /// @param key the data contracts, in order: the code of each is a zero byte and a piece of the key
    /// @param keyDigest Keccak-256 of the hashes of their code, in order; WrongKey is what another key reverts with
    /// @param proof the proof's points and scalars, each coordinate and scalar 32 bytes, big-endian
    /// @param instances the public values, column by column, each below r
    /// @return accepted whether the proof is accepted; false is *rejected*; a revert is *malformed*, as in IVerifier
    function verify(address[] calldata key, bytes32 keyDigest, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bool accepted);
}
