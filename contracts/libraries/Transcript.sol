// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttributionVerifierTypes} from "../interfaces/IAttributionVerifier.sol";
import {Bn254} from "./Bn254.sol";

/// @title Digests and challenges of registrations, keys and settlements
/// @notice docs/protocol.md fixes every byte of them.
/// @dev The structs hold words only, so `abi.encode` lays their fields end to end.
library Transcript {
    bytes32 private constant REGISTER_TAG = keccak256("OpenLedger.Register.v1");
    bytes32 private constant SETTLE_TAG = keccak256("OpenLedger.Settle.v1");
    bytes32 private constant KEY_TAG = keccak256("OpenLedger.VerifyingKey.v1");
    uint256 private constant CHUNK_TAG = uint256(keccak256("OpenLedger.Chunk.v1")) % Bn254.R;
    uint256 private constant SCORE_BITS = 16;
    uint256 private constant ROWS_PER_ELEMENT = 14;

    struct Registration {
        bytes32 tag;
        uint256 chainId;
        address registry;
        uint256 modelId;
        bytes32 versions;
        uint256 k;
        uint256 rows;
        bytes32 counts;
        bytes32 baseWeights;
        bytes32 columns;
        uint256[2] flags;
        bytes32 gRoot;
        uint256 m0;
        bytes32 manifestHash;
    }

    struct Settlement {
        bytes32 tag;
        uint256 chainId;
        address verifier;
        bytes32 vkId;
        bytes32 commitmentId;
        uint256 epochId;
        address prover;
        uint256 floorUnits;
        bytes32 q;
        uint256[2] scores;
        bytes32 totals;
        bytes32 h;
    }

    /// @notice rd, which is the commitment's id.
    function registrationDigest(Registration memory statement) internal view returns (bytes32) {
        statement.tag = REGISTER_TAG;
        statement.chainId = block.chainid;
        statement.registry = address(this);
        return keccak256(abi.encode(statement));
    }

    /// @notice sd.
    function settlementDigest(Settlement memory statement, address splitter) internal view returns (bytes32) {
        statement.tag = keccak256(abi.encode(SETTLE_TAG, splitter));
        statement.chainId = block.chainid;
        statement.verifier = address(this);
        return keccak256(abi.encode(statement));
    }

    /// @notice Content hash of a verifying key; a development key's starts with the letters `dev`.
    function keyId(
        IAttributionVerifierTypes.VerifyingKey calldata key,
        uint256[4] memory tauG2,
        bool development
    ) internal pure returns (bytes32 id) {
        id = keccak256(abi.encode(KEY_TAG, key, SCORE_BITS, ROWS_PER_ELEMENT, CHUNK_TAG, tauG2));
        if (development) id = bytes32("dev") | ((id << 24) >> 24);
    }

    /// @notice Challenge `n` of a digest.
    function challenge(bytes32 digest, uint256 n) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(digest, n))) % Bn254.R;
    }

    /// @notice λ, which folds the chunks' pairings and the opening into one product.
    /// @dev It must hash every y, a, A, B, C and W: public inputs are linear in the product, so errors of two chunks
    /// could otherwise be made to cancel.
    function foldingChallenge(
        bytes32 digest,
        IAttributionVerifierTypes.SettlementProof calldata proof
    ) internal pure returns (uint256) {
        (bytes32 values, bytes32 points) = _hashChunks(proof.chunks);
        return uint256(keccak256(abi.encode(digest, 2, values, points, proof.opening))) % Bn254.R;
    }

    /// @notice λ of some chunks of a stage, which folds their pairings into one product.
    /// @dev It must hash every y, a, A, B and C of them, for the same reason.
    function pieceChallenge(
        bytes32 digest,
        uint256 first,
        IAttributionVerifierTypes.ChunkProof[] calldata chunks
    ) internal pure returns (uint256) {
        (bytes32 values, bytes32 points) = _hashChunks(chunks);
        return uint256(keccak256(abi.encode(digest, 3, first, values, points))) % Bn254.R;
    }

    /// @notice words(h_0, …, h_{M−1}).
    function hashH(IAttributionVerifierTypes.ChunkProof[] calldata chunks) internal pure returns (bytes32 hash) {
        uint256[] memory h = new uint256[](chunks.length);
        for (uint256 t; t < h.length; ++t) h[t] = chunks[t].h;
        assembly ("memory-safe") {
            hash := keccak256(add(h, 0x20), shl(5, mload(h)))
        }
    }

    /// @dev words(y_0, a_0, …) and words(A_0, B_0, C_0, …). A chunk is 11 words: h, y, a, A (2), B (4), C (2).
    function _hashChunks(
        IAttributionVerifierTypes.ChunkProof[] calldata chunks
    ) private pure returns (bytes32 values, bytes32 points) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            let at := buffer
            let end := add(chunks.offset, mul(chunks.length, 0x160))
            for {
                let chunk := chunks.offset
            } lt(chunk, end) {
                chunk := add(chunk, 0x160)
            } {
                calldatacopy(at, add(chunk, 0x20), 0x40)
                at := add(at, 0x40)
            }
            values := keccak256(buffer, sub(at, buffer))
            at := buffer
            for {
                let chunk := chunks.offset
            } lt(chunk, end) {
                chunk := add(chunk, 0x160)
            } {
                calldatacopy(at, add(chunk, 0x60), 0x100)
                at := add(at, 0x100)
            }
            points := keccak256(buffer, sub(at, buffer))
        }
    }
}
