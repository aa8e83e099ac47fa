// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {IAttributionVerifier} from "../interfaces/IAttributionVerifier.sol";
import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {IReceiptJudge} from "../interfaces/IReceiptJudge.sol";
import {IRewardSplitter} from "../interfaces/IRewardSplitter.sol";
import {PositionalTree} from "../libraries/PositionalTree.sol";
import {Protocol} from "../libraries/Protocol.sol";
import {Receipts} from "../libraries/Receipts.sol";
import {ReceiptTree} from "../libraries/ReceiptTree.sol";

/// @title Judge of a proposal's receipts
/// @notice See {IReceiptJudge}. Created by its {EpochDisputes}.
contract ReceiptJudge is IReceiptJudge {
    uint256 private constant MAX_QUERY_SQUARES = 480 ** 2;
    uint256 private constant TOTAL_BYTES = 8;

    /// @inheritdoc IReceiptJudge
    IRewardSplitter public immutable splitter;

    IInferenceEscrow private immutable _escrow;
    IAttributionRegistry private immutable _attribution;
    IAttributionVerifier private immutable _verifier;

    constructor(IRewardSplitter splitter_) {
        splitter = splitter_;
        _escrow = splitter_.escrow();
        _attribution = splitter_.attribution();
        _verifier = splitter_.verifier();
    }

    /// @inheritdoc IReceiptJudge
    function stepFault(Proposal calldata proposal, Step calldata step) external view returns (Fault) {
        return _stepFault(proposal, step);
    }

    /// @inheritdoc IReceiptJudge
    function payerFault(
        Proposal calldata proposal,
        address server,
        address customer,
        uint256 index,
        ProvenLeaf calldata before,
        ProvenLeaf calldata next
    ) external view returns (Fault) {
        IRewardSplitter.Epoch memory e = _standing(proposal);
        require(index <= e.count, JudgeUnknownIndex(index, e.count));
        if (index != 0) {
            _requireLeaf(e, index - 1, before);
            ReceiptTree.Leaf calldata leaf = before.leaf;
            require(_ascend(leaf.server, leaf.customer, server, customer), JudgePayerElsewhere(index));
        }
        if (index != e.count) {
            _requireLeaf(e, index, next);
            ReceiptTree.Leaf calldata leaf = next.leaf;
            require(_ascend(server, customer, leaf.server, leaf.customer), JudgePayerElsewhere(index));
        }
        return _redeemed(e, proposal, server, customer) == 0 ? Fault.None : Fault.MissingPayer;
    }

    /// @inheritdoc IReceiptJudge
    function weightFault(
        Proposal calldata proposal,
        uint256 index,
        ProvenLeaf calldata leaf,
        Opening calldata opening,
        Scores calldata up,
        Scores calldata down,
        address prover
    ) external view returns (Fault) {
        IRewardSplitter.Epoch memory e = _standing(proposal);
        _requireLeaf(e, index, leaf);
        _requireOpening(leaf.leaf, opening);
        uint256 movement = _score(e, proposal.epochId, opening.q, up, prover);
        movement += _score(e, proposal.epochId, _negated(opening.q), down, prover);
        movement = Math.max(movement, _attribution.commitment(e.commitmentId).m0);
        // A fee of 2^128 or more is a fault of its own.
        uint256 fee18 = leaf.leaf.fee * 10 ** (Protocol.MAX_DECIMALS - e.decimals);
        return leaf.leaf.weight == fee18 / movement ? Fault.None : Fault.Weight;
    }

    /// @inheritdoc IReceiptJudge
    function requireAnswer(
        Proposal calldata proposal,
        bool byFee,
        uint256 target,
        Answer calldata answer
    ) external view {
        ReceiptTree.Leaf calldata leaf = answer.step.leaf.leaf;
        Receipts.Receipt calldata receipt = answer.receipt;
        bool demanded = byFee ? leaf.feeSum > target && leaf.feeSum - leaf.fee <= target : answer.step.index == target;
        // Without its sketch and sums a leaf with a record would pass unchecked.
        bool shown = leaf.recordId == 0 || (answer.step.opening.q.length != 0 && answer.step.v.length != 0);
        require(
            demanded &&
                shown &&
                receipt.server == leaf.server &&
                receipt.customer == leaf.customer &&
                receipt.modelId == proposal.modelId &&
                receipt.epochId == proposal.epochId &&
                receipt.fee == leaf.fee &&
                Receipts.receiptId(address(splitter), receipt) == leaf.receiptId,
            JudgeInvalidAnswer()
        );
        Fault fault = _stepFault(proposal, answer.step);
        require(fault == Fault.None, JudgeFaultyAnswer(fault));
        _requireSigned(leaf.server, leaf.receiptId, answer.receiptSignature);
        if (leaf.recordId != 0) _requireSigned(leaf.server, leaf.recordId, answer.recordSignature);
    }

    /// @dev What is wrong with a leaf, as far as it is shown. The leaves are the proposal's.
    function _stepFault(Proposal calldata proposal, Step calldata step) private view returns (Fault) {
        IRewardSplitter.Epoch memory e = _standing(proposal);
        ReceiptTree.Leaf memory leaf = step.leaf.leaf;
        ReceiptTree.Leaf memory before;
        uint256 k = _attribution.commitment(e.commitmentId).k;
        _requireLeaf(e, step.index, step.leaf);
        if (step.index != 0) {
            _requireLeaf(e, step.index - 1, step.before);
            before = step.before.leaf;
        } else {
            before.sums = keccak256(new bytes(32 * k));
        }
        if (leaf.fee > type(uint128).max || leaf.weight > type(uint64).max) return Fault.Range;

        bool samePayer = before.server == leaf.server && before.customer == leaf.customer && step.index != 0;
        if (step.index != 0) {
            bool ascend =
                samePayer
                    ? before.receiptId < leaf.receiptId
                    : _ascend(before.server, before.customer, leaf.server, leaf.customer);
            if (!ascend) return Fault.Order;
            if (!samePayer && before.payerFees != _redeemed(e, proposal, before.server, before.customer))
                return Fault.PayerFees;
        }
        // Sums are modulo 2^256, which 2^64 fees below 2^128 cannot reach: a wrong one cannot hide behind an overflow.
        unchecked {
            if (leaf.feeSum != before.feeSum + leaf.fee) return Fault.FeeSum;
            if (leaf.payerFees != (samePayer ? before.payerFees : 0) + leaf.fee) return Fault.PayerSum;
        }
        bool last = step.index == e.count - 1;
        if (last && leaf.payerFees != _redeemed(e, proposal, leaf.server, leaf.customer)) return Fault.PayerFees;
        return _sketchFault(step, leaf, before.sums, k);
    }

    /// @dev What is wrong with a leaf's record, weight and V.
    function _sketchFault(
        Step calldata step,
        ReceiptTree.Leaf memory leaf,
        bytes32 sumsBefore,
        uint256 k
    ) private view returns (Fault) {
        bytes calldata q = step.opening.q;
        if (leaf.recordId == 0 && leaf.weight != 0) return Fault.NoRecord;
        if (q.length != 0) {
            _requireOpening(leaf, step.opening);
            if (!_isSketch(q, k)) return Fault.Sketch;
        }
        if (leaf.weight == 0) return leaf.sums == sumsBefore ? Fault.None : Fault.Sum;
        if (q.length == 0 || step.v.length == 0) return Fault.None;

        require(ReceiptTree.hash(step.v) == leaf.sums, JudgeInvalidSums(step.index));
        bool first = step.index == 0;
        if (!first) require(ReceiptTree.hash(step.vBefore) == sumsBefore, JudgeInvalidSums(step.index - 1));
        if (step.v.length != k || (!first && step.vBefore.length != k)) return Fault.Sum;
        for (uint256 j; j < k; ++j) {
            int256 before = first ? int256(0) : step.vBefore[j];
            int256 moved = int256(leaf.weight) * int8(uint8(q[j]));
            if (step.v[j] != before + moved) return Fault.Sum;
        }
        return Fault.None;
    }

    /// @dev A contract's word may change until it is asked for again (ERC-1271), so servers sign by keys.
    function _requireSigned(address server, bytes32 digest, bytes calldata signature) private pure {
        (address signer, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(digest, signature);
        require(failure == ECDSA.RecoverError.NoError && signer == server, JudgeInvalidSignature(server));
    }

    /// @dev ΣA under `q`, by a proof of `prover`.
    function _score(
        IRewardSplitter.Epoch memory e,
        uint256 epochId,
        bytes memory q,
        Scores calldata scores,
        address prover
    ) private view returns (uint256 sum) {
        bytes calldata totals = scores.totals;
        if (totals.length == 0) {
            uint256[2] memory point = _verifier.scoreCommitment(e.commitmentId, q);
            require(point[0] == 0 && point[1] == 0, JudgeProofMissing());
            return 0;
        }
        _verifier.verify(e.commitmentId, e.vkId, epochId, prover, 0, q, totals, scores.proof);
        for (uint256 at; at < totals.length; at += TOTAL_BYTES) sum += uint64(bytes8(totals[at:at + TOTAL_BYTES]));
    }

    function _negated(bytes calldata q) private pure returns (bytes memory negated) {
        negated = new bytes(q.length);
        // −128 stays as it is, and the verifier refuses it.
        unchecked {
            for (uint256 j; j < q.length; ++j) negated[j] = bytes1(0 - uint8(q[j]));
        }
    }

    /// @dev k entries from −127 to 127, no larger than what scores stay in range for.
    function _isSketch(bytes calldata q, uint256 k) private pure returns (bool) {
        if (q.length != k) return false;
        uint256 squares;
        for (uint256 j; j < k; ++j) {
            int256 entry = int8(uint8(q[j]));
            if (entry == -128) return false;
            squares += uint256(entry * entry);
        }
        return squares <= MAX_QUERY_SQUARES;
    }

    function _requireOpening(ReceiptTree.Leaf memory leaf, Opening calldata opening) private view {
        bytes32 recordId = Receipts.recordId(address(splitter), leaf.receiptId, opening.salt, opening.q);
        require(recordId == leaf.recordId, JudgeInvalidOpening(recordId, leaf.recordId));
    }

    function _requireLeaf(IRewardSplitter.Epoch memory e, uint256 index, ProvenLeaf calldata one) private pure {
        bytes32 hash = ReceiptTree.hash(index, one.leaf);
        require(PositionalTree.contains(e.receiptsRoot, e.count, index, hash, one.siblings), JudgeInvalidLeaf(index));
    }

    function _redeemed(
        IRewardSplitter.Epoch memory e,
        Proposal calldata proposal,
        address server,
        address customer
    ) private view returns (uint256) {
        return _escrow.redeemed(customer, server, proposal.modelId, proposal.epochId, e.token);
    }

    /// @dev The epoch of a proposal that stands.
    function _standing(Proposal calldata proposal) private view returns (IRewardSplitter.Epoch memory e) {
        e = splitter.epoch(proposal.modelId, proposal.epochId);
        require(
            e.proposedAt != 0 && e.settledAt == 0 && e.round == proposal.round,
            JudgeNoProposal(proposal.modelId, proposal.epochId, proposal.round)
        );
    }

    /// @dev Whether the first payer stands before the second.
    function _ascend(address server, address customer, address server2, address customer2) private pure returns (bool) {
        return server < server2 || (server == server2 && customer < customer2);
    }
}
