// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title Tree over contributors' cumulative earnings
/// @dev Sorted pairs as {MerkleProof} takes them, an odd node moving up unchanged; `claimRoot` in `sdk/merkle.ts` is the
/// same. Leaves are hashed twice, so that no inner node can stand for one.
library ClaimTree {
    bytes32 private constant TAG = keccak256("OpenLedger.Claim.v1");

    /// @return result keccak(keccak(TAG, commitmentId, c, cumulative))
    function leaf(bytes32 commitmentId, uint256 c, uint256 cumulative) internal pure returns (bytes32 result) {
        bytes32 tag = TAG;
        // By hand, since a settlement makes two leaves a contributor and abi.encode never frees its memory.
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, tag)
            mstore(add(words, 0x20), commitmentId)
            mstore(add(words, 0x40), c)
            mstore(add(words, 0x60), cumulative)
            mstore(0x00, keccak256(words, 0x80))
            result := keccak256(0x00, 0x20)
        }
    }

    /// @return Root, or zero if there are no leaves.
    function root(bytes32 commitmentId, uint256[] memory cumulative) internal pure returns (bytes32) {
        uint256 width = cumulative.length;
        if (width == 0) return 0;
        bytes32[] memory layer = new bytes32[](width);
        for (uint256 c; c < width; ++c) layer[c] = leaf(commitmentId, c, cumulative[c]);
        while (width > 1) {
            for (uint256 i; i < width / 2; ++i) layer[i] = Hashes.commutativeKeccak256(layer[2 * i], layer[2 * i + 1]);
            if (width % 2 == 1) layer[width / 2] = layer[width - 1];
            width = (width + 1) / 2;
        }
        return layer[0];
    }
}
