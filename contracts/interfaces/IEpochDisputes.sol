// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "./ICommittee.sol";
import {IReceiptJudge, IReceiptJudgeErrors, IReceiptJudgeTypes} from "./IReceiptJudge.sol";
import {IRewardSplitter} from "./IRewardSplitter.sol";

/// @title Errors of {IEpochDisputes}
interface IEpochDisputesErrors is IReceiptJudgeErrors {
    /// @dev Demands cost part of the stake, at most all of it, and a case ends within the splitter's `disputeWindow`.
    error DisputesInvalidDeployment();
    /// @dev What was shown is as it should be.
    error DisputesNoFault();
    /// @dev The epoch holds nothing, so no bond could pay for the dispute. Faults can be shown at once.
    error DisputesNothingAtStake(uint256 modelId, uint256 epochId);
    /// @dev Demands are taken until `until`, and a sketch that an answer opened can be challenged for one answer window.
    error DisputesTooLate(uint256 until);
    /// @dev Dispute `id` demands the same.
    error DisputesAlreadyDemanded(uint256 id);
    /// @dev The sample is drawn in a block after the proposal's, once.
    error DisputesCannotDraw();
    /// @dev Draw the sample first; it has points 0 to `SAMPLES` − 1.
    error DisputesNoSample(uint256 point);
    /// @dev There is no such dispute, it is of another kind, or it has ended.
    error DisputesNotOpen(uint256 id);
    /// @dev The demand can be answered until just before `until`.
    error DisputesAnswerable(uint256 until);
    /// @dev The demand had to be answered before `until`.
    error DisputesUnanswered(uint256 until);
    /// @dev The committee decides by `until`.
    error DisputesPending(uint256 until);
    /// @dev The committee upheld the report: call `correct`.
    error DisputesNeedsCorrection(uint256 id);
    /// @dev Only an upheld report corrects anything.
    error DisputesNotUpheld(uint256 id);
    /// @dev The dispute's proposal stands: it ends by `answer`, `expire`, `resolve` or `correct`.
    error DisputesStillOpen(uint256 id);
    /// @dev Only what a proposal settled, with a stake, can be reported, until `until` (0: never).
    error DisputesNotReportable(uint256 until);
    /// @dev A correction has one amount for each of the commitment's contributors, and the event's amounts are used.
    error DisputesInvalidCorrection();
}

/// @title Types of {IEpochDisputes}
interface IEpochDisputesTypes is IReceiptJudgeTypes {
    enum Kind {
        Demand, // of leaf `target`
        Sample, // of the leaf that holds point `target` of the fees
        Sketch, // of leaf `target`; the committee judges
        Report // of a settled epoch; `target` is the hash of the correction
    }

    enum Outcome {
        Open,
        Answered, // the demand was met
        Upheld,
        Dismissed,
        Undecided,
        Released // its proposal was rejected for another reason
    }

    struct Dispute {
        Kind kind;
        Outcome outcome;
        uint32 round;
        uint48 until; // when it can be expired or resolved
        address challenger;
        uint128 bond; // in the epoch's token
        uint256 modelId;
        uint256 epochId;
        uint256 target;
        uint256 caseId; // of the committee; 0 for demands
    }
}

/// @title Events of {IEpochDisputes}
interface IEpochDisputesEvents is IEpochDisputesTypes {
    event DisputeOpened(
        uint256 indexed id,
        uint256 indexed modelId,
        uint256 indexed epochId,
        uint256 round,
        Kind kind,
        address challenger,
        uint256 bond,
        uint256 target,
        uint256 until,
        uint256 caseId
    );
    event DisputeEnded(uint256 indexed id, Outcome outcome);
    /// @dev The answer stands in the calldata of this transaction.
    event DemandAnswered(uint256 indexed id, uint256 indexed index, address sender);
    /// @dev `index` is where the fault was shown; for `Verdict` and `Unanswered`, the dispute's target.
    event ProposalRefuted(
        uint256 indexed modelId,
        uint256 indexed epochId,
        uint256 round,
        Fault fault,
        uint256 index,
        address indexed challenger
    );
    event SampleDrawn(uint256 indexed modelId, uint256 indexed epochId, uint256 round, uint256 seed);
    /// @dev `extra` is what the report says each contributor should have had on top.
    event EpochReported(uint256 indexed id, uint256[] extra);
    /// @dev Of the operator's bond, `paid` went to contributors and `rest` to reporter and treasury.
    event EpochAmended(uint256 indexed id, uint256 paid, uint256 rest);
}

/// @title Disputes of proposals
/// @notice Anyone shows what is wrong with a proposal, and gets half of its stake. What the contract can check, it decides
/// at once; what it must be shown, it demands from the operator under a time-out; what no contract can check, the
/// committee judges.
/// @dev Bonds are locked in the operator registry and nowhere else; what a dispute locked, it unlocks or slashes. Nothing
/// here can be paused.
interface IEpochDisputes is IEpochDisputesErrors, IEpochDisputesEvents {
    /// @notice Shows a leaf that does not follow from the one before it. Decided at once.
    function challengeStep(Proposal calldata proposal, Step calldata step) external;

    /// @notice Shows that a payer whose fees the escrow redeemed has no leaf: neighbours between which it would stand.
    /// @param index The leaf after the gap; the number of leaves where the gap is at the end.
    /// @param before Leaf `index − 1`; not looked at for 0.
    /// @param next Leaf `index`; not looked at at the end.
    function challengePayer(
        Proposal calldata proposal,
        address server,
        address customer,
        uint256 index,
        ProvenLeaf calldata before,
        ProvenLeaf calldata next
    ) external;

    /// @notice Shows a weight that is not ⌊f18 / max(L, m0)⌋, by settlement proofs of q and −q with the caller as prover;
    /// see {IReceiptJudge-weightFault}.
    function challengeWeight(
        Proposal calldata proposal,
        uint256 index,
        ProvenLeaf calldata leaf,
        Opening calldata opening,
        Scores calldata up,
        Scores calldata down
    ) external;

    /// @notice Demands that leaf `index` be opened, within the challenge window. Locks {demandBond} of the caller's.
    function demand(Proposal calldata proposal, uint256 index) external returns (uint256 id);

    /// @notice The same for a point of the sample, without a bond. For the authority's AUDITORS role.
    function demandSample(Proposal calldata proposal, uint256 point) external returns (uint256 id);

    /// @notice Opens what was demanded: leaf, the one before, receipt, record and sketch, signed by the server. Anyone may
    /// send it; the demander's bond goes to the operator. The sketch can be challenged for one answer window after it.
    function answer(uint256 id, Answer calldata answer_) external;

    /// @notice Rejects the proposal that left a demand unanswered.
    function expire(uint256 id) external;

    /// @notice Draws the proposal's sample, once, in any block after the proposal's.
    function drawSample(Proposal calldata proposal) external;

    /// @notice Asks the committee whether a leaf's sketch is that of what was served. Locks a bond as large as the stake.
    function challengeSketch(
        Proposal calldata proposal,
        uint256 index,
        string calldata evidenceCid
    ) external returns (uint256 id);

    /// @notice Ends what the committee judged. Anyone may send it.
    function resolve(uint256 id) external;

    /// @notice Asks the committee whether a settled epoch paid wrong. Locks a bond as large as the stake was.
    /// @param extra What each contributor should have had on top, in token units.
    function report(
        uint256 modelId,
        uint256 epochId,
        string calldata evidenceCid,
        uint256[] calldata extra
    ) external returns (uint256 id);

    /// @notice Pays contributors what an upheld report says, out of what the operator has bonded and not locked, at most the
    /// stake; the rest of the stake, as far as it is there, to reporter and treasury. Anyone may send it.
    /// @param extra As in EpochReported; where less is there, everybody gets the same part of his.
    /// @param previous Cumulative earnings as `RewardSplitter.settle` takes them.
    function correct(uint256 id, uint256[] calldata extra, uint256[] calldata previous) external;

    /// @notice Gives back the bond of a dispute whose proposal was rejected for another reason, or of an upheld report that
    /// nobody could correct for one dispute window.
    function release(uint256 id) external;

    function splitter() external view returns (IRewardSplitter);

    function committee() external view returns (ICommittee);

    /// @notice What the contract decides at once, it asks this one; proofs of {challengeWeight} name it as the splitter.
    function judge() external view returns (IReceiptJudge);

    /// @notice Part of the stake that a demand costs.
    function demandBps() external view returns (uint256);

    /// @notice Points in a sample.
    function SAMPLES() external view returns (uint256);

    function dispute(uint256 id) external view returns (Dispute memory);

    /// @notice Disputes so far; their ids start at 1.
    function disputeCount() external view returns (uint256);

    /// @notice What a demand of this proposal locks.
    function demandBond(Proposal calldata proposal) external view returns (uint256);

    /// @notice A point of the sample: the leaf is demanded in whose fee, of all fees in the leaves' order, it falls.
    function samplePoint(Proposal calldata proposal, uint256 point) external view returns (uint256);
}
