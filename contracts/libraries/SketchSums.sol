// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Bn254} from "./Bn254.sol";
import {PositionalTree} from "./PositionalTree.sol";

/// @title Published sketches against committed columns
/// @notice With ζ and γ of a registration, P_{i+1} = P_i + ζ^i·Σ_j γ^j g_ij runs over the published rows, P_0 = 0, and
/// F = Σ_j γ^j C_j opens at ζ to P_N: then rows and columns are the same, but for a chance of about N/r. Beside them run
/// the rows' lengths, N_{i+1} = N_i + ⌊√Σ_j g_ij²⌋, N_0 = 0, of which base weights are differences.
library SketchSums {
    bytes32 private constant ROW_TAG = keccak256("OpenLedger.SketchRow.v1");
    bytes32 private constant SUM_TAG = keccak256("OpenLedger.SketchSum.v1");

    /// @dev Largest Σ_j g_ij². With ΣQ_j² ≤ 480² it keeps every score in the circuit's range.
    uint256 private constant MAX_SQUARES = 136 ** 2;

    /// @notice Whether `row` is row `i` of the `rows` under the root of the published sketches.
    function containsRow(
        bytes32 gRoot,
        uint256 rows,
        uint256 i,
        bytes calldata row,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        bytes32 inner = keccak256(abi.encode(ROW_TAG, i, keccak256(row)));
        return PositionalTree.contains(gRoot, rows, i, keccak256(abi.encode(inner)), proof);
    }

    /// @notice Whether `sum` and `length` are P_i and N_i of the sums of `rows` rows under `sumRoot`.
    function containsSum(
        bytes32 sumRoot,
        uint256 rows,
        uint256 i,
        uint256 sum,
        uint256 length,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        bytes32 inner = keccak256(abi.encode(SUM_TAG, i, sum, length));
        return PositionalTree.contains(sumRoot, rows + 1, i, keccak256(abi.encode(inner)), proof);
    }

    /// @notice Whether a row has k entries, all in [−127, 127], and a norm of at most 136; and if so its length, the norm
    /// without its fraction.
    function measure(bytes calldata row, uint256 k) internal pure returns (bool within, uint256 length) {
        if (row.length != k) return (false, 0);
        uint256 squares;
        for (uint256 j; j < row.length; ++j) {
            int256 entry = int8(uint8(row[j]));
            if (entry == type(int8).min) return (false, 0);
            squares += uint256(entry * entry);
        }
        within = squares <= MAX_SQUARES;
        if (within) length = Math.sqrt(squares);
    }

    /// @notice P_{i+1} from P_i = `sum` and row `i`.
    function step(
        uint256 zeta,
        uint256 gamma,
        uint256 i,
        bytes calldata row,
        uint256 sum
    ) internal view returns (uint256) {
        uint256 folded;
        for (uint256 j = row.length; j > 0; --j) {
            int256 entry = int8(uint8(row[j - 1]));
            uint256 element = entry < 0 ? Bn254.R - uint256(-entry) : uint256(entry);
            folded = addmod(mulmod(folded, gamma, Bn254.R), element, Bn254.R);
        }
        return addmod(sum, mulmod(Bn254.power(zeta, i), folded, Bn254.R), Bn254.R);
    }

    /// @notice F = Σ_j γ^j·C_j by Horner's rule, from the last of `columns` to the first.
    /// @dev A multiplication and an addition a column cost 6,150 gas; γ's powers fill the field, so that buckets would
    /// take more additions than they save.
    /// @return folded F
    /// @return broken Number of columns from the first up to and including one that is no point; 0 if all are points.
    function fold(
        bytes calldata columns,
        uint256 gamma
    ) internal view returns (uint256[2] memory folded, uint256 broken) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, 0)
            mstore(add(buffer, 0x20), 0)
            for {
                let at := columns.length
            } at {} {
                mstore(add(buffer, 0x40), gamma)
                let ok := and(eq(returndatasize(), 0x40), staticcall(gas(), 7, buffer, 0x60, buffer, 0x40))
                let end := at
                at := sub(at, 0x40)
                calldatacopy(add(buffer, 0x40), add(columns.offset, at), 0x40)
                ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 6, buffer, 0x80, buffer, 0x40)))
                if iszero(ok) {
                    broken := div(end, 0x40)
                    at := 0
                }
            }
            mcopy(folded, buffer, 0x40)
        }
    }
}
