// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttributionVerifierErrors} from "../interfaces/IAttributionVerifier.sol";
import {Bn254} from "./Bn254.sol";

/// @title C_s = Σ Q_j·C_j
/// @notice Scores are linear in Q, so their commitment follows from the columns' commitments without a proof.
/// @dev Q_j = 16·high + low with digits in [−8, 8]. Each column is added, with its digit's sign, to the bucket of the
/// digit's absolute value; the buckets are then weighted by suffix sums. This takes additions only, at a sixth of the
/// price of k scalar multiplications.
library ScoreCommitment {
    uint256 private constant DIGITS = 8;
    uint256 private constant WINDOWS = 2;

    /// @param columns k points of 64 bytes which the precompiles take; (0, 0) is skipped.
    /// @param q k bytes, two's complement, none of them −128.
    function combine(bytes memory columns, bytes calldata q) internal view returns (uint256[2] memory sum) {
        uint256[2][16] memory buckets = _fill(columns, q);
        for (uint256 window = WINDOWS; window > 0; --window) {
            for (uint256 bit; bit < 4; ++bit) sum = Bn254.add(sum, sum);
            uint256[2] memory suffix;
            for (uint256 digit = DIGITS; digit > 0; --digit) {
                suffix = Bn254.add(suffix, buckets[DIGITS * (window - 1) + digit - 1]);
                sum = Bn254.add(sum, suffix);
            }
        }
    }

    /// @dev Bucket |digit| − 1 of the low digits, and 8 further on of the high ones.
    function _fill(bytes memory columns, bytes calldata q) private view returns (uint256[2][16] memory buckets) {
        bool ok = true;
        uint256 prime = Bn254.P;
        assembly ("memory-safe") {
            // Adds sign(digit)·(x, y) to the digit's bucket among those at `row`.
            function place(row, digit, x, y, p) -> success {
                success := 1
                if digit {
                    // No point of the curve has y = 0, and infinity was skipped, so p − y is below p.
                    if slt(digit, 0) {
                        digit := sub(0, digit)
                        y := sub(p, y)
                    }
                    let bucket := mload(add(row, shl(5, sub(digit, 1))))
                    switch or(mload(bucket), mload(add(bucket, 0x20)))
                    case 0 {
                        mstore(bucket, x)
                        mstore(add(bucket, 0x20), y)
                    }
                    default {
                        let input := mload(0x40)
                        mcopy(input, bucket, 0x40)
                        mstore(add(input, 0x40), x)
                        mstore(add(input, 0x60), y)
                        success := and(eq(returndatasize(), 0x40), staticcall(gas(), 6, input, 0x80, bucket, 0x40))
                    }
                }
            }

            let end := add(q.offset, q.length)
            let point := columns
            for {
                let at := q.offset
            } lt(at, end) {
                at := add(at, 1)
            } {
                point := add(point, 0x40)
                let x := mload(sub(point, 0x20))
                let y := mload(point)
                if or(x, y) {
                    let entry := signextend(0, byte(0, calldataload(at)))
                    let high := sar(4, add(entry, 8))
                    let low := sub(entry, shl(4, high))
                    ok := and(ok, place(buckets, low, x, y, prime))
                    ok := and(ok, place(add(buckets, 0x100), high, x, y, prime))
                }
            }
        }
        require(ok, IAttributionVerifierErrors.VerifierPrecompileFailed());
    }
}
