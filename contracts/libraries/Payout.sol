// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title How a pot is shared
/// @dev docs/protocol.md, "One epoch"; `sharePot` in `sdk/epoch.ts` is the same.
library Payout {
    uint256 private constant TOTAL_BYTES = 8;

    /// @param pot Below 2^192.
    /// @param totals 8 bytes big-endian for each of at most 2^32 contributors; empty where base weights alone decide.
    /// @param floorUnits Least sum that the totals are divided by, below 2^200.
    /// @param base Base weights, with a sum below 2^56 and above 0.
    /// @return pay What each contributor gets.
    /// @return dust What the floors leave.
    function share(
        uint256 pot,
        bytes calldata totals,
        uint256 floorUnits,
        uint256[] memory base
    ) internal pure returns (uint256[] memory pay, uint256 dust) {
        pay = new uint256[](base.length);
        dust = pot;
        // What is said of the parameters keeps every sum and product below 2^256.
        unchecked {
            uint256 scored = _scored(totals);
            uint256 divisor = Math.max(scored, floorUnits);
            uint256 rest = divisor - scored;
            if (divisor == 0) divisor = rest = 1;
            if (rest != 0) _shareByBase(pay, pot, rest, divisor, base);
            uint256 byScore = scored == 0 ? 0 : pot; // without totals there is nothing to read
            assembly ("memory-safe") {
                let at := totals.offset
                let each := add(pay, 0x20)
                for {
                    let end := add(each, shl(5, mload(pay)))
                } lt(each, end) {
                    each := add(each, 0x20)
                    at := add(at, TOTAL_BYTES)
                } {
                    let amount := add(mload(each), div(mul(byScore, shr(192, calldataload(at))), divisor))
                    mstore(each, amount)
                    dust := sub(dust, amount)
                }
            }
        }
    }

    /// @dev Sets each to ⌊pot·rest·base_c / (divisor·Σbase)⌋.
    function _shareByBase(
        uint256[] memory pay,
        uint256 pot,
        uint256 rest,
        uint256 divisor,
        uint256[] memory base
    ) private pure {
        unchecked {
            uint256 sum = _sum(base);
            divisor *= sum;
            (bool fits, ) = Math.tryMul(pot, rest * sum); // else products need more than 256 bits
            if (!fits) {
                for (uint256 c; c < pay.length; ++c)
                    pay[c] = Math.mulDiv(pot, rest * Arrays.unsafeMemoryAccess(base, c), divisor);
                return;
            }
            uint256 part = pot * rest;
            assembly ("memory-safe") {
                let offset := sub(pay, base)
                for {
                    let at := add(base, shl(5, mload(base)))
                } gt(at, base) {
                    at := sub(at, 0x20)
                } {
                    mstore(add(at, offset), div(mul(part, mload(at)), divisor))
                }
            }
        }
    }

    function _scored(bytes calldata totals) private pure returns (uint256 sum) {
        assembly ("memory-safe") {
            for {
                let at := add(totals.offset, totals.length)
            } gt(at, totals.offset) {} {
                at := sub(at, TOTAL_BYTES)
                sum := add(sum, shr(192, calldataload(at)))
            }
        }
    }

    function _sum(uint256[] memory terms) private pure returns (uint256 sum) {
        assembly ("memory-safe") {
            for {
                let at := add(terms, shl(5, mload(terms)))
            } gt(at, terms) {
                at := sub(at, 0x20)
            } {
                sum := add(sum, mload(at))
            }
        }
    }
}
