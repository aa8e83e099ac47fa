// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttributionVerifierErrors} from "../interfaces/IAttributionVerifier.sol";
import {Bn254} from "./Bn254.sol";

/// @title C_s = Σ Q_j·C_j
/// @notice Scores are linear in Q, so their commitment follows from the columns' commitments without a proof.
/// @dev |Q_j| = 32·high + low. Each column is added, with Q_j's sign, to the bucket of each digit that is not 0; the
/// buckets are then weighted by suffix sums. This takes additions only, at an eighth of the price of k scalar
/// multiplications. The norm of Q is bounded, so most entries have no high digit.
library ScoreCommitment {
    uint256 private constant MAX_SQUARES = 480 ** 2;
    /// @dev A bucket is its point and, behind it, room for one to add: so the precompile takes them as they lie.
    uint256 private constant BUCKET_WORDS = 4;
    /// @dev Buckets of the digits from 1, and one after the largest digit that stays empty.
    uint256 private constant LOW_BUCKETS = 32;
    uint256 private constant HIGH_BUCKETS = 4;

    /// @param columns k points of 64 bytes which the precompiles take; (0, 0) is skipped. Overwritten.
    /// @param q k bytes, two's complement. Refused with an entry of −128 or a norm above 480: within these, every score
    /// is inside the circuit's range.
    // solhint-disable-next-line function-max-lines
    function combine(bytes memory columns, bytes calldata q) internal view returns (uint256[2] memory) {
        uint256[] memory buckets = new uint256[](BUCKET_WORDS * (LOW_BUCKETS + HIGH_BUCKETS));
        uint256[BUCKET_WORDS] memory sum;
        uint256 prime = Bn254.P;
        bool ok;
        uint256 j;
        uint256 squares;
        assembly ("memory-safe") {
            // Adds the point to the bucket.
            function addTo(bucket, point) -> success {
                mcopy(add(bucket, 0x40), point, 0x40)
                success := and(eq(returndatasize(), 0x40), staticcall(gas(), 6, bucket, 0x80, bucket, 0x40))
            }
            // Adds Σ digit·bucket to the sum, and to each bucket those of larger digits. Above the largest is an empty one.
            function weigh(total, row, digits) -> success {
                success := 1
                let bucket := add(row, shl(7, add(digits, 1)))
                for {} digits {
                    digits := sub(digits, 1)
                } {
                    let larger := bucket
                    bucket := sub(bucket, 0x80)
                    success := and(success, addTo(bucket, larger))
                    success := and(success, addTo(total, bucket))
                }
            }
            ok := 1
            // Digit 0 would have its bucket at `low`, or at `high`.
            let low := sub(buckets, 0x60)
            let high := add(low, 0x1000)
            let point := add(columns, 0x20)
            for {} lt(j, q.length) {
                j := add(j, 1)
                point := add(point, 0x40)
            } {
                let size := sar(248, calldataload(add(q.offset, j)))
                let negative := slt(size, 0)
                if negative {
                    size := sub(0, size)
                    // −128
                    if shr(7, size) {
                        break
                    }
                }
                squares := add(squares, mul(size, size))
                let y := mload(add(point, 0x20))
                // No point of the curve has y = 0, but infinity, which is skipped: so p − y is below p.
                if y {
                    if negative {
                        mstore(add(point, 0x20), sub(prime, y))
                    }
                    let digit := and(size, 0x1f)
                    if digit {
                        let bucket := add(low, shl(7, digit))
                        mcopy(add(bucket, 0x40), point, 0x40)
                        ok := and(staticcall(gas(), 6, bucket, 0x80, bucket, 0x40), ok)
                        ok := and(eq(returndatasize(), 0x40), ok)
                    }
                    digit := shr(5, size)
                    if digit {
                        let bucket := add(high, shl(7, digit))
                        mcopy(add(bucket, 0x40), point, 0x40)
                        ok := and(staticcall(gas(), 6, bucket, 0x80, bucket, 0x40), ok)
                        ok := and(eq(returndatasize(), 0x40), ok)
                    }
                }
            }
            ok := and(ok, weigh(sum, high, 3))
            for {
                let bits := 5
            } bits {
                bits := sub(bits, 1)
            } {
                ok := and(ok, addTo(sum, sum))
            }
            ok := and(ok, weigh(sum, low, 31))
        }
        require(j == q.length, IAttributionVerifierErrors.VerifierQueryEntry(j));
        require(squares <= MAX_SQUARES, IAttributionVerifierErrors.VerifierQueryNorm(squares, MAX_SQUARES));
        require(ok, IAttributionVerifierErrors.VerifierPrecompileFailed());
        return [sum[0], sum[1]];
    }
}
