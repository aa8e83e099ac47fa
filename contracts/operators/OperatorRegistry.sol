// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";

/// @title Bonds
/// @notice See {IOperatorRegistry}.
/// @dev Received amounts are measured, and measuring holds only if nothing can move tokens in between: hence the guard.
contract OperatorRegistry is IOperatorRegistry, AccessManaged, ReentrancyGuard {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @inheritdoc IOperatorRegistry
    uint256 public immutable thawPeriod;

    /// @inheritdoc IOperatorRegistry
    bool public bound;
    /// @inheritdoc IOperatorRegistry
    mapping(address locker => bool) public isLocker;
    /// @inheritdoc IOperatorRegistry
    mapping(address token => uint256) public held;
    /// @inheritdoc IOperatorRegistry
    mapping(address token => mapping(address account => uint256)) public credits;
    /// @inheritdoc IOperatorRegistry
    mapping(address account => mapping(address token => mapping(address locker => uint256))) public lockedOf;

    mapping(address account => mapping(address token => Bond)) private _bonds;

    modifier onlyLocker() {
        require(isLocker[msg.sender], OperatorsNotLocker(msg.sender));
        _;
    }

    constructor(uint256 thawPeriod_, address authority) AccessManaged(authority) {
        thawPeriod = thawPeriod_;
    }

    /// @inheritdoc IOperatorRegistry
    function bindLockers(address[] calldata lockers) external restricted {
        require(!bound, OperatorsLockersBound());
        require(lockers.length != 0, OperatorsInvalidLockers());
        bound = true;
        for (uint256 i; i < lockers.length; ++i) {
            require(lockers[i] != address(0), OperatorsInvalidLockers());
            isLocker[lockers[i]] = true;
        }
        emit LockersBound(lockers);
    }

    /// @inheritdoc IOperatorRegistry
    function bond(address account, address token, uint256 amount) external nonReentrant {
        require(bound, OperatorsLockersUnbound());
        _bonds[account][token].amount += amount.toUint128();
        uint256 expected = held[token];
        uint256 before = IERC20(token).balanceOf(address(this));
        require(before >= expected, OperatorsTokenRebased(token, before, expected));
        held[token] = expected + amount;
        emit Bonded(account, token, msg.sender, amount);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        require(received == amount, OperatorsTokenTakesFees(token, received, amount));
    }

    /// @inheritdoc IOperatorRegistry
    function startWithdrawal(address token, uint256 amount) external {
        Bond storage own = _bonds[msg.sender][token];
        uint256 unlocked = own.amount - own.locked;
        require(amount <= unlocked, OperatorsWithdrawalTooLarge(amount, unlocked));
        uint256 readyAt = block.timestamp + thawPeriod;
        own.thawing = uint128(amount);
        own.readyAt = readyAt.toUint48();
        emit WithdrawalStarted(msg.sender, token, amount, readyAt);
    }

    /// @inheritdoc IOperatorRegistry
    function withdraw(address token) external nonReentrant {
        Bond storage own = _bonds[msg.sender][token];
        uint128 amount = own.thawing;
        require(amount != 0, OperatorsNothingThawing(token));
        require(block.timestamp >= own.readyAt, OperatorsStillThawing(own.readyAt));
        own.amount -= amount;
        own.thawing = 0;
        held[token] -= amount;
        emit Withdrawn(msg.sender, token, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function withdrawCredit(address token) external nonReentrant {
        uint256 amount = credits[token][msg.sender];
        require(amount != 0, OperatorsNoCredit(token, msg.sender));
        credits[token][msg.sender] = 0;
        held[token] -= amount;
        emit CreditWithdrawn(msg.sender, token, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function lock(address account, address token, uint256 amount) external onlyLocker {
        if (amount == 0) return;
        uint256 free = freeOf(account, token);
        require(amount <= free, OperatorsFreeTooSmall(account, token, free, amount));
        _bonds[account][token].locked += uint128(amount);
        lockedOf[account][token][msg.sender] += amount;
        emit Locked(account, token, msg.sender, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function unlock(address account, address token, uint256 amount) external onlyLocker {
        if (amount == 0) return;
        _unlock(account, token, amount);
        emit Unlocked(account, token, msg.sender, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function slash(address account, address token, uint256 amount, address beneficiary) external onlyLocker {
        if (amount == 0) return;
        _unlock(account, token, amount);
        _take(account, token, amount, beneficiary, false);
    }

    /// @inheritdoc IOperatorRegistry
    function slashBond(
        address account,
        address token,
        uint256 amount,
        address beneficiary
    ) external onlyLocker returns (uint256 taken) {
        Bond storage from = _bonds[account][token];
        uint256 unlocked = from.amount - from.locked;
        taken = Math.min(amount, unlocked);
        if (taken == 0) return 0;
        from.thawing = uint128(Math.min(from.thawing, unlocked - taken));
        _take(account, token, taken, beneficiary, true);
    }

    /// @inheritdoc IOperatorRegistry
    function bondOf(address account, address token) external view returns (uint256) {
        return _bonds[account][token].amount;
    }

    /// @inheritdoc IOperatorRegistry
    function thawing(address account, address token) external view returns (uint256 amount, uint256 readyAt) {
        Bond storage from = _bonds[account][token];
        return (from.thawing, from.readyAt);
    }

    /// @inheritdoc IOperatorRegistry
    function freeOf(address account, address token) public view returns (uint256) {
        Bond storage from = _bonds[account][token];
        return from.amount - from.locked - from.thawing;
    }

    function _unlock(address account, address token, uint256 amount) private {
        uint256 locked = lockedOf[account][token][msg.sender];
        require(amount <= locked, OperatorsLockedTooSmall(account, token, msg.sender, locked, amount));
        lockedOf[account][token][msg.sender] = locked - amount;
        _bonds[account][token].locked -= uint128(amount);
    }

    /// @dev Slashed bonds are only credited, so that no receiver can stop a dispute from ending.
    function _take(address account, address token, uint256 amount, address beneficiary, bool unlocked) private {
        require(beneficiary != address(0), OperatorsInvalidBeneficiary());
        _bonds[account][token].amount -= uint128(amount);
        credits[token][beneficiary] += amount;
        emit Slashed(account, token, msg.sender, beneficiary, amount, unlocked);
    }
}
