// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";

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
        for (uint256 c; c < width; ++c) {
            bytes32 hash = leaf(commitmentId, c, Arrays.unsafeMemoryAccess(cumulative, c));
            assembly ("memory-safe") {
                mstore(add(add(layer, 0x20), shl(5, c)), hash)
            }
        }
        for (; width > 1; width = (width + 1) / 2) _pairUp(layer, width);
        return layer[0];
    }

    /// @dev Puts the layer above the `width` first nodes in their place.
    function _pairUp(bytes32[] memory layer, uint256 width) private pure {
        assembly ("memory-safe") {
            let from := add(layer, 0x20)
            let to := from
            for {
                let end := add(from, shl(6, shr(1, width)))
            } lt(from, end) {
                from := add(from, 0x40)
                to := add(to, 0x20)
            } {
                let left := mload(from)
                let right := mload(add(from, 0x20))
                let swapped := shl(5, lt(right, left))
                mstore(swapped, left)
                mstore(xor(swapped, 0x20), right)
                mstore(to, keccak256(0x00, 0x40))
            }
        }
        if (width % 2 == 1) layer[width / 2] = layer[width - 1]; // an odd node moves up unchanged
    }
}
