// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Receipts} from "../libraries/Receipts.sol";
import {ReceiptTree} from "../libraries/ReceiptTree.sol";
import {IAttributionVerifierTypes} from "./IAttributionVerifier.sol";
import {IRewardSplitter} from "./IRewardSplitter.sol";

/// @title Errors of {IReceiptJudge}
interface IReceiptJudgeErrors {
    /// @dev This proposal does not stand: it was rejected or settled, or the round is another one.
    error JudgeNoProposal(uint256 modelId, uint256 epochId, uint256 round);
    /// @dev The siblings do not lead from this leaf to the proposal's root. Take them from the published receipts.
    error JudgeInvalidLeaf(uint256 index);
    /// @dev Salt and sketch are not what the leaf's record commits to.
    error JudgeInvalidOpening(bytes32 recordId, bytes32 expected);
    /// @dev The vector is not the one whose hash stands in leaf `index`.
    error JudgeInvalidSums(uint256 index);
    /// @dev The payer does not belong between these leaves.
    error JudgePayerElsewhere(uint256 index);
    /// @dev The tree has `count` leaves.
    error JudgeUnknownIndex(uint256 index, uint256 count);
    /// @dev The sketch has scores, so L takes both proofs.
    error JudgeProofMissing();
    /// @dev The receipt, or what the answer leaves out, does not fit the leaf that was demanded.
    error JudgeInvalidAnswer();
    /// @dev The leaf that was demanded is wrong itself.
    error JudgeFaultyAnswer(IReceiptJudgeTypes.Fault fault);
    /// @dev The signature is not by the server's key (ECDSA, 65 bytes).
    error JudgeInvalidSignature(address server);
}

/// @title Types of {IReceiptJudge}
interface IReceiptJudgeTypes {
    /// @dev What the protocol's rules say is wrong; docs/protocol.md, "One epoch".
    enum Fault {
        None,
        Range, // fee of 2^128 or weight of 2^64 or more
        Order, // leaves not strictly by (server, customer, receiptId)
        FeeSum,
        PayerSum,
        PayerFees, // a payer's fees are not what the escrow redeemed
        MissingPayer, // a payer whose fees were redeemed has no leaf
        NoRecord, // a weight without a sketch record
        Sketch, // not k entries from −127 to 127 with a norm of at most 480
        Sum, // V is not V before + ω·q
        Weight, // ω is not ⌊f18 / max(L, m0)⌋
        Unanswered, // nobody showed what was demanded
        Verdict // the committee said so
    }

    /// @dev One proposal. The round keeps a challenge from hitting the next proposal of the same epoch.
    struct Proposal {
        uint256 modelId;
        uint256 epochId;
        uint256 round;
    }

    struct ProvenLeaf {
        ReceiptTree.Leaf leaf;
        bytes32[] siblings; // from the leaf up
    }

    /// @dev Opens a sketch record. An empty `q` opens nothing.
    struct Opening {
        bytes32 salt;
        bytes q; // k bytes, two's complement
    }

    /// @dev Leaf `index` and the one before it, which is not looked at for index 0.
    struct Step {
        uint256 index;
        ProvenLeaf before;
        ProvenLeaf leaf;
        int128[] vBefore; // may be empty, as `v`: then the sum is not checked
        int128[] v;
        Opening opening;
    }

    /// @dev A settlement proof of one query.
    struct Scores {
        bytes totals;
        IAttributionVerifierTypes.SettlementProof proof;
    }

    struct Answer {
        Step step;
        Receipts.Receipt receipt;
        bytes receiptSignature;
        bytes recordSignature; // empty for a leaf without a record
    }
}

/// @title Judge of a proposal's receipts
/// @notice Says what is wrong with the leaves of a proposal. It keeps nothing and decides nothing: {IEpochDisputes} acts on
/// what it says, and anyone can ask it first.
interface IReceiptJudge is IReceiptJudgeErrors, IReceiptJudgeTypes {
    /// @notice What is wrong with a leaf and the one before it, as far as they are shown.
    function stepFault(Proposal calldata proposal, Step calldata step) external view returns (Fault);

    /// @notice Whether a payer has no leaf whose fees the escrow redeemed. He would stand between two neighbours.
    /// @param index The leaf after the gap; the number of leaves where the gap is at the end.
    /// @param before Leaf `index − 1`; not looked at for 0.
    /// @param next Leaf `index`; not looked at at the end.
    function payerFault(
        Proposal calldata proposal,
        address server,
        address customer,
        uint256 index,
        ProvenLeaf calldata before,
        ProvenLeaf calldata next
    ) external view returns (Fault);

    /// @notice Whether a leaf's weight is not ⌊f18 / max(L, m0)⌋. L is shown by settlement proofs of q and −q, in whose
    /// transcripts this contract is the splitter and floorUnits 0; where C_s is zero, both totals are empty.
    /// @param prover Of both proofs.
    function weightFault(
        Proposal calldata proposal,
        uint256 index,
        ProvenLeaf calldata leaf,
        Opening calldata opening,
        Scores calldata up,
        Scores calldata down,
        address prover
    ) external view returns (Fault);

    /// @notice Reverts unless the answer opens a right leaf whole, with the server's signatures.
    /// @param byFee Whether `target` is a point of the fees, in the leaves' order, and not an index.
    function requireAnswer(
        Proposal calldata proposal,
        bool byFee,
        uint256 target,
        Answer calldata answer
    ) external view;

    function splitter() external view returns (IRewardSplitter);
}
