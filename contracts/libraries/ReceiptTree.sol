// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Leaves of an epoch's receipts tree
/// @notice Receipts strictly by (server, customer, receiptId), each with the sums up to and including it; {PositionalTree}
/// checks where they stand.
/// @dev docs/protocol.md, "One epoch"; `sumReceipts` in `sdk/epoch.ts` is the same.
library ReceiptTree {
    struct Leaf {
        address server;
        address customer;
        bytes32 receiptId;
        uint256 fee; // token units
        uint256 weight; // ω
        bytes32 recordId; // 0 without a sketch record
        bytes32 sums; // `hash` of V so far
        uint256 feeSum; // of all leaves so far
        uint256 payerFees; // of this (server, customer) so far
    }

    bytes32 private constant TAG = keccak256("OpenLedger.Receipt.v1");

    /// @notice V as it stands in a leaf: a word an entry.
    function hash(int128[] calldata v) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let words := mload(0x40)
            let size := shl(5, v.length)
            calldatacopy(words, v.offset, size)
            result := keccak256(words, size)
        }
    }

    /// @notice Leaf `index` of the tree: hashed twice, so that no inner node can stand for it.
    function hash(uint256 index, Leaf memory leaf) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(TAG, index, leaf))));
    }
}
