// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { FixedPoint } from "../src/FixedPoint.sol";
import { IVerifier } from "../src/IVerifier.sol";
import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { CreditLimit } from "../src/examples/CreditLimit.sol";
import { Fixture } from "./Fixture.sol";

/// @title The whole path with a generated verifier and a proof that EZKL made: verify, settle, act
/// @notice A verification takes milliseconds here, hence fewer runs than elsewhere.
/// forge-config: default.fuzz.runs = 48
/// forge-config: long.fuzz.runs = 300
contract RealProofTest is Fixture {
    bytes32 private constant SALT = keccak256("salt");
    address private constant ALICE = address(0xa11ce);
    address private constant EVE = address(0xe7e);

    function test_the_verifier_states_its_circuit() public view {
        VM.assertEq(verifier.circuitId(), circuitId, "circuitId");
        VM.assertEq(verifier.instanceCount(), instances.length, "instanceCount");
    }

    function test_the_proof_is_accepted_alone_and_through_the_router() public view {
        VM.assertTrue(verifier.verifyProof(proof, instances), "alone");
        VM.assertTrue(router.verify(circuitId, proof, instances), "router");
    }

    function test_settled_once_and_acted_upon_once() public {
        InferenceSettlement.Inference[] memory one = _one();
        CreditLimit credit = new CreditLimit(settlement, circuitId, 3, 4, 7, 1e18, address(this));
        bytes32 digest = keccak256(abi.encode(instances[0], instances[1], instances[2]));
        credit.stateInput(ALICE, digest);
        VM.startPrank(ALICE);
        settlement.settle(one);
        credit.claim(SALT, instances);
        // 132/2^7, the second output.
        VM.assertEq(credit.scoreOf(ALICE), int256(1.03125e18), "score");

        bytes32 requestId = settlement.requestIdOf(ALICE, SALT);
        bytes32 statement = settlement.statementOf(instances);
        VM.expectRevert(abi.encodeWithSelector(InferenceSettlement.AlreadySettled.selector, circuitId, requestId, statement));
        settlement.settle(one);
        VM.expectRevert(abi.encodeWithSelector(CreditLimit.WrongInput.selector, digest));
        credit.claim(SALT, instances);
        VM.stopPrank();
    }

    function test_a_negative_output_is_a_negative_number() public view {
        VM.assertEq(FixedPoint.elementToWad(instances[3], 7), int256(-0.6484375e18), "-83/2^7");
    }

    function test_a_copied_proof_settles_nothing_of_alices() public {
        InferenceSettlement.Inference[] memory one = _one();
        VM.prank(EVE);
        settlement.settle(one);
        bytes32 statement = settlement.statementOf(instances);
        VM.assertEq(settlement.settledAt(circuitId, settlement.requestIdOf(ALICE, SALT), statement), 0, "Alice's request");
        VM.prank(ALICE);
        settlement.settle(one);
        VM.assertTrue(settlement.settledAt(circuitId, settlement.requestIdOf(ALICE, SALT), statement) != 0, "Alice's own");
    }

    /// A better score than the proved one: well formed, and false.
    function testFuzz_no_other_output_is_accepted(uint256 output, uint256 which) public view {
        which = bound(which, 3, 4);
        output = bound(output, 0, FixedPoint.R - 1);
        VM.assume(output != instances[which]);
        uint256[] memory changed = instances;
        changed[which] = output;
        VM.assertTrue(!verifier.verifyProof(proof, changed), "accepted");
    }

    /// v and v + r are one field element: if both were taken, one statement would have two digests and settle twice.
    function testFuzz_a_second_form_of_a_value_is_malformed(uint256 which, uint256 multiple) public {
        which = bound(which, 0, instances.length - 1);
        uint256 most = (type(uint256).max - instances[which]) / FixedPoint.R;
        instances[which] += bound(multiple, 1, most) * FixedPoint.R;
        VM.expectRevert(abi.encodeWithSelector(IVerifier.MalformedInstances.selector, which));
        verifier.verifyProof(proof, instances);
        InferenceSettlement.Inference[] memory one = _one();
        VM.expectRevert(abi.encodeWithSelector(IVerifier.MalformedInstances.selector, which));
        settlement.settle(one);
    }

    function testFuzz_a_changed_byte_is_rejected_or_malformed(uint256 offset, uint8 change) public view {
        offset = bound(offset, 0, proof.length - 1);
        VM.assume(change != 0);
        bytes memory changed = proof;
        changed[offset] = bytes1(uint8(changed[offset]) ^ change);
        _notAccepted(changed, instances);
    }

    /// Every word of the proof by the other words of it: canonical values, in the wrong place.
    function testFuzz_a_word_in_another_words_place_is_not_accepted(uint256 from, uint256 to) public view {
        bytes memory changed = proof;
        from = 32 * bound(from, 0, proof.length / 32 - 1);
        to = 32 * bound(to, 0, proof.length / 32 - 1);
        uint256 word;
        assembly ("memory-safe") {
            word := mload(add(add(changed, 32), from))
        }
        VM.assume(bytes32(word) != _word(changed, to));
        assembly ("memory-safe") {
            mstore(add(add(changed, 32), to), word)
        }
        _notAccepted(changed, instances);
    }

    function testFuzz_another_length_is_malformed(uint256 length) public {
        length = bound(length, 0, proof.length + 64);
        VM.assume(length != proof.length);
        bytes memory changed = new bytes(length);
        for (uint256 i = 0; i < length && i < proof.length; ++i) {
            changed[i] = proof[i];
        }
        VM.expectRevert(abi.encodeWithSelector(IVerifier.MalformedProof.selector, length));
        verifier.verifyProof(changed, instances);
    }

    function testFuzz_another_count_is_malformed(uint256 count) public {
        count = bound(count, 0, 2 * instances.length);
        VM.assume(count != instances.length);
        uint256[] memory changed = new uint256[](count);
        for (uint256 i = 0; i < count && i < instances.length; ++i) {
            changed[i] = instances[i];
        }
        VM.expectRevert(abi.encodeWithSelector(IVerifier.MalformedInstances.selector, count));
        verifier.verifyProof(proof, changed);
    }

    /// The caller's own memory is full of `dirt`, its scratch space too. The verifier has memory of its own; this shows that a
    /// call through the router from such a caller is encoded right.
    function testFuzz_memory_that_the_caller_dirtied_does_not_matter(bytes32 dirt, uint16 words) public view {
        bytes memory sent = proof;
        uint256[] memory values = instances;
        assembly ("memory-safe") {
            mstore(0x00, dirt)
            mstore(0x20, dirt)
            let free := mload(0x40)
            for { let i := 0 } lt(i, words) { i := add(i, 1) } { mstore(add(free, shl(5, i)), dirt) }
        }
        VM.assertTrue(router.verify(circuitId, sent, values), "router");
        VM.assertTrue(verifier.verifyProof(sent, values), "alone");
        values[4] += 1;
        VM.assertTrue(!verifier.verifyProof(sent, values), "rejected");
    }

    /// A precompile that runs out of gas must not look like an equation that fails: the one is no verdict, the other is false.
    function test_too_little_gas_is_no_verdict() public view {
        for (uint256 gas_ = 20_000; gas_ < 500_000; gas_ += 23_456) {
            try verifier.verifyProof{ gas: gas_ }(proof, instances) returns (bool accepted) {
                VM.assertTrue(accepted, "a good proof was rejected for lack of gas");
            } catch { }
        }
    }

    function _one() private view returns (InferenceSettlement.Inference[] memory one) {
        one = new InferenceSettlement.Inference[](1);
        one[0] = InferenceSettlement.Inference({
            circuitId: circuitId, salt: SALT, blobId: keccak256("blob"), instances: instances, proof: proof
        });
    }

    function _word(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), offset))
        }
    }

    function _notAccepted(bytes memory changed, uint256[] memory values) private view {
        try verifier.verifyProof(changed, values) returns (bool accepted) {
            VM.assertTrue(!accepted, "accepted");
        } catch (bytes memory reason) {
            VM.assertEq(bytes32(bytes4(reason)), bytes32(IVerifier.MalformedProof.selector), "another error");
        }
    }
}
