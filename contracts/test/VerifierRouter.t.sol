// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";
import { Pausable } from "@openzeppelin/contracts/utils/Pausable.sol";
import { IVerifier } from "../src/IVerifier.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { Test } from "./Test.sol";
import { DigestVerifier } from "./verifiers/DigestVerifier.sol";
import { Bombing, Burning, Garbled, Lying, Reverting } from "./verifiers/Malicious.sol";

contract VerifierRouterTest is Test {
    uint40 private constant DELAY = 2 days;
    address private constant ADMIN = address(0xad);
    address private constant REGISTRAR = address(0x4e6);
    address private constant GUARDIAN = address(0x64a);
    bytes32 private constant CIRCUIT = keccak256("circuit");

    VerifierRouter private router;
    DigestVerifier private verifier;
    uint256[] private instances;
    bytes private proof;

    function setUp() public {
        VM.warp(1_700_000_000);
        router = new VerifierRouter(DELAY, ADMIN, REGISTRAR, GUARDIAN);
        verifier = new DigestVerifier(CIRCUIT, 2);
        instances = [3, 4];
        proof = verifier.prove(instances);
    }

    function test_a_delay_that_nobody_could_watch_or_outlive_is_refused() public {
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.DelayOutOfRange.selector, 1 hours - 1));
        new VerifierRouter(1 hours - 1, ADMIN, REGISTRAR, GUARDIAN);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.DelayOutOfRange.selector, 365 days + 1));
        new VerifierRouter(365 days + 1, ADMIN, REGISTRAR, GUARDIAN);
    }

    function test_a_role_for_nobody_is_refused() public {
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.RoleForNobody.selector));
        new VerifierRouter(DELAY, ADMIN, address(0), GUARDIAN);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.RoleForNobody.selector));
        new VerifierRouter(DELAY, ADMIN, REGISTRAR, address(0));
    }

    function test_a_role_taken_away_is_gone() public {
        bytes32 guardian = router.GUARDIAN_ROLE();
        VM.prank(ADMIN);
        router.revokeRole(guardian, GUARDIAN);
        _expectMissingRole(GUARDIAN, guardian);
        VM.prank(GUARDIAN);
        router.pause();
    }

    function test_the_administrator_changes_in_two_steps_and_not_before_the_delay() public {
        VM.prank(ADMIN);
        router.beginDefaultAdminTransfer(REGISTRAR);
        VM.startPrank(REGISTRAR);
        VM.warp(block.timestamp + DELAY);
        VM.expectRevert();
        router.acceptDefaultAdminTransfer();
        VM.assertEq(router.defaultAdmin(), ADMIN, "too early");
        VM.warp(block.timestamp + 1);
        router.acceptDefaultAdminTransfer();
        VM.assertEq(router.defaultAdmin(), REGISTRAR, "after the delay");
        VM.stopPrank();
    }

    function test_the_verdict_is_that_of_the_registered_verifier() public {
        _register(CIRCUIT, verifier);
        VM.assertTrue(router.verify(CIRCUIT, proof, instances), "accepted");
        instances[0] = 5;
        VM.assertTrue(!router.verify(CIRCUIT, proof, instances), "rejected");
        VM.assertEq(address(router.verifierOf(CIRCUIT)), address(verifier), "verifierOf");
        VM.assertEq(router.entryOf(CIRCUIT).codeHash, address(verifier).codehash, "codeHash");
    }

    function test_malformed_is_passed_on_as_the_verifier_says_it() public {
        _register(CIRCUIT, verifier);
        VM.expectRevert(abi.encodeWithSelector(IVerifier.MalformedProof.selector, 31));
        router.verify(CIRCUIT, new bytes(31), instances);
        instances.push(1);
        VM.expectRevert(abi.encodeWithSelector(IVerifier.MalformedInstances.selector, 3));
        router.verify(CIRCUIT, proof, instances);
    }

    function test_an_unknown_circuit_is_named() public {
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, CIRCUIT));
        router.verify(CIRCUIT, proof, instances);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, CIRCUIT));
        VM.prank(REGISTRAR);
        router.retire(CIRCUIT);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, CIRCUIT));
        VM.prank(GUARDIAN);
        router.stop(CIRCUIT);
    }

    function test_a_verifier_of_another_circuit_is_not_registered() public {
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.WrongCircuit.selector, CIRCUIT));
        VM.prank(REGISTRAR);
        router.register(keccak256("other"), verifier);
    }

    function test_an_address_without_code_is_not_registered() public {
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAContract.selector, address(0xdead)));
        VM.prank(REGISTRAR);
        router.register(CIRCUIT, IVerifier(address(0xdead)));
    }

    function test_a_circuit_in_service_keeps_its_verifier() public {
        _register(CIRCUIT, verifier);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.AlreadyRegistered.selector, CIRCUIT));
        VM.prank(REGISTRAR);
        router.register(CIRCUIT, verifier);
    }

    function test_retirement_takes_effect_after_the_delay_and_not_before() public {
        _register(CIRCUIT, verifier);
        uint256 retiredFrom = block.timestamp + DELAY;
        VM.expectEmit(address(router));
        emit VerifierRouter.RetirementAnnounced(CIRCUIT, verifier, retiredFrom);
        VM.prank(REGISTRAR);
        router.retire(CIRCUIT);
        VM.warp(retiredFrom - 1);
        VM.assertTrue(router.verify(CIRCUIT, proof, instances), "last second");
        VM.assertTrue(router.status(CIRCUIT) == VerifierRouter.Status.Retiring, "retiring");
        VM.warp(retiredFrom);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Retired.selector, CIRCUIT, retiredFrom));
        router.verify(CIRCUIT, proof, instances);
    }

    function test_retirement_can_be_cancelled_until_it_takes_effect() public {
        _register(CIRCUIT, verifier);
        VM.startPrank(REGISTRAR);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.RetirementNotAnnounced.selector, CIRCUIT));
        router.cancelRetirement(CIRCUIT);
        router.retire(CIRCUIT);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.RetirementAlreadyAnnounced.selector, CIRCUIT, block.timestamp + DELAY));
        router.retire(CIRCUIT);
        router.cancelRetirement(CIRCUIT);
        VM.assertTrue(router.status(CIRCUIT) == VerifierRouter.Status.Active, "active again");
        router.retire(CIRCUIT);
        VM.warp(block.timestamp + DELAY);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Retired.selector, CIRCUIT, block.timestamp));
        router.cancelRetirement(CIRCUIT);
        VM.stopPrank();
    }

    function test_a_stop_is_at_once_and_for_good() public {
        _register(CIRCUIT, verifier);
        VM.expectEmit(address(router));
        emit VerifierRouter.VerifierStopped(CIRCUIT, verifier);
        VM.prank(GUARDIAN);
        router.stop(CIRCUIT);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Stopped.selector, CIRCUIT));
        router.verify(CIRCUIT, proof, instances);
        VM.startPrank(REGISTRAR);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Stopped.selector, CIRCUIT));
        router.cancelRetirement(CIRCUIT);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Stopped.selector, CIRCUIT));
        router.retire(CIRCUIT);
        VM.stopPrank();
    }

    function test_a_replacement_waits_and_can_be_stopped_while_it_waits() public {
        _register(CIRCUIT, verifier);
        VM.prank(GUARDIAN);
        router.stop(CIRCUIT);
        DigestVerifier other = new DigestVerifier(CIRCUIT, 2);
        uint256 activeFrom = block.timestamp + DELAY;
        VM.expectEmit(address(router));
        emit VerifierRouter.VerifierRegistered(CIRCUIT, other, activeFrom);
        _register(CIRCUIT, other);
        VM.assertTrue(router.status(CIRCUIT) == VerifierRouter.Status.Pending, "pending");
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.NotYetActive.selector, CIRCUIT, activeFrom));
        router.verify(CIRCUIT, proof, instances);
        VM.warp(activeFrom);
        VM.assertTrue(router.verify(CIRCUIT, proof, instances), "after the delay");

        VM.prank(GUARDIAN);
        router.stop(CIRCUIT);
        _register(CIRCUIT, verifier);
        VM.prank(GUARDIAN);
        router.stop(CIRCUIT);
        VM.warp(block.timestamp + DELAY);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Stopped.selector, CIRCUIT));
        router.verify(CIRCUIT, proof, instances);
    }

    function test_a_pause_silences_every_circuit_and_only_the_admin_ends_it() public {
        _register(CIRCUIT, verifier);
        VM.prank(GUARDIAN);
        router.pause();
        VM.expectRevert(abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        router.verify(CIRCUIT, proof, instances);
        _expectMissingRole(GUARDIAN, router.DEFAULT_ADMIN_ROLE());
        VM.prank(GUARDIAN);
        router.unpause();
        VM.prank(ADMIN);
        router.unpause();
        VM.assertTrue(router.verify(CIRCUIT, proof, instances), "after the pause");
    }

    function testFuzz_nobody_without_a_role_changes_anything(address caller) public {
        VM.assume(caller != ADMIN && caller != REGISTRAR && caller != GUARDIAN);
        _register(CIRCUIT, verifier);
        bytes32 registrar = router.REGISTRAR_ROLE();
        bytes32 guardian = router.GUARDIAN_ROLE();
        VM.startPrank(caller);
        _expectMissingRole(caller, registrar);
        router.register(keccak256("other"), verifier);
        _expectMissingRole(caller, registrar);
        router.retire(CIRCUIT);
        _expectMissingRole(caller, registrar);
        router.cancelRetirement(CIRCUIT);
        _expectMissingRole(caller, guardian);
        router.stop(CIRCUIT);
        _expectMissingRole(caller, guardian);
        router.pause();
        _expectMissingRole(caller, bytes32(0));
        router.unpause();
        _expectMissingRole(caller, bytes32(0));
        router.grantRole(registrar, caller);
        VM.stopPrank();
    }

    function test_roles_do_not_cover_each_other() public {
        _register(CIRCUIT, verifier);
        bytes32 registrar = router.REGISTRAR_ROLE();
        bytes32 guardian = router.GUARDIAN_ROLE();
        _expectMissingRole(REGISTRAR, guardian);
        VM.prank(REGISTRAR);
        router.stop(CIRCUIT);
        _expectMissingRole(GUARDIAN, registrar);
        VM.prank(GUARDIAN);
        router.retire(CIRCUIT);
        _expectMissingRole(ADMIN, registrar);
        VM.prank(ADMIN);
        router.retire(CIRCUIT);
    }

    function test_code_that_changed_under_its_address_is_not_believed() public {
        _register(CIRCUIT, verifier);
        VM.etch(address(verifier), address(new Lying(CIRCUIT)).code);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.CodeChanged.selector, CIRCUIT));
        router.verify(CIRCUIT, proof, instances);
    }

    function test_a_verifier_that_states_another_circuit_later_stays_where_it_was_registered() public {
        Lying lying = new Lying(CIRCUIT);
        _register(CIRCUIT, lying);
        bytes32 other = keccak256("other");
        lying.become(other);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, other));
        router.verify(other, proof, instances);
    }

    function test_an_error_of_the_verifiers_own_is_passed_on() public {
        _register(CIRCUIT, new Reverting(CIRCUIT));
        VM.expectRevert(abi.encodeWithSelector(Reverting.NotToday.selector, 7));
        router.verify(CIRCUIT, proof, instances);
    }

    /// 2 is no bool, 31 bytes are no word: neither may pass for true.
    function testFuzz_an_answer_that_is_no_bool_is_no_verdict(uint256 word, uint256 length) public {
        length = bound(length, 0, 64);
        _register(CIRCUIT, new Garbled(CIRCUIT, word, length));
        bool isVerdict = length >= 32 && word < 2;
        try router.verify(CIRCUIT, proof, instances) returns (bool accepted) {
            VM.assertTrue(isVerdict, "garbage was taken for a verdict");
            VM.assertEq(accepted, word == 1, "verdict");
        } catch (bytes memory reason) {
            VM.assertTrue(!isVerdict, "a verdict was refused");
            VM.assertEq(reason.length, 0, "reason");
        }
    }

    function test_a_verifier_that_burns_its_gas_leaves_its_caller_some() public {
        _register(CIRCUIT, new Burning(CIRCUIT));
        uint256 before = gasleft();
        try router.verify{ gas: 1_000_000 }(CIRCUIT, proof, instances) returns (bool) {
            revert("a verdict out of nothing");
        } catch { }
        VM.assertTrue(before - gasleft() < 1_100_000, "more than was given");
    }

    function test_a_huge_reason_costs_no_more_than_was_given() public {
        _register(CIRCUIT, new Bombing(CIRCUIT));
        uint256 before = gasleft();
        try router.verify{ gas: 1_000_000 }(CIRCUIT, proof, instances) returns (bool) {
            revert("a verdict out of nothing");
        } catch { }
        VM.assertTrue(before - gasleft() < 1_100_000, "more than was given");
    }

    /// The scratch space, the free memory and the zero slot's neighbours full of ones: the call is encoded over them.
    function testFuzz_memory_that_the_caller_dirtied_does_not_matter(bytes32 dirt, uint16 words) public {
        _register(CIRCUIT, verifier);
        bytes memory good = proof;
        uint256[] memory values = instances;
        assembly ("memory-safe") {
            mstore(0x00, dirt)
            mstore(0x20, dirt)
            let free := mload(0x40)
            for { let i := 0 } lt(i, words) { i := add(i, 1) } { mstore(add(free, shl(5, i)), dirt) }
        }
        VM.assertTrue(router.verify(CIRCUIT, good, values), "accepted");
    }

    function _register(bytes32 circuitId, IVerifier which) private {
        VM.prank(REGISTRAR);
        router.register(circuitId, which);
    }

    function _expectMissingRole(address account, bytes32 role) private {
        VM.expectRevert(abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, account, role));
    }
}
