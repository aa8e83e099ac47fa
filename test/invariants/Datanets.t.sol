// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DatanetHandler} from "./DatanetHandler.sol";
import {Broken} from "./World.sol";

/// @title Invariants of the Datanet registry
/// @dev Numbers and words in PROPERTIES.md.
contract DatanetsTest {
    DatanetHandler private _handler;

    function setUp() external {
        _handler = new DatanetHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_bondsAndVersionsAreKept() external view {
        require(_handler.bondsAreConserved(), Broken(11));
        uint256 broken = _handler.broken();
        require(broken == 0, Broken(broken));
        require(_handler.versionsStay(), Broken(13));
    }
}
