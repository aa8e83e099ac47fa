// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRewardSplitter} from "./IRewardSplitter.sol";

/// @title Errors of {IInferenceEscrow}
interface IInferenceEscrowErrors {
    /// @dev The token took a fee on the way. Use a token that transfers what it is asked to.
    error EscrowTokenTakesFees(address token, uint256 received, uint256 expected);
    /// @dev Payments are taken in listed tokens only. `RewardSplitter.acceptsToken` tells which.
    error EscrowTokenNotAllowed(address token);
    /// @dev Balances of the token shrank by themselves: it is rebased. Deposits of it are closed, withdrawals are not.
    error EscrowTokenRebased(address token, uint256 balance, uint256 held);
    /// @dev The voucher's deadline has passed. Ask the customer for a new one.
    error EscrowVoucherExpired(uint256 deadline);
    /// @dev The signature is not the customer's for this voucher, this chain and this contract.
    error EscrowInvalidSignature(address customer);
    /// @dev Only the voucher's server redeems it.
    error EscrowNotServer(address caller, address server);
    /// @dev More than the voucher promises was asked for. Ask the customer for one with a higher cumulative amount.
    error EscrowOverVoucher(uint256 charged, uint256 cumulative);
    /// @dev This amount was redeemed before. Redeem again once receipts add up to more.
    error EscrowAlreadyRedeemed(uint256 charged, uint256 redeemed);
    /// @dev The customer's deposit does not cover the voucher. He must deposit `needed − deposited` more.
    error EscrowDepositTooSmall(uint256 deposited, uint256 needed);
    /// @dev More than the deposit cannot be withdrawn.
    error EscrowWithdrawalTooLarge(uint256 amount, uint256 deposited);
    /// @dev No withdrawal of this token was started, or redeemed vouchers used it up. Call `startWithdrawal` first.
    error EscrowNothingThawing(address token);
    /// @dev The withdrawal can be taken at `readyAt` and not before.
    error EscrowStillThawing(uint256 readyAt);
}

/// @title Types of {IInferenceEscrow}
interface IInferenceEscrowTypes {
    /// @dev Signed by the customer; docs/protocol.md has the EIP-712 type.
    struct Voucher {
        address customer;
        address server;
        uint256 modelId;
        uint256 epochId;
        address token;
        uint256 cumulative; // all that the server may have within (customer, server, model, epoch, token)
        uint256 deadline; // last second for redeeming
    }

    struct Deposit {
        uint128 amount;
        uint128 thawing; // part of `amount` that is on its way out
        uint48 readyAt; // when `thawing` can be withdrawn
    }
}

/// @title Events of {IInferenceEscrow}
interface IInferenceEscrowEvents is IInferenceEscrowTypes {
    event Deposited(address indexed customer, address indexed token, address indexed payer, uint256 amount);
    event WithdrawalStarted(address indexed customer, address indexed token, uint256 amount, uint256 readyAt);
    event Withdrawn(address indexed customer, address indexed token, uint256 amount);
    event VoucherRedeemed(
        address indexed customer,
        address indexed server,
        uint256 indexed modelId,
        uint256 epochId,
        address token,
        uint256 charged,
        uint256 amount
    );
}

/// @title Customers' deposits
/// @notice Customers deposit tokens and sign vouchers; servers redeem what they charged, up to what was signed, into the
/// epoch's fees. A deposit can be withdrawn after a thaw, long enough for servers to redeem what they hold.
interface IInferenceEscrow is IInferenceEscrowErrors, IInferenceEscrowEvents {
    /// @notice Deposits `amount` of the caller's tokens for `customer`. The caller must have approved this contract.
    function deposit(address customer, address token, uint256 amount) external;

    /// @notice The same with the caller's ERC-2612 permit in the place of an approval.
    /// @dev Where the allowance is there already, as when someone else sent the permit first, the permit is passed over.
    function depositWithPermit(
        address customer,
        address token,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Starts to withdraw `amount` of the caller's deposit, in place of any withdrawal started before; 0 stops it.
    /// @dev Vouchers can still be redeemed against it until it is withdrawn.
    function startWithdrawal(address token, uint256 amount) external;

    /// @notice Pays the caller what has thawed.
    function withdraw(address token) external;

    /// @notice Moves what the voucher's server charged, and has not redeemed, from the customer's deposit into the
    /// epoch's fees. Only the server may send it, since only it knows its receipts: a voucher is signed before the
    /// answer, for the most that it may cost.
    /// @dev Reverts with an error of {IRewardSplitter} when the epoch takes no fees (any more) or takes another token.
    /// @param charged What the server's receipts add up to within the voucher's tuple, at most `voucher.cumulative`.
    /// @param signature ECDSA signature of the customer, or what his contract wallet accepts (ERC-1271).
    function redeem(Voucher calldata voucher, bytes calldata signature, uint256 charged) external;

    /// @notice Where fees go.
    function splitter() external view returns (IRewardSplitter);

    /// @notice Seconds between `startWithdrawal` and `withdraw`.
    function thawPeriod() external view returns (uint256);

    /// @notice All deposits of a token.
    function held(address token) external view returns (uint256);

    /// @notice All that `customer` has here, thawing or not: vouchers can be redeemed up to this.
    function deposited(address customer, address token) external view returns (uint256);

    /// @notice The deposit without its thawing part: what a server should count on.
    function available(address customer, address token) external view returns (uint256);

    /// @notice The withdrawal that is under way.
    function thawing(address customer, address token) external view returns (uint256 amount, uint256 readyAt);

    /// @notice Cumulative amount redeemed so far within the tuple that vouchers count in.
    function redeemed(
        address customer,
        address server,
        uint256 modelId,
        uint256 epochId,
        address token
    ) external view returns (uint256);
}
