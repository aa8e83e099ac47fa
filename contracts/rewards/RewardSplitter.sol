// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {IAttributionVerifier} from "../interfaces/IAttributionVerifier.sol";
import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {IModelNFT} from "../interfaces/IModelNFT.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {IPauseSwitch} from "../interfaces/IPauseSwitch.sol";
import {IRewardSplitter} from "../interfaces/IRewardSplitter.sol";
import {ClaimTree} from "../libraries/ClaimTree.sol";
import {Payout} from "../libraries/Payout.sol";
import {PositionalTree} from "../libraries/PositionalTree.sol";
import {Protocol} from "../libraries/Protocol.sol";
import {Query} from "../libraries/Query.sol";
import {ReceiptTree} from "../libraries/ReceiptTree.sol";
import {InferenceEscrow} from "./InferenceEscrow.sol";

/// @title Fees in, shares out
/// @notice See {IRewardSplitter}.
contract RewardSplitter is IRewardSplitter, AccessManaged {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @dev Earnings under one commitment.
    struct Ledger {
        bytes32 root;
        address token;
        uint96 dust; // below twice the number of contributors
        mapping(uint256 c => uint256) claimed;
    }

    /// @inheritdoc IRewardSplitter
    IInferenceEscrow public immutable escrow;
    /// @inheritdoc IRewardSplitter
    IModelNFT public immutable models;
    /// @inheritdoc IRewardSplitter
    IAttributionRegistry public immutable attribution;
    /// @inheritdoc IRewardSplitter
    IAttributionVerifier public immutable verifier;
    /// @inheritdoc IRewardSplitter
    IOperatorRegistry public immutable operators;
    /// @inheritdoc IRewardSplitter
    IPauseSwitch public immutable pauses;
    /// @inheritdoc IRewardSplitter
    address public immutable treasury;
    /// @inheritdoc IRewardSplitter
    uint256 public immutable bondFactor;

    /// @inheritdoc IRewardSplitter
    address public disputes;

    /// @inheritdoc IRewardSplitter
    mapping(address token => bool) public acceptsToken;
    /// @inheritdoc IRewardSplitter
    mapping(address account => mapping(address claimer => bool)) public isClaimer;

    Timing private _timing; // written once
    mapping(uint256 modelId => Epoch[]) private _epochs;
    mapping(bytes32 commitmentId => Ledger) private _ledgers;
    mapping(address token => mapping(address account => uint256)) private _balances;

    modifier onlyDisputes() {
        require(msg.sender == disputes, SplitterNotDisputes(msg.sender));
        _;
    }

    constructor(
        IModelNFT models_,
        IAttributionRegistry attribution_,
        IAttributionVerifier verifier_,
        IOperatorRegistry operators_,
        IPauseSwitch pauses_,
        address treasury_,
        uint256 thawPeriod,
        uint256 bondFactor_,
        Timing memory timing_,
        address authority
    ) AccessManaged(authority) {
        require(
            timing_.redeemWindow <= timing_.proposeWindow &&
                timing_.epochLength != 0 &&
                thawPeriod <= type(uint32).max &&
                bondFactor_ != 0 &&
                treasury_ != address(0),
            SplitterInvalidDeployment()
        );
        models = models_;
        attribution = attribution_;
        verifier = verifier_;
        operators = operators_;
        bondFactor = bondFactor_;
        pauses = pauses_;
        treasury = treasury_;
        _timing = timing_;
        escrow = new InferenceEscrow(thawPeriod, pauses_);
    }

    /// @inheritdoc IRewardSplitter
    function openEpoch(uint256 modelId) external returns (uint256 epochId) {
        bytes32 commitmentId = attribution.activeCommitmentOf(modelId);
        require(commitmentId != 0, SplitterNoCommitment(modelId));
        bytes32 vkId = attribution.commitment(commitmentId).vkId;
        bool keyed = verifier.chunkRows(vkId) != 0;
        IModelNFT.Terms memory terms = models.terms(modelId);

        Epoch[] storage epochs = _epochs[modelId];
        epochId = epochs.length;
        uint256 decimals;
        if (epochId != 0) {
            Epoch storage last = epochs[epochId - 1];
            uint256 until = uint256(last.openedAt) + _timing.epochLength;
            require(block.timestamp >= until, SplitterEpochRunning(until));
            last.closedAt = uint48(block.timestamp);
            emit EpochClosed(modelId, epochId - 1);
            // Neither a key that nobody registered nor the token may keep an epoch, and what is owed in it, from closing.
            if (!keyed) (commitmentId, vkId) = (last.commitmentId, last.vkId);
            decimals = last.decimals;
        } else {
            pauses.requireActive(IPauseSwitch.Group.Epochs);
            require(keyed, SplitterUnknownKey(vkId));
            require(acceptsToken[terms.token], SplitterTokenNotAllowed(terms.token));
            decimals = IERC20Metadata(terms.token).decimals();
            require(decimals <= Protocol.MAX_DECIMALS, SplitterTokenDecimals(terms.token, decimals));
        }

        Epoch storage opened = epochs.push();
        opened.token = terms.token;
        opened.openedAt = uint48(block.timestamp);
        opened.dataBps = terms.split.data;
        opened.ownerBps = terms.split.owner;
        opened.serverBps = terms.split.server;
        opened.protocolBps = terms.split.protocol;
        opened.decimals = uint8(decimals);
        opened.commitmentId = commitmentId;
        opened.vkId = vkId;
        emit EpochOpened(modelId, epochId, commitmentId, vkId, terms.token);
    }

    /// @inheritdoc IRewardSplitter
    function credit(uint256 modelId, uint256 epochId, address server, address token, uint256 amount) external {
        require(msg.sender == address(escrow), SplitterNotEscrow(msg.sender));
        Epoch storage e = _epoch(modelId, epochId);
        uint256 closedAt = e.closedAt;
        require(
            closedAt == 0 || block.timestamp < closedAt + _timing.redeemWindow,
            SplitterRedeemingClosed(modelId, epochId)
        );
        require(token == e.token, SplitterWrongToken(token, e.token));

        uint256 serverShare = (amount * e.serverBps) / Protocol.BPS;
        uint256 ownerShare = (amount * e.ownerBps) / Protocol.BPS;
        uint256 protocolShare = (amount * e.protocolBps) / Protocol.BPS;
        e.fees += amount.toUint128();
        e.held += (amount - serverShare - ownerShare - protocolShare).toUint128();
        _balances[token][server] += serverShare;
        _balances[token][treasury] += protocolShare;
        address owner;
        (owner, ownerShare) = _creditOwners(modelId, epochId, token, ownerShare);
        emit FeeCredited(modelId, epochId, server, amount, serverShare, owner, ownerShare, protocolShare);
    }

    /// @inheritdoc IRewardSplitter
    function bindDisputes(address disputes_) external restricted {
        require(disputes == address(0), SplitterDisputesBound());
        require(disputes_ != address(0), SplitterInvalidDisputes());
        disputes = disputes_;
        emit DisputesBound(disputes_);
    }

    /// @inheritdoc IRewardSplitter
    function propose(
        uint256 modelId,
        uint256 epochId,
        int128[] calldata v,
        uint64 count,
        bytes32 receiptsRoot,
        LastReceipt calldata last
    ) external restricted {
        Epoch storage e = _epoch(modelId, epochId);
        require(disputes != address(0), SplitterDisputesUnbound());
        _requireProposable(e);
        require(e.proposedAt == 0, SplitterAlreadyProposed(modelId, epochId));
        uint256 k = attribution.commitment(e.commitmentId).k;
        require(v.length == k, SplitterVectorLength(v.length, k));

        (bytes memory q, uint256 d) = Query.quantise(v);
        e.proposedAt = uint48(block.timestamp);
        e.count = count;
        e.queryHash = keccak256(q);
        e.receiptsRoot = receiptsRoot;
        e.floorUnits = Query.floorUnits(e.fees * 10 ** (Protocol.MAX_DECIMALS - e.decimals), d);
        emit EpochProposed(modelId, epochId, v, q, e.floorUnits, count, receiptsRoot);
        if (count == 0) _requireNoReceipts(e, d);
        else _requireLastReceipt(e, modelId, epochId, v, last);
        _lockStake(e, modelId, epochId);
    }

    /// @inheritdoc IRewardSplitter
    function openDispute(uint256 modelId, uint256 epochId) external onlyDisputes {
        Epoch storage e = _proposed(modelId, epochId);
        uint256 until = _windowEnd(e);
        require(block.timestamp < until, SplitterWindowOver(until));
        emit DisputeOpened(modelId, epochId, e.round, ++e.disputes);
    }

    /// @inheritdoc IRewardSplitter
    function closeDispute(uint256 modelId, uint256 epochId) external onlyDisputes {
        Epoch storage e = _epoch(modelId, epochId);
        require(e.disputes != 0, SplitterNoDispute(modelId, epochId));
        e.clearedAt = uint48(block.timestamp);
        emit DisputeClosed(modelId, epochId, e.round, --e.disputes);
    }

    /// @inheritdoc IRewardSplitter
    function reject(uint256 modelId, uint256 epochId, address beneficiary) external onlyDisputes {
        Epoch storage e = _proposed(modelId, epochId);
        uint256 until = _windowEnd(e);
        require(block.timestamp < until || e.disputes != 0, SplitterWindowOver(until));
        emit ProposalRejected(modelId, epochId, e.proposer, e.round, e.stake, beneficiary);
        _releaseStake(e, beneficiary);
        e.proposedAt = 0;
        e.count = 0;
        e.queryHash = 0;
        e.receiptsRoot = 0;
        e.floorUnits = 0;
        e.proposer = address(0);
        e.stake = 0;
        e.disputes = 0;
        e.clearedAt = 0;
        e.reopenedAt = uint48(block.timestamp);
    }

    /// @inheritdoc IRewardSplitter
    function correct(
        uint256 modelId,
        uint256 epochId,
        uint256[] calldata extra,
        uint256[] calldata previous
    ) external onlyDisputes {
        Epoch storage e = _epoch(modelId, epochId);
        require(e.settledAt != 0, SplitterNotSettled(modelId, epochId));
        require(extra.length == previous.length, SplitterExtraLength(extra.length, previous.length));
        bytes32 commitmentId = e.commitmentId;
        Ledger storage ledger = _ledgerAfter(commitmentId, previous);
        uint256[] memory cumulative = previous;
        uint256 amount;
        for (uint256 c; c < extra.length; ++c) {
            cumulative[c] += extra[c];
            amount += extra[c];
        }
        bytes32 root = ClaimTree.root(commitmentId, cumulative);
        ledger.root = root;
        emit EpochCorrected(modelId, epochId, commitmentId, root, extra, cumulative);
        IERC20(e.token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRewardSplitter
    function settle(
        uint256 modelId,
        uint256 epochId,
        address prover,
        bytes calldata q,
        bytes calldata totals,
        IAttributionVerifier.SettlementProof calldata proof,
        uint256[] calldata previous
    ) external {
        Epoch storage e = _settleable(modelId, epochId, q);
        verifier.verify(e.commitmentId, e.vkId, epochId, prover, e.floorUnits, q, totals, proof);
        _share(e, modelId, epochId, prover, totals, previous);
        _releaseStake(e, address(0));
    }

    /// @inheritdoc IRewardSplitter
    function settleByBase(
        uint256 modelId,
        uint256 epochId,
        address prover,
        bytes calldata q,
        uint256[] calldata previous
    ) external {
        Epoch storage e = _epoch(modelId, epochId);
        uint256 from = _fallbackAt(e);
        bool late = from != 0 && block.timestamp >= from;
        if (!late) {
            _settleable(modelId, epochId, q);
            uint256[2] memory scores = verifier.scoreCommitment(e.commitmentId, q);
            require(scores[0] == 0 && scores[1] == 0, SplitterNeedsProof(from));
        }
        _share(e, modelId, epochId, prover, q[:0], previous);
        _releaseStake(e, late ? prover : address(0));
    }

    /// @inheritdoc IRewardSplitter
    function claim(Claim[] calldata claims) external {
        for (uint256 i; i < claims.length; ++i) {
            (address token, address account, uint256 amount) = _take(claims[i], i);
            if (amount != 0) IERC20(token).safeTransfer(account, amount);
        }
    }

    /// @inheritdoc IRewardSplitter
    function claimTo(Claim[] calldata claims, address receiver) external {
        for (uint256 i; i < claims.length; ++i) {
            (address token, address account, uint256 amount) = _take(claims[i], i);
            _requireClaimer(account);
            if (amount != 0) IERC20(token).safeTransfer(receiver, amount);
        }
    }

    /// @inheritdoc IRewardSplitter
    function setClaimer(address claimer, bool allowed) external {
        isClaimer[msg.sender][claimer] = allowed;
        emit ClaimerSet(msg.sender, claimer, allowed);
    }

    /// @inheritdoc IRewardSplitter
    function setTokens(address[] calldata tokens, bool accepted) external restricted {
        for (uint256 i; i < tokens.length; ++i) {
            acceptsToken[tokens[i]] = accepted;
            emit TokenSet(tokens[i], accepted);
        }
    }

    /// @inheritdoc IRewardSplitter
    function withdraw(address token) external {
        _withdraw(token, msg.sender, msg.sender);
    }

    /// @inheritdoc IRewardSplitter
    function withdrawFor(address token, address account) external {
        _withdraw(token, account, account);
    }

    /// @inheritdoc IRewardSplitter
    function withdrawTo(address token, address account, address receiver) external {
        _requireClaimer(account);
        _withdraw(token, account, receiver);
    }

    /// @inheritdoc IRewardSplitter
    function timing() external view returns (Timing memory) {
        return _timing;
    }

    /// @inheritdoc IRewardSplitter
    function currentEpoch(uint256 modelId) external view returns (uint256 epochId) {
        uint256 count = _epochs[modelId].length;
        require(count != 0, SplitterUnknownEpoch(modelId, 0));
        return count - 1;
    }

    /// @inheritdoc IRewardSplitter
    function epoch(uint256 modelId, uint256 epochId) external view returns (Epoch memory) {
        return _epoch(modelId, epochId);
    }

    /// @inheritdoc IRewardSplitter
    function fallbackAt(uint256 modelId, uint256 epochId) external view returns (uint256) {
        return _fallbackAt(_epoch(modelId, epochId));
    }

    /// @inheritdoc IRewardSplitter
    function balance(address token, address account) external view returns (uint256) {
        return _balances[token][account];
    }

    /// @inheritdoc IRewardSplitter
    function claimsRoot(bytes32 commitmentId) external view returns (bytes32) {
        return _ledgers[commitmentId].root;
    }

    /// @inheritdoc IRewardSplitter
    function claimed(bytes32 commitmentId, uint256 c) external view returns (uint256) {
        return _ledgers[commitmentId].claimed[c];
    }

    /// @inheritdoc IRewardSplitter
    function dust(bytes32 commitmentId) external view returns (uint256) {
        return _ledgers[commitmentId].dust;
    }

    /// @dev Books claim `i` as paid. What was paid before is 0.
    function _take(Claim calldata one, uint256 i) private returns (address token, address account, uint256 amount) {
        Ledger storage ledger = _ledgers[one.commitmentId];
        bytes32 leaf = ClaimTree.leaf(one.commitmentId, one.c, one.cumulative);
        require(MerkleProof.verifyCalldata(one.proof, ledger.root, leaf), SplitterInvalidClaim(i));
        token = ledger.token;
        account = attribution.accountOf(one.commitmentId, one.c);
        amount = one.cumulative - ledger.claimed[one.c];
        if (amount == 0) return (token, account, 0);
        ledger.claimed[one.c] = one.cumulative;
        emit Claimed(one.commitmentId, one.c, account, amount);
    }

    function _withdraw(address token, address account, address receiver) private {
        uint256 amount = _balances[token][account];
        require(amount != 0, SplitterNothingToWithdraw(token, account));
        _balances[token][account] = 0;
        emit Withdrawn(token, account, amount);
        IERC20(token).safeTransfer(receiver, amount);
    }

    function _requireClaimer(address account) private view {
        require(msg.sender == account || isClaimer[account][msg.sender], SplitterNotClaimer(account, msg.sender));
    }

    /// @dev Credits the holders of the model's ancestors with their royalties, and its own holder with the rest.
    function _creditOwners(
        uint256 modelId,
        uint256 epochId,
        address token,
        uint256 ownerShare
    ) private returns (address holder, uint256 left) {
        address[] memory ancestorHolders;
        uint256[] memory parts;
        (holder, ancestorHolders, parts) = models.payees(modelId);
        left = ownerShare;
        for (uint256 i; i < parts.length; ++i) {
            uint256 royalty = (ownerShare * parts[i]) / Protocol.ROYALTY_PARTS;
            if (royalty == 0) continue;
            left -= royalty;
            _balances[token][ancestorHolders[i]] += royalty;
            emit RoyaltyCredited(modelId, epochId, ancestorHolders[i], royalty);
        }
        _balances[token][holder] += left;
    }

    /// @dev Shares what the epoch holds; `totals` is empty where base weights decide.
    function _share(
        Epoch storage e,
        uint256 modelId,
        uint256 epochId,
        address prover,
        bytes calldata totals,
        uint256[] calldata previous
    ) private {
        uint256 pot = _release(e, modelId, epochId, prover);
        bytes32 root;
        uint256[] memory cumulative;
        (pot, root, cumulative) = _book(e, pot, totals, previous);
        emit EpochSettled(modelId, epochId, e.commitmentId, prover, pot, root, totals, cumulative);
    }

    /// @dev Takes out what the epoch holds, once: the operator's share to `prover`, the contributors' is returned.
    function _release(Epoch storage e, uint256 modelId, uint256 epochId, address prover) private returns (uint256) {
        require(e.settledAt == 0, SplitterAlreadySettled(modelId, epochId));
        require(prover != address(0), SplitterInvalidProver());
        uint256 dataShare = (uint256(e.fees) * e.dataBps) / Protocol.BPS;
        uint256 operatorShare = e.held - dataShare;
        e.settledAt = uint48(block.timestamp);
        e.held = 0;
        _balances[e.token][prover] += operatorShare;
        emit OperatorPaid(modelId, epochId, prover, operatorShare);
        return dataShare;
    }

    /// @dev Adds each contributor's part of the pot to what he earned before.
    function _book(
        Epoch storage e,
        uint256 dataShare,
        bytes calldata totals,
        uint256[] calldata previous
    ) private returns (uint256 pot, bytes32 root, uint256[] memory cumulative) {
        bytes32 commitmentId = e.commitmentId;
        Ledger storage ledger = _ledgerAfter(commitmentId, previous);

        pot = dataShare + ledger.dust;
        uint256 left;
        (cumulative, left) = Payout.share(
            pot,
            totals,
            totals.length == 0 ? 0 : e.floorUnits,
            attribution.baseWeights(commitmentId)
        );
        unchecked {
            // All that was ever earned was paid in: far below 2^256.
            for (uint256 c; c < previous.length; ++c) cumulative[c] += previous[c];
        }
        root = ClaimTree.root(commitmentId, cumulative);
        ledger.root = root;
        ledger.token = e.token;
        ledger.dust = uint96(left);
    }

    /// @dev The ledger, if `previous` is what everybody has earned in it.
    function _ledgerAfter(
        bytes32 commitmentId,
        uint256[] calldata previous
    ) private view returns (Ledger storage ledger) {
        ledger = _ledgers[commitmentId];
        bytes32 root = ClaimTree.root(commitmentId, previous);
        require(root == ledger.root, SplitterPreviousMismatch(root, ledger.root));
    }

    /// @dev Locks the proposer's stake, never 0 where the epoch holds anything.
    function _lockStake(Epoch storage e, uint256 modelId, uint256 epochId) private {
        uint256 stake = Math.ceilDiv(e.held, bondFactor);
        e.proposer = msg.sender;
        e.stake = uint128(stake);
        emit ProposalStaked(modelId, epochId, msg.sender, ++e.round, stake);
        operators.lock(msg.sender, e.token, stake);
    }

    /// @dev Lets the stake go, or gives half to `beneficiary` and half to the treasury: who cheats and then slashes himself
    /// by another account loses that half. The registry calls nobody.
    function _releaseStake(Epoch storage e, address beneficiary) private {
        (address proposer, uint256 stake) = (e.proposer, e.stake);
        if (stake == 0) return;
        if (beneficiary == address(0)) return operators.unlock(proposer, e.token, stake);
        e.stake = 0;
        operators.slash(proposer, e.token, stake - stake / 2, beneficiary);
        operators.slash(proposer, e.token, stake / 2, treasury);
    }

    /// @dev Without receipts there were no fees, and nothing is summed: V = 0 just where `d` is.
    function _requireNoReceipts(Epoch storage e, uint256 d) private view {
        require(e.fees == 0, SplitterReceiptsMissing(e.fees));
        require(e.receiptsRoot == 0 && d == 0, SplitterReceiptsNotEmpty());
    }

    /// @dev `last` closes the receipts tree: with V, all fees, and all that its payer paid.
    function _requireLastReceipt(
        Epoch storage e,
        uint256 modelId,
        uint256 epochId,
        int128[] calldata v,
        LastReceipt calldata last
    ) private view {
        uint256 count = e.count;
        bytes32 leaf = ReceiptTree.hash(
            count - 1,
            ReceiptTree.Leaf({
                server: last.server,
                customer: last.customer,
                receiptId: last.receiptId,
                fee: last.fee,
                weight: last.weight,
                recordId: last.recordId,
                sums: ReceiptTree.hash(v),
                feeSum: e.fees,
                payerFees: last.payerFees
            })
        );
        require(
            PositionalTree.contains(e.receiptsRoot, count, count - 1, leaf, last.proof),
            SplitterInvalidLastReceipt(leaf)
        );
        uint256 redeemed = escrow.redeemed(last.customer, last.server, modelId, epochId, e.token);
        require(last.payerFees == redeemed, SplitterPayerFees(last.payerFees, redeemed));
    }

    function _requireProposable(Epoch storage e) private view {
        uint256 closedAt = e.closedAt;
        uint256 from = closedAt == 0 ? 0 : closedAt + _timing.redeemWindow;
        uint256 until = closedAt == 0 ? 0 : _proposableUntil(e);
        require(
            closedAt != 0 && block.timestamp >= from && block.timestamp <= until,
            SplitterNotProposable(from, until)
        );
    }

    /// @dev The epoch, if its proposal stands undisputed after the challenge window and `q` is its Q.
    function _settleable(uint256 modelId, uint256 epochId, bytes calldata q) private view returns (Epoch storage e) {
        e = _proposed(modelId, epochId);
        require(e.disputes == 0, SplitterDisputed(e.disputes));
        uint256 until = _windowEnd(e);
        require(block.timestamp >= until, SplitterWindowOpen(until));
        bytes32 hash = keccak256(q);
        require(hash == e.queryHash, SplitterQueryMismatch(hash, e.queryHash));
    }

    /// @dev The epoch, if it has a proposal and is not settled.
    function _proposed(uint256 modelId, uint256 epochId) private view returns (Epoch storage e) {
        e = _epoch(modelId, epochId);
        require(e.proposedAt != 0, SplitterNotProposed(modelId, epochId));
        require(e.settledAt == 0, SplitterAlreadySettled(modelId, epochId));
    }

    /// @dev End of the standing proposal's challenge window. What an answer opened can be looked at before anybody settles.
    function _windowEnd(Epoch storage e) private view returns (uint256) {
        return Math.max(uint256(e.proposedAt) + _timing.challengeWindow, uint256(e.clearedAt) + _timing.answerWindow);
    }

    /// @dev Last second for proposals of a closed epoch.
    function _proposableUntil(Epoch storage e) private view returns (uint256) {
        return Math.max(e.closedAt, e.reopenedAt) + _timing.proposeWindow;
    }

    /// @dev 0 while the epoch or a dispute of it is open.
    function _fallbackAt(Epoch storage e) private view returns (uint256) {
        if (e.closedAt == 0 || e.disputes != 0) return 0;
        uint256 from = e.proposedAt == 0 ? _proposableUntil(e) : _windowEnd(e);
        return from + _timing.settleWindow + _timing.fallbackWindow;
    }

    function _epoch(uint256 modelId, uint256 epochId) private view returns (Epoch storage) {
        require(epochId < _epochs[modelId].length, SplitterUnknownEpoch(modelId, epochId));
        return _epochs[modelId][epochId];
    }
}
