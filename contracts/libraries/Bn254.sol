// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttributionVerifierErrors} from "../interfaces/IAttributionVerifier.sol";

/// @title BN254 through the precompiles
/// @notice G1 points are (x, y) with (0, 0) at infinity; G2 points are x_imag, x_real, y_imag, y_real.
/// @dev Every call's success and output size are checked: a chain without the precompile answers with nothing.
library Bn254 {
    /// @dev Order of the base field: coordinates are below it.
    uint256 internal constant P = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    /// @dev Order of the groups, and of the scalar field: challenges and public values are below it.
    uint256 internal constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @dev Words of a pair: a point of G1 and one of G2.
    uint256 private constant PAIR_WORDS = 6;

    /// @notice Generator of G1.
    function g1() internal pure returns (uint256[2] memory) {
        return [uint256(1), 2];
    }

    /// @notice Generator of G2.
    function g2() internal pure returns (uint256[4] memory) {
        return
            [
                11559732032986387107991004021392285783925812861821192530917403151452391805634,
                10857046999023057135944570762232829481370756359578518086990519993285655852781,
                4082367875863433681332203403145435568316851327593401208105741076214120093531,
                8495653923123431417604973247489272438418190587263600148770280649306958101930
            ];
    }

    function isZero(uint256[2] memory a) internal pure returns (bool) {
        return a[0] | a[1] == 0;
    }

    function equal(uint256[4] memory a, uint256[4] memory b) internal pure returns (bool) {
        return keccak256(abi.encode(a)) == keccak256(abi.encode(b));
    }

    /// @notice Whether the precompiles take (x, y): on the curve with both coordinates below P, or infinity.
    function isPoint(uint256 x, uint256 y) internal view returns (bool ok) {
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, x)
            mstore(add(input, 0x20), y)
            mstore(add(input, 0x40), 0)
            mstore(add(input, 0x60), 0)
            ok := and(eq(returndatasize(), 0x40), staticcall(gas(), 6, input, 0x80, input, 0x40))
        }
    }

    /// @notice a + b.
    function add(uint256[2] memory a, uint256[2] memory b) internal view returns (uint256[2] memory sum) {
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mcopy(input, a, 0x40)
            mcopy(add(input, 0x40), b, 0x40)
            ok := and(eq(returndatasize(), 0x40), staticcall(gas(), 6, input, 0x80, sum, 0x40))
        }
        require(ok, IAttributionVerifierErrors.VerifierPrecompileFailed());
    }

    /// @notice scalar · a.
    /// @dev Multiplying by 1 or −1 costs no call and leaves `a` unchecked: what takes the result, another precompile,
    /// checks it.
    function mul(uint256[2] memory a, uint256 scalar) internal view returns (uint256[2] memory product) {
        if (scalar == 1) return a;
        if (scalar == R - 1) return negate(a);
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mcopy(input, a, 0x40)
            mstore(add(input, 0x40), scalar)
            ok := and(eq(returndatasize(), 0x40), staticcall(gas(), 7, input, 0x60, product, 0x40))
        }
        require(ok, IAttributionVerifierErrors.VerifierPrecompileFailed());
    }

    /// @notice −a; no point if `a` is none.
    /// @dev Infinity alone has y = 0. Of a y that is not below P comes no y below it, so that the precompiles refuse it.
    function negate(uint256[2] memory a) internal pure returns (uint256[2] memory) {
        (uint256 x, uint256 y) = (a[0], a[1]);
        unchecked {
            return [x, y % P == 0 ? y : P - y];
        }
    }

    /// @notice base^exponent mod R.
    function power(uint256 base, uint256 exponent) internal view returns (uint256 result) {
        if (exponent == 0) return 1;
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, 0x20)
            mstore(add(input, 0x20), 0x20)
            mstore(add(input, 0x40), 0x20)
            mstore(add(input, 0x60), base)
            mstore(add(input, 0x80), exponent)
            mstore(add(input, 0xa0), R)
            ok := and(eq(returndatasize(), 0x20), staticcall(gas(), 5, input, 0xc0, 0, 0x20))
            result := mload(0)
        }
        require(ok, IAttributionVerifierErrors.VerifierPrecompileFailed());
    }

    /// @notice Room for `count` pairs of a pairing product, as the precompile takes them.
    function newPairs(uint256 count) internal pure returns (uint256[] memory) {
        return new uint256[](PAIR_WORDS * count);
    }

    /// @notice Sets pair `i` to (a, b).
    function setPair(uint256[] memory pairs, uint256 i, uint256[2] memory a, uint256[4] memory b) internal pure {
        assert(PAIR_WORDS * i + PAIR_WORDS <= pairs.length);
        assembly ("memory-safe") {
            let pair := add(add(pairs, 0x20), mul(i, 0xc0))
            mcopy(pair, a, 0x40)
            mcopy(add(pair, 0x40), b, 0x80)
        }
    }

    /// @notice Whether Π e(a_i, b_i) = 1.
    function productIsOne(uint256[] memory pairs) internal view returns (bool) {
        bool ok;
        uint256 result;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 8, add(pairs, 0x20), shl(5, mload(pairs)), 0, 0x20)
            ok := and(ok, eq(returndatasize(), 0x20))
            result := mload(0)
        }
        require(ok, IAttributionVerifierErrors.VerifierPrecompileFailed());
        return result == 1;
    }
}
