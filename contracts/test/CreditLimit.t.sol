// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { FixedPoint } from "../src/FixedPoint.sol";
import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { CreditLimit } from "../src/examples/CreditLimit.sol";
import { Test } from "./Test.sol";
import { DigestVerifier } from "./verifiers/DigestVerifier.sol";

contract CreditLimitTest is Test {
    bytes32 private constant CIRCUIT = keccak256("score");
    bytes32 private constant SALT = keccak256("salt");
    address private constant OWNER = address(0x0e7);
    address private constant ALICE = address(0xa11ce);
    address private constant EVE = address(0xe7e);
    int256 private constant SCALE = 7;

    VerifierRouter private router;
    InferenceSettlement private settlement;
    CreditLimit private credit;
    DigestVerifier private verifier;

    function setUp() public {
        VM.warp(1_700_000_000);
        router = new VerifierRouter(1 days, address(this), address(this), address(this));
        settlement = new InferenceSettlement(router);
        verifier = new DigestVerifier(CIRCUIT, 3);
        router.register(CIRCUIT, verifier);
        credit = new CreditLimit(settlement, CIRCUIT, 2, 2, SCALE, 0.5e18, OWNER);
    }

    function test_a_threshold_that_everybody_reaches_is_refused() public {
        VM.expectRevert(abi.encodeWithSelector(CreditLimit.ThresholdNotPositive.selector, int256(0)));
        new CreditLimit(settlement, CIRCUIT, 2, 2, SCALE, 0, OWNER);
    }

    function test_a_proved_score_on_the_stated_input_gives_credit_once() public {
        uint256[] memory statement = _statement(96);
        _state(ALICE, statement);
        _settle(verifier, ALICE, statement);
        VM.expectEmit(address(credit));
        emit CreditLimit.CreditGiven(ALICE, settlement.requestIdOf(ALICE, SALT), 0.75e18);
        VM.prank(ALICE);
        credit.claim(SALT, statement);
        VM.assertEq(credit.scoreOf(ALICE), int256(0.75e18), "score");

        VM.expectRevert(abi.encodeWithSelector(CreditLimit.WrongInput.selector, _digest(statement)));
        VM.prank(ALICE);
        credit.claim(SALT, statement);
    }

    function test_a_score_that_nobody_proved_gives_nothing() public {
        uint256[] memory statement = _statement(96);
        _state(ALICE, statement);
        _expectNotProved(ALICE, statement);
        VM.prank(ALICE);
        credit.claim(SALT, statement);
    }

    function test_a_proved_score_with_another_number_in_its_place_gives_nothing() public {
        uint256[] memory statement = _statement(1);
        _state(ALICE, statement);
        _settle(verifier, ALICE, statement);
        uint256[] memory better = _statement(1000);
        _expectNotProved(ALICE, better);
        VM.prank(ALICE);
        credit.claim(SALT, better);
    }

    function test_a_proof_on_another_input_gives_nothing() public {
        _state(ALICE, _statement(96));
        uint256[] memory other = _statement(96);
        other[0] = 77;
        _settle(verifier, ALICE, other);
        VM.expectRevert(abi.encodeWithSelector(CreditLimit.WrongInput.selector, _digest(other)));
        VM.prank(ALICE);
        credit.claim(SALT, other);
    }

    function test_a_proof_of_another_circuit_gives_nothing() public {
        DigestVerifier kind = new DigestVerifier(keccak256("kinder score"), 3);
        router.register(keccak256("kinder score"), kind);
        uint256[] memory statement = _statement(96);
        _state(ALICE, statement);
        _settle(kind, ALICE, statement);
        _expectNotProved(ALICE, statement);
        VM.prank(ALICE);
        credit.claim(SALT, statement);
    }

    function test_what_alice_settled_gives_eve_nothing() public {
        uint256[] memory statement = _statement(96);
        _state(ALICE, statement);
        _settle(verifier, ALICE, statement);
        VM.expectRevert(abi.encodeWithSelector(CreditLimit.WrongInput.selector, _digest(statement)));
        VM.prank(EVE);
        credit.claim(SALT, statement);
        // Not even when the owner states the same input for her: she must have settled it herself.
        _state(EVE, statement);
        _expectNotProved(EVE, statement);
        VM.prank(EVE);
        credit.claim(SALT, statement);
    }

    function test_a_verifier_stopped_after_the_settlement_is_believed_no_longer() public {
        uint256[] memory statement = _statement(96);
        _state(ALICE, statement);
        _settle(verifier, ALICE, statement);
        router.stop(CIRCUIT);
        VM.expectRevert(abi.encodeWithSelector(VerifierRouter.Stopped.selector, CIRCUIT));
        VM.prank(ALICE);
        credit.claim(SALT, statement);
    }

    /// 64/2^7 is the threshold itself; one less, and every negative score, is below it.
    function testFuzz_only_a_score_at_the_threshold_or_above_gives_credit(int64 score) public {
        uint256[] memory statement = _statement(score);
        _state(ALICE, statement);
        _settle(verifier, ALICE, statement);
        int256 wad = FixedPoint.toWad(score, SCALE);
        if (score < 64) VM.expectRevert(abi.encodeWithSelector(CreditLimit.ScoreTooLow.selector, wad));
        VM.prank(ALICE);
        credit.claim(SALT, statement);
        VM.assertEq(credit.scoreOf(ALICE), score < 64 ? int256(0) : wad, "score");
    }

    function test_an_input_is_no_score() public {
        VM.expectRevert(abi.encodeWithSelector(CreditLimit.ScoreIsAnInput.selector, 1));
        new CreditLimit(settlement, CIRCUIT, 2, 1, SCALE, 0.5e18, OWNER);
    }

    function test_a_statement_without_the_score_is_refused() public {
        VM.expectRevert(abi.encodeWithSelector(CreditLimit.TooFewInstances.selector, 2));
        credit.claim(SALT, new uint256[](2));
    }

    function test_a_statement_with_more_behind_it_is_not_proved() public {
        uint256[] memory statement = _statement(96);
        _state(ALICE, statement);
        _settle(verifier, ALICE, statement);
        uint256[] memory longer = new uint256[](4);
        for (uint256 i = 0; i < 3; ++i) {
            longer[i] = statement[i];
        }
        _expectNotProved(ALICE, longer);
        VM.prank(ALICE);
        credit.claim(SALT, longer);
    }

    function test_only_the_owner_states_inputs() public {
        VM.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, EVE));
        VM.prank(EVE);
        credit.stateInput(EVE, bytes32(uint256(1)));
    }

    function _statement(int256 score) private pure returns (uint256[] memory statement) {
        statement = new uint256[](3);
        statement[0] = FixedPoint.toElement(-11);
        statement[1] = FixedPoint.toElement(12);
        statement[2] = FixedPoint.toElement(score);
    }

    function _digest(uint256[] memory statement) private pure returns (bytes32) {
        return keccak256(abi.encode(statement[0], statement[1]));
    }

    function _state(address applicant, uint256[] memory statement) private {
        VM.prank(OWNER);
        credit.stateInput(applicant, _digest(statement));
    }

    function _settle(DigestVerifier which, address requester, uint256[] memory statement) private {
        InferenceSettlement.Inference[] memory one = new InferenceSettlement.Inference[](1);
        one[0] = InferenceSettlement.Inference({
            circuitId: which.circuitId(), salt: SALT, blobId: 0, instances: statement, proof: which.prove(statement)
        });
        VM.prank(requester);
        settlement.settle(one);
    }

    function _expectNotProved(address requester, uint256[] memory statement) private {
        bytes32 requestId = settlement.requestIdOf(requester, SALT);
        VM.expectRevert(abi.encodeWithSelector(CreditLimit.NotProved.selector, requestId, settlement.statementOf(statement)));
    }
}
