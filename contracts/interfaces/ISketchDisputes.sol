// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Errors of {ISketchDisputes}
interface ISketchDisputesErrors {
    /// @dev Only the registry of commitments begins their trial.
    error SketchesNotRegistry(address caller);
    /// @dev The commitment is not on trial: unknown, active, or revoked.
    error SketchesNotPending(bytes32 commitmentId);
    /// @dev The activation window is over; what was demanded in it can still be answered or challenged.
    error SketchesWindowClosed(uint256 until);
    /// @dev Row, and sums and lengths before and after, must stand under the registered roots at their places.
    error SketchesNotUnderRoots(bytes32 commitmentId, uint256 row);
    /// @dev Entries, norm, sum and length of this row are right.
    error SketchesRowRight(bytes32 commitmentId, uint256 row);
    /// @dev Entries, norm, sum or length of this row are wrong: that is no answer. Use it to challenge the row.
    error SketchesRowWrong(bytes32 commitmentId, uint256 row);
    /// @dev The lengths before this contributor's first row are what the base weights before his add up to.
    error SketchesBorderRight(bytes32 commitmentId, uint256 c);
    /// @dev No contributor of the commitment has this number.
    error SketchesUnknownContributor(bytes32 commitmentId, uint256 c);
    /// @dev The commitment has no such row.
    error SketchesUnknownRow(bytes32 commitmentId, uint256 row);
    /// @dev The row was demanded before; its answer, if it was given, stands in that transaction.
    error SketchesRowDemanded(bytes32 commitmentId, uint256 row);
    /// @dev No demand of this row is open.
    error SketchesNoDemand(bytes32 commitmentId, uint256 row);
    /// @dev The time to answer ended at `until`.
    error SketchesAnswerLate(uint256 until);
    /// @dev The row can be answered until `until`.
    error SketchesStillAnswerable(uint256 until);
    /// @dev The bond stays locked until the commitment is active, and is taken if it is revoked.
    error SketchesNotActive(bytes32 commitmentId);
}

/// @title Types of {ISketchDisputes}
interface ISketchDisputesTypes {
    /// @dev Seconds, and bonds with 18 decimals, which are rounded up to the units of the model's token.
    struct Activation {
        uint48 window; // in which a registration can be disputed; 0 makes it active at once
        uint48 answerWindow; // to answer a demand
        uint128 registrationBond; // of the model's owner
        uint128 demandBond; // of who demands a row
    }

    struct Trial {
        address owner; // who registered, and whose bond is locked
        uint48 activeAt;
        uint32 demands; // that are open
        bool revoked;
        address token; // of the bonds: the model's
        uint128 bond; // still locked
    }

    struct Demand {
        address demander;
        uint48 until; // it can be answered; 0 once it was closed
        uint128 bond;
    }

    /// @dev Row `row`, and sums and lengths before it (P_row, N_row) and after it, each with its proof under the registered
    /// root.
    struct Step {
        uint256 row;
        bytes entries;
        bytes32[] entriesProof;
        uint256 sumBefore;
        uint256 lengthBefore;
        bytes32[] beforeProof;
        uint256 sumAfter;
        uint256 lengthAfter;
        bytes32[] afterProof;
    }
}

/// @title Events of {ISketchDisputes}
interface ISketchDisputesEvents is ISketchDisputesTypes {
    event TrialBegun(
        bytes32 indexed commitmentId,
        address indexed owner,
        uint256 activeAt,
        address token,
        uint256 bond
    );
    event RowDemanded(bytes32 indexed commitmentId, uint256 indexed row, address indexed demander, uint256 until);
    event RowAnswered(bytes32 indexed commitmentId, uint256 indexed row, address indexed answerer);
    event DemandExpired(bytes32 indexed commitmentId, uint256 indexed row, address indexed demander);
    /// @dev `row` is the one that was wrong or not shown, or the first of a contributor before whom base weights are wrong.
    event CommitmentRevoked(bytes32 indexed commitmentId, uint256 indexed row, address indexed beneficiary);
    event BondReleased(bytes32 indexed commitmentId, address indexed owner, uint256 bond);
}

/// @title Disputes of registered sketches
/// @notice A registration shows that the last of the sums over the published rows is what the columns open to, and that
/// all base weights add up to the rows' lengths. Until the activation window is over anyone can show one row, sum or base
/// weight that is wrong, or demand a row that is not published: then the commitment is revoked for ever, and whoever showed
/// it takes the owner's bond.
/// @dev That the sketches are true gradients is audited, not decided here.
interface ISketchDisputes is ISketchDisputesErrors, ISketchDisputesEvents {
    /// @notice Begins the trial of a commitment and locks its owner's bond. For the registry only.
    function begin(bytes32 commitmentId, address owner, address token) external;

    /// @notice Revokes a commitment whose row has an entry of −128, a norm above 136, not k entries, or a wrong sum or
    /// length; the caller takes the owner's bond. Decided at once.
    function challengeRow(bytes32 commitmentId, Step calldata step) external;

    /// @notice Revokes a commitment in which the lengths before the first row of contributor `c` are not what the base
    /// weights before his add up to; the caller takes the owner's bond. Decided at once.
    /// @param sum P of the contributor's first row
    /// @param length N of it
    /// @param proof of both under the registered root
    function challengeBorder(
        bytes32 commitmentId,
        uint256 c,
        uint256 sum,
        uint256 length,
        bytes32[] calldata proof
    ) external;

    /// @notice Demands that a row and its sums are shown, for a bond that goes to the owner if they are.
    function demandRow(bytes32 commitmentId, uint256 row) external;

    /// @notice Answers a demand with a row and sums that are right. Anyone may.
    function answerRow(bytes32 commitmentId, Step calldata step) external;

    /// @notice Closes a demand that nobody answered in time: the commitment is revoked, and who demanded takes the owner's
    /// bond. Also gives back the bond of a demand whose commitment was revoked for another row.
    function expire(bytes32 commitmentId, uint256 row) external;

    /// @notice Gives the owner of an active commitment the bond back.
    function releaseBond(bytes32 commitmentId) external;

    /// @notice Whether epochs may open with the commitment: its window is over, no demand is open, it is not revoked.
    function isActive(bytes32 commitmentId) external view returns (bool);

    function isRevoked(bytes32 commitmentId) external view returns (bool);

    function activation() external view returns (Activation memory);

    function trial(bytes32 commitmentId) external view returns (Trial memory);

    function demand(bytes32 commitmentId, uint256 row) external view returns (Demand memory);
}
