// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {IPauseSwitch} from "../interfaces/IPauseSwitch.sol";
import {IRewardSplitter} from "../interfaces/IRewardSplitter.sol";

/// @title Customers' deposits
/// @notice See {IInferenceEscrow}. Created by its splitter.
/// @dev Received amounts are measured, and measuring holds only if nothing can move tokens in between: hence the guard.
contract InferenceEscrow is IInferenceEscrow, EIP712, ReentrancyGuard {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(address customer,address server,uint256 modelId,uint256 epochId,address token,uint256 cumulative,uint256 deadline)"
    );

    /// @inheritdoc IInferenceEscrow
    IRewardSplitter public immutable splitter;
    /// @inheritdoc IInferenceEscrow
    uint256 public immutable thawPeriod;

    IPauseSwitch private immutable _pauses;

    /// @inheritdoc IInferenceEscrow
    mapping(address token => uint256) public held;

    mapping(address customer => mapping(address token => Deposit)) private _deposits;
    mapping(bytes32 key => uint256) private _redeemed;

    constructor(uint256 thawPeriod_, IPauseSwitch pauses) EIP712("OpenLedger InferenceEscrow", "1") {
        splitter = IRewardSplitter(msg.sender);
        thawPeriod = thawPeriod_;
        _pauses = pauses;
    }

    /// @inheritdoc IInferenceEscrow
    function deposit(address customer, address token, uint256 amount) external nonReentrant {
        _deposit(customer, token, amount);
    }

    /// @inheritdoc IInferenceEscrow
    function depositWithPermit(
        address customer,
        address token,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        // Anyone can send a permit that he sees before it is mined: then the allowance is there.
        if (IERC20(token).allowance(msg.sender, address(this)) < amount)
            IERC20Permit(token).permit(msg.sender, address(this), amount, deadline, v, r, s);
        _deposit(customer, token, amount);
    }

    /// @inheritdoc IInferenceEscrow
    function startWithdrawal(address token, uint256 amount) external {
        Deposit storage account = _deposits[msg.sender][token];
        require(amount <= account.amount, EscrowWithdrawalTooLarge(amount, account.amount));
        uint256 readyAt = block.timestamp + thawPeriod;
        account.thawing = uint128(amount);
        account.readyAt = uint48(readyAt);
        emit WithdrawalStarted(msg.sender, token, amount, readyAt);
    }

    /// @inheritdoc IInferenceEscrow
    function withdraw(address token) external nonReentrant {
        Deposit storage account = _deposits[msg.sender][token];
        uint128 amount = account.thawing;
        require(amount != 0, EscrowNothingThawing(token));
        require(block.timestamp >= account.readyAt, EscrowStillThawing(account.readyAt));
        account.amount -= amount;
        account.thawing = 0;
        held[token] -= amount;
        emit Withdrawn(msg.sender, token, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IInferenceEscrow
    function redeem(Voucher calldata voucher, bytes calldata signature, uint256 charged) external nonReentrant {
        require(msg.sender == voucher.server, EscrowNotServer(msg.sender, voucher.server));
        require(charged <= voucher.cumulative, EscrowOverVoucher(charged, voucher.cumulative));
        require(block.timestamp <= voucher.deadline, EscrowVoucherExpired(voucher.deadline));
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, voucher)));
        require(
            SignatureChecker.isValidSignatureNowCalldata(voucher.customer, digest, signature),
            EscrowInvalidSignature(voucher.customer)
        );

        bytes32 key = _key(voucher.customer, voucher.server, voucher.modelId, voucher.epochId, voucher.token);
        uint256 before = _redeemed[key];
        require(charged > before, EscrowAlreadyRedeemed(charged, before));
        uint256 amount = charged - before;
        Deposit storage account = _deposits[voucher.customer][voucher.token];
        uint256 left = account.amount;
        require(amount <= left, EscrowDepositTooSmall(left, amount));
        left -= amount;

        _redeemed[key] = charged;
        held[voucher.token] -= amount;
        account.amount = uint128(left);
        account.thawing = uint128(Math.min(account.thawing, left));
        emit VoucherRedeemed(
            voucher.customer,
            voucher.server,
            voucher.modelId,
            voucher.epochId,
            voucher.token,
            charged,
            amount
        );
        splitter.credit(voucher.modelId, voucher.epochId, voucher.server, voucher.token, amount);
        _pay(voucher.token, amount);
    }

    /// @inheritdoc IInferenceEscrow
    function deposited(address customer, address token) external view returns (uint256) {
        return _deposits[customer][token].amount;
    }

    /// @inheritdoc IInferenceEscrow
    function available(address customer, address token) external view returns (uint256) {
        Deposit storage account = _deposits[customer][token];
        return account.amount - account.thawing;
    }

    /// @inheritdoc IInferenceEscrow
    function thawing(address customer, address token) external view returns (uint256 amount, uint256 readyAt) {
        Deposit storage account = _deposits[customer][token];
        return (account.thawing, account.readyAt);
    }

    /// @inheritdoc IInferenceEscrow
    function redeemed(
        address customer,
        address server,
        uint256 modelId,
        uint256 epochId,
        address token
    ) external view returns (uint256) {
        return _redeemed[_key(customer, server, modelId, epochId, token)];
    }

    function _deposit(address customer, address token, uint256 amount) private {
        _pauses.requireActive(IPauseSwitch.Group.Deposits);
        require(splitter.acceptsToken(token), EscrowTokenNotAllowed(token));
        _deposits[customer][token].amount += amount.toUint128();
        uint256 expected = held[token];
        uint256 before = IERC20(token).balanceOf(address(this));
        require(before >= expected, EscrowTokenRebased(token, before, expected));
        held[token] = expected + amount;
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        _checkReceived(token, address(this), before, amount);
        emit Deposited(customer, token, msg.sender, amount);
    }

    function _pay(address token, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(splitter));
        IERC20(token).safeTransfer(address(splitter), amount);
        _checkReceived(token, address(splitter), before, amount);
    }

    function _checkReceived(address token, address receiver, uint256 before, uint256 amount) private view {
        uint256 received = IERC20(token).balanceOf(receiver) - before;
        require(received == amount, EscrowTokenTakesFees(token, received, amount));
    }

    function _key(
        address customer,
        address server,
        uint256 modelId,
        uint256 epochId,
        address token
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(customer, server, modelId, epochId, token));
    }
}
