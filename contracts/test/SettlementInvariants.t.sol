// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { Test } from "./Test.sol";
import { DigestVerifier } from "./verifiers/DigestVerifier.sol";

/// @title A few requesters settle, replay, copy and forge in any order, beside a plain record of what must be settled
/// @notice One transaction of up to three inferences; it must go through exactly when all are proved, none was settled before
/// and no two are alike.
contract SettlementHandler is Test {
    uint256 public constant REQUESTERS = 3;
    uint256 public constant CIRCUITS = 2;
    uint256 public constant SALTS = 2;
    uint256 public constant VALUES = 2;
    VerifierRouter public immutable ROUTER;
    InferenceSettlement public immutable SETTLEMENT;
    DigestVerifier[] private _verifiers;
    mapping(uint256 cell => uint256 timestamp) public plain;
    uint256 public settled;
    uint256 public clock = 1_700_000_000;
    bool public stopped;

    constructor() {
        VM.warp(clock);
        ROUTER = new VerifierRouter(1 days, address(this), address(this), address(this));
        SETTLEMENT = new InferenceSettlement(ROUTER);
        for (uint256 i = 0; i < CIRCUITS; ++i) {
            _verifiers.push(new DigestVerifier(keccak256(abi.encode("circuit", i)), 1));
            ROUTER.register(_verifiers[i].circuitId(), _verifiers[i]);
        }
    }

    /// The numbers that `cell` stands for: one for each inference of each requester.
    function inference(uint256 cell) public view returns (address requester, InferenceSettlement.Inference memory one) {
        requester = address(uint160(0x1000 + cell % REQUESTERS));
        cell /= REQUESTERS;
        DigestVerifier verifier = _verifiers[cell % CIRCUITS];
        cell /= CIRCUITS;
        uint256[] memory instances = new uint256[](1);
        instances[0] = cell / SALTS % VALUES;
        one = InferenceSettlement.Inference({
            circuitId: verifier.circuitId(), salt: bytes32(cell % SALTS), blobId: 0, instances: instances, proof: verifier.prove(instances)
        });
    }

    function cells() public pure returns (uint256) {
        return REQUESTERS * CIRCUITS * SALTS * VALUES;
    }

    function settle(uint256 requester, uint256[3] calldata picks, uint256 count, uint256 forged) external {
        clock += 12;
        VM.warp(clock);
        count = bound(count, 1, 3);
        requester = requester % REQUESTERS;
        InferenceSettlement.Inference[] memory batch = new InferenceSettlement.Inference[](count);
        uint256[] memory chosen = new uint256[](count);
        bool mustFail;
        for (uint256 i = 0; i < count; ++i) {
            chosen[i] = picks[i] % (cells() / REQUESTERS) * REQUESTERS + requester;
            (, batch[i]) = inference(chosen[i]);
            mustFail = mustFail || plain[chosen[i]] != 0 || (stopped && batch[i].circuitId == _verifiers[0].circuitId());
            for (uint256 j = 0; j < i; ++j) {
                mustFail = mustFail || chosen[i] == chosen[j];
            }
        }
        // One transaction in four has a forged proof in it.
        if (forged % 4 == 0) {
            batch[forged / 4 % count].proof = abi.encode(forged);
            mustFail = true;
        }
        VM.prank(address(uint160(0x1000 + requester)));
        try SETTLEMENT.settle(batch) {
            VM.assertTrue(!mustFail, "settled");
            for (uint256 i = 0; i < count; ++i) {
                plain[chosen[i]] = clock;
            }
            settled += count;
        } catch {
            VM.assertTrue(mustFail, "refused");
        }
    }

    /// Seldom, or most runs would settle little of the first circuit.
    function stop(uint256 dice) external {
        if (stopped || dice % 8 != 0) return;
        stopped = true;
        ROUTER.stop(_verifiers[0].circuitId());
    }
}

/// @title The record is what the handler's plain record says
/// forge-config: default.invariant.runs = 12
/// forge-config: long.invariant.runs = 32
contract SettlementInvariants is Test {
    SettlementHandler private handler;

    function setUp() public {
        handler = new SettlementHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// Every inference of every requester has the time at which the requester settled it, once, or none.
    function invariant_the_record_is_what_was_proved_once_each() public view {
        InferenceSettlement settlement = handler.SETTLEMENT();
        uint256 settled;
        for (uint256 cell = 0; cell < handler.cells(); ++cell) {
            (address requester, InferenceSettlement.Inference memory one) = handler.inference(cell);
            bytes32 requestId = settlement.requestIdOf(requester, one.salt);
            uint256 time = settlement.settledAt(one.circuitId, requestId, settlement.statementOf(one.instances));
            VM.assertEq(time, handler.plain(cell), "time");
            if (time != 0) ++settled;
        }
        VM.assertEq(settled, handler.settled(), "settled twice");
    }
}
