// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Errors of {IDatanetRegistry}
interface IDatanetRegistryErrors {
    /// @dev No Datanet has this id; ids start at 1.
    error DatanetUnknown(uint256 datanetId);
    /// @dev No contribution has this id; ids start at 1.
    error DatanetContributionUnknown(uint256 contributionId);
    /// @dev The Datanet has no such frozen version; versions start at 1.
    error DatanetVersionUnknown(uint256 datanetId, uint256 version);
    /// @dev Only the Datanet's reviewer may do this.
    error DatanetNotReviewer(uint256 datanetId, address caller);
    /// @dev Only the Datanet's owner may do this.
    error DatanetNotOwner(uint256 datanetId, address caller);
    /// @dev A contribution is reviewed once.
    error DatanetAlreadyReviewed(uint256 contributionId);
    /// @dev Nothing was accepted since the last version, so a new one would be the same.
    error DatanetNothingToFreeze(uint256 datanetId);
    /// @dev A field is empty or out of range: `field` names it.
    error DatanetInvalidField(string field);
}

/// @title Types of {IDatanetRegistry}
interface IDatanetRegistryTypes {
    enum Status {
        None,
        Pending,
        Accepted,
        Rejected
    }

    struct Datanet {
        address owner;
        address reviewer;
        uint64 versions; // number of frozen versions
        string name;
        string licence; // SPDX id
        string metadataCid;
    }

    struct Contribution {
        address account; // who is paid
        uint32 rows;
        Status status;
        uint256 datanetId;
        bytes32 rowRoot; // positional Merkle root of the row leaves
        string cid; // where the rows are
    }
}

/// @title Events of {IDatanetRegistry}
interface IDatanetRegistryEvents is IDatanetRegistryTypes {
    event DatanetCreated(
        uint256 indexed datanetId,
        address indexed owner,
        address reviewer,
        string name,
        string licence,
        string metadataCid
    );
    event ContributionSubmitted(
        uint256 indexed contributionId,
        uint256 indexed datanetId,
        address indexed account,
        uint32 rows,
        bytes32 rowRoot,
        string cid
    );
    event ContributionReviewed(uint256 indexed contributionId, address indexed reviewer, Status status, string reason);
    event VersionFrozen(
        uint256 indexed datanetId,
        uint256 indexed version,
        bytes32 versionHash,
        uint256[] contributionIds
    );
}

/// @title Pools of domain data
/// @notice Anyone contributes rows by content id, count and Merkle root; the Datanet's reviewer accepts or rejects; the
/// owner freezes versions, which models then name. Nothing here can be changed after it is frozen.
interface IDatanetRegistry is IDatanetRegistryErrors, IDatanetRegistryEvents {
    /// @notice Creates a Datanet owned by the caller; all but `metadataCid` must be given.
    /// @return datanetId The new id, from 1.
    function create(
        address reviewer,
        string calldata name,
        string calldata licence,
        string calldata metadataCid
    ) external returns (uint256 datanetId);

    /// @notice Submits rows for review; the caller's account is credited for them.
    /// @dev Warning: the row count is checked by the reviewer against the content, not by the contract.
    /// @param cid Content id of the contribution file.
    /// @param rows Number of rows, at least 1.
    /// @param rowRoot Positional Merkle root of the row leaves.
    function contribute(
        uint256 datanetId,
        string calldata cid,
        uint32 rows,
        bytes32 rowRoot
    ) external returns (uint256 contributionId);

    /// @notice Accepts or rejects pending contributions to Datanets whose reviewer the caller is.
    /// @param reason Why, in words or a code; published with each contribution.
    function review(uint256[] calldata contributionIds, bool accept, string calldata reason) external;

    /// @notice Freezes all contributions accepted so far, in order of their ids, as the next version.
    function freeze(uint256 datanetId) external returns (uint256 version, bytes32 versionHash);

    function datanet(uint256 datanetId) external view returns (Datanet memory);

    function contribution(uint256 contributionId) external view returns (Contribution memory);

    /// @notice Hash of a frozen version, see docs/protocol.md.
    function versionHash(uint256 datanetId, uint256 version) external view returns (bytes32);

    /// @notice Contributions of a frozen version in order, with their row counts.
    function versionContributions(
        uint256 datanetId,
        uint256 version
    ) external view returns (uint256[] memory contributionIds, uint256[] memory rowCounts);
}
