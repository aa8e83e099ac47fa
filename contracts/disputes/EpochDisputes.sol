// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {ICommittee, ICommitteeTypes} from "../interfaces/ICommittee.sol";
import {IEpochDisputes} from "../interfaces/IEpochDisputes.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {IReceiptJudge} from "../interfaces/IReceiptJudge.sol";
import {IRewardSplitter} from "../interfaces/IRewardSplitter.sol";
import {Protocol} from "../libraries/Protocol.sol";
import {ReceiptJudge} from "./ReceiptJudge.sol";

/// @title Disputes of proposals
/// @notice See {IEpochDisputes}.
contract EpochDisputes is IEpochDisputes, AccessManaged {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @dev What one proposal's disputes have demanded so far.
    struct Round {
        uint256 seed; // of the sample, 0 before it is drawn
        mapping(uint256 index => uint256) demands; // dispute id
        mapping(uint256 point => uint256) sampled; // dispute id
        mapping(uint256 index => uint256) answeredAt;
    }

    /// @inheritdoc IEpochDisputes
    uint256 public constant SAMPLES = 30;

    /// @inheritdoc IEpochDisputes
    IRewardSplitter public immutable splitter;
    /// @inheritdoc IEpochDisputes
    ICommittee public immutable committee;
    /// @inheritdoc IEpochDisputes
    IReceiptJudge public immutable judge;
    /// @inheritdoc IEpochDisputes
    uint256 public immutable demandBps;

    IOperatorRegistry private immutable _operators;
    IAttributionRegistry private immutable _attribution;
    uint256 private immutable _challengeWindow;
    uint256 private immutable _answerWindow;
    uint256 private immutable _disputeWindow;

    /// @inheritdoc IEpochDisputes
    uint256 public disputeCount;

    mapping(uint256 id => Dispute) private _disputes;
    mapping(bytes32 proposal => Round) private _rounds;
    mapping(uint256 modelId => mapping(uint256 epochId => uint256)) private _slashed; // after settlement

    constructor(
        IRewardSplitter splitter_,
        ICommittee committee_,
        uint256 demandBps_,
        address authority
    ) AccessManaged(authority) {
        IRewardSplitter.Timing memory timing = splitter_.timing();
        require(
            demandBps_ != 0 &&
                demandBps_ <= Protocol.BPS &&
                committee_.operators() == splitter_.operators() &&
                committee_.commitPeriod() + committee_.revealPeriod() <= timing.disputeWindow,
            DisputesInvalidDeployment()
        );
        splitter = splitter_;
        committee = committee_;
        judge = new ReceiptJudge(splitter_);
        demandBps = demandBps_;
        _operators = splitter_.operators();
        _attribution = splitter_.attribution();
        _challengeWindow = timing.challengeWindow;
        _answerWindow = timing.answerWindow;
        _disputeWindow = timing.disputeWindow;
    }

    /// @inheritdoc IEpochDisputes
    function challengeStep(Proposal calldata proposal, Step calldata step) external {
        _refute(proposal, judge.stepFault(proposal, step), step.index);
    }

    /// @inheritdoc IEpochDisputes
    function challengePayer(
        Proposal calldata proposal,
        address server,
        address customer,
        uint256 index,
        ProvenLeaf calldata before,
        ProvenLeaf calldata next
    ) external {
        _refute(proposal, judge.payerFault(proposal, server, customer, index, before, next), index);
    }

    /// @inheritdoc IEpochDisputes
    function challengeWeight(
        Proposal calldata proposal,
        uint256 index,
        ProvenLeaf calldata leaf,
        Opening calldata opening,
        Scores calldata up,
        Scores calldata down
    ) external {
        _refute(proposal, judge.weightFault(proposal, index, leaf, opening, up, down, msg.sender), index);
    }

    /// @inheritdoc IEpochDisputes
    function demand(Proposal calldata proposal, uint256 index) external returns (uint256 id) {
        IRewardSplitter.Epoch memory e = _staked(proposal);
        require(index < e.count, JudgeUnknownIndex(index, e.count));
        _requireWindow(e);
        Round storage round = _rounds[_key(proposal)];
        require(round.demands[index] == 0, DisputesAlreadyDemanded(round.demands[index]));
        uint256 until = block.timestamp + _answerWindow;
        id = _open(Kind.Demand, proposal, e.token, _demandBond(e), index, until, 0);
        round.demands[index] = id;
        splitter.openDispute(proposal.modelId, proposal.epochId);
    }

    /// @inheritdoc IEpochDisputes
    function demandSample(Proposal calldata proposal, uint256 point) external restricted returns (uint256 id) {
        IRewardSplitter.Epoch memory e = _staked(proposal);
        _requireWindow(e);
        Round storage round = _rounds[_key(proposal)];
        require(round.sampled[point] == 0, DisputesAlreadyDemanded(round.sampled[point]));
        uint256 until = block.timestamp + _answerWindow;
        id = _open(Kind.Sample, proposal, e.token, 0, _samplePoint(e, round, point), until, 0);
        round.sampled[point] = id;
        splitter.openDispute(proposal.modelId, proposal.epochId);
    }

    /// @inheritdoc IEpochDisputes
    function answer(uint256 id, Answer calldata answer_) external {
        Dispute storage d = _disputes[id];
        require(_isOpen(d) && (d.kind == Kind.Demand || d.kind == Kind.Sample), DisputesNotOpen(id));
        require(block.timestamp < d.until, DisputesUnanswered(d.until));
        Proposal memory proposal = _proposalOf(d);
        IRewardSplitter.Epoch memory e = _standing(proposal);
        judge.requireAnswer(proposal, d.kind == Kind.Sample, d.target, answer_);
        _rounds[_key(proposal)].answeredAt[answer_.step.index] = block.timestamp;
        emit DemandAnswered(id, answer_.step.index, msg.sender);
        _end(id, d, Outcome.Answered);
        _operators.slash(d.challenger, e.token, d.bond, e.proposer);
        splitter.closeDispute(proposal.modelId, proposal.epochId);
    }

    /// @inheritdoc IEpochDisputes
    function expire(uint256 id) external {
        Dispute storage d = _disputes[id];
        require(_isOpen(d) && (d.kind == Kind.Demand || d.kind == Kind.Sample), DisputesNotOpen(id));
        require(block.timestamp >= d.until, DisputesAnswerable(d.until));
        _uphold(id, d, Fault.Unanswered);
    }

    /// @inheritdoc IEpochDisputes
    function drawSample(Proposal calldata proposal) external {
        IRewardSplitter.Epoch memory e = _standing(proposal);
        bytes32 key = _key(proposal);
        Round storage round = _rounds[key];
        require(round.seed == 0 && block.timestamp > e.proposedAt, DisputesCannotDraw());
        round.seed = uint256(keccak256(abi.encode(block.prevrandao, key)));
        emit SampleDrawn(proposal.modelId, proposal.epochId, proposal.round, round.seed);
    }

    /// @inheritdoc IEpochDisputes
    function challengeSketch(
        Proposal calldata proposal,
        uint256 index,
        string calldata evidenceCid
    ) external returns (uint256 id) {
        IRewardSplitter.Epoch memory e = _staked(proposal);
        require(index < e.count, JudgeUnknownIndex(index, e.count));
        bytes32 key = _key(proposal);
        uint256 answeredAt = _rounds[key].answeredAt[index];
        if (answeredAt == 0 || block.timestamp >= answeredAt + _answerWindow) _requireWindow(e);
        uint256 caseId = committee.open(keccak256(abi.encode(Kind.Sketch, key, index)), evidenceCid);
        id = _open(Kind.Sketch, proposal, e.token, e.stake, index, committee.endsAt(caseId), caseId);
        splitter.openDispute(proposal.modelId, proposal.epochId);
    }

    /// @inheritdoc IEpochDisputes
    function resolve(uint256 id) external {
        Dispute storage d = _disputes[id];
        require(_isOpen(d) && (d.kind == Kind.Sketch || d.kind == Kind.Report), DisputesNotOpen(id));
        ICommitteeTypes.Verdict verdict = committee.verdict(d.caseId);
        require(verdict != ICommitteeTypes.Verdict.Pending, DisputesPending(d.until));
        if (verdict == ICommitteeTypes.Verdict.Upheld) {
            require(d.kind == Kind.Sketch, DisputesNeedsCorrection(id));
            return _uphold(id, d, Fault.Verdict);
        }
        IRewardSplitter.Epoch memory e =
            d.kind == Kind.Sketch ? _standing(_proposalOf(d)) : splitter.epoch(d.modelId, d.epochId);
        if (verdict == ICommitteeTypes.Verdict.Dismissed) {
            _end(id, d, Outcome.Dismissed);
            _operators.slash(d.challenger, e.token, d.bond, e.proposer);
            if (d.kind == Kind.Sketch) splitter.closeDispute(d.modelId, d.epochId);
        } else {
            _end(id, d, Outcome.Undecided);
            _operators.unlock(d.challenger, e.token, d.bond);
            if (d.kind == Kind.Sketch) splitter.reject(d.modelId, d.epochId, address(0));
        }
    }

    /// @inheritdoc IEpochDisputes
    function report(
        uint256 modelId,
        uint256 epochId,
        string calldata evidenceCid,
        uint256[] calldata extra
    ) external returns (uint256 id) {
        IRewardSplitter.Epoch memory e = splitter.epoch(modelId, epochId);
        // What is bonded can be withdrawn after a thaw; nobody is liable for longer.
        uint256 reportable = e.settledAt == 0 || e.stake == 0 ? 0 : e.settledAt + _operators.thawPeriod();
        require(block.timestamp < reportable, DisputesNotReportable(reportable));
        uint256 contributors = _attribution.commitment(e.commitmentId).contributors;
        require(extra.length == contributors, DisputesInvalidCorrection());
        Proposal memory proposal = Proposal(modelId, epochId, e.round);
        bytes32 hash = keccak256(abi.encodePacked(extra));
        uint256 caseId = committee.open(keccak256(abi.encode(Kind.Report, _key(proposal), hash)), evidenceCid);
        id = _open(Kind.Report, proposal, e.token, e.stake, uint256(hash), committee.endsAt(caseId), caseId);
        emit EpochReported(id, extra);
    }

    /// @inheritdoc IEpochDisputes
    function correct(uint256 id, uint256[] calldata extra, uint256[] calldata previous) external {
        Dispute storage d = _disputes[id];
        require(_isOpen(d) && d.kind == Kind.Report, DisputesNotOpen(id));
        require(committee.verdict(d.caseId) == ICommitteeTypes.Verdict.Upheld, DisputesNotUpheld(id));
        require(uint256(keccak256(abi.encodePacked(extra))) == d.target, DisputesInvalidCorrection());
        IRewardSplitter.Epoch memory e = splitter.epoch(d.modelId, d.epochId);
        uint256 due = e.stake - _slashed[d.modelId][d.epochId];
        (uint256 thawing, ) = _operators.thawing(e.proposer, e.token);
        due = Math.min(due, _operators.freeOf(e.proposer, e.token) + thawing);
        (uint256[] memory amounts, uint256 paid) = _scaled(extra, due);
        _slashed[d.modelId][d.epochId] += due;
        emit EpochAmended(id, paid, due - paid);
        _end(id, d, Outcome.Upheld);
        _operators.unlock(d.challenger, e.token, d.bond);

        uint256 rest = due - paid;
        _operators.slashBond(e.proposer, e.token, rest - rest / 2, d.challenger);
        _operators.slashBond(e.proposer, e.token, rest / 2, splitter.treasury());
        if (paid == 0) return;
        _operators.slashBond(e.proposer, e.token, paid, address(this));
        _operators.withdrawCredit(e.token);
        IERC20(e.token).forceApprove(address(splitter), paid);
        splitter.correct(d.modelId, d.epochId, amounts, previous);
    }

    /// @inheritdoc IEpochDisputes
    function release(uint256 id) external {
        Dispute storage d = _disputes[id];
        require(_isOpen(d), DisputesNotOpen(id));
        IRewardSplitter.Epoch memory e = splitter.epoch(d.modelId, d.epochId);
        bool over =
            d.kind == Kind.Report
                ? block.timestamp >= d.until + _disputeWindow &&
                    committee.verdict(d.caseId) == ICommitteeTypes.Verdict.Upheld
                : !_stands(e, d.round);
        require(over, DisputesStillOpen(id));
        _end(id, d, Outcome.Released);
        _operators.unlock(d.challenger, e.token, d.bond);
    }

    /// @inheritdoc IEpochDisputes
    function dispute(uint256 id) external view returns (Dispute memory) {
        return _disputes[id];
    }

    /// @inheritdoc IEpochDisputes
    function demandBond(Proposal calldata proposal) external view returns (uint256) {
        return _demandBond(_standing(proposal));
    }

    /// @inheritdoc IEpochDisputes
    function samplePoint(Proposal calldata proposal, uint256 point) external view returns (uint256) {
        return _samplePoint(_standing(proposal), _rounds[_key(proposal)], point);
    }

    function _open(
        Kind kind,
        Proposal memory proposal,
        address token,
        uint256 bond,
        uint256 target,
        uint256 until,
        uint256 caseId
    ) private returns (uint256 id) {
        id = ++disputeCount;
        _disputes[id] = Dispute({
            kind: kind,
            outcome: Outcome.Open,
            round: uint32(proposal.round),
            until: until.toUint48(),
            challenger: msg.sender,
            bond: bond.toUint128(),
            modelId: proposal.modelId,
            epochId: proposal.epochId,
            target: target,
            caseId: caseId
        });
        emit DisputeOpened(
            id,
            proposal.modelId,
            proposal.epochId,
            proposal.round,
            kind,
            msg.sender,
            bond,
            target,
            until,
            caseId
        );
        _operators.lock(msg.sender, token, bond);
    }

    function _end(uint256 id, Dispute storage d, Outcome outcome) private {
        d.outcome = outcome;
        emit DisputeEnded(id, outcome);
    }

    /// @dev The challenger was right: his bond comes back, and the proposal goes.
    function _uphold(uint256 id, Dispute storage d, Fault fault) private {
        IRewardSplitter.Epoch memory e = _standing(_proposalOf(d));
        _end(id, d, Outcome.Upheld);
        emit ProposalRefuted(d.modelId, d.epochId, d.round, fault, d.target, d.challenger);
        _operators.unlock(d.challenger, e.token, d.bond);
        splitter.reject(d.modelId, d.epochId, d.challenger);
    }

    function _refute(Proposal calldata proposal, Fault fault, uint256 index) private {
        require(fault != Fault.None, DisputesNoFault());
        emit ProposalRefuted(proposal.modelId, proposal.epochId, proposal.round, fault, index, msg.sender);
        splitter.reject(proposal.modelId, proposal.epochId, msg.sender);
    }

    /// @dev Demands are taken, and sketches that no answer opened can be challenged.
    function _requireWindow(IRewardSplitter.Epoch memory e) private view {
        uint256 until = e.proposedAt + _challengeWindow;
        require(block.timestamp < until, DisputesTooLate(until));
    }

    /// @dev The epoch of a proposal that stands, its receipts as proposed.
    function _standing(Proposal memory proposal) private view returns (IRewardSplitter.Epoch memory e) {
        e = splitter.epoch(proposal.modelId, proposal.epochId);
        require(_stands(e, proposal.round), JudgeNoProposal(proposal.modelId, proposal.epochId, proposal.round));
    }

    /// @dev The same, if the epoch holds anything that a dispute could be about.
    function _staked(Proposal calldata proposal) private view returns (IRewardSplitter.Epoch memory e) {
        e = _standing(proposal);
        require(e.stake != 0, DisputesNothingAtStake(proposal.modelId, proposal.epochId));
    }

    function _stands(IRewardSplitter.Epoch memory e, uint256 round) private pure returns (bool) {
        return e.proposedAt != 0 && e.settledAt == 0 && e.round == round;
    }

    function _demandBond(IRewardSplitter.Epoch memory e) private view returns (uint256) {
        return Math.ceilDiv(e.stake * demandBps, Protocol.BPS);
    }

    function _samplePoint(
        IRewardSplitter.Epoch memory e,
        Round storage round,
        uint256 point
    ) private view returns (uint256) {
        require(round.seed != 0 && point < SAMPLES && e.fees != 0, DisputesNoSample(point));
        return uint256(keccak256(abi.encode(round.seed, point))) % e.fees;
    }

    /// @dev `extra`, or if it adds up to more than `available` the same part of everybody's.
    function _scaled(
        uint256[] calldata extra,
        uint256 available
    ) private pure returns (uint256[] memory amounts, uint256 paid) {
        uint256 sum;
        for (uint256 c; c < extra.length; ++c) sum += extra[c];
        amounts = extra;
        if (sum <= available) return (amounts, sum);
        for (uint256 c; c < extra.length; ++c) {
            amounts[c] = Math.mulDiv(extra[c], available, sum);
            paid += amounts[c];
        }
    }

    function _isOpen(Dispute storage d) private view returns (bool) {
        return d.challenger != address(0) && d.outcome == Outcome.Open;
    }

    function _proposalOf(Dispute storage d) private view returns (Proposal memory) {
        return Proposal(d.modelId, d.epochId, d.round);
    }

    function _key(Proposal memory proposal) private pure returns (bytes32) {
        return keccak256(abi.encode(proposal));
    }
}
