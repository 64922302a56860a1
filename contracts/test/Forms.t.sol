// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { IVerifier } from "../src/IVerifier.sol";
import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { Fixture } from "./Fixture.sol";
import { Verifier as PartsVerifier } from "./fixtures/parts/Verifier.sol";
import { VerifierPart0 } from "./fixtures/parts/VerifierPart0.sol";
import { Verifier as SplitVerifier } from "./fixtures/split/Verifier.sol";
import { VerifierKey } from "./fixtures/split/VerifierKey.sol";
import { IUniversalVerifier } from "./fixtures/universal/IUniversalVerifier.sol";
import { UniversalVerifier } from "./fixtures/universal/UniversalVerifier.sol";
import { Verifier as Adapter } from "./fixtures/universal/Verifier.sol";
import { VerifierKey0 } from "./fixtures/universal/VerifierKey0.sol";

/// @title One circuit, four contracts: a caller cannot tell the forms apart but by their gas
/// forge-config: default.fuzz.runs = 32
/// forge-config: long.fuzz.runs = 300
contract FormsTest is Fixture {
    IVerifier private split;
    IVerifier private parts;
    IVerifier private universal;
    UniversalVerifier private shared;

    function setUp() public override {
        super.setUp();
        split = IVerifier(address(new SplitVerifier(address(new VerifierKey()))));
        parts = IVerifier(address(new PartsVerifier(address(new VerifierKey()), address(new VerifierPart0()))));
        shared = new UniversalVerifier();
        universal = IVerifier(address(new Adapter(IUniversalVerifier(address(shared)), address(new VerifierKey0()))));
    }

    function test_the_forms_state_one_circuit() public view {
        VM.assertEq(split.circuitId(), circuitId, "split");
        VM.assertEq(parts.circuitId(), circuitId, "parts");
        VM.assertEq(universal.circuitId(), circuitId, "universal");
        VM.assertEq(split.instanceCount(), instances.length, "split");
        VM.assertEq(parts.instanceCount(), instances.length, "parts");
        VM.assertEq(universal.instanceCount(), instances.length, "universal");
    }

    function test_every_form_accepts_the_proof_and_rejects_another_output() public {
        _same(proof, instances);
        VM.assertTrue(split.verifyProof(proof, instances), "split");
        VM.assertTrue(parts.verifyProof(proof, instances), "parts");
        VM.assertTrue(universal.verifyProof(proof, instances), "universal");
        instances[4] += 1;
        _same(proof, instances);
        VM.assertTrue(!split.verifyProof(proof, instances), "split");
        VM.assertTrue(!parts.verifyProof(proof, instances), "parts");
        VM.assertTrue(!universal.verifyProof(proof, instances), "universal");
    }

    function testFuzz_a_changed_byte_gets_one_answer(uint256 offset, uint8 change) public view {
        bytes memory changed = proof;
        offset = bound(offset, 0, proof.length - 1);
        changed[offset] = bytes1(uint8(changed[offset]) ^ change);
        _same(changed, instances);
    }

    function testFuzz_a_random_word_gets_one_answer(uint256 offset, uint256 word) public view {
        bytes memory changed = proof;
        offset = 32 * bound(offset, 0, proof.length / 32 - 1);
        assembly ("memory-safe") {
            mstore(add(add(changed, 32), offset), word)
        }
        _same(changed, instances);
    }

    function testFuzz_a_random_instance_gets_one_answer(uint256 which, uint256 value) public {
        instances[bound(which, 0, instances.length - 1)] = value;
        _same(proof, instances);
    }

    function testFuzz_other_sizes_get_one_answer(uint256 length, uint256 count) public view {
        bytes memory changed = new bytes(bound(length, 0, proof.length + 64));
        uint256[] memory values = new uint256[](bound(count, 0, 2 * instances.length));
        _same(changed, instances);
        _same(proof, values);
        _same(changed, values);
    }

    function test_a_key_of_something_else_is_refused_when_it_is_deployed() public {
        address other = address(new VerifierKey0());
        VM.expectRevert(abi.encodeWithSelector(IVerifier.WrongKey.selector, other.codehash));
        new SplitVerifier(other);
        other = address(new VerifierKey());
        VM.expectRevert(abi.encodeWithSelector(IVerifier.WrongKey.selector, keccak256(abi.encode(other.codehash))));
        new Adapter(IUniversalVerifier(address(shared)), other);
        VM.expectRevert(abi.encodeWithSelector(IVerifier.WrongKey.selector, address(0xdead).codehash));
        new SplitVerifier(address(0xdead));
        other = address(new VerifierKey());
        VM.expectRevert(abi.encodeWithSelector(IVerifier.WrongKey.selector, other.codehash));
        new PartsVerifier(other, other);
    }

    /// Whose code is exchanged after the deployment, as no chain allows, is found at the next call.
    function test_a_part_of_something_else_is_refused_when_it_is_called() public {
        address key = address(new VerifierKey());
        address part = address(new VerifierPart0());
        IVerifier own = IVerifier(address(new PartsVerifier(key, part)));
        VM.assertTrue(own.verifyProof(proof, instances), "its own");
        VM.etch(part, hex"5f5f5260205ff3");
        VM.expectRevert(abi.encodeWithSelector(IVerifier.WrongKey.selector, part.codehash));
        own.verifyProof(proof, instances);
    }

    /// Whoever calls the shared contract states the key's digest: a key of another circuit does not pass for it.
    function testFuzz_the_shared_verifier_takes_no_key_but_the_one_stated(bytes32 digest) public {
        address[] memory key = new address[](1);
        key[0] = address(new VerifierKey0());
        bytes32 found = keccak256(abi.encode(key[0].codehash));
        VM.assume(digest != found);
        VM.assertTrue(shared.verify(key, found, proof, instances), "its own");
        VM.expectRevert(abi.encodeWithSelector(IVerifier.WrongKey.selector, found));
        shared.verify(key, digest, proof, instances);
    }

    function test_every_form_serves_router_and_settlement() public {
        IVerifier[3] memory forms = [split, parts, universal];
        for (uint256 i = 0; i < forms.length; ++i) {
            VerifierRouter other = new VerifierRouter(1 days, address(this), address(this), address(this));
            other.register(circuitId, forms[i]);
            InferenceSettlement record = new InferenceSettlement(other);
            InferenceSettlement.Inference[] memory one = new InferenceSettlement.Inference[](1);
            one[0] = InferenceSettlement.Inference({ circuitId: circuitId, salt: 0, blobId: 0, instances: instances, proof: proof });
            record.settle(one);
            bytes32 requestId = record.requestIdOf(address(this), 0);
            VM.assertEq(record.settledAt(circuitId, requestId, record.statementOf(instances)), block.timestamp, "settled");
        }
    }

    /// A precompile that runs out of gas must not look like an equation that fails.
    function test_too_little_gas_is_no_verdict_in_any_form() public view {
        IVerifier[3] memory forms = [split, parts, universal];
        for (uint256 i = 0; i < forms.length; ++i) {
            for (uint256 gas_ = 20_000; gas_ < 900_000; gas_ += 34_567) {
                try forms[i].verifyProof{ gas: gas_ }(proof, instances) returns (bool accepted) {
                    VM.assertTrue(accepted, "a good proof was rejected for lack of gas");
                } catch { }
            }
        }
    }

    /// Verdict, error and its argument are the same in every form.
    function _same(bytes memory sent, uint256[] memory values) private view {
        bytes memory call = abi.encodeCall(IVerifier.verifyProof, (sent, values));
        (bool done, bytes memory answer) = address(verifier).staticcall(call);
        (bool splitDone, bytes memory splitAnswer) = address(split).staticcall(call);
        (bool partsDone, bytes memory partsAnswer) = address(parts).staticcall(call);
        (bool universalDone, bytes memory universalAnswer) = address(universal).staticcall(call);
        VM.assertTrue(done == splitDone && keccak256(answer) == keccak256(splitAnswer), "split");
        VM.assertTrue(done == partsDone && keccak256(answer) == keccak256(partsAnswer), "parts");
        VM.assertTrue(done == universalDone && keccak256(answer) == keccak256(universalAnswer), "universal");
    }
}
