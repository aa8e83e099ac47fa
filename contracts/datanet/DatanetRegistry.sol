// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";

/// @title Pools of domain data
/// @notice See {IDatanetRegistry}.
contract DatanetRegistry is IDatanetRegistry {
    struct Version {
        bytes32 hash;
        uint64[] contributionIds;
    }

    bytes32 private constant VERSION_TAG = keccak256("OpenLedger.Version.v1");

    uint64 private _datanetCount;
    uint64 private _contributionCount;
    mapping(uint256 datanetId => Datanet) private _datanets;
    mapping(uint256 contributionId => Contribution) private _contributions;
    mapping(uint256 datanetId => uint64[]) private _accepted; // ascending ids
    mapping(uint256 datanetId => mapping(uint256 version => Version)) private _versions;

    /// @inheritdoc IDatanetRegistry
    function create(
        address reviewer,
        string calldata name,
        string calldata licence,
        string calldata metadataCid
    ) external returns (uint256 datanetId) {
        require(reviewer != address(0), DatanetInvalidField("reviewer"));
        require(bytes(name).length != 0, DatanetInvalidField("name"));
        require(bytes(licence).length != 0, DatanetInvalidField("licence"));
        datanetId = ++_datanetCount;
        _datanets[datanetId] = Datanet(msg.sender, reviewer, 0, name, licence, metadataCid);
        emit DatanetCreated(datanetId, msg.sender, reviewer, name, licence, metadataCid);
    }

    /// @inheritdoc IDatanetRegistry
    function contribute(
        uint256 datanetId,
        string calldata cid,
        uint32 rows,
        bytes32 rowRoot
    ) external returns (uint256 contributionId) {
        _requireDatanet(datanetId);
        require(bytes(cid).length != 0, DatanetInvalidField("cid"));
        require(rows != 0, DatanetInvalidField("rows"));
        require(rowRoot != 0, DatanetInvalidField("rowRoot"));
        contributionId = ++_contributionCount;
        _contributions[contributionId] = Contribution(msg.sender, rows, Status.Pending, datanetId, rowRoot, cid);
        emit ContributionSubmitted(contributionId, datanetId, msg.sender, rows, rowRoot, cid);
    }

    /// @inheritdoc IDatanetRegistry
    function review(uint256[] calldata contributionIds, bool accept, string calldata reason) external {
        Status status = accept ? Status.Accepted : Status.Rejected;
        for (uint256 i; i < contributionIds.length; ++i) {
            uint256 id = contributionIds[i];
            Contribution storage reviewed = _contributions[id];
            require(reviewed.status != Status.None, DatanetContributionUnknown(id));
            uint256 datanetId = reviewed.datanetId;
            require(msg.sender == _datanets[datanetId].reviewer, DatanetNotReviewer(datanetId, msg.sender));
            require(reviewed.status == Status.Pending, DatanetAlreadyReviewed(id));
            reviewed.status = status;
            if (accept) _insert(_accepted[datanetId], uint64(id));
            emit ContributionReviewed(id, msg.sender, status, reason);
        }
    }

    /// @inheritdoc IDatanetRegistry
    function freeze(uint256 datanetId) external returns (uint256 version, bytes32 hash) {
        Datanet storage frozen = _requireDatanet(datanetId);
        require(msg.sender == frozen.owner, DatanetNotOwner(datanetId, msg.sender));
        uint64[] storage accepted = _accepted[datanetId];
        version = frozen.versions + 1;
        // Reviews are final, so the accepted ones can only have grown in number.
        require(
            accepted.length != _versions[datanetId][version - 1].contributionIds.length,
            DatanetNothingToFreeze(datanetId)
        );
        frozen.versions = uint64(version);

        uint256[] memory ids = new uint256[](accepted.length);
        uint256[] memory members = new uint256[](4 * ids.length);
        for (uint256 i; i < ids.length; ++i) {
            uint256 id = accepted[i];
            Contribution storage member = _contributions[id];
            ids[i] = id;
            members[4 * i] = id;
            members[4 * i + 1] = uint160(member.account);
            members[4 * i + 2] = member.rows;
            members[4 * i + 3] = uint256(member.rowRoot);
        }
        hash = keccak256(
            abi.encode(
                VERSION_TAG,
                block.chainid,
                address(this),
                datanetId,
                version,
                keccak256(abi.encodePacked(members))
            )
        );
        _versions[datanetId][version] = Version(hash, accepted);
        emit VersionFrozen(datanetId, version, hash, ids);
    }

    /// @inheritdoc IDatanetRegistry
    function datanet(uint256 datanetId) external view returns (Datanet memory) {
        return _requireDatanet(datanetId);
    }

    /// @inheritdoc IDatanetRegistry
    function contribution(uint256 contributionId) external view returns (Contribution memory found) {
        found = _contributions[contributionId];
        require(found.status != Status.None, DatanetContributionUnknown(contributionId));
    }

    /// @inheritdoc IDatanetRegistry
    function versionHash(uint256 datanetId, uint256 version) external view returns (bytes32) {
        return _requireVersion(datanetId, version).hash;
    }

    /// @inheritdoc IDatanetRegistry
    function versionContributions(
        uint256 datanetId,
        uint256 version
    ) external view returns (uint256[] memory contributionIds, uint256[] memory rowCounts) {
        uint64[] storage ids = _requireVersion(datanetId, version).contributionIds;
        contributionIds = new uint256[](ids.length);
        rowCounts = new uint256[](ids.length);
        for (uint256 i; i < contributionIds.length; ++i) {
            contributionIds[i] = ids[i];
            rowCounts[i] = _contributions[contributionIds[i]].rows;
        }
    }

    /// @dev Keeps `ids` ascending, whatever the order of reviews.
    function _insert(uint64[] storage ids, uint64 id) private {
        ids.push(id);
        uint256 i = ids.length - 1;
        for (; i != 0 && ids[i - 1] > id; --i) ids[i] = ids[i - 1];
        ids[i] = id;
    }

    function _requireDatanet(uint256 datanetId) private view returns (Datanet storage found) {
        found = _datanets[datanetId];
        require(found.owner != address(0), DatanetUnknown(datanetId));
    }

    function _requireVersion(uint256 datanetId, uint256 version) private view returns (Version storage found) {
        found = _versions[datanetId][version];
        require(found.hash != 0, DatanetVersionUnknown(datanetId, version));
    }
}
