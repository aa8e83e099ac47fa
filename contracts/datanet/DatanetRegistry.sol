// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IPauseSwitch} from "../interfaces/IPauseSwitch.sol";

/// @title Pools of domain data
/// @notice See {IDatanetRegistry}.
/// @dev Received bonds are measured, and measuring holds only if nothing can move tokens in between: hence the guard.
contract DatanetRegistry is IDatanetRegistry, EIP712, Nonces, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using EnumerableSet for EnumerableSet.AddressSet;

    struct Version {
        bytes32 hash;
        uint64[] contributionIds;
    }

    /// @dev A bond that a pending contribution holds.
    struct Held {
        address payer;
        uint48 reviewUntil;
    }

    bytes32 private constant VERSION_TAG = keccak256("OpenLedger.Version.v1");
    bytes32 private constant SUBMISSION_TYPEHASH = keccak256("Submission(string cid,uint32 rows,bytes32 rowRoot)");
    bytes32 private constant CONTRIBUTE_TYPEHASH = keccak256(
        "Contribute(address account,uint256 datanetId,Submission[] submissions,uint256 nonce,uint256 deadline)Submission(string cid,uint32 rows,bytes32 rowRoot)"
    );
    bytes32 private constant DECISION_TYPEHASH = keccak256("Decision(uint256 contributionId,bool accept,uint8 code)");
    bytes32 private constant REVIEW_TYPEHASH = keccak256(
        "Review(Decision[] decisions,uint256 deadline)Decision(uint256 contributionId,bool accept,uint8 code)"
    );

    /// @notice How long reviewers have for a contribution with a bond. Until then it cannot be withdrawn, or nobody could
    /// be slashed who watches for his rejection.
    uint256 public constant REVIEW_WINDOW = 30 days;

    IPauseSwitch private immutable _pauses;

    uint64 private _datanetCount;
    uint64 private _contributionCount;
    mapping(uint256 datanetId => Datanet) private _datanets;
    mapping(uint256 datanetId => EnumerableSet.AddressSet) private _reviewers;
    mapping(uint256 datanetId => mapping(address account => bool)) private _allowed;
    mapping(uint256 contributionId => Contribution) private _contributions;
    mapping(uint256 contributionId => Held) private _held;
    mapping(uint256 datanetId => uint64[]) private _accepted; // ascending ids, withdrawn ones until the next version
    mapping(uint256 datanetId => mapping(uint256 version => Version)) private _versions;

    /// @inheritdoc IDatanetRegistry
    mapping(address token => mapping(address account => uint256)) public bonds;

    constructor(IPauseSwitch pauses) EIP712("OpenLedger DatanetRegistry", "1") {
        _pauses = pauses;
    }

    /// @inheritdoc IDatanetRegistry
    function create(
        address reviewer,
        string calldata name,
        string calldata licence,
        string calldata metadataCid
    ) external returns (uint256 datanetId) {
        Settings memory settings;
        settings.name = name;
        settings.licence = licence;
        settings.metadataCid = metadataCid;
        settings.aiTraining = true;
        address[] memory accounts = new address[](1);
        accounts[0] = reviewer;
        return _create(settings, accounts);
    }

    /// @inheritdoc IDatanetRegistry
    function createWith(
        Settings calldata settings,
        address[] calldata reviewers_
    ) external returns (uint256 datanetId) {
        return _create(settings, reviewers_);
    }

    /// @inheritdoc IDatanetRegistry
    function setReviewers(uint256 datanetId, address[] calldata accounts, bool reviewer) external {
        _requireOwner(datanetId);
        _setReviewers(datanetId, accounts, reviewer);
    }

    /// @inheritdoc IDatanetRegistry
    function setAllowed(uint256 datanetId, address[] calldata accounts, bool allowed) external {
        Datanet storage listed = _requireOwner(datanetId);
        require(listed.settings.policy == Policy.AllowListed, DatanetInvalidField("policy"));
        for (uint256 i; i < accounts.length; ++i) {
            _allowed[datanetId][accounts[i]] = allowed;
            emit AllowedSet(datanetId, accounts[i], allowed);
        }
    }

    /// @inheritdoc IDatanetRegistry
    function contribute(
        uint256 datanetId,
        string calldata cid,
        uint32 rows,
        bytes32 rowRoot
    ) external nonReentrant returns (uint256 contributionId) {
        _requireContributor(datanetId, msg.sender);
        contributionId = _submit(datanetId, msg.sender, cid, rows, rowRoot);
        _takeBonds(datanetId, contributionId);
    }

    /// @inheritdoc IDatanetRegistry
    function contributeBatch(
        uint256 datanetId,
        Submission[] calldata submissions
    ) external nonReentrant returns (uint256 firstId) {
        return _submitAll(datanetId, msg.sender, submissions);
    }

    /// @inheritdoc IDatanetRegistry
    function contributeFor(
        address account,
        uint256 datanetId,
        Submission[] calldata submissions,
        uint256 deadline,
        bytes calldata signature
    ) external nonReentrant returns (uint256 firstId) {
        bytes32[] memory hashes = new bytes32[](submissions.length);
        for (uint256 i; i < hashes.length; ++i) {
            Submission calldata one = submissions[i];
            hashes[i] = keccak256(abi.encode(SUBMISSION_TYPEHASH, keccak256(bytes(one.cid)), one.rows, one.rowRoot));
        }
        bytes32 content = keccak256(abi.encodePacked(hashes));
        uint256 nonce = _useNonce(account);
        _checkSignature(
            account,
            keccak256(abi.encode(CONTRIBUTE_TYPEHASH, account, datanetId, content, nonce, deadline)),
            deadline,
            signature
        );
        return _submitAll(datanetId, account, submissions);
    }

    /// @inheritdoc IDatanetRegistry
    function review(uint256[] calldata contributionIds, bool accept, string calldata reason) external {
        for (uint256 i; i < contributionIds.length; ++i)
            _decide(msg.sender, Decision(contributionIds[i], accept, 0), reason);
    }

    /// @inheritdoc IDatanetRegistry
    function decide(Decision[] calldata decisions) external {
        for (uint256 i; i < decisions.length; ++i) _decide(msg.sender, decisions[i], "");
    }

    /// @inheritdoc IDatanetRegistry
    function decideFor(
        address reviewer,
        Decision[] calldata decisions,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32[] memory hashes = new bytes32[](decisions.length);
        for (uint256 i; i < hashes.length; ++i) hashes[i] = keccak256(abi.encode(DECISION_TYPEHASH, decisions[i]));
        bytes32 content = keccak256(abi.encodePacked(hashes));
        _checkSignature(reviewer, keccak256(abi.encode(REVIEW_TYPEHASH, content, deadline)), deadline, signature);
        for (uint256 i; i < decisions.length; ++i) _decide(reviewer, decisions[i], "");
    }

    /// @inheritdoc IDatanetRegistry
    function withdraw(uint256[] calldata contributionIds, uint8 code) external {
        for (uint256 i; i < contributionIds.length; ++i) {
            uint256 id = contributionIds[i];
            Contribution storage withdrawn = _requireContribution(id);
            uint256 datanetId = withdrawn.datanetId;
            require(
                msg.sender == withdrawn.account || _reviewers[datanetId].contains(msg.sender),
                DatanetNotContributor(id, msg.sender)
            );
            if (withdrawn.status == Status.Pending) {
                uint256 until = _held[id].reviewUntil;
                require(block.timestamp >= until, DatanetUnderReview(id, until));
                _releaseBond(id, datanetId, false);
            } else {
                require(withdrawn.status == Status.Accepted, DatanetNotWithdrawable(id));
            }
            withdrawn.status = Status.Withdrawn;
            emit ContributionWithdrawn(id, msg.sender, code);
        }
    }

    /// @inheritdoc IDatanetRegistry
    function withdrawBonds(address token, address account) external nonReentrant {
        uint256 amount = bonds[token][account];
        require(amount != 0, DatanetNoBonds(token, account));
        bonds[token][account] = 0;
        emit BondsWithdrawn(token, account, amount);
        IERC20(token).safeTransfer(account, amount);
    }

    /// @inheritdoc IDatanetRegistry
    function freeze(uint256 datanetId) external returns (uint256 version, bytes32 hash) {
        Datanet storage frozen = _requireOwner(datanetId);
        _dropWithdrawn(datanetId);
        uint64[] storage accepted = _accepted[datanetId];
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
        bytes32 content = keccak256(abi.encodePacked(members));
        version = frozen.versions + 1;
        require(
            ids.length != 0 && _versions[datanetId][version - 1].hash != _versionHash(datanetId, version - 1, content),
            DatanetNothingToFreeze(datanetId)
        );
        frozen.versions = uint64(version);
        hash = _versionHash(datanetId, version, content);
        _versions[datanetId][version] = Version(hash, accepted);
        emit VersionFrozen(datanetId, version, hash, ids);
    }

    /// @inheritdoc IDatanetRegistry
    function datanet(uint256 datanetId) external view returns (Datanet memory) {
        return _requireDatanet(datanetId);
    }

    /// @inheritdoc IDatanetRegistry
    function reviewers(uint256 datanetId) external view returns (address[] memory) {
        _requireDatanet(datanetId);
        return _reviewers[datanetId].values();
    }

    /// @inheritdoc IDatanetRegistry
    function isReviewer(uint256 datanetId, address account) external view returns (bool) {
        _requireDatanet(datanetId);
        return _reviewers[datanetId].contains(account);
    }

    /// @inheritdoc IDatanetRegistry
    function mayContribute(uint256 datanetId, address account) public view returns (bool) {
        return _requireDatanet(datanetId).settings.policy != Policy.AllowListed || _allowed[datanetId][account];
    }

    /// @inheritdoc IDatanetRegistry
    function contribution(uint256 contributionId) external view returns (Contribution memory) {
        return _requireContribution(contributionId);
    }

    /// @inheritdoc IDatanetRegistry
    function bondOf(uint256 contributionId) external view returns (address payer, uint256 reviewUntil) {
        Held storage held = _held[contributionId];
        return (held.payer, held.reviewUntil);
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

    /// @inheritdoc IDatanetRegistry
    function isStale(uint256 datanetId, uint256 version) external view returns (bool) {
        uint64[] storage ids = _requireVersion(datanetId, version).contributionIds;
        uint256 count = ids.length;
        for (uint256 i; i < count; ++i) if (_contributions[ids[i]].status == Status.Withdrawn) return true;
        return false;
    }

    /// @inheritdoc IDatanetRegistry
    function checkLicences(uint256[] calldata datanetIds) external view returns (uint256 binding) {
        bytes32 licence;
        for (uint256 i; i < datanetIds.length; ++i) {
            uint256 id = datanetIds[i];
            Settings storage settings = _requireDatanet(id).settings;
            require(settings.aiTraining, DatanetTrainingForbidden(id));
            if (!settings.shareAlike) continue;
            bytes32 own = keccak256(bytes(settings.licence));
            if (binding == 0) (binding, licence) = (id, own);
            else require(own == licence, DatanetLicencesClash(binding, id));
        }
    }

    function _create(Settings memory settings, address[] memory accounts) private returns (uint256 datanetId) {
        _pauses.requireActive(IPauseSwitch.Group.Datanets);
        bool reviewed = settings.policy == Policy.Reviewed;
        Bond memory bond = settings.bond;
        require(bytes(settings.name).length != 0, DatanetInvalidField("name"));
        require(bytes(settings.licence).length != 0, DatanetInvalidField("licence"));
        require(!reviewed || accounts.length != 0, DatanetInvalidField("reviewer"));
        require(bond.slashable & 1 == 0, DatanetInvalidField("slashable"));
        if (bond.amount != 0) {
            require(reviewed, DatanetInvalidField("policy"));
            require(bond.token.code.length != 0, DatanetInvalidField("token"));
            require(bond.beneficiary != address(0) || bond.slashable == 0, DatanetInvalidField("beneficiary"));
        }
        datanetId = ++_datanetCount;
        Datanet storage created = _datanets[datanetId];
        created.owner = msg.sender;
        created.settings = settings;
        emit DatanetCreated(
            datanetId,
            msg.sender,
            settings.name,
            settings.licence,
            settings.metadataCid,
            settings.policy,
            settings.aiTraining,
            settings.shareAlike,
            bond
        );
        _setReviewers(datanetId, accounts, true);
    }

    function _setReviewers(uint256 datanetId, address[] memory accounts, bool reviewer) private {
        for (uint256 i; i < accounts.length; ++i) {
            address account = accounts[i];
            require(account != address(0), DatanetInvalidField("reviewer"));
            bool done = reviewer ? _reviewers[datanetId].add(account) : _reviewers[datanetId].remove(account);
            if (done) emit ReviewerSet(datanetId, account, reviewer);
        }
    }

    function _submitAll(
        uint256 datanetId,
        address account,
        Submission[] calldata submissions
    ) private returns (uint256 firstId) {
        _requireContributor(datanetId, account);
        require(submissions.length != 0, DatanetInvalidField("submissions"));
        firstId = _contributionCount + 1;
        for (uint256 i; i < submissions.length; ++i) {
            Submission calldata one = submissions[i];
            _submit(datanetId, account, one.cid, one.rows, one.rowRoot);
        }
        _takeBonds(datanetId, firstId);
    }

    function _submit(
        uint256 datanetId,
        address account,
        string calldata cid,
        uint32 rows,
        bytes32 rowRoot
    ) private returns (uint256 id) {
        require(bytes(cid).length != 0, DatanetInvalidField("cid"));
        require(rows != 0, DatanetInvalidField("rows"));
        require(rowRoot != 0, DatanetInvalidField("rowRoot"));
        id = ++_contributionCount;
        _contributions[id] = Contribution(account, rows, Status.Pending, datanetId, rowRoot, cid);
        emit ContributionSubmitted(id, datanetId, account, rows, rowRoot, cid);
        if (_datanets[datanetId].settings.policy != Policy.Reviewed)
            _setReviewed(id, datanetId, address(0), Decision(id, true, 0), "");
    }

    /// @dev Takes from the caller a bond for each contribution from `firstId` on.
    function _takeBonds(uint256 datanetId, uint256 firstId) private {
        Bond storage bond = _datanets[datanetId].settings.bond;
        uint256 amount = bond.amount;
        if (amount == 0) return;
        uint256 lastId = _contributionCount;
        for (uint256 id = firstId; id <= lastId; ++id) {
            _held[id] = Held(msg.sender, uint48(block.timestamp + REVIEW_WINDOW));
            emit BondPosted(id, msg.sender, amount);
        }
        address token = bond.token;
        uint256 total = amount * (lastId + 1 - firstId);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), total);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        require(received == total, DatanetTokenTakesFees(token, received, total));
    }

    function _decide(address reviewer, Decision memory decision, string memory reason) private {
        uint256 id = decision.contributionId;
        Contribution storage reviewed = _requireContribution(id);
        uint256 datanetId = reviewed.datanetId;
        require(_reviewers[datanetId].contains(reviewer), DatanetNotReviewer(datanetId, reviewer));
        require(reviewed.status == Status.Pending, DatanetAlreadyReviewed(id));
        uint256 slashable = _datanets[datanetId].settings.bond.slashable;
        _setReviewed(id, datanetId, reviewer, decision, reason);
        _releaseBond(id, datanetId, !decision.accept && (slashable >> decision.code) & 1 == 1);
    }

    function _setReviewed(
        uint256 id,
        uint256 datanetId,
        address reviewer,
        Decision memory decision,
        string memory reason
    ) private {
        Status status = decision.accept ? Status.Accepted : Status.Rejected;
        _contributions[id].status = status;
        if (decision.accept) _insert(_accepted[datanetId], uint64(id));
        emit ContributionReviewed(id, reviewer, status, decision.code, reason);
    }

    /// @dev Bonds are only credited here, so that no receiver can stop a batch of reviews.
    function _releaseBond(uint256 id, uint256 datanetId, bool slashed) private {
        address payer = _held[id].payer;
        if (payer == address(0)) return;
        delete _held[id];
        Bond storage bond = _datanets[datanetId].settings.bond;
        address receiver = slashed ? bond.beneficiary : payer;
        uint256 amount = bond.amount;
        bonds[bond.token][receiver] += amount;
        emit BondReleased(id, receiver, amount, slashed);
    }

    /// @dev Keeps `ids` ascending, whatever the order of reviews.
    function _insert(uint64[] storage ids, uint64 id) private {
        ids.push(id);
        uint256 i = ids.length - 1;
        for (; i != 0 && ids[i - 1] > id; --i) ids[i] = ids[i - 1];
        ids[i] = id;
    }

    /// @dev Takes withdrawn contributions out of the accepted ones, keeping their order.
    function _dropWithdrawn(uint256 datanetId) private {
        uint64[] storage ids = _accepted[datanetId];
        uint256 count = ids.length;
        uint256 kept;
        for (uint256 i; i < count; ++i) {
            uint64 id = ids[i];
            if (_contributions[id].status == Status.Withdrawn) continue;
            if (kept != i) ids[kept] = id;
            ++kept;
        }
        for (; count > kept; --count) ids.pop();
    }

    function _checkSignature(
        address signer,
        bytes32 structHash,
        uint256 deadline,
        bytes calldata signature
    ) private view {
        require(block.timestamp <= deadline, DatanetSignatureExpired(deadline));
        bytes32 digest = _hashTypedDataV4(structHash);
        require(
            SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature),
            DatanetInvalidSignature(signer)
        );
    }

    function _versionHash(uint256 datanetId, uint256 version, bytes32 content) private view returns (bytes32) {
        return keccak256(abi.encode(VERSION_TAG, block.chainid, address(this), datanetId, version, content));
    }

    function _requireContributor(uint256 datanetId, address account) private view {
        _pauses.requireActive(IPauseSwitch.Group.Contributions);
        require(mayContribute(datanetId, account), DatanetNotAllowed(datanetId, account));
    }

    function _requireOwner(uint256 datanetId) private view returns (Datanet storage found) {
        found = _requireDatanet(datanetId);
        require(msg.sender == found.owner, DatanetNotOwner(datanetId, msg.sender));
    }

    function _requireDatanet(uint256 datanetId) private view returns (Datanet storage found) {
        found = _datanets[datanetId];
        require(found.owner != address(0), DatanetUnknown(datanetId));
    }

    function _requireContribution(uint256 id) private view returns (Contribution storage found) {
        found = _contributions[id];
        require(found.status != Status.None, DatanetContributionUnknown(id));
    }

    function _requireVersion(uint256 datanetId, uint256 version) private view returns (Version storage found) {
        found = _versions[datanetId][version];
        require(found.hash != 0, DatanetVersionUnknown(datanetId, version));
    }
}
