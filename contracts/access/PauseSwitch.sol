// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IPauseSwitch} from "../interfaces/IPauseSwitch.sol";

/// @title What is paused
/// @notice See {IPauseSwitch}.
contract PauseSwitch is IPauseSwitch, AccessManaged {
    /// @inheritdoc IPauseSwitch
    mapping(Group => bool) public isPaused;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IPauseSwitch
    function setPaused(Group group, bool paused) external restricted {
        isPaused[group] = paused;
        emit PauseSet(group, paused);
    }

    /// @inheritdoc IPauseSwitch
    function requireActive(Group group) external view {
        require(!isPaused[group], PauseGroupPaused(group));
    }
}
