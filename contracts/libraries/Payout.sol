// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title How a pot is shared
/// @dev docs/protocol.md, "One epoch"; `sharePot` in `sdk/epoch.ts` is the same.
library Payout {
    /// @param pot Below 2^192.
    /// @param totals 8 bytes big-endian for each contributor; empty where base weights alone decide.
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
        uint256 scored;
        for (uint256 i; i < totals.length; i += 8) scored += _total(totals, i);
        uint256 baseSum;
        for (uint256 c; c < base.length; ++c) baseSum += base[c];
        uint256 divisor = Math.max(scored, floorUnits);
        uint256 rest = divisor - scored;

        pay = new uint256[](base.length);
        dust = pot;
        for (uint256 c; c < pay.length; ++c) {
            uint256 amount =
                divisor == 0
                    ? (pot * base[c]) / baseSum
                    : (pot * _total(totals, 8 * c)) / divisor + Math.mulDiv(pot, rest * base[c], divisor * baseSum);
            pay[c] = amount;
            dust -= amount;
        }
    }

    function _total(bytes calldata totals, uint256 start) private pure returns (uint256) {
        return uint64(bytes8(totals[start:start + 8]));
    }
}
