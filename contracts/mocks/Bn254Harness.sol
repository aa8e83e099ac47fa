// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bn254} from "../libraries/Bn254.sol";

/// @title Bn254 for tests
contract Bn254Harness {
    function add(uint256[2] calldata a, uint256[2] calldata b) external view returns (uint256[2] memory) {
        return Bn254.add(a, b);
    }

    function mul(uint256[2] calldata a, uint256 scalar) external view returns (uint256[2] memory) {
        return Bn254.mul(a, scalar);
    }

    function power(uint256 base, uint256 exponent) external view returns (uint256) {
        return Bn254.power(base, exponent);
    }

    function isPoint(uint256 x, uint256 y) external view returns (bool) {
        return Bn254.isPoint(x, y);
    }

    function productIsOne(uint256[2][] calldata a, uint256[4][] calldata b) external view returns (bool) {
        uint256[] memory pairs = Bn254.newPairs(a.length);
        for (uint256 i; i < a.length; ++i) Bn254.setPair(pairs, i, a[i], b[i]);
        return Bn254.productIsOne(pairs);
    }
}
