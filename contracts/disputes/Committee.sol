// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ICommittee} from "../interfaces/ICommittee.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";

/// @title Committee of auditors
/// @notice See {ICommittee}.
contract Committee is ICommittee, AccessManaged {
    using SafeCast for uint256;

    struct Case {
        uint48 commitUntil;
        uint48 endsAt; // 0 for no case
        uint32 upheld;
        uint32 dismissed;
        bool closed;
        address[] auditors; // who committed, in that order
        mapping(address auditor => bytes32) hashes; // 0 again once revealed
    }

    bytes32 private constant VOTE_TAG = keccak256("OpenLedger.Vote.v1");

    /// @inheritdoc ICommittee
    uint256 public constant MAX_VOTES = 64;

    /// @inheritdoc ICommittee
    IOperatorRegistry public immutable operators;
    /// @inheritdoc ICommittee
    address public immutable bondToken;
    /// @inheritdoc ICommittee
    uint256 public immutable auditorBond;
    /// @inheritdoc ICommittee
    uint256 public immutable commitPeriod;
    /// @inheritdoc ICommittee
    uint256 public immutable revealPeriod;
    /// @inheritdoc ICommittee
    uint256 public immutable quorum;

    uint256 private _count;
    mapping(uint256 caseId => Case) private _cases;

    constructor(
        IOperatorRegistry operators_,
        address bondToken_,
        uint256 auditorBond_,
        uint256 commitPeriod_,
        uint256 revealPeriod_,
        uint256 quorum_,
        address authority
    ) AccessManaged(authority) {
        require(
            commitPeriod_ != 0 &&
                revealPeriod_ != 0 &&
                quorum_ != 0 &&
                quorum_ <= MAX_VOTES &&
                (auditorBond_ == 0 || bondToken_ != address(0)),
            CommitteeInvalidDeployment()
        );
        operators = operators_;
        bondToken = bondToken_;
        auditorBond = auditorBond_;
        commitPeriod = commitPeriod_;
        revealPeriod = revealPeriod_;
        quorum = quorum_;
    }

    /// @inheritdoc ICommittee
    function open(bytes32 subject, string calldata evidenceCid) external restricted returns (uint256 caseId) {
        caseId = ++_count;
        Case storage one = _cases[caseId];
        uint256 commitUntil = block.timestamp + commitPeriod;
        one.commitUntil = commitUntil.toUint48();
        one.endsAt = (commitUntil + revealPeriod).toUint48();
        emit CaseOpened(caseId, subject, evidenceCid, commitUntil, one.endsAt);
    }

    /// @inheritdoc ICommittee
    function commitVote(uint256 caseId, bytes32 hash) external restricted {
        Case storage one = _case(caseId);
        require(block.timestamp < one.commitUntil, CommitteeCommitPeriodOver(one.commitUntil));
        require(hash != 0, CommitteeInvalidCommitment());
        require(one.hashes[msg.sender] == 0, CommitteeAlreadyCommitted(caseId, msg.sender));
        require(one.auditors.length < MAX_VOTES, CommitteeFull(caseId));
        one.hashes[msg.sender] = hash;
        one.auditors.push(msg.sender);
        emit VoteCommitted(caseId, msg.sender, hash);
        operators.lock(msg.sender, bondToken, auditorBond);
    }

    /// @inheritdoc ICommittee
    function revealVote(uint256 caseId, bool uphold, bytes32 salt) external {
        Case storage one = _case(caseId);
        require(
            block.timestamp >= one.commitUntil && block.timestamp < one.endsAt,
            CommitteeNotRevealing(one.commitUntil, one.endsAt)
        );
        bytes32 expected = one.hashes[msg.sender];
        require(expected != 0, CommitteeNothingToReveal(caseId, msg.sender));
        bytes32 hash = keccak256(abi.encode(VOTE_TAG, block.chainid, address(this), caseId, msg.sender, uphold, salt));
        require(hash == expected, CommitteeCommitmentMismatch(hash, expected));
        one.hashes[msg.sender] = 0;
        if (uphold) ++one.upheld;
        else ++one.dismissed;
        emit VoteRevealed(caseId, msg.sender, uphold);
        operators.unlock(msg.sender, bondToken, auditorBond);
    }

    /// @inheritdoc ICommittee
    function close(uint256 caseId) external {
        Case storage one = _case(caseId);
        require(block.timestamp >= one.endsAt, CommitteeCaseRunning(one.endsAt));
        require(!one.closed, CommitteeAlreadyClosed(caseId));
        one.closed = true;
        uint256 revealed = one.upheld + one.dismissed;
        emit CaseClosed(caseId, _verdict(one), one.auditors.length - revealed);
        if (revealed == 0) _unlockAll(one);
        else _share(one, revealed);
    }

    /// @inheritdoc ICommittee
    function verdict(uint256 caseId) external view returns (Verdict) {
        return _verdict(_case(caseId));
    }

    /// @inheritdoc ICommittee
    function endsAt(uint256 caseId) external view returns (uint256) {
        return _case(caseId).endsAt;
    }

    function _unlockAll(Case storage one) private {
        for (uint256 i; i < one.auditors.length; ++i) operators.unlock(one.auditors[i], bondToken, auditorBond);
    }

    /// @dev Pays each of the `revealed` his part out of the bonds of the others, one bond after the other.
    function _share(Case storage one, uint256 revealed) private {
        uint256 pool = (one.auditors.length - revealed) * auditorBond;
        uint256 next; // among the auditors, where the next bond to share is looked for
        address silent;
        uint256 left; // of his bond
        for (uint256 i; pool != 0; ++i) {
            address auditor = one.auditors[i];
            if (one.hashes[auditor] != 0) continue;
            uint256 due = Math.ceilDiv(pool, revealed--);
            pool -= due;
            while (due != 0) {
                if (left == 0) {
                    do silent = one.auditors[next++]; while (one.hashes[silent] == 0);
                    left = auditorBond;
                }
                uint256 taken = Math.min(due, left);
                due -= taken;
                left -= taken;
                operators.slash(silent, bondToken, taken, auditor);
            }
        }
    }

    function _verdict(Case storage one) private view returns (Verdict) {
        if (block.timestamp < one.endsAt) return Verdict.Pending;
        if (one.upheld + one.dismissed < quorum || one.upheld == one.dismissed) return Verdict.Undecided;
        return one.upheld > one.dismissed ? Verdict.Upheld : Verdict.Dismissed;
    }

    function _case(uint256 caseId) private view returns (Case storage one) {
        one = _cases[caseId];
        require(one.endsAt != 0, CommitteeUnknownCase(caseId));
    }
}
