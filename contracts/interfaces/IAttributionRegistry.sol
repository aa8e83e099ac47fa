// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Errors of {IAttributionRegistry}
interface IAttributionRegistryErrors {
    /// @dev No commitment has this id.
    error RegistryUnknownCommitment(bytes32 commitmentId);
    /// @dev The model has a commitment already.
    error RegistryAlreadyRegistered(uint256 modelId, bytes32 commitmentId);
    /// @dev Only the model's owner registers its commitments.
    error RegistryNotModelOwner(uint256 modelId, address caller);
    /// @dev k must be 128, 256 or 512.
    error RegistryInvalidWidth(uint256 k);
    /// @dev `columns` must be 64 bytes for each of the k columns.
    error RegistryColumnsLength(uint256 length, uint256 expected);
    /// @dev No contributor of the commitment has this number.
    error RegistryUnknownContributor(bytes32 commitmentId, uint256 c);
    /// @dev Point `index` of the columns (or k for the flags, k + 1 for the opening) is not on the curve.
    error RegistryInvalidPoint(uint256 index);
    /// @dev The opening does not show that the flags stand where the frozen row counts put them.
    error RegistryOwnershipNotProven();
    /// @dev Powers of τ whose secret is public work on chain id 31337 only.
    error RegistryDevelopmentPowers(uint256 chainId);
}

/// @title Types of {IAttributionRegistry}
interface IAttributionRegistryTypes {
    struct Registration {
        uint256 modelId;
        bytes32 vkId; // circuit and key that will settle this model
        uint256 k; // columns: 128, 256 or 512
        bytes columns; // k points of 64 bytes, see docs/protocol.md
        uint256[2] flags; // C_b
        bytes32 gRoot; // positional Merkle root of the sketch rows
        uint256[2] opening; // W of the ownership check
    }

    struct Commitment {
        uint256 modelId;
        bytes32 vkId;
        uint256 k; // columns
        uint256 rows; // N
        uint256 contributors; // K
        uint256[2] flags;
        bytes32 gRoot;
    }
}

/// @title Events of {IAttributionRegistry}
interface IAttributionRegistryEvents is IAttributionRegistryTypes {
    event CommitmentRegistered(
        uint256 indexed modelId,
        bytes32 indexed commitmentId,
        bytes32 vkId,
        uint256 k,
        uint256 rows,
        uint256 contributors,
        bytes32 gRoot
    );
}

/// @title Commitments to each model's row sketches
/// @notice Registration shows, by one opening and without a circuit, that position i of the sketches belongs to the
/// contributor whose row i is. Row counts come from the frozen Datanet versions, never from the caller.
/// @dev Warning: that the sketches are the true gradients of those rows is audited, not proven.
interface IAttributionRegistry is IAttributionRegistryErrors, IAttributionRegistryEvents {
    /// @notice Registers the commitments of a model; once a model, by its owner.
    function register(Registration calldata registration) external returns (bytes32 commitmentId);

    /// @notice τ·G2 of the powers of tau that all commitments use, as the pairing precompile takes it.
    function tauG2() external view returns (uint256[4] memory);

    /// @notice Commitment of a model, or zero while there is none.
    function commitmentOf(uint256 modelId) external view returns (bytes32 commitmentId);

    function commitment(bytes32 commitmentId) external view returns (Commitment memory);

    /// @notice The k column points, 64 bytes each.
    function columns(bytes32 commitmentId) external view returns (bytes memory);

    /// @notice Row counts n_0 … n_{K−1} in contributor order.
    function rowCounts(bytes32 commitmentId) external view returns (uint256[] memory);

    /// @notice Base weights in contributor order, by which what no proof decides is shared: the row counts.
    function baseWeights(bytes32 commitmentId) external view returns (uint256[] memory);

    /// @notice Contribution id of contributor c.
    function contributionOf(bytes32 commitmentId, uint256 c) external view returns (uint256 contributionId);

    /// @notice Account that is paid for contributor c.
    function accountOf(bytes32 commitmentId, uint256 c) external view returns (address);
}
