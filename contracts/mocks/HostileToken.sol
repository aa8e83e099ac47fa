// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {TestToken} from "./TestToken.sol";

/// @title Token that can start to take fees, to call back, to shrink balances, to block accounts, to answer false, and to change its decimals
/// @dev For tests.
contract HostileToken is TestToken {
    uint256 private _feeBps;
    uint8 private _shownDecimals = 18;
    mapping(address account => bool) private _blocked;
    bool private _refusing;
    address private _hook;
    bytes private _hookData;

    constructor() TestToken("Hostile", "BAD", 18) {}

    function setFee(uint256 feeBps) external {
        _feeBps = feeBps;
    }

    function setDecimals(uint8 shown) external {
        _shownDecimals = shown;
    }

    /// @notice Takes tokens from an account, as a rebase does.
    function shrink(address account, uint256 amount) external {
        _burn(account, amount);
    }

    /// @notice Makes transfers to the account fail, as a blacklist does.
    function setBlocked(address account, bool blocked) external {
        _blocked[account] = blocked;
    }

    /// @notice Makes transfers move nothing and return false, as some old tokens do instead of reverting.
    function setRefusing(bool refusing) external {
        _refusing = refusing;
    }

    /// @notice Makes the next transfer call `target`, as a token with hooks lets a receiver do.
    function setHook(address target, bytes calldata data) external {
        _hook = target;
        _hookData = data;
    }

    function decimals() public view override returns (uint8) {
        return _shownDecimals;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !_refusing && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !_refusing && super.transferFrom(from, to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(!_blocked[to], "HostileToken: blocked"); // solhint-disable-line gas-custom-errors
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
