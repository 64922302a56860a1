// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { Ownable, Ownable2Step } from "@openzeppelin/contracts/access/Ownable2Step.sol";
import { FixedPoint } from "../FixedPoint.sol";
import { InferenceSettlement } from "../InferenceSettlement.sol";

/// @title An example of a consumer: credit for those whom a model scores high enough
/// @notice It acts only on an inference (a) of the circuit that it was made for, (b) on the input that its owner stated for the
/// applicant, (c) settled by the applicant, (d) whose verifier is still trusted, and (e) on each stated input once. Leave one of
/// these out and the contract can be made to act on a proof of something else.
/// @dev A circuit's public inputs come first, its public outputs after them; one of these is the score.
contract CreditLimit is Ownable2Step {
    /// @notice Where the inferences are settled.
    InferenceSettlement public immutable SETTLEMENT;
    /// @notice The only circuit whose scores count.
    bytes32 public immutable CIRCUIT_ID;
    /// @notice How many public values are the input.
    uint256 public immutable INPUT_COUNT;
    /// @notice Which public value is the score.
    uint256 public immutable SCORE_INDEX;
    /// @notice Binary digits after the point of the score.
    int256 public immutable SCORE_SCALE;
    /// @notice The least score that gives credit, in WAD.
    int256 public immutable THRESHOLD;

    /// @notice The digest of the input on which an applicant may be scored; zero when there is none.
    mapping(address applicant => bytes32 digest) public statedInput;
    /// @notice The score of an applicant with credit, in WAD; zero for others (a threshold is positive).
    mapping(address applicant => int256 score) public scoreOf;

    /// @notice An applicant is to be scored on an input.
    event InputStated(address indexed applicant, bytes32 indexed digest);
    /// @notice An applicant was given credit.
    event CreditGiven(address indexed applicant, bytes32 indexed requestId, int256 score);

    error ThresholdNotPositive(int256 threshold);
    error ScoreIsAnInput(uint256 index);
    error TooFewInstances(uint256 found);
    error WrongInput(bytes32 found);
    error NotProved(bytes32 requestId, bytes32 statement);
    error ScoreTooLow(int256 score);

    /// @notice Makes a contract that gives credit to nobody yet.
    /// @param settlement where the inferences are settled
    /// @param circuitId the only circuit whose scores count
    /// @param inputCount how many public values, the first ones, are the input
    /// @param scoreIndex which of the later public values is the score
    /// @param scoreScale binary digits after the point of the score
    /// @param threshold the least score that gives credit, in WAD
    /// @param owner states the inputs
    constructor(
        InferenceSettlement settlement,
        bytes32 circuitId,
        uint256 inputCount,
        uint256 scoreIndex,
        int256 scoreScale,
        int256 threshold,
        address owner
    ) Ownable(owner) {
        if (scoreIndex < inputCount) revert ScoreIsAnInput(scoreIndex);
        if (threshold <= 0) revert ThresholdNotPositive(threshold);
        SETTLEMENT = settlement;
        CIRCUIT_ID = circuitId;
        INPUT_COUNT = inputCount;
        SCORE_INDEX = scoreIndex;
        SCORE_SCALE = scoreScale;
        THRESHOLD = threshold;
    }

    /// @notice States on which input an applicant may be scored, instead of any input stated before.
    /// @param applicant who is to be scored
    /// @param digest what `inputDigestOf` gives for the input
    function stateInput(address applicant, bytes32 digest) external onlyOwner {
        statedInput[applicant] = digest;
        emit InputStated(applicant, digest);
    }

    /// @notice Gives the caller credit for a score that the caller has settled.
    /// @param salt the salt with which the caller settled it
    /// @param instances all public values of the proof
    function claim(bytes32 salt, uint256[] calldata instances) external {
        // That there are not too many either is the verifier's business: what it refused is not settled.
        if (instances.length <= SCORE_INDEX) revert TooFewInstances(instances.length);
        bytes32 digest = inputDigestOf(instances[:INPUT_COUNT]);
        if (digest != statedInput[msg.sender]) revert WrongInput(digest);
        bytes32 requestId = SETTLEMENT.requestIdOf(msg.sender, salt);
        bytes32 statement = SETTLEMENT.statementOf(instances);
        if (SETTLEMENT.settledAt(CIRCUIT_ID, requestId, statement) == 0) revert NotProved(requestId, statement);
        // Reverts with the router's error when the verifier was stopped or retired since.
        SETTLEMENT.ROUTER().verifierOf(CIRCUIT_ID);
        int256 score = FixedPoint.elementToWad(instances[SCORE_INDEX], SCORE_SCALE);
        if (score < THRESHOLD) revert ScoreTooLow(score);

        delete statedInput[msg.sender];
        scoreOf[msg.sender] = score;
        emit CreditGiven(msg.sender, requestId, score);
    }

    /// @notice The digest of an input.
    /// @param input the public values that are the input
    /// @return Keccak-256 of the values, 32 bytes each
    function inputDigestOf(uint256[] calldata input) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(input));
    }
}
