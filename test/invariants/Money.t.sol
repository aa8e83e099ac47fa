// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MoneyHandler} from "./MoneyHandler.sol";
import {Broken} from "./World.sol";

/// @title Invariants of escrow and splitter
/// @dev Numbers and words in PROPERTIES.md.
contract MoneyTest {
    MoneyHandler private _handler;

    function setUp() external {
        _handler = new MoneyHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_moneyInIsMoneyHeldOwedOrPaid() external view {
        for (uint256 i; i < 2; ++i) {
            require(_handler.escrowHoldsDeposits(i), Broken(1));
            require(_handler.depositsAreRight(i), Broken(2));
            require(_handler.splitterConserves(i), Broken(3));
            require(_handler.earningsAreRight(i), Broken(4));
            require(_handler.stakesAreRight(i), Broken(10));
        }
        uint256 broken = _handler.broken();
        require(broken == 0, Broken(broken));
    }
}
