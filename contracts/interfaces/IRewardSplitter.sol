// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttributionRegistry} from "./IAttributionRegistry.sol";
import {IAttributionVerifier, IAttributionVerifierTypes} from "./IAttributionVerifier.sol";
import {IInferenceEscrow} from "./IInferenceEscrow.sol";
import {IModelNFT} from "./IModelNFT.sol";
import {IOperatorRegistry} from "./IOperatorRegistry.sol";
import {IPauseSwitch} from "./IPauseSwitch.sol";

/// @title Errors of {IRewardSplitter}
interface IRewardSplitterErrors {
    /// @dev Deploy with redeemWindow ≤ proposeWindow, an epoch of at least a second, a thaw below 2^32 seconds, a
    /// bond factor of at least 1 and a treasury.
    error SplitterInvalidDeployment();
    /// @dev Fees come through the escrow: redeem a voucher there.
    error SplitterNotEscrow(address caller);
    /// @dev The model has no active commitment, so nothing could be attributed. Register it, and wait for its activation.
    error SplitterNoCommitment(uint256 modelId);
    /// @dev The commitment names a key that the verifier does not hold. Register the key first.
    error SplitterUnknownKey(bytes32 vkId);
    /// @dev Models and deposits are in listed tokens. The authority lists those whose balances change by transfers only.
    error SplitterTokenNotAllowed(address token);
    /// @dev Only the account itself, or who it made its claimer, may say where its money goes.
    error SplitterNotClaimer(address account, address caller);
    /// @dev Tokens have at most 18 decimals.
    error SplitterTokenDecimals(address token, uint256 decimals);
    /// @dev The current epoch runs until `until`; the next one can be opened then.
    error SplitterEpochRunning(uint256 until);
    /// @dev The model has no such epoch. The first is opened by `openEpoch`.
    error SplitterUnknownEpoch(uint256 modelId, uint256 epochId);
    /// @dev Redeeming for this epoch ended at `closedAt + redeemWindow`. Vouchers must name the current epoch.
    error SplitterRedeemingClosed(uint256 modelId, uint256 epochId);
    /// @dev The model is paid in another token. The voucher must name that one.
    error SplitterWrongToken(address token, address expected);
    /// @dev The epoch takes proposals from `from` to `until`; both are 0 while it is open.
    error SplitterNotProposable(uint256 from, uint256 until);
    /// @dev One proposal at a time; the epoch takes another only if this one is rejected.
    error SplitterAlreadyProposed(uint256 modelId, uint256 epochId);
    /// @dev Proposals are taken once the authority has bound the disputes contract, so that each can be challenged.
    error SplitterDisputesUnbound();
    /// @dev The disputes contract is bound once and for ever, and it was.
    error SplitterDisputesBound();
    /// @dev The disputes contract cannot be the zero address.
    error SplitterInvalidDisputes();
    /// @dev Only the bound disputes contract decides on proposals and corrects.
    error SplitterNotDisputes(address caller);
    /// @dev V must have one entry a column.
    error SplitterVectorLength(uint256 length, uint256 expected);
    /// @dev Entry j of V is 2^120 or more in size.
    error SplitterVectorEntry(uint256 j);
    /// @dev The epoch took fees, so its receipts tree has leaves. Without receipts propose nothing: base weights pay after
    /// the last deadline.
    error SplitterReceiptsMissing(uint256 fees);
    /// @dev A proposal without receipts has root 0 and V = 0.
    error SplitterReceiptsNotEmpty();
    /// @dev The last receipt, with V and the epoch's fees as its sums, is not leaf `count − 1` under the root. Prove the
    /// last leaf of the tree whose receipts add up to the redeemed fees.
    error SplitterInvalidLastReceipt(bytes32 leaf);
    /// @dev The receipts of the last payer add up to another sum than the escrow redeemed for him.
    error SplitterPayerFees(uint256 payerFees, uint256 redeemed);
    /// @dev Nobody proposed V for this epoch (yet), or what was proposed was rejected.
    error SplitterNotProposed(uint256 modelId, uint256 epochId);
    /// @dev The challenge window runs until `until`; settle then.
    error SplitterWindowOpen(uint256 until);
    /// @dev The challenge window ended at `until` and no dispute is open: the proposal stands.
    error SplitterWindowOver(uint256 until);
    /// @dev `disputes` disputes of the proposal are open. Settle once they are resolved.
    error SplitterDisputed(uint256 disputes);
    /// @dev No dispute of this epoch is open.
    error SplitterNoDispute(uint256 modelId, uint256 epochId);
    /// @dev Only what was settled can be corrected; dispute the proposal instead.
    error SplitterNotSettled(uint256 modelId, uint256 epochId);
    /// @dev A correction has one amount a contributor.
    error SplitterExtraLength(uint256 length, uint256 expected);
    /// @dev An epoch is settled once.
    error SplitterAlreadySettled(uint256 modelId, uint256 epochId);
    /// @dev Q is not the one proposed. The event EpochProposed carries the right one.
    error SplitterQueryMismatch(bytes32 hash, bytes32 expected);
    /// @dev The epoch has scores, so it needs a proof: call `settle`. Without one it can be settled from `from` on.
    error SplitterNeedsProof(uint256 from);
    /// @dev The earlier cumulative amounts do not hash to the stored root. The last EpochSettled or
    /// EpochCorrected event of the commitment has the right ones.
    error SplitterPreviousMismatch(bytes32 root, bytes32 expected);
    /// @dev The operator's share cannot go to the zero address. Name an account.
    error SplitterInvalidProver();
    /// @dev The proof does not show claim `index` under the commitment's current root. Rebuild it from the last
    /// EpochSettled or EpochCorrected event.
    error SplitterInvalidClaim(uint256 index);
    /// @dev The account has no balance of this token.
    error SplitterNothingToWithdraw(address token, address account);
}

/// @title Types of {IRewardSplitter}
interface IRewardSplitterTypes {
    /// @dev All in seconds.
    struct Timing {
        uint32 epochLength; // least time between two openings
        uint32 redeemWindow; // D0, from closing: fees of the epoch come in
        uint32 proposeWindow; // D1, from closing: V is proposed, not before D0
        uint32 challengeWindow; // W, from the proposal
        uint32 answerWindow; // T, from a challenge that demands data
        uint32 disputeWindow; // D2, from a challenge to its resolution
        uint32 settleWindow; // D3, from the end of W or, without a proposal, of D1
        uint32 fallbackWindow; // D4, after D3; then base weights pay
    }

    struct Epoch {
        address token;
        uint48 openedAt;
        uint48 closedAt; // 0 while open
        uint128 fees; // gross
        uint128 held; // data pot, operator's share and floors; 0 once settled
        uint16 dataBps;
        uint16 ownerBps;
        uint16 serverBps;
        uint16 protocolBps; // the operator has the rest
        uint8 decimals;
        uint48 proposedAt; // 0 before
        uint48 settledAt; // 0 before
        uint64 count; // receipts in the proposal
        bytes32 commitmentId;
        bytes32 vkId;
        bytes32 queryHash; // keccak256 of Q's bytes
        bytes32 receiptsRoot;
        uint256 floorUnits;
        address proposer; // of the standing proposal
        uint48 reopenedAt; // when the last proposal was rejected, 0 before
        uint48 clearedAt; // when the last dispute of the proposal was closed, 0 before
        uint128 stake; // of the proposer's bond in `token`, locked until the epoch is settled; 0 if it was slashed
        uint32 round; // 1 for the first proposal
        uint32 disputes; // open ones of the standing proposal
    }

    /// @dev Last leaf of the receipts tree; its sums are V, the epoch's fees and `payerFees`.
    struct LastReceipt {
        address server;
        address customer;
        bytes32 receiptId;
        uint128 fee; // token units
        uint64 weight; // ω
        bytes32 recordId; // 0 without a sketch record
        uint256 payerFees; // what `customer` paid `server` in the epoch
        bytes32[] proof; // siblings, from the leaf up
    }

    struct Claim {
        bytes32 commitmentId;
        uint256 c; // contributor
        uint256 cumulative; // all he ever earned under the commitment
        bytes32[] proof; // siblings, sorted pairs
    }
}

/// @title Events of {IRewardSplitter}
interface IRewardSplitterEvents is IRewardSplitterTypes {
    event EpochOpened(
        uint256 indexed modelId,
        uint256 indexed epochId,
        bytes32 indexed commitmentId,
        bytes32 vkId,
        address token
    );
    event EpochClosed(uint256 indexed modelId, uint256 indexed epochId);
    event FeeCredited(
        uint256 indexed modelId,
        uint256 indexed epochId,
        address indexed server,
        uint256 amount,
        uint256 serverShare,
        address owner,
        uint256 ownerShare,
        uint256 protocolShare
    );
    /// @dev What the holder of an ancestor of the model gets of the owner's share; FeeCredited has the rest.
    event RoyaltyCredited(
        uint256 indexed modelId,
        uint256 indexed epochId,
        address indexed ancestorHolder,
        uint256 amount
    );
    event DisputesBound(address indexed disputes);
    /// @dev `v` and `q` stand here so that anyone can check the sum and settle.
    event EpochProposed(
        uint256 indexed modelId,
        uint256 indexed epochId,
        int128[] v,
        bytes q,
        uint256 floorUnits,
        uint256 count,
        bytes32 receiptsRoot
    );
    /// @dev `stake` of the proposer's bond is locked until the epoch is settled or this proposal rejected.
    event ProposalStaked(
        uint256 indexed modelId,
        uint256 indexed epochId,
        address indexed proposer,
        uint256 round,
        uint256 stake
    );
    event DisputeOpened(uint256 indexed modelId, uint256 indexed epochId, uint256 round, uint256 disputes);
    event DisputeClosed(uint256 indexed modelId, uint256 indexed epochId, uint256 round, uint256 disputes);
    /// @dev Half of the stake went to `beneficiary` and half to the treasury, or all back where that is the zero address.
    event ProposalRejected(
        uint256 indexed modelId,
        uint256 indexed epochId,
        address indexed proposer,
        uint256 round,
        uint256 stake,
        address beneficiary
    );
    /// @dev `cumulative` is every contributor's earnings so far: the leaves of the claims tree under `root`. `totals` is
    /// empty where base weights paid.
    event EpochSettled(
        uint256 indexed modelId,
        uint256 indexed epochId,
        bytes32 indexed commitmentId,
        address prover,
        uint256 pot,
        bytes32 root,
        bytes totals,
        uint256[] cumulative
    );
    /// @dev Adds `extra` to what everybody earned under the commitment; `cumulative` and `root` are as in EpochSettled.
    event EpochCorrected(
        uint256 indexed modelId,
        uint256 indexed epochId,
        bytes32 indexed commitmentId,
        bytes32 root,
        uint256[] extra,
        uint256[] cumulative
    );
    event OperatorPaid(uint256 indexed modelId, uint256 indexed epochId, address indexed prover, uint256 amount);
    event TokenSet(address indexed token, bool accepted);
    event ClaimerSet(address indexed account, address indexed claimer, bool allowed);
    /// @dev `account` is who earned and is paid, or whose claimer had it paid elsewhere.
    event Claimed(bytes32 indexed commitmentId, uint256 indexed c, address indexed account, uint256 amount);
    event Withdrawn(address indexed token, address indexed account, uint256 amount);
}

/// @title Fees in, shares out
/// @notice Splits every redeemed fee, collects the data pots of each model's epochs, and shares each pot among
/// contributors by totals that a proof backs. Epochs overlap: one is settled while the next takes fees.
/// @dev What comes in is always what is held, owed or paid, to the wei. Nobody can take what is owed to another.
interface IRewardSplitter is IRewardSplitterErrors, IRewardSplitterEvents {
    /// @notice Opens the model's next epoch, and closes the current one, which must have run for `epochLength`. The
    /// first opens once the model has a commitment.
    /// @dev The epoch's commitment, key, token and split are fixed here. A commitment whose key is not registered opens no
    /// first epoch, and is passed over for later ones.
    function openEpoch(uint256 modelId) external returns (uint256 epochId);

    /// @notice Takes a fee into an epoch, until `redeemWindow` after its end. The escrow calls it before it sends the tokens.
    function credit(uint256 modelId, uint256 epochId, address server, address token, uint256 amount) external;

    /// @notice Binds the contract that decides disputes, once and for ever. For the authority only; no proposals before.
    function bindDisputes(address disputes_) external;

    /// @notice Proposes V for a closed epoch; Q and the floor are computed from it and from the fees. ⌈held / bondFactor⌉
    /// of the caller's bond in the epoch's token is locked until the epoch is settled or the proposal rejected.
    /// @dev Reverts with {IOperatorRegistryErrors-OperatorsFreeTooSmall} when the caller has bonded too little: bond more
    /// with the task `operator:bond`. A rejected epoch takes proposals again for `proposeWindow`.
    /// @param v Σ ω_t q_t, one entry a column.
    /// @param count Number of receipts summed; 0 only where the epoch has no fees.
    /// @param receiptsRoot Root of the receipts tree, see docs/protocol.md.
    /// @param last Its last leaf; not looked at where `count` is 0.
    function propose(
        uint256 modelId,
        uint256 epochId,
        int128[] calldata v,
        uint64 count,
        bytes32 receiptsRoot,
        LastReceipt calldata last
    ) external;

    /// @notice Keeps a proposal, inside its challenge window, from being settled. For the disputes contract only, as the
    /// three below.
    function openDispute(uint256 modelId, uint256 epochId) external;

    /// @notice Ends a dispute in the proposal's favour. The challenge window then runs for another `answerWindow` at least.
    function closeDispute(uint256 modelId, uint256 epochId) external;

    /// @notice Removes a proposal that may still be challenged or has a dispute open, and with it all its disputes; the
    /// epoch takes proposals again.
    /// @param beneficiary Who gets half of the proposer's stake as a credit in the operator registry, the treasury getting
    /// the other; zero to let it go.
    function reject(uint256 modelId, uint256 epochId, address beneficiary) external;

    /// @notice Adds to what contributors earned by a settled epoch, out of the caller's tokens. Takes from nobody.
    /// @param extra Token units for each contributor.
    /// @param previous As for `settle`.
    function correct(uint256 modelId, uint256 epochId, uint256[] calldata extra, uint256[] calldata previous) external;

    /// @notice Shares the epoch's pot by proven totals, once the challenge window is over and no dispute is open. Anyone may
    /// send it.
    /// @param prover Who gets the operator's share; part of what is proven.
    /// @param q Q as in EpochProposed.
    /// @param totals 8 bytes big-endian for each contributor.
    /// @param previous Cumulative earnings as in the commitment's last EpochSettled or EpochCorrected; empty before the
    /// first.
    function settle(
        uint256 modelId,
        uint256 epochId,
        address prover,
        bytes calldata q,
        bytes calldata totals,
        IAttributionVerifierTypes.SettlementProof calldata proof,
        uint256[] calldata previous
    ) external;

    /// @notice Shares the epoch's pot by base weights: after the challenge window where there is nothing to prove (C_s is
    /// zero, as it is for Q = 0), and for any epoch after its last deadline. Anyone may send it, but not while a dispute is
    /// open.
    /// @dev An epoch without fees holds nothing and need not be settled; if it is, only dust moves.
    /// @param prover Who gets the operator's share, and after the last deadline half the stake of the proposal that stands.
    /// @param q Q as in EpochProposed; not looked at after the last deadline.
    /// @param previous As for `settle`.
    function settleByBase(
        uint256 modelId,
        uint256 epochId,
        address prover,
        bytes calldata q,
        uint256[] calldata previous
    ) external;

    /// @notice Pays contributors what they earned and have not been paid, to the accounts of the registry. Anyone may send it.
    /// @dev Claims that were paid before are passed over, so that nobody can stop a batch by sending part of it first.
    function claim(Claim[] calldata claims) external;

    /// @notice The same, but pays `receiver`. The caller must be the account of each claim, or its claimer.
    function claimTo(Claim[] calldata claims, address receiver) external;

    /// @notice Lets `claimer` have the caller's claims and balances paid where he wants, or no longer.
    function setClaimer(address claimer, bool allowed) external;

    /// @notice Takes tokens for payments, or no longer: then no deposits are taken and no model opens its first epoch in
    /// them, and all that is owed in them is paid as before. For the authority only.
    /// @dev Warning: list no token that takes fees, is rebased, or calls receivers: what comes in must be what stays.
    function setTokens(address[] calldata tokens, bool accepted) external;

    /// @notice Pays the caller his balance of `token`.
    function withdraw(address token) external;

    /// @notice Pays `account` its balance of `token`. Anyone may send it.
    function withdrawFor(address token, address account) external;

    /// @notice Pays `receiver` the balance of `account`, which must be the caller or have made him its claimer.
    function withdrawTo(address token, address account, address receiver) external;

    function escrow() external view returns (IInferenceEscrow);

    function models() external view returns (IModelNFT);

    function attribution() external view returns (IAttributionRegistry);

    function verifier() external view returns (IAttributionVerifier);

    /// @notice Holds the bonds that proposals lock.
    function operators() external view returns (IOperatorRegistry);

    function pauses() external view returns (IPauseSwitch);

    /// @notice The contract that decides disputes; zero before it is bound.
    function disputes() external view returns (address);

    /// @notice What an epoch holds is at most this many times the stake of its proposal.
    function bondFactor() external view returns (uint256);

    /// @notice Account that gets the protocol's share.
    function treasury() external view returns (address);

    function timing() external view returns (Timing memory);

    /// @notice The model's open epoch.
    function currentEpoch(uint256 modelId) external view returns (uint256 epochId);

    function epoch(uint256 modelId, uint256 epochId) external view returns (Epoch memory);

    /// @notice When the epoch can be settled by base weights whatever happened; 0 while it or a dispute of it is open.
    function fallbackAt(uint256 modelId, uint256 epochId) external view returns (uint256);

    /// @notice Whether payments are taken in the token.
    function acceptsToken(address token) external view returns (bool);

    function isClaimer(address account, address claimer) external view returns (bool);

    /// @notice What `account` can withdraw: shares of fees, not claims.
    function balance(address token, address account) external view returns (uint256);

    /// @notice Root over all contributors' cumulative earnings, zero before the first settlement.
    function claimsRoot(bytes32 commitmentId) external view returns (bytes32);

    /// @notice What contributor `c` was paid so far.
    function claimed(bytes32 commitmentId, uint256 c) external view returns (uint256);

    /// @notice What rounding left of the last pot; it goes into the next.
    function dust(bytes32 commitmentId) external view returns (uint256);
}
