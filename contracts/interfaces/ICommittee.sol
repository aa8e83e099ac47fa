// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOperatorRegistry} from "./IOperatorRegistry.sol";

/// @title Errors of {ICommittee}
interface ICommitteeErrors {
    /// @dev Both periods last a second or more, the quorum is 1 to `MAX_VOTES`, and a bond is in some token.
    error CommitteeInvalidDeployment();
    /// @dev There is no such case. The event CaseOpened tells ids.
    error CommitteeUnknownCase(uint256 caseId);
    /// @dev Votes of this case were committed until `until`.
    error CommitteeCommitPeriodOver(uint256 until);
    /// @dev Votes of this case are revealed from `from` until just before `until`.
    error CommitteeNotRevealing(uint256 from, uint256 until);
    /// @dev One vote an auditor and case.
    error CommitteeAlreadyCommitted(uint256 caseId, address auditor);
    /// @dev `MAX_VOTES` auditors committed to votes of this case.
    error CommitteeFull(uint256 caseId);
    /// @dev A commitment is not zero. Hash vote and salt as docs/protocol.md says.
    error CommitteeInvalidCommitment();
    /// @dev The auditor committed no vote here, or revealed it before.
    error CommitteeNothingToReveal(uint256 caseId, address auditor);
    /// @dev Vote and salt do not hash to what this auditor committed for this case.
    error CommitteeCommitmentMismatch(bytes32 hash, bytes32 expected);
    /// @dev Votes can be revealed until `until`; close the case then.
    error CommitteeCaseRunning(uint256 until);
    /// @dev A case is closed once.
    error CommitteeAlreadyClosed(uint256 caseId);
}

/// @title Types of {ICommittee}
interface ICommitteeTypes {
    enum Verdict {
        Pending, // votes are committed or revealed
        Upheld, // most revealed votes are for who challenged
        Dismissed, // most are against him
        Undecided // a tie, or fewer revealed than the quorum
    }
}

/// @title Events of {ICommittee}
interface ICommitteeEvents is ICommitteeTypes {
    event CaseOpened(
        uint256 indexed caseId,
        bytes32 indexed subject,
        string evidenceCid,
        uint256 commitUntil,
        uint256 endsAt
    );
    event VoteCommitted(uint256 indexed caseId, address indexed auditor, bytes32 hash);
    event VoteRevealed(uint256 indexed caseId, address indexed auditor, bool uphold);
    event CaseClosed(uint256 indexed caseId, Verdict verdict, uint256 unrevealed);
}

/// @title Committee of auditors
/// @notice Judges what no contract can check. Bonded auditors commit to votes, then reveal them; who commits and does not
/// reveal loses his bond to those who did.
/// @dev A verdict follows from time and votes alone and needs no closing.
interface ICommittee is ICommitteeErrors, ICommitteeEvents {
    /// @notice Opens a case. For the authority's CASES role.
    /// @param subject What is judged, as the opener names it.
    /// @param evidenceCid Where the evidence is.
    function open(bytes32 subject, string calldata evidenceCid) external returns (uint256 caseId);

    /// @notice Commits the caller to a vote and locks his `auditorBond`. For the authority's AUDITORS role.
    /// @param hash keccak256(abi.encode(TAG("Vote"), chainid, this, caseId, auditor, uphold, salt))
    function commitVote(uint256 caseId, bytes32 hash) external;

    /// @notice Reveals the caller's vote and unlocks his bond.
    function revealVote(uint256 caseId, bool uphold, bytes32 salt) external;

    /// @notice Shares the bonds of those who did not reveal equally among those who did; what division leaves goes to the
    /// first who committed, a unit each. Where nobody revealed, all are unlocked. Anyone may send it, once the reveal
    /// period is over.
    function close(uint256 caseId) external;

    /// @notice Pending until `endsAt`; from then on it never changes.
    function verdict(uint256 caseId) external view returns (Verdict);

    /// @notice When the reveal period ends.
    function endsAt(uint256 caseId) external view returns (uint256);

    function operators() external view returns (IOperatorRegistry);

    function bondToken() external view returns (address);

    /// @notice What an auditor has locked while his vote is committed and not revealed.
    function auditorBond() external view returns (uint256);

    function commitPeriod() external view returns (uint256);

    function revealPeriod() external view returns (uint256);

    /// @notice Revealed votes that a verdict needs.
    function quorum() external view returns (uint256);

    /// @notice Votes that a case takes, so that closing it always fits into a block.
    function MAX_VOTES() external view returns (uint256);
}
