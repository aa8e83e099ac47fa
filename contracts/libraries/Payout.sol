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
            uint256 scored;
            for (uint256 at; at < totals.length; at += TOTAL_BYTES) scored += _total(totals, at);
            uint256 divisor = Math.max(scored, floorUnits);
            uint256 rest = divisor - scored;
            if (divisor == 0) divisor = rest = 1;
            uint256 baseDivisor = divisor * _sum(base);
            for (uint256 c; c < pay.length; ++c) {
                uint256 amount;
                if (scored != 0) amount = (pot * _total(totals, TOTAL_BYTES * c)) / divisor;
                if (rest != 0) amount += Math.mulDiv(pot, rest * Arrays.unsafeMemoryAccess(base, c), baseDivisor);
                pay[c] = amount;
                dust -= amount;
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

    function _total(bytes calldata totals, uint256 at) private pure returns (uint256 total) {
        assembly ("memory-safe") {
            total := shr(192, calldataload(add(totals.offset, at)))
        }
    }
}
