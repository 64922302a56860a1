// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { CreditLimit } from "../src/examples/CreditLimit.sol";
import { FixedPoint } from "../src/FixedPoint.sol";
import { Fixture } from "./Fixture.sol";
import { Test } from "./Test.sol";
import { Verifier as PartsVerifier } from "./fixtures/parts/Verifier.sol";
import { VerifierPart0 } from "./fixtures/parts/VerifierPart0.sol";
import { Verifier as SplitVerifier } from "./fixtures/split/Verifier.sol";
import { VerifierKey } from "./fixtures/split/VerifierKey.sol";
import { IUniversalVerifier } from "./fixtures/universal/IUniversalVerifier.sol";
import { UniversalVerifier } from "./fixtures/universal/UniversalVerifier.sol";
import { Verifier as Adapter } from "./fixtures/universal/Verifier.sol";
import { VerifierKey0 } from "./fixtures/universal/VerifierKey0.sol";
import { DigestVerifier } from "./verifiers/DigestVerifier.sol";

/// @title What the calls cost as transactions of their own, around a verifier that costs next to nothing
/// @notice `make gas-snapshot` writes the figures to snapshots/; `make test` compares.
contract GasTest is Test {
    bytes32 private constant CIRCUIT = keccak256("circuit");
    uint256 private constant COUNT = 12;

    VerifierRouter private router;
    InferenceSettlement private settlement;
    DigestVerifier private verifier;
    CreditLimit private credit;
    uint256[] private instances;
    bytes private proof;

    function setUp() public {
        VM.warp(1_700_000_000);
        router = new VerifierRouter(2 days, address(this), address(this), address(this));
        settlement = new InferenceSettlement(router);
        verifier = new DigestVerifier(CIRCUIT, COUNT);
        router.register(CIRCUIT, verifier);
        credit = new CreditLimit(settlement, CIRCUIT, COUNT - 1, COUNT - 1, 7, 0.5e18, address(this));
        for (uint256 i = 0; i < COUNT; ++i) {
            instances.push(FixedPoint.toElement(int256(60 + i)));
        }
        proof = verifier.prove(instances);
    }

    function test_router() public {
        bytes memory sent = proof;
        uint256[] memory values = instances;
        verifier.verifyProof(sent, values);
        VM.snapshotGasLastCall("Router", "verifier alone");
        router.verify(CIRCUIT, sent, values);
        VM.snapshotGasLastCall("Router", "verify");
        router.retire(CIRCUIT);
        VM.snapshotGasLastCall("Router", "retire");
        router.stop(CIRCUIT);
        VM.snapshotGasLastCall("Router", "stop");
        router.register(CIRCUIT, verifier);
        VM.snapshotGasLastCall("Router", "register in place of a stopped verifier");
    }

    function test_settlement() public {
        settlement.settle(_batch(1, 0));
        VM.snapshotGasLastCall("Settlement", "settle 1");
        settlement.settle(_batch(4, 1));
        VM.snapshotGasLastCall("Settlement", "settle 4");
    }

    function test_consumer() public {
        settlement.settle(_batch(1, 0));
        bytes memory input = new bytes(0);
        for (uint256 i = 0; i < COUNT - 1; ++i) {
            input = abi.encodePacked(input, instances[i]);
        }
        credit.stateInput(address(this), keccak256(input));
        VM.snapshotGasLastCall("CreditLimit", "stateInput");
        credit.claim(0, instances);
        VM.snapshotGasLastCall("CreditLimit", "claim");
    }

    function _batch(uint256 count, uint256 salt) private view returns (InferenceSettlement.Inference[] memory batch) {
        batch = new InferenceSettlement.Inference[](count);
        for (uint256 i = 0; i < count; ++i) {
            batch[i] = InferenceSettlement.Inference({
                circuitId: CIRCUIT, salt: bytes32(salt + i), blobId: keccak256("blob"), instances: instances, proof: proof
            });
        }
    }
}

/// @title What they cost with a generated verifier: a linear layer, 5 public values, 2^9 rows
contract RealGasTest is Fixture {
    function test_generated_verifier() public {
        bytes memory sent = proof;
        uint256[] memory values = instances;
        verifier.verifyProof(sent, values);
        VM.snapshotGasLastCall("Generated", "verifyProof, single");
        SplitVerifier split = new SplitVerifier(address(new VerifierKey()));
        split.verifyProof(sent, values);
        VM.snapshotGasLastCall("Generated", "verifyProof, split");
        PartsVerifier parts = new PartsVerifier(address(new VerifierKey()), address(new VerifierPart0()));
        parts.verifyProof(sent, values);
        VM.snapshotGasLastCall("Generated", "verifyProof, parts");
        Adapter universal = new Adapter(IUniversalVerifier(address(new UniversalVerifier())), address(new VerifierKey0()));
        universal.verifyProof(sent, values);
        VM.snapshotGasLastCall("Generated", "verifyProof, universal");
        router.verify(circuitId, sent, values);
        VM.snapshotGasLastCall("Generated", "router.verify");
        InferenceSettlement.Inference[] memory one = new InferenceSettlement.Inference[](1);
        one[0] = InferenceSettlement.Inference({ circuitId: circuitId, salt: 0, blobId: keccak256("blob"), instances: values, proof: sent });
        settlement.settle(one);
        VM.snapshotGasLastCall("Generated", "settle 1");
    }
}
