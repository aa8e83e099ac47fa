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
    /// @dev Only the Datanet's reviewers may do this.
    error DatanetNotReviewer(uint256 datanetId, address caller);
    /// @dev Only the Datanet's owner may do this.
    error DatanetNotOwner(uint256 datanetId, address caller);
    /// @dev The Datanet takes contributions from accounts on its list only. Its owner can add one.
    error DatanetNotAllowed(uint256 datanetId, address account);
    /// @dev Only the contributor or a reviewer may withdraw a contribution.
    error DatanetNotContributor(uint256 contributionId, address caller);
    /// @dev A contribution is reviewed once.
    error DatanetAlreadyReviewed(uint256 contributionId);
    /// @dev Only accepted contributions, and pending ones that nobody reviews, can be withdrawn.
    error DatanetNotWithdrawable(uint256 contributionId);
    /// @dev Reviewers have until `until` for a contribution with a bond; then it can be withdrawn.
    error DatanetUnderReview(uint256 contributionId, uint256 until);
    /// @dev The accepted contributions are those of the last version, or there are none: a new version would be the same.
    error DatanetNothingToFreeze(uint256 datanetId);
    /// @dev A field is empty or out of range: `field` names it.
    error DatanetInvalidField(string field);
    /// @dev The signature's deadline has passed. Ask for a new one.
    error DatanetSignatureExpired(uint256 deadline);
    /// @dev The signature is not `signer`'s for this content, nonce, chain and contract.
    error DatanetInvalidSignature(address signer);
    /// @dev The token took a fee on the way, or was rebased. Bonds need one that transfers what it is asked to.
    error DatanetTokenTakesFees(address token, uint256 received, uint256 expected);
    /// @dev No bond of this token was released to the account.
    error DatanetNoBonds(address token, address account);
    /// @dev The Datanet's licence does not allow training.
    error DatanetTrainingForbidden(uint256 datanetId);
    /// @dev Both are share-alike, under different licences: no model can follow both.
    error DatanetLicencesClash(uint256 datanetId, uint256 otherId);
}

/// @title Types of {IDatanetRegistry}
interface IDatanetRegistryTypes {
    /// @dev Who lets a contribution in: a reviewer, the owner's list of accounts, or nobody.
    enum Policy {
        Reviewed,
        AllowListed,
        Public
    }

    enum Status {
        None,
        Pending,
        Accepted,
        Rejected,
        Withdrawn
    }

    /// @dev What a contribution to a reviewed Datanet puts down. No bond where `amount` is 0.
    struct Bond {
        address token;
        uint96 amount; // for each contribution
        address beneficiary; // gets slashed bonds
        uint256 slashable; // bit c: a rejection with reason code c slashes; bit 0 is never set
    }

    /// @dev Fixed when the Datanet is created.
    struct Settings {
        string name;
        string licence; // SPDX id, or the content id of the terms
        string metadataCid;
        Policy policy;
        bool aiTraining; // the licence allows training
        bool shareAlike; // what is made of the data must come under the same licence
        Bond bond;
    }

    struct Datanet {
        address owner;
        uint64 versions; // number of frozen versions
        Settings settings;
    }

    struct Submission {
        string cid; // where the rows are
        uint32 rows;
        bytes32 rowRoot; // positional Merkle root of the row leaves
    }

    struct Contribution {
        address account; // who is paid
        uint32 rows;
        Status status;
        uint256 datanetId;
        bytes32 rowRoot;
        string cid;
    }

    struct Decision {
        uint256 contributionId;
        bool accept;
        uint8 code; // reason, of the list in docs/contracts/DatanetRegistry.md; 0 is none
    }
}

/// @title Events of {IDatanetRegistry}
/// @dev Versions can be derived from these alone: `deriveVersions` of the sdk does so.
interface IDatanetRegistryEvents is IDatanetRegistryTypes {
    event DatanetCreated(
        uint256 indexed datanetId,
        address indexed owner,
        string name,
        string licence,
        string metadataCid,
        Policy policy,
        bool aiTraining,
        bool shareAlike,
        Bond bond
    );
    event ReviewerSet(uint256 indexed datanetId, address indexed account, bool reviewer);
    event AllowedSet(uint256 indexed datanetId, address indexed account, bool allowed);
    event ContributionSubmitted(
        uint256 indexed contributionId,
        uint256 indexed datanetId,
        address indexed account,
        uint32 rows,
        bytes32 rowRoot,
        string cid
    );
    /// @dev `reviewer` is zero where the Datanet's policy let the contribution in.
    event ContributionReviewed(
        uint256 indexed contributionId,
        address indexed reviewer,
        Status status,
        uint8 code,
        string reason
    );
    event ContributionWithdrawn(uint256 indexed contributionId, address indexed by, uint8 code);
    event BondPosted(uint256 indexed contributionId, address indexed payer, uint256 amount);
    event BondReleased(uint256 indexed contributionId, address indexed receiver, uint256 amount, bool slashed);
    event BondsWithdrawn(address indexed token, address indexed account, uint256 amount);
    event VersionFrozen(
        uint256 indexed datanetId,
        uint256 indexed version,
        bytes32 versionHash,
        uint256[] contributionIds
    );
}

/// @title Pools of domain data
/// @notice Accounts contribute rows by content id, count and Merkle root; reviewers, a list or nobody lets them in; the
/// owner freezes versions, which models then name. A frozen version never changes; a contribution that is withdrawn
/// stays in the versions that have it, with what it earns there, and is in no later one.
interface IDatanetRegistry is IDatanetRegistryErrors, IDatanetRegistryEvents {
    /// @notice Creates a reviewed Datanet without bonds, owned by the caller, whose licence allows training and is not
    /// share-alike; all but `metadataCid` must be given.
    /// @return datanetId The new id, from 1.
    function create(
        address reviewer,
        string calldata name,
        string calldata licence,
        string calldata metadataCid
    ) external returns (uint256 datanetId);

    /// @notice Creates a Datanet owned by the caller. A reviewed one needs a reviewer; only a reviewed one takes bonds.
    function createWith(Settings calldata settings, address[] calldata reviewers_) external returns (uint256 datanetId);

    /// @notice Makes accounts reviewers of the Datanet, or no longer. Only its owner may send it.
    /// @dev A decision that a reviewer signed counts only if he still is one when it is submitted.
    function setReviewers(uint256 datanetId, address[] calldata accounts, bool reviewer) external;

    /// @notice Puts accounts on the list of those who may contribute to an allow-listed Datanet, or takes them off. Only
    /// its owner may send it.
    function setAllowed(uint256 datanetId, address[] calldata accounts, bool allowed) external;

    /// @notice Submits rows, credited to the caller's account, who pays the bond.
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

    /// @notice Submits several contributions at once.
    /// @return firstId Id of the first; the others follow it.
    function contributeBatch(uint256 datanetId, Submission[] calldata submissions) external returns (uint256 firstId);

    /// @notice Submits what `account` signed. Anyone may send it; the sender pays gas and bonds, and gets the bonds back.
    /// @param deadline Last second at which the signature holds.
    /// @param signature EIP-712 signature of `account` over `Contribute` with its current nonce, see docs/protocol.md;
    /// contract wallets sign by ERC-1271.
    function contributeFor(
        address account,
        uint256 datanetId,
        Submission[] calldata submissions,
        uint256 deadline,
        bytes calldata signature
    ) external returns (uint256 firstId);

    /// @notice Accepts or rejects pending contributions to Datanets whose reviewer the caller is, with reason code 0.
    /// @param reason Why, in words; published with each contribution.
    function review(uint256[] calldata contributionIds, bool accept, string calldata reason) external;

    /// @notice Accepts and rejects pending contributions to Datanets whose reviewer the caller is, each with its reason
    /// code. A bond goes back to who paid it unless its contribution is rejected with a slashable code.
    function decide(Decision[] calldata decisions) external;

    /// @notice The same by a reviewer's signature. Anyone may send it: contributor, sponsor or reviewer.
    /// @dev A contribution is decided once, so no nonce is needed.
    /// @param signature EIP-712 signature of `reviewer` over `Review`, see docs/protocol.md.
    function decideFor(
        address reviewer,
        Decision[] calldata decisions,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Takes contributions out of all later versions. Their contributor may send it, and a reviewer, who says why.
    /// What they earn in models made from earlier versions stays theirs.
    /// @dev A pending contribution with a bond can be withdrawn only once the reviewers had their time.
    function withdraw(uint256[] calldata contributionIds, uint8 code) external;

    /// @notice Pays `account` the bonds that were released to it. Anyone may send it.
    function withdrawBonds(address token, address account) external;

    /// @notice Freezes all contributions that stand accepted, in order of their ids, as the next version.
    function freeze(uint256 datanetId) external returns (uint256 version, bytes32 versionHash);

    function datanet(uint256 datanetId) external view returns (Datanet memory);

    function reviewers(uint256 datanetId) external view returns (address[] memory);

    function isReviewer(uint256 datanetId, address account) external view returns (bool);

    /// @notice Whether the Datanet's policy takes contributions from the account.
    function mayContribute(uint256 datanetId, address account) external view returns (bool);

    function contribution(uint256 contributionId) external view returns (Contribution memory);

    /// @notice Who paid the bond that a pending contribution holds, and until when it is the reviewers'; zeros if none.
    function bondOf(uint256 contributionId) external view returns (address payer, uint256 reviewUntil);

    /// @notice Released bonds that `account` can withdraw.
    function bonds(address token, address account) external view returns (uint256);

    /// @notice Hash of a frozen version, see docs/protocol.md.
    function versionHash(uint256 datanetId, uint256 version) external view returns (bytes32);

    /// @notice Contributions of a frozen version in order, with their row counts.
    function versionContributions(
        uint256 datanetId,
        uint256 version
    ) external view returns (uint256[] memory contributionIds, uint256[] memory rowCounts);

    /// @notice Whether a contribution of the version was withdrawn since.
    function isStale(uint256 datanetId, uint256 version) external view returns (bool);

    /// @notice Reverts unless one model may be trained on all these Datanets.
    /// @return binding The Datanet whose share-alike licence the model is bound to; 0 if none is.
    function checkLicences(uint256[] calldata datanetIds) external view returns (uint256 binding);
}
