// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { IVerifier } from "../src/IVerifier.sol";
import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { Test } from "./Test.sol";
import { Verifier } from "./fixtures/single/Verifier.sol";

/// @title A generated verifier in service, and a proof for it, from test/fixtures
/// @notice The files are made by `python -m tests.contract.forge_fixtures` from a vector of the verifiers.
abstract contract Fixture is Test {
    VerifierRouter internal router;
    InferenceSettlement internal settlement;
    IVerifier internal verifier;
    bytes32 internal circuitId;
    bytes internal proof;
    uint256[] internal instances;

    function setUp() public virtual {
        VM.warp(1_700_000_000);
        string memory json = VM.readFile("test/fixtures/proof.json");
        circuitId = VM.parseJsonBytes32(json, ".circuitId");
        proof = VM.parseJsonBytes(json, ".proof");
        instances = VM.parseJsonUintArray(json, ".instances");
        // The generator writes the interface beside the verifier: the same text, another type.
        verifier = IVerifier(address(new Verifier()));
        router = new VerifierRouter(2 days, address(this), address(this), address(this));
        router.register(circuitId, verifier);
        settlement = new InferenceSettlement(router);
    }
}
