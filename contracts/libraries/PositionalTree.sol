// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Merkle trees in which a leaf's place counts
/// @notice Leaves are padded with zero to the next power of two, pairs are never sorted, and a proof lists siblings from
/// the leaf up; `sdk/merkle.ts` makes them.
library PositionalTree {
    /// @notice Whether `siblings` lead from `leaf` at `index` to the root of a tree of `count` leaves.
    function contains(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes32 leaf,
        bytes32[] calldata siblings
    ) internal pure returns (bool) {
        // A proof of the tree's own height leaves one way only to read the tree.
        if (index >= count || siblings.length != height(count)) return false;
        for (uint256 i; i < siblings.length; ++i) {
            bytes32 sibling = siblings[i];
            leaf = (index >> i) & 1 == 0 ? _node(leaf, sibling) : _node(sibling, leaf);
        }
        return leaf == root;
    }

    /// @notice Number of siblings of a leaf among `count` ≥ 1 leaves.
    function height(uint256 count) internal pure returns (uint256 bits) {
        while (1 << bits < count) ++bits;
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32 node) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            node := keccak256(0x00, 0x40)
        }
    }
}
