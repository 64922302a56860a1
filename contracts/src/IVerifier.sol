// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title What every verifier of one circuit answers
/// @notice `true` is accepted, `false` is rejected (well formed, but an equation does not hold, or a value lies outside the domain
/// that the circuit enforces), a revert with one of the errors below is malformed. No state is written, and what the caller left in
/// its own memory does not matter.
interface IVerifier {
    /// @notice The proof has a wrong length, or the word at a place of it is no canonical scalar or no point of the curve.
    /// @param offset the length found, or the byte of the proof at which the bad word begins
    error MalformedProof(uint256 offset);

    /// @notice There are too few or too many instances, or one is not below r.
    /// @param index the count found, or the index of the bad instance
    error MalformedInstances(uint256 index);

    /// @notice The contract that should hold the verification key holds something else.
    /// @param found the digest of what it holds
    error WrongKey(bytes32 found);

    /// @notice Which circuit's proofs this contract verifies.
    /// @return the digest of the circuit's Protocol
    function circuitId() external view returns (bytes32);

    /// @notice How many public values a statement of this circuit has.
    /// @return the exact length that `verifyProof` takes as `instances`
    function instanceCount() external view returns (uint256);

    /// @notice Verifies a proof of this circuit; nothing may follow the proof or the instances.
    /// @dev The selector and the layout are those of EZKL's contract: a caller switches by another address.
    /// @param proof the proof's points and scalars, each coordinate and scalar 32 bytes, big-endian
    /// @param instances the public values, column by column, each below r
    /// @return accepted whether the proof is accepted; false is *rejected*
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool accepted);
}
