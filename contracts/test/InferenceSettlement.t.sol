// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { Pausable } from "@openzeppelin/contracts/utils/Pausable.sol";
import { IVerifier } from "../src/IVerifier.sol";
import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { Test } from "./Test.sol";
import { DigestVerifier } from "./verifiers/DigestVerifier.sol";
import { Burning, Garbled, Reentering, Reverting, Swallowing } from "./verifiers/Malicious.sol";

contract InferenceSettlementTest is Test {
    bytes32 private constant CIRCUIT = keccak256("circuit");
    bytes32 private constant SALT = keccak256("salt");
    bytes32 private constant BLOB = keccak256("blob");
    address private constant ALICE = address(0xa11ce);
    address private constant EVE = address(0xe7e);

    VerifierRouter private router;
    InferenceSettlement private settlement;
    DigestVerifier private verifier;

    function setUp() public {
        VM.warp(1_700_000_000);
        router = new VerifierRouter(2 days, address(this), address(this), address(this));
        settlement = new InferenceSettlement(router);
        verifier = new DigestVerifier(CIRCUIT, 1);
        router.register(CIRCUIT, verifier);
    }

    function test_a_router_without_code_is_refused() public {
        VM.expectRevert(abi.encodeWithSelector(InferenceSettlement.NotAContract.selector, EVE));
        new InferenceSettlement(VerifierRouter(EVE));
    }

    function testFuzz_a_proved_inference_is_recorded_for_its_requester(address requester, bytes32 salt, uint256 value) public {
        InferenceSettlement.Inference[] memory one = _proved(salt, value);
        bytes32 requestId = settlement.requestIdOf(requester, salt);
        bytes32 statement = settlement.statementOf(one[0].instances);
        VM.assertEq(settlement.settledAt(CIRCUIT, requestId, statement), 0, "before");
        VM.expectEmit(address(settlement));
        emit InferenceSettlement.InferenceSettled(CIRCUIT, requestId, statement, requester, BLOB);
        VM.prank(requester);
        settlement.settle(one);
        VM.assertEq(settlement.settledAt(CIRCUIT, requestId, statement), block.timestamp, "after");
    }

    function testFuzz_nothing_else_is_recorded(bytes32 circuitId, bytes32 requestId, bytes32 statement) public {
        InferenceSettlement.Inference[] memory one = _proved(SALT, 1);
        VM.prank(ALICE);
        settlement.settle(one);
        VM.assume(
            circuitId != CIRCUIT || requestId != settlement.requestIdOf(ALICE, SALT)
                || statement != settlement.statementOf(one[0].instances)
        );
        VM.assertEq(settlement.settledAt(circuitId, requestId, statement), 0, "recorded");
        VM.assertEq(settlement.settledAt(CIRCUIT, settlement.requestIdOf(ALICE, SALT), statement), 0, "another statement");
    }

    function test_a_replay_is_refused_even_later_and_with_another_blob() public {
        InferenceSettlement.Inference[] memory one = _proved(SALT, 1);
        VM.prank(ALICE);
        settlement.settle(one);
        one[0].blobId = keccak256("other blob");
        VM.warp(block.timestamp + 1 days);
        _expectSettledAlready(one[0]);
        VM.prank(ALICE);
        settlement.settle(one);
    }

    /// A second proof of the same statement is the same inference: what is settled is the statement, not the bytes of a proof.
    function test_another_proof_of_the_same_statement_is_a_replay() public {
        InferenceSettlement.Inference[] memory one = _proved(SALT, 1);
        VM.prank(ALICE);
        settlement.settle(one);
        one[0].proof = abi.encode("another");
        _expectSettledAlready(one[0]);
        VM.prank(ALICE);
        settlement.settle(one);
    }

    function test_the_same_inference_twice_in_one_transaction_settles_nothing() public {
        InferenceSettlement.Inference[] memory two = new InferenceSettlement.Inference[](2);
        two[0] = _proved(SALT, 1)[0];
        two[1] = two[0];
        _expectSettledAlready(two[0]);
        VM.prank(ALICE);
        settlement.settle(two);
        VM.assertEq(_settledAt(two[0], ALICE), 0, "half a transaction");
    }

    function test_a_transaction_copied_ahead_of_its_original_gains_nothing_and_hinders_nothing() public {
        InferenceSettlement.Inference[] memory one = _proved(SALT, 1);
        VM.prank(EVE);
        settlement.settle(one);
        VM.assertEq(_settledAt(one[0], ALICE), 0, "Eve's copy settled Alice's request");
        VM.warp(block.timestamp + 12);
        VM.prank(ALICE);
        settlement.settle(one);
        VM.assertEq(_settledAt(one[0], ALICE), block.timestamp, "Alice's original");
    }

    function testFuzz_no_salt_gives_eve_a_request_of_alices(bytes32 salt, bytes32 other, address eve) public view {
        VM.assume(eve != ALICE);
        VM.assertTrue(settlement.requestIdOf(ALICE, salt) != settlement.requestIdOf(eve, other), "the same request");
    }

    function test_two_records_have_no_request_in_common() public {
        InferenceSettlement other = new InferenceSettlement(router);
        VM.assertTrue(settlement.requestIdOf(ALICE, SALT) != other.requestIdOf(ALICE, SALT), "the same request");
    }

    function test_several_circuits_and_statements_in_one_transaction() public {
        DigestVerifier second = new DigestVerifier(keccak256("second"), 1);
        router.register(keccak256("second"), second);
        InferenceSettlement.Inference[] memory many = new InferenceSettlement.Inference[](4);
        many[0] = _proved(SALT, 1)[0];
        many[1] = _proved(SALT, 2)[0];
        many[2] = _proved(keccak256("other salt"), 1)[0];
        many[3] = _prove(second, SALT, 1);
        VM.prank(ALICE);
        settlement.settle(many);
        for (uint256 i = 0; i < 4; ++i) {
            VM.assertEq(_settledAt(many[i], ALICE), block.timestamp, "settled");
        }
    }

    function test_nothing_to_settle_is_an_error() public {
        VM.expectRevert(abi.encodeWithSelector(InferenceSettlement.NothingToSettle.selector));
        settlement.settle(new InferenceSettlement.Inference[](0));
    }

    function testFuzz_one_bad_proof_takes_the_whole_transaction_back(uint256 seed) public {
        InferenceSettlement.Inference[] memory many = new InferenceSettlement.Inference[](3);
        for (uint256 i = 0; i < 3; ++i) {
            many[i] = _proved(SALT, i)[0];
        }
        uint256 bad = bound(seed, 0, 2);
        many[bad].proof = new bytes(32);
        bytes32 requestId = settlement.requestIdOf(ALICE, SALT);
        bytes32 statement = settlement.statementOf(many[bad].instances);
        VM.expectRevert(abi.encodeWithSelector(InferenceSettlement.ProofRejected.selector, CIRCUIT, requestId, statement));
        VM.prank(ALICE);
        settlement.settle(many);
        for (uint256 i = 0; i < 3; ++i) {
            VM.assertEq(_settledAt(many[i], ALICE), 0, "settled");
        }
    }

    function test_malformed_is_passed_on_as_the_verifier_says_it() public {
        InferenceSettlement.Inference[] memory one = _proved(SALT, 1);
        one[0].proof = new bytes(33);
        VM.expectRevert(abi.encodeWithSelector(IVerifier.MalformedProof.selector, 33));
        settlement.settle(one);
        one[0].instances = new uint256[](2);
        VM.expectRevert(abi.encodeWithSelector(IVerifier.MalformedInstances.selector, 2));
        settlement.settle(one);
    }

    function test_a_circuit_that_is_unknown_retired_stopped_or_paused_settles_nothing() public {
        InferenceSettlement.Inference[] memory one = _proved(SALT, 1);
        one[0].circuitId = keccak256("nobody's");
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, keccak256("nobody's")));
        settlement.settle(one);
        one[0].circuitId = CIRCUIT;
        router.pause();
        VM.expectRevert(abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        settlement.settle(one);
        router.unpause();
        router.retire(CIRCUIT);
        VM.warp(block.timestamp + 2 days);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Retired.selector, CIRCUIT, block.timestamp));
        settlement.settle(one);
        router.register(CIRCUIT, verifier);
        router.stop(CIRCUIT);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Stopped.selector, CIRCUIT));
        settlement.settle(one);
    }

    /// The verifier's own attempt to settle is a write inside a STATICCALL: it fails, and with it the whole.
    function test_a_verifier_that_reenters_settles_nothing() public {
        Reentering reentering = new Reentering(keccak256("reentering"));
        reentering.aim(settlement);
        router.register(keccak256("reentering"), IVerifier(address(reentering)));
        InferenceSettlement.Inference[] memory one = _proved(SALT, 1);
        one[0].circuitId = keccak256("reentering");
        (bool done,) = address(settlement).call{ gas: 2_000_000 }(abi.encodeCall(InferenceSettlement.settle, (one)));
        VM.assertTrue(!done, "settled");
        VM.assertTrue(!reentering.entered(), "entered");
        VM.assertEq(_settledAt(one[0], address(this)), 0, "settled for the caller");
        VM.assertEq(_settledAt(one[0], address(reentering)), 0, "settled for the verifier");
    }

    /// A verifier that accepts although its attempt failed can only do what any registered verifier can: accept its own circuit.
    function test_a_verifier_that_tries_to_reenter_and_goes_on_settles_only_what_was_asked() public {
        Swallowing swallowing = new Swallowing(keccak256("swallowing"));
        swallowing.aim(settlement);
        router.register(keccak256("swallowing"), IVerifier(address(swallowing)));
        InferenceSettlement.Inference[] memory one = new InferenceSettlement.Inference[](1);
        one[0] = _proved(0, 1)[0];
        one[0].circuitId = keccak256("swallowing");
        settlement.settle(one);
        VM.assertEq(_settledAt(one[0], address(this)), block.timestamp, "what was asked");
        VM.assertEq(_settledAt(one[0], address(swallowing)), 0, "settled for the verifier");
    }

    function test_a_verifier_that_reverts_burns_or_answers_garbage_settles_nothing() public {
        IVerifier[3] memory bad = [
            IVerifier(new Reverting(keccak256("reverting"))),
            IVerifier(new Burning(keccak256("burning"))),
            IVerifier(new Garbled(keccak256("garbled"), 2, 32))
        ];
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 circuitId = bad[i].circuitId();
            router.register(circuitId, bad[i]);
            InferenceSettlement.Inference[] memory one = _proved(SALT, 1);
            one[0].circuitId = circuitId;
            (bool done,) = address(settlement).call{ gas: 2_000_000 }(abi.encodeCall(InferenceSettlement.settle, (one)));
            VM.assertTrue(!done, "settled");
            VM.assertEq(_settledAt(one[0], address(this)), 0, "recorded");
        }
    }

    /// Nothing of the transaction's own calldata is believed: cut or overlapping encodings end in a revert of the decoder.
    function testFuzz_cut_calldata_settles_nothing(uint256 length) public {
        bytes memory whole = abi.encodeCall(InferenceSettlement.settle, (_proved(SALT, 1)));
        length = bound(length, 0, whole.length - 1);
        assembly ("memory-safe") {
            mstore(whole, length)
        }
        (bool done,) = address(settlement).call(whole);
        VM.assertTrue(!done, "settled");
        VM.assertEq(_settledAt(_proved(SALT, 1)[0], address(this)), 0, "recorded");
    }

    function _proved(bytes32 salt, uint256 value) private view returns (InferenceSettlement.Inference[] memory one) {
        one = new InferenceSettlement.Inference[](1);
        one[0] = _prove(verifier, salt, value);
    }

    function _prove(DigestVerifier which, bytes32 salt, uint256 value) private view returns (InferenceSettlement.Inference memory) {
        uint256[] memory instances = new uint256[](1);
        instances[0] = value;
        return InferenceSettlement.Inference({
            circuitId: which.circuitId(), salt: salt, blobId: BLOB, instances: instances, proof: which.prove(instances)
        });
    }

    function _settledAt(InferenceSettlement.Inference memory inference, address requester) private view returns (uint256) {
        bytes32 requestId = settlement.requestIdOf(requester, inference.salt);
        return settlement.settledAt(inference.circuitId, requestId, settlement.statementOf(inference.instances));
    }

    function _expectSettledAlready(InferenceSettlement.Inference memory inference) private {
        bytes32 requestId = settlement.requestIdOf(ALICE, inference.salt);
        bytes32 statement = settlement.statementOf(inference.instances);
        VM.expectRevert(abi.encodeWithSelector(InferenceSettlement.AlreadySettled.selector, inference.circuitId, requestId, statement));
    }
}
