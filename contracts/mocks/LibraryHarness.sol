// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ClaimTree} from "../libraries/ClaimTree.sol";
import {Payout} from "../libraries/Payout.sol";
import {Query} from "../libraries/Query.sol";

/// @title Libraries' functions as calls
/// @dev For tests that compare them with their TypeScript twins.
contract LibraryHarness {
    function share(
        uint256 pot,
        bytes calldata totals,
        uint256 floor,
        uint256[] calldata base
    ) external pure returns (uint256[] memory pay, uint256 dust) {
        return Payout.share(pot, totals, floor, base);
    }

    function quantise(int128[] calldata v) external pure returns (bytes memory q, uint256 d) {
        return Query.quantise(v);
    }

    function floorUnits(uint256 fees18, uint256 d) external pure returns (uint256) {
        return Query.floorUnits(fees18, d);
    }

    function claimRoot(bytes32 commitmentId, uint256[] calldata cumulative) external pure returns (bytes32) {
        return ClaimTree.root(commitmentId, cumulative);
    }
}
