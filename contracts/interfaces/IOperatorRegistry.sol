// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Errors of {IOperatorRegistry}
interface IOperatorRegistryErrors {
    /// @dev The token took a fee on the way. Use a token that transfers what it is asked to.
    error OperatorsTokenTakesFees(address token, uint256 received, uint256 expected);
    /// @dev Balances of the token shrank by themselves: it is rebased. No more bonds of it are taken.
    error OperatorsTokenRebased(address token, uint256 balance, uint256 held);
    /// @dev The lockers are bound once and for ever, and they were.
    error OperatorsLockersBound();
    /// @dev Until the lockers are bound nobody could know who may slash. Bond once they are.
    error OperatorsLockersUnbound();
    /// @dev Lockers are one or more contracts, none at the zero address.
    error OperatorsInvalidLockers();
    /// @dev Only the lockers lock, unlock and slash.
    error OperatorsNotLocker(address caller);
    /// @dev Of the account's bond only `free` is neither locked nor thawing. It must bond `amount − free` more.
    error OperatorsFreeTooSmall(address account, address token, uint256 free, uint256 amount);
    /// @dev The locker has only `locked` of this bond.
    error OperatorsLockedTooSmall(address account, address token, address locker, uint256 locked, uint256 amount);
    /// @dev What is slashed goes to an account. Unlock it instead if nobody shall have it.
    error OperatorsInvalidBeneficiary();
    /// @dev Only what is not locked can be withdrawn.
    error OperatorsWithdrawalTooLarge(uint256 amount, uint256 unlocked);
    /// @dev No withdrawal of this token was started, or slashing used it up. Call `startWithdrawal` first.
    error OperatorsNothingThawing(address token);
    /// @dev The withdrawal can be taken at `readyAt` and not before.
    error OperatorsStillThawing(uint256 readyAt);
    /// @dev The account has no credit of this token.
    error OperatorsNoCredit(address token, address account);
}

/// @title Types of {IOperatorRegistry}
interface IOperatorRegistryTypes {
    struct Bond {
        uint128 amount;
        uint128 locked; // part of `amount`, by all lockers together
        uint128 thawing; // part of `amount` that is on its way out, and not locked
        uint48 readyAt; // when `thawing` can be withdrawn
    }
}

/// @title Events of {IOperatorRegistry}
interface IOperatorRegistryEvents is IOperatorRegistryTypes {
    event LockersBound(address[] lockers);
    event Bonded(address indexed account, address indexed token, address indexed payer, uint256 amount);
    event WithdrawalStarted(address indexed account, address indexed token, uint256 amount, uint256 readyAt);
    event Withdrawn(address indexed account, address indexed token, uint256 amount);
    event Locked(address indexed account, address indexed token, address indexed locker, uint256 amount);
    event Unlocked(address indexed account, address indexed token, address indexed locker, uint256 amount);
    /// @dev `unlocked` tells whether the amount came from what nobody had locked.
    event Slashed(
        address indexed account,
        address indexed token,
        address indexed locker,
        address beneficiary,
        uint256 amount,
        bool unlocked
    );
    event CreditWithdrawn(address indexed account, address indexed token, uint256 amount);
}

/// @title Bonds
/// @notice Holds the bonds of operators, auditors, challengers and model owners, by account and token. The protocol's own
/// contracts, bound once and for ever, lock them, and slash them to whom they harmed.
/// @dev Bonds and credits in are always what is held or was paid out, per token, to the wei. One locker cannot touch what
/// another has locked.
interface IOperatorRegistry is IOperatorRegistryErrors, IOperatorRegistryEvents {
    /// @notice Says who may lock and slash, once and for ever. For the authority only; no bonds are taken before.
    function bindLockers(address[] calldata lockers) external;

    /// @notice Adds `amount` of the caller's tokens to the bond of `account`. The caller must have approved this contract.
    function bond(address account, address token, uint256 amount) external;

    /// @notice Starts to withdraw `amount` of the caller's bond, in place of any withdrawal started before; 0 stops it.
    /// @dev Slashing reaches it until it is withdrawn, but no new lock does.
    function startWithdrawal(address token, uint256 amount) external;

    /// @notice Pays the caller what thaws and is left, once the thaw is over.
    function withdraw(address token) external;

    /// @notice Pays the caller what was slashed to him.
    function withdrawCredit(address token) external;

    /// @notice Locks a free part of a bond for the caller. For lockers only, as all below.
    function lock(address account, address token, uint256 amount) external;

    /// @notice Lets go of what the caller locked.
    function unlock(address account, address token, uint256 amount) external;

    /// @notice Takes from what the caller locked, as a credit of `beneficiary`.
    function slash(address account, address token, uint256 amount, address beneficiary) external;

    /// @notice Takes up to `amount` from what nobody locked, thawing or not, as a credit of `beneficiary`.
    function slashBond(
        address account,
        address token,
        uint256 amount,
        address beneficiary
    ) external returns (uint256 taken);

    /// @notice Seconds between `startWithdrawal` and `withdraw`.
    function thawPeriod() external view returns (uint256);

    /// @notice Whether the lockers are bound.
    function bound() external view returns (bool);

    function isLocker(address locker) external view returns (bool);

    /// @notice All bonds and credits of a token.
    function held(address token) external view returns (uint256);

    /// @notice What was slashed to `account` and not withdrawn.
    function credits(address token, address account) external view returns (uint256);

    /// @notice All that `account` has bonded: free, locked and thawing.
    function bondOf(address account, address token) external view returns (uint256);

    /// @notice The part of the bond that can be locked.
    function freeOf(address account, address token) external view returns (uint256);

    /// @notice The part of the bond that `locker` has locked.
    function lockedOf(address account, address token, address locker) external view returns (uint256);

    /// @notice The withdrawal that is under way.
    function thawing(address account, address token) external view returns (uint256 amount, uint256 readyAt);
}
