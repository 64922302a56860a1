// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { FixedPoint } from "../src/FixedPoint.sol";
import { Test } from "./Test.sol";

contract FixedPointTest is Test {
    uint256 private constant R = FixedPoint.R;
    uint256 private constant MAX = FixedPoint.MAX_MAGNITUDE;

    /// A library's internal functions are called through these, so that a revert is one of a call.
    function toInteger(uint256 element) external pure returns (int256) {
        return FixedPoint.toInteger(element);
    }

    function toElement(int256 integer) external pure returns (uint256) {
        return FixedPoint.toElement(integer);
    }

    function toWad(int256 integer, int256 scale) external pure returns (int256) {
        return FixedPoint.toWad(integer, scale);
    }

    function argmax(uint256[] calldata elements, uint256 from, uint256 count) external pure returns (uint256) {
        return FixedPoint.argmax(elements, from, count);
    }

    function test_known_values() public pure {
        VM.assertEq(FixedPoint.toInteger(0), int256(0), "zero");
        VM.assertEq(FixedPoint.toInteger(R - 1), int256(-1), "minus one");
        VM.assertEq(FixedPoint.toWad(3, 1), int256(1.5e18), "3/2");
        VM.assertEq(FixedPoint.toWad(-3, 1), int256(-1.5e18), "-3/2");
        VM.assertEq(FixedPoint.toWad(1, 64), int256(0), "2^-64 rounds down to 0");
        VM.assertEq(FixedPoint.toWad(-1, 64), int256(-1), "-2^-64 rounds down to -1e-18");
        VM.assertEq(FixedPoint.toWad(5, -2), int256(20e18), "5 times 4");
        VM.assertEq(FixedPoint.elementToWad(R - 128, 7), int256(-1e18), "-128/2^7");
    }

    function test_the_numbers_are_those_that_python_reads() public view {
        string memory json = VM.readFile("test/fixtures/numbers.json");
        uint256[] memory elements = VM.parseJsonUintArray(json, ".elements");
        int256[] memory scales = VM.parseJsonIntArray(json, ".scales");
        int256[] memory integers = VM.parseJsonIntArray(json, ".integers");
        int256[] memory wads = VM.parseJsonIntArray(json, ".wads");
        VM.assertTrue(elements.length >= 200, "too few");
        for (uint256 i = 0; i < elements.length; ++i) {
            VM.assertEq(FixedPoint.toInteger(elements[i]), integers[i], "integer");
            VM.assertEq(FixedPoint.toElement(integers[i]), elements[i], "element");
            VM.assertEq(FixedPoint.elementToWad(elements[i], scales[i]), wads[i], "wad");
        }
    }

    function testFuzz_every_integer_comes_back(uint256 magnitude, bool negative) public pure {
        int256 integer = _integer(magnitude, negative);
        uint256 element = FixedPoint.toElement(integer);
        VM.assertTrue(element < R, "canonical");
        VM.assertEq(FixedPoint.toInteger(element), integer, "round trip");
    }

    function testFuzz_an_element_between_the_numbers_is_none(uint256 element) public {
        element = bound(element, MAX + 1, R - MAX - 1);
        VM.expectRevert(abi.encodeWithSelector(FixedPoint.NotAnInteger.selector, element));
        this.toInteger(element);
    }

    function testFuzz_an_alias_is_no_element(uint256 element) public {
        element = bound(element, R, type(uint256).max);
        VM.expectRevert(abi.encodeWithSelector(FixedPoint.NotAnInteger.selector, element));
        this.toInteger(element);
    }

    function test_the_last_numbers_on_either_side() public {
        VM.assertEq(FixedPoint.toInteger(MAX), int256(MAX), "largest");
        VM.assertEq(FixedPoint.toInteger(R - MAX), -int256(MAX), "smallest");
        VM.expectRevert(abi.encodeWithSelector(FixedPoint.IntegerOutOfRange.selector, int256(MAX) + 1));
        this.toElement(int256(MAX) + 1);
        VM.expectRevert(abi.encodeWithSelector(FixedPoint.IntegerOutOfRange.selector, type(int256).min));
        this.toElement(type(int256).min);
        VM.expectRevert(abi.encodeWithSelector(FixedPoint.IntegerOutOfRange.selector, type(int256).min));
        this.toWad(type(int256).min, 0);
    }

    function testFuzz_a_scale_that_no_protocol_states_is_refused(int256 scale) public {
        VM.assume(scale < -128 || scale > 128);
        VM.expectRevert(abi.encodeWithSelector(FixedPoint.ScaleOutOfRange.selector, scale));
        this.toWad(1, scale);
    }

    /// The plain twin: floor of n·10^18 / 2^s by division of magnitudes.
    function testFuzz_wad_is_the_floor(uint256 magnitude, bool negative, uint256 scale) public pure {
        int256 integer = _integer(magnitude, negative);
        scale = bound(scale, 0, 128);
        uint256 numerator = (negative ? uint256(-integer) : uint256(integer)) * 1e18;
        uint256 divisor = 2 ** scale;
        int256 expected = negative ? -int256((numerator + divisor - 1) / divisor) : int256(numerator / divisor);
        VM.assertEq(FixedPoint.toWad(integer, int256(scale)), expected, "floor");
    }

    /// n·10^18·2^s either fits and is exact, or is refused: never wrapped.
    function testFuzz_a_negative_scale_is_exact_or_refused(uint256 magnitude, bool negative, uint256 zeros) public {
        zeros = bound(zeros, 1, 128);
        int256 integer = _integer(bound(magnitude, 1, MAX), negative);
        uint256 whole = (negative ? uint256(-integer) : uint256(integer)) * 1e18;
        // −2^255 is the one magnitude that only a negative number has.
        uint256 limit = negative ? 2 ** 255 : 2 ** 255 - 1;
        if (whole <= limit >> zeros) {
            int256 wad = FixedPoint.toWad(integer, -int256(zeros));
            VM.assertEq(wad / int256(2 ** zeros), negative ? -int256(whole) : int256(whole), "exact");
            VM.assertEq(wad % int256(2 ** zeros), int256(0), "nothing else");
        } else {
            VM.expectRevert(abi.encodeWithSelector(FixedPoint.WadOverflow.selector, integer, -int256(zeros)));
            this.toWad(integer, -int256(zeros));
        }
    }

    /// Rounding down decides `n/2^s >= t/10^18` exactly as whole numbers do.
    function testFuzz_comparison_with_a_threshold_is_exact(int64 integer, uint256 scale, int64 threshold) public pure {
        scale = bound(scale, 0, 32);
        bool exact = int256(integer) * 1e18 >= int256(threshold) * int256(2 ** scale);
        VM.assertEq(FixedPoint.toWad(integer, int256(scale)) >= threshold, exact, "comparison");
    }

    function testFuzz_argmax_is_the_first_of_the_largest(int64[] memory integers, uint256 seed) public view {
        VM.assume(integers.length > 0);
        uint256 from = bound(seed, 0, integers.length - 1);
        uint256 count = integers.length - from;
        uint256[] memory elements = new uint256[](integers.length);
        for (uint256 i = 0; i < integers.length; ++i) {
            elements[i] = FixedPoint.toElement(integers[i]);
        }
        uint256 index = this.argmax(elements, from, count);
        for (uint256 i = 0; i < count; ++i) {
            VM.assertTrue(integers[from + i] <= integers[from + index], "larger");
            VM.assertTrue(i >= index || integers[from + i] < integers[from + index], "earlier");
        }
    }

    function _integer(uint256 magnitude, bool negative) private pure returns (int256) {
        int256 integer = int256(bound(magnitude, 0, MAX));
        return negative ? -integer : integer;
    }
}
