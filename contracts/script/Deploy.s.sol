// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";

/// @title The cheatcodes of forge that the script uses, by the signatures that forge documents
interface Vm {
    function envAddress(string calldata name) external view returns (address);
    function envUint(string calldata name) external view returns (uint256);
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// @title Deploys a router and a settlement at addresses that follow from the parameters, the same on every chain
/// @notice `forge script script/Deploy.s.sol --rpc-url …` says what would happen; `--broadcast` with an account does it. It reads
/// ZKML_DELAY (seconds), ZKML_ADMIN, ZKML_REGISTRAR and ZKML_GUARDIAN from the environment, and no key.
contract Deploy {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice What forge looks for to tell a script.
    bool public constant IS_SCRIPT = true;

    error DelayOutOfRange(uint256 delay);

    /// @notice Deploys both with the parameters of the environment.
    /// @return router empty, its roles given
    /// @return settlement of that router
    function run() external returns (VerifierRouter router, InferenceSettlement settlement) {
        uint256 delay = VM.envUint("ZKML_DELAY");
        // The router checks the delay itself: this is about the bits that its type does not have.
        if (delay > type(uint40).max) revert DelayOutOfRange(delay);
        address admin = VM.envAddress("ZKML_ADMIN");
        address registrar = VM.envAddress("ZKML_REGISTRAR");
        address guardian = VM.envAddress("ZKML_GUARDIAN");
        VM.startBroadcast();
        (router, settlement) = deploy(uint40(delay), admin, registrar, guardian);
        VM.stopBroadcast();
    }

    /// @notice Deploys both.
    /// @param delay of the router
    /// @param admin of the router
    /// @param registrar of the router
    /// @param guardian of the router
    /// @return router empty, its roles given
    /// @return settlement of that router
    function deploy(uint40 delay, address admin, address registrar, address guardian)
        public
        returns (VerifierRouter router, InferenceSettlement settlement)
    {
        router = new VerifierRouter{ salt: 0 }(delay, admin, registrar, guardian);
        settlement = new InferenceSettlement{ salt: 0 }(router);
    }
}
