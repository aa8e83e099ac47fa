// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IRewardSplitterErrors} from "../interfaces/IRewardSplitter.sol";
import {Protocol} from "./Protocol.sol";

/// @title From an epoch's vector V to the query Q that is proven
/// @dev docs/protocol.md, "One epoch"; `quantise` and `floorUnits` in `sdk/epoch.ts` are the same.
library Query {
    /// @dev Below this, ΣV² of 512 entries cannot overflow.
    uint256 private constant MAX_ENTRY = 1 << 120;
    /// @dev Largest entry of Q.
    uint256 private constant SCALE = 127;
    /// @dev Norm that Q is scaled to at most; rounding adds less than 12, which makes the verifier's 480.
    uint256 private constant NORM = 468;

    /// @return q Int8 form of V, two's complement; zero where V is.
    /// @return d What V was divided by (times 127).
    function quantise(int128[] calldata v) internal pure returns (bytes memory q, uint256 d) {
        uint256 squares;
        // Nothing overflows below MAX_ENTRY, for up to 2^15 entries.
        unchecked {
            for (uint256 j; j < v.length; ++j) {
                uint256 size = SignedMath.abs(v[j]);
                require(size < MAX_ENTRY, IRewardSplitterErrors.SplitterVectorEntry(j));
                squares += size * size;
                if (size > d) d = size;
            }
            q = new bytes(v.length);
            if (d == 0) return (q, 0);
            d = Math.max(d, Math.ceilDiv(SCALE * Math.sqrt(squares, Math.Rounding.Ceil), NORM));
            for (uint256 j; j < v.length; ++j) {
                uint256 size = (2 * SCALE * SignedMath.abs(v[j]) + d) / (2 * d);
                q[j] = bytes1(uint8(v[j] < 0 ? 256 - size : size));
            }
        }
    }

    /// @dev Least sum that the scores of Q are divided by: κ0 of the fees, in the scores' units.
    function floorUnits(uint256 fees18, uint256 d) internal pure returns (uint256) {
        return d == 0 ? 0 : Math.ceilDiv(Protocol.KAPPA0_BPS * fees18 * SCALE, Protocol.BPS * d);
    }
}
