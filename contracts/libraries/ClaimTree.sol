// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Tree over contributors' cumulative earnings
/// @dev Sorted pairs as {MerkleProof} takes them, an odd node moving up unchanged; `claimRoot` in `sdk/merkle.ts` is the
/// same. Leaves are hashed twice, so that no inner node can stand for one.
library ClaimTree {
    bytes32 private constant TAG = keccak256("OpenLedger.Claim.v1");

    /// @return keccak(keccak(TAG, commitmentId, c, cumulative))
    function leaf(bytes32 commitmentId, uint256 c, uint256 cumulative) internal pure returns (bytes32) {
        uint256[] memory one = new uint256[](1);
        one[0] = cumulative;
        return _leaves(commitmentId, c, one)[0];
    }

    /// @return Root, or zero if there are no leaves.
    function root(bytes32 commitmentId, uint256[] memory cumulative) internal pure returns (bytes32) {
        uint256 width = cumulative.length;
        if (width == 0) return 0;
        bytes32[] memory layer = _leaves(commitmentId, 0, cumulative);
        for (; width > 1; width = (width + 1) / 2) _pairUp(layer, width);
        return layer[0];
    }

    /// @dev The leaves of neighbours, from contributor `c` on.
    function _leaves(
        bytes32 commitmentId,
        uint256 c,
        uint256[] memory cumulative
    ) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](cumulative.length);
        bytes32 tag = TAG;
        // By hand, since a settlement makes two leaves a contributor and abi.encode never frees its memory.
        assembly ("memory-safe") {
            let words := mload(0x40)
            let index := add(words, 0x40)
            let amount := add(words, 0x60)
            mstore(words, tag)
            mstore(add(words, 0x20), commitmentId)
            let from := add(cumulative, 0x20)
            let to := add(leaves, 0x20)
            for {
                let end := add(from, shl(5, mload(cumulative)))
            } lt(from, end) {
                from := add(from, 0x20)
                to := add(to, 0x20)
                c := add(c, 1)
            } {
                mstore(index, c)
                mstore(amount, mload(from))
                mstore(0x00, keccak256(words, 0x80))
                mstore(to, keccak256(0x00, 0x20))
            }
        }
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
