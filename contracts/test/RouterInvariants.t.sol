// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { IVerifier } from "../src/IVerifier.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { Test } from "./Test.sol";
import { DigestVerifier } from "./verifiers/DigestVerifier.sol";

/// @title Whatever registrar and guardian do in any order, beside a plain record of what they did
/// @notice Every call is made, allowed or not; the plain record says whether it must revert.
contract RouterHandler is Test {
    struct Plain {
        bool known;
        bool stopped;
        uint256 activeFrom;
        uint256 retiredFrom;
        uint256 registrations;
    }

    uint256 public constant CIRCUITS = 3;
    uint40 public constant DELAY = 1 days;
    VerifierRouter public immutable ROUTER;
    uint256 public clock = 1_700_000_000;
    bool public paused;
    mapping(uint256 circuit => Plain) private _plain;

    constructor() {
        VM.warp(clock);
        ROUTER = new VerifierRouter(DELAY, address(this), address(this), address(this));
    }

    function circuitId(uint256 circuit) public pure returns (bytes32) {
        return keccak256(abi.encode("circuit", circuit));
    }

    function plain(uint256 circuit) external view returns (Plain memory) {
        return _plain[circuit];
    }

    function pass(uint256 time) external {
        clock += bound(time, 0, DELAY);
        VM.warp(clock);
    }

    function register(uint256 circuit) external {
        circuit = circuit % CIRCUITS;
        VM.warp(clock);
        Plain storage p = _plain[circuit];
        DigestVerifier verifier = new DigestVerifier(circuitId(circuit), p.registrations);
        bool mustFail = p.known && !p.stopped && !_retired(p);
        try ROUTER.register(circuitId(circuit), verifier) {
            VM.assertTrue(!mustFail, "a verifier in service was replaced");
            _plain[circuit] = Plain(true, false, p.known ? clock + DELAY : clock, 0, p.registrations + 1);
        } catch {
            VM.assertTrue(mustFail, "register was refused");
        }
    }

    function retire(uint256 circuit) external {
        circuit = circuit % CIRCUITS;
        VM.warp(clock);
        Plain storage p = _plain[circuit];
        bool mustFail = !p.known || p.stopped || p.retiredFrom != 0;
        try ROUTER.retire(circuitId(circuit)) {
            VM.assertTrue(!mustFail, "retire was allowed");
            p.retiredFrom = clock + DELAY;
        } catch {
            VM.assertTrue(mustFail, "retire was refused");
        }
    }

    function cancelRetirement(uint256 circuit) external {
        circuit = circuit % CIRCUITS;
        VM.warp(clock);
        Plain storage p = _plain[circuit];
        bool mustFail = !p.known || p.stopped || p.retiredFrom == 0 || _retired(p);
        try ROUTER.cancelRetirement(circuitId(circuit)) {
            VM.assertTrue(!mustFail, "cancelRetirement was allowed");
            p.retiredFrom = 0;
        } catch {
            VM.assertTrue(mustFail, "cancelRetirement was refused");
        }
    }

    function stop(uint256 circuit) external {
        circuit = circuit % CIRCUITS;
        VM.warp(clock);
        Plain storage p = _plain[circuit];
        bool mustFail = !p.known || p.stopped || _retired(p);
        try ROUTER.stop(circuitId(circuit)) {
            VM.assertTrue(!mustFail, "stop was allowed");
            p.stopped = true;
        } catch {
            VM.assertTrue(mustFail, "stop was refused");
        }
    }

    function togglePause() external {
        if (paused) ROUTER.unpause();
        else ROUTER.pause();
        paused = !paused;
    }

    function answers(uint256 circuit) external view returns (bool) {
        Plain storage p = _plain[circuit];
        return !paused && p.known && !p.stopped && !_retired(p) && clock >= p.activeFrom;
    }

    function _retired(Plain storage p) private view returns (bool) {
        return p.retiredFrom != 0 && clock >= p.retiredFrom;
    }
}

/// @title The router is what the handler's plain record says
contract RouterInvariants is Test {
    RouterHandler private handler;

    function setUp() public {
        handler = new RouterHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// The router answers for a circuit if and only if the plain record says that it must, and by the verifier registered last.
    function invariant_the_router_answers_for_what_is_in_service_and_for_nothing_else() public {
        VM.warp(handler.clock());
        VerifierRouter router = handler.ROUTER();
        for (uint256 i = 0; i < handler.CIRCUITS(); ++i) {
            bytes32 id = handler.circuitId(i);
            try router.verifierOf(id) returns (IVerifier verifier) {
                VM.assertTrue(handler.answers(i), "answered");
                VM.assertEq(verifier.instanceCount(), handler.plain(i).registrations - 1, "not the last one");
            } catch (bytes memory reason) {
                VM.assertTrue(!handler.answers(i), "did not answer");
                VM.assertTrue(reason.length >= 4, "without a reason");
            }
        }
    }

    /// An entry never loses its verifier, and always holds one of its own circuit.
    function invariant_an_entry_is_of_its_own_circuit() public view {
        VerifierRouter router = handler.ROUTER();
        for (uint256 i = 0; i < handler.CIRCUITS(); ++i) {
            VerifierRouter.Entry memory entry = router.entryOf(handler.circuitId(i));
            VM.assertEq(address(entry.verifier) != address(0), handler.plain(i).known, "known");
            if (handler.plain(i).known) VM.assertEq(entry.verifier.circuitId(), handler.circuitId(i), "circuit");
            VM.assertEq(entry.stopped, handler.plain(i).stopped, "stopped");
            VM.assertEq(entry.retiredFrom, handler.plain(i).retiredFrom, "retiredFrom");
            VM.assertEq(entry.activeFrom, handler.plain(i).activeFrom, "activeFrom");
        }
    }
}
