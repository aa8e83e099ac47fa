// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What is paused
/// @notice Guardians can stop new obligations, group by group. No contract asks here before it settles, redeems, claims,
/// releases or withdraws, so nothing that is owed can be held up.
interface IPauseSwitch {
    /// @dev New obligations, by what makes them.
    enum Group {
        Datanets, // creating Datanets
        Contributions, // contributing to them
        Models, // minting and retraining models
        Epochs, // a model's first epoch
        Deposits // customers' deposits
    }

    /// @dev The guardians paused this group. What exists goes on: reviews, epochs, settlements, claims, withdrawals.
    error PauseGroupPaused(Group group);

    event PauseSet(Group indexed group, bool paused);

    /// @notice Pauses a group, or lets it go on. For the authority's guardians.
    function setPaused(Group group, bool paused) external;

    function isPaused(Group group) external view returns (bool);

    /// @notice Reverts if the group is paused.
    function requireActive(Group group) external view;
}
