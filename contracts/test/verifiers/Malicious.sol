// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { IVerifier } from "../../src/IVerifier.sol";
import { InferenceSettlement } from "../../src/InferenceSettlement.sol";

/// @title Verifiers that a registrar should never have registered, one for each way to misbehave
abstract contract Malicious is IVerifier {
    bytes32 public override circuitId;
    uint256 public constant override instanceCount = 1;

    constructor(bytes32 id) {
        circuitId = id;
    }
}

    /// @notice Answers every proof with an error of its own.
    contract Reverting is Malicious {
        error NotToday(uint256 reason);

        constructor(bytes32 id) Malicious(id) { }

        function verifyProof(bytes calldata, uint256[] calldata) external pure override returns (bool) {
            revert NotToday(7);
        }
    }

    /// @notice Answers with 32 bytes that are no bool, or with none, or with too many.
    contract Garbled is Malicious {
        uint256 public immutable WORD;
        uint256 public immutable LENGTH;

        constructor(bytes32 id, uint256 word, uint256 length) Malicious(id) {
            WORD = word;
            LENGTH = length;
        }

        function verifyProof(bytes calldata, uint256[] calldata) external view override returns (bool) {
            (uint256 word, uint256 length) = (WORD, LENGTH);
            assembly ("memory-safe") {
                mstore(0x00, word)
                return(0x00, length)
            }
        }
    }

    /// @notice Uses all the gas it is given.
    contract Burning is Malicious {
        constructor(bytes32 id) Malicious(id) { }

        function verifyProof(bytes calldata, uint256[] calldata) external pure override returns (bool) {
            assembly ("memory-safe") {
                invalid()
            }
        }
    }

    /// @notice Reverts with a megabyte, so that whoever copies the reason pays for it.
    contract Bombing is Malicious {
        constructor(bytes32 id) Malicious(id) { }

        function verifyProof(bytes calldata, uint256[] calldata) external pure override returns (bool) {
            assembly ("memory-safe") {
                revert(0x00, 0x100000)
            }
        }
    }

    /// @notice Settles the inference for itself while it is asked about it, then accepts. `verifyProof` of the interface is view, so
    /// this contract is none to the compiler: the tests cast its address.
    contract Reentering {
        bytes32 public immutable circuitId;
        uint256 public constant instanceCount = 1;
        InferenceSettlement public settlement;
        bool public entered;

        constructor(bytes32 id) {
            circuitId = id;
        }

        function aim(InferenceSettlement target) external {
            settlement = target;
        }

        function verifyProof(bytes calldata proof, uint256[] calldata instances) external returns (bool) {
            if (entered) return true;
            entered = true;
            InferenceSettlement.Inference[] memory again = new InferenceSettlement.Inference[](1);
            again[0] = InferenceSettlement.Inference({ circuitId: circuitId, salt: 0, blobId: 0, instances: instances, proof: proof });
            settlement.settle(again);
            return true;
        }
    }

    /// @notice As `Reentering`, but a refused write does not stop it: it accepts all the same.
    contract Swallowing {
        bytes32 public immutable circuitId;
        uint256 public constant instanceCount = 1;
        InferenceSettlement public settlement;

        constructor(bytes32 id) {
            circuitId = id;
        }

        function aim(InferenceSettlement target) external {
            settlement = target;
        }

        function verifyProof(bytes calldata proof, uint256[] calldata instances) external returns (bool) {
            InferenceSettlement.Inference[] memory again = new InferenceSettlement.Inference[](1);
            again[0] = InferenceSettlement.Inference({ circuitId: circuitId, salt: 0, blobId: 0, instances: instances, proof: proof });
            // Little gas, since a refused write takes all that the call was given.
            try settlement.settle{ gas: 200_000 }(again) {
                return false;
            } catch {
                return true;
            }
        }
    }

    /// @notice States one circuit when it is registered and another later.
    contract Lying is Malicious {
        constructor(bytes32 id) Malicious(id) { }

        function become(bytes32 id) external {
            circuitId = id;
        }

        function verifyProof(bytes calldata, uint256[] calldata) external pure override returns (bool) {
            return true;
        }
    }
