// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { Deploy } from "../script/Deploy.s.sol";
import { InferenceSettlement } from "../src/InferenceSettlement.sol";
import { VerifierRouter } from "../src/VerifierRouter.sol";
import { Test } from "./Test.sol";

contract DeployTest is Test {
    function test_both_are_deployed_with_the_roles_given_and_none_left_to_the_deployer() public {
        Deploy script = new Deploy();
        address admin = address(0xad);
        address registrar = address(0x4e6);
        address guardian = address(0x64a);
        (VerifierRouter router, InferenceSettlement settlement) = script.deploy(2 days, admin, registrar, guardian);
        VM.assertEq(address(settlement.ROUTER()), address(router), "router");
        VM.assertEq(router.DELAY(), 2 days, "delay");
        VM.assertEq(router.defaultAdmin(), admin, "admin");
        VM.assertTrue(router.hasRole(router.REGISTRAR_ROLE(), registrar), "registrar");
        VM.assertTrue(router.hasRole(router.GUARDIAN_ROLE(), guardian), "guardian");
        VM.assertTrue(!router.hasRole(router.REGISTRAR_ROLE(), address(script)), "the deployer registers");
        VM.assertTrue(!router.hasRole(router.GUARDIAN_ROLE(), address(script)), "the deployer guards");
    }
}
