// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";

/// @title Byte strings of any length in code storage
/// @dev A blob holds 24,000 bytes: below the code size cap, and a multiple of both a point's 64 bytes and a
/// contributor's 16, so that neither straddles two blobs.
library CodeStorage {
    uint256 internal constant BLOB_BYTES = 24_000;

    /// @return blobs Where the data lies, in order.
    function write(bytes memory data) internal returns (address[] memory blobs) {
        blobs = new address[]((data.length + BLOB_BYTES - 1) / BLOB_BYTES);
        for (uint256 i; i < blobs.length; ++i)
            blobs[i] = SSTORE2.write(Bytes.slice(data, i * BLOB_BYTES, (i + 1) * BLOB_BYTES));
    }

    function read(address[] memory blobs) internal view returns (bytes memory data) {
        uint256 count = blobs.length;
        uint256 length;
        for (uint256 i; i < count; ++i) length += blobs[i].code.length - 1;
        data = new bytes(length);
        for (uint256 i; i < count; ++i) {
            address blob = blobs[i];
            assembly ("memory-safe") {
                // A blob's first byte is STOP, so that it cannot be called.
                let size := sub(extcodesize(blob), 1)
                extcodecopy(blob, add(add(data, 0x20), mul(i, BLOB_BYTES)), 1, size)
            }
        }
    }

    /// @notice `length` bytes from `offset` that lie in one blob.
    function read(address[] memory blobs, uint256 offset, uint256 length) internal view returns (bytes memory) {
        uint256 start = offset % BLOB_BYTES;
        return SSTORE2.read(blobs[offset / BLOB_BYTES], start, start + length);
    }
}
