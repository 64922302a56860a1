// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { VerifierRouter } from "./VerifierRouter.sol";

/// @title A record of proved inferences: each is settled once, for the one who asked
/// @notice An inference is (circuit, request, statement), the statement being all public values of the proof. A request's id
/// contains its requester's address, and only the requester's own transaction settles it: who copies the transaction settles a
/// request of his own, which no consumer of the other's request looks at, and cannot keep the original from settling.
/// @dev Verifiers are reached by STATICCALL only (`verify` is view), so they cannot enter `settle` again; the record is made
/// before the call all the same, and taken back with the whole transaction when the proof does not hold.
contract InferenceSettlement {
    /// @notice What is settled.
    /// @param circuitId the circuit, as registered with the router
    /// @param salt tells the requests of one requester apart
    /// @param blobId where the proof is stored: what the store calls it, or the SHA-256 digest of `proof.json`; recorded, not checked
    /// @param instances the public values
    /// @param proof the proof
    struct Inference {
        bytes32 circuitId;
        bytes32 salt;
        bytes32 blobId;
        uint256[] instances;
        bytes proof;
    }

    /// @notice Which verifiers count.
    VerifierRouter public immutable ROUTER;

    mapping(bytes32 key => uint256 timestamp) private _settledAt;

    /// @notice An inference was proved.
    event InferenceSettled(
        bytes32 indexed circuitId, bytes32 indexed requestId, bytes32 indexed statement, address requester, bytes32 blobId
    );

    error NotAContract(address router);
    error NothingToSettle();
    error AlreadySettled(bytes32 circuitId, bytes32 requestId, bytes32 statement);
    error ProofRejected(bytes32 circuitId, bytes32 requestId, bytes32 statement);

    /// @notice Makes an empty record.
    /// @param router which verifiers count, now and later: its registrar and guardian are trusted by all who read the record
    constructor(VerifierRouter router) {
        if (address(router).code.length == 0) revert NotAContract(address(router));
        ROUTER = router;
    }

    /// @notice Settles inferences that the caller requested: all of them, or none and a revert that says which and why.
    /// @dev Reverts with the router's error, the verifier's error for a malformed proof, `ProofRejected` or `AlreadySettled`.
    /// @param inferences at least one; no two of them the same inference
    function settle(Inference[] calldata inferences) external {
        if (inferences.length == 0) revert NothingToSettle();
        for (uint256 i = 0; i < inferences.length; ++i) {
            _settle(inferences[i]);
        }
    }

    /// @notice When an inference was settled.
    /// @param circuitId the circuit
    /// @param requestId what `requestIdOf` gives
    /// @param statement what `statementOf` gives
    /// @return timestamp of the block, in seconds; zero when it is not settled
    function settledAt(bytes32 circuitId, bytes32 requestId, bytes32 statement) external view returns (uint256 timestamp) {
        return _settledAt[keccak256(abi.encode(circuitId, requestId, statement))];
    }

    /// @notice The id of a request; on every chain and in every such contract another one.
    /// @param requester who alone can settle it
    /// @param salt chosen by the requester
    /// @return the id
    function requestIdOf(address requester, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), requester, salt));
    }

    /// @notice The digest of a statement. Verifiers take each public value in one form only (below r), so that no statement has two.
    /// @param instances the public values in the order of the proof
    /// @return Keccak-256 of the values, 32 bytes each
    function statementOf(uint256[] calldata instances) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(instances));
    }

    function _settle(Inference calldata inference) private {
        bytes32 circuitId = inference.circuitId;
        bytes32 requestId = requestIdOf(msg.sender, inference.salt);
        bytes32 statement = statementOf(inference.instances);
        bytes32 key = keccak256(abi.encode(circuitId, requestId, statement));
        if (_settledAt[key] != 0) revert AlreadySettled(circuitId, requestId, statement);
        _settledAt[key] = block.timestamp;
        if (!ROUTER.verify(circuitId, inference.proof, inference.instances)) revert ProofRejected(circuitId, requestId, statement);
        emit InferenceSettled(circuitId, requestId, statement, msg.sender, inference.blobId);
    }
}
