// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {TestToken} from "./TestToken.sol";

/// @title Token that can start to take fees, to call back, and to change its decimals
/// @dev For tests.
contract HostileToken is TestToken {
    uint256 private _feeBps;
    uint8 private _shownDecimals = 18;
    address private _hook;
    bytes private _hookData;

    constructor() TestToken("Hostile", "BAD", 18) {}

    function setFee(uint256 feeBps) external {
        _feeBps = feeBps;
    }

    function setDecimals(uint8 shown) external {
        _shownDecimals = shown;
    }

    /// @notice Makes the next transfer call `target`, as a token with hooks lets a receiver do.
    function setHook(address target, bytes calldata data) external {
        _hook = target;
        _hookData = data;
    }

    function decimals() public view override returns (uint8) {
        return _shownDecimals;
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = (amount * _feeBps) / 10_000;
        address hook = _hook;
        if (hook != address(0)) {
            _hook = address(0);
            Address.functionCall(hook, _hookData);
        }
        if (fee != 0 && from != address(0)) super._update(from, address(this), fee);
        super._update(from, to, from == address(0) ? amount : amount - fee);
    }
}
