// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What servers sign: receipts, and records of their sketches
/// @dev docs/protocol.md, "Signatures"; `sdk/eip712.ts` is the same.
library Receipts {
    struct Receipt {
        address customer;
        address server;
        uint256 modelId;
        uint256 epochId;
        uint256 nonce;
        bytes32 request;
        bytes32 response;
        uint256 inputTokens;
        uint256 outputTokens;
        uint256 fee;
    }

    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME_HASH = keccak256("OpenLedger RewardSplitter");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(address customer,address server,uint256 modelId,uint256 epochId,uint256 nonce,bytes32 request,bytes32 response,uint256 inputTokens,uint256 outputTokens,uint256 fee)"
    );
    bytes32 private constant RECORD_TYPEHASH = keccak256("SketchRecord(bytes32 receiptId,bytes32 sketch)");

    /// @notice A receipt's id, which its server signs.
    function receiptId(address splitter, Receipt calldata receipt) internal view returns (bytes32) {
        return _digest(splitter, keccak256(abi.encode(RECEIPT_TYPEHASH, receipt)));
    }

    /// @notice A record's id, which the receipt's server signs: its sketch is `q` under `salt`.
    function recordId(address splitter, bytes32 id, bytes32 salt, bytes calldata q) internal view returns (bytes32) {
        return _digest(splitter, keccak256(abi.encode(RECORD_TYPEHASH, id, keccak256(abi.encode(salt, q)))));
    }

    /// @dev EIP-712; the domain is the splitter's.
    function _digest(address splitter, bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, splitter));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
