// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title Public values of a proof as the numbers that they stand for
/// @notice A circuit states a number x as the integer n = x·2^scale, and a negative n as the field element r + n. The scale of
/// each output is in the circuit's Protocol (`statement.tensors`).
library FixedPoint {
    /// @notice The order of the scalar field of BN254.
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    /// @notice Magnitudes of integers end here: far beyond any circuit's numbers, and no product below overflows.
    uint256 internal constant MAX_MAGNITUDE = 2 ** 127 - 1;
    /// @notice The largest magnitude of a scale that a Protocol can state.
    int256 internal constant MAX_SCALE = 128;
    /// @notice One, in WAD.
    int256 internal constant WAD = 1e18;

    /// @notice The field element is not below r, or stands for an integer outside ±(2^127 − 1): a hash, perhaps, or no number.
    error NotAnInteger(uint256 element);
    /// @notice The integer is outside ±(2^127 − 1).
    error IntegerOutOfRange(int256 integer);
    /// @notice No Protocol states such a scale.
    error ScaleOutOfRange(int256 scale);
    /// @notice The number does not fit into a WAD of 256 bits.
    error WadOverflow(int256 integer, int256 scale);

    /// @notice The integer that a field element stands for.
    /// @param element a public value of a proof
    /// @return integer within ±(2^127 − 1)
    function toInteger(uint256 element) internal pure returns (int256 integer) {
        if (element <= MAX_MAGNITUDE) return int256(element);
        if (element < R && R - element <= MAX_MAGNITUDE) return -int256(R - element);
        revert NotAnInteger(element);
    }

    /// @notice The field element that stands for an integer: the inverse of `toInteger`, to state what an instance must be.
    /// @param integer within ±(2^127 − 1)
    /// @return element below r
    function toElement(int256 integer) internal pure returns (uint256 element) {
        _checkInteger(integer);
        return integer >= 0 ? uint256(integer) : R - uint256(-integer);
    }

    /// @notice ⌊integer·10^18 / 2^scale⌋. Rounding down keeps comparisons exact: for every whole t, WAD ≥ t if and only if the
    /// number itself is.
    /// @param integer within ±(2^127 − 1)
    /// @param scale binary digits after the point; negative for zeros before it
    /// @return wad the number with 18 decimal digits
    function toWad(int256 integer, int256 scale) internal pure returns (int256 wad) {
        _checkInteger(integer);
        _checkScale(scale);
        wad = integer * WAD;
        if (scale >= 0) return wad >> uint256(scale);
        int256 whole = wad;
        wad = whole << uint256(-scale);
        if (wad >> uint256(-scale) != whole) revert WadOverflow(integer, scale);
    }

    /// @notice The number that a field element stands for, in WAD, rounded down.
    /// @param element a public value of a proof
    /// @param scale binary digits after the point
    /// @return wad the number with 18 decimal digits
    function elementToWad(uint256 element, int256 scale) internal pure returns (int256 wad) {
        return toWad(toInteger(element), scale);
    }

    /// @notice The largest of several outputs, as a classifier's answer. All must have one scale, which then does not matter.
    /// @param elements public values of a proof
    /// @param from where the first output stands
    /// @param count how many outputs there are, at least one
    /// @return index of the largest, counted from `from`; the first of equal ones
    function argmax(uint256[] calldata elements, uint256 from, uint256 count) internal pure returns (uint256 index) {
        int256 largest = toInteger(elements[from]);
        for (uint256 i = 1; i < count; ++i) {
            int256 candidate = toInteger(elements[from + i]);
            if (candidate > largest) (largest, index) = (candidate, i);
        }
    }

    function _checkInteger(int256 integer) private pure {
        if (integer > int256(MAX_MAGNITUDE) || integer < -int256(MAX_MAGNITUDE)) revert IntegerOutOfRange(integer);
    }

    function _checkScale(int256 scale) private pure {
        if (scale > MAX_SCALE || scale < -MAX_SCALE) revert ScaleOutOfRange(scale);
    }
}
