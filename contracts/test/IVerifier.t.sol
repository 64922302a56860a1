// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { IVerifier } from "../src/IVerifier.sol";
import { Test } from "./Test.sol";

contract IVerifierTest is Test {
    /// EZKL's contract is called by `verifyProof(bytes,uint256[])`: a caller of it may call ours.
    function test_the_selector_is_that_of_ezkls_contract() public pure {
        VM.assertEq(bytes32(IVerifier.verifyProof.selector), bytes32(bytes4(0x1e8e1e13)), "selector");
    }
}
