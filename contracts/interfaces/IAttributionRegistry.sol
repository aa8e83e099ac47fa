// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISketchDisputes} from "./ISketchDisputes.sol";

/// @title Errors of {IAttributionRegistry}
interface IAttributionRegistryErrors {
    /// @dev No commitment has this id.
    error RegistryUnknownCommitment(bytes32 commitmentId);
    /// @dev The model's last release has a commitment already, or these very sketches were registered or revoked. Name
    /// the retrained adapter on the model first.
    error RegistryAlreadyRegistered(uint256 modelId, bytes32 commitmentId);
    /// @dev Only the model's owner registers its commitments.
    error RegistryNotModelOwner(uint256 modelId, address caller);
    /// @dev k must be 128, 256 or 512.
    error RegistryInvalidWidth(uint256 k);
    /// @dev `columns` must be 64 bytes for each of the k columns.
    error RegistryColumnsLength(uint256 length, uint256 expected);
    /// @dev `baseWeights` must name one for each of the contributors.
    error RegistryBaseWeightsLength(uint256 length, uint256 expected);
    /// @dev Every row's sketch is zero: nobody could be paid by base weight.
    error RegistryNoBaseWeight();
    /// @dev m0 is the median of sums of absolute scores and at least 1; weights are divided by it.
    error RegistryInvalidLeastMovement();
    /// @dev No contributor of the commitment has this number.
    error RegistryUnknownContributor(bytes32 commitmentId, uint256 c);
    /// @dev Point `index` of the columns (or k for the flags, k + 1 and k + 2 for the openings) is not on the curve.
    error RegistryInvalidPoint(uint256 index);
    /// @dev The opening does not show that the flags stand where the frozen row counts put them.
    error RegistryOwnershipNotProven();
    /// @dev The last sum and all base weights together do not stand under the sums' root, or the columns do not open to it.
    error RegistrySumsNotProven();
    /// @dev Powers of τ whose secret is public work on chain id 31337 only.
    error RegistryDevelopmentPowers(uint256 chainId);
    /// @dev The signature's deadline has passed. Sign again.
    error RegistrySignatureExpired(uint256 deadline);
    /// @dev The signature is not `signer`'s, who is paid for the account now, for this change, nonce, chain and contract.
    error RegistryInvalidSignature(address signer);
    /// @dev The zero address and the registry cannot be paid.
    error RegistryInvalidPayout(address payout);
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
        uint64 m0; // least movement, see docs/protocol.md
        uint32[] baseWeights; // lengths of each contributor's rows, added up, see docs/protocol.md
        uint256[2] opening; // W of the ownership check
        Sums sums;
    }

    /// @dev Sums P_0 … P_N and lengths N_0 … N_N over the published rows, see docs/protocol.md.
    struct Sums {
        bytes32 root; // positional Merkle root of the sums and lengths
        uint256 total; // P_N
        bytes32[] proof; // of P_N and N_N, which is what the base weights add up to, under `root`
        uint256[2] opening; // W of Σ_j γ^j·C_j at ζ
    }

    struct Commitment {
        uint256 modelId;
        bytes32 vkId;
        uint256 k; // columns
        uint256 rows; // N
        uint256 contributors; // K
        uint256[2] flags;
        bytes32 gRoot;
        bytes32 sumRoot; // of the sums and lengths over the rows
        uint256 sumTotal; // P_N
        uint64 m0; // a query moves the scores by at least this for its weight
        uint256 release; // of the model, whose manifest and versions these are
        uint256 methodVersion; // attribution method
    }

    /// @dev Who is paid for an account that changed it.
    struct Payout {
        address current; // until then
        address next;
        uint48 readyAt; // from when `next` is paid; 0 if nothing was ever changed
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
        bytes32 gRoot,
        uint64 m0,
        uint256 release,
        uint256 methodVersion
    );
    event PayoutChanged(address indexed account, address indexed payout, uint256 readyAt);
}

/// @title Commitments to each model's row sketches
/// @notice Registration shows, by one opening and without a circuit, that position i of the sketches belongs to the
/// contributor whose row i is. Row counts come from the frozen Datanet versions, never from the caller. Base weights come from
/// the published sketches; a wrong one is shown in {ISketchDisputes} before the commitment is active.
/// @dev Warning: that the sketches are the true gradients of those rows is audited, not proven.
interface IAttributionRegistry is IAttributionRegistryErrors, IAttributionRegistryEvents {
    /// @notice Registers the commitments of the model's last release; once a release, by the model's owner. Epochs that open
    /// once it is active use it; earlier ones, and what was earned in them, stay with the commitment they opened with. Of a
    /// commitment that was revoked the same release takes another.
    function register(Registration calldata registration) external returns (bytes32 commitmentId);

    /// @notice τ·G2 of the powers of tau that all commitments use, as the pairing precompile takes it.
    function tauG2() external view returns (uint256[4] memory);

    /// @notice Has `payout` paid in the place of `account` for all its contributions, past and future, from `PAYOUT_DELAY`
    /// on. Anyone may send it. A change under way is replaced, and stopped by one to who is paid now.
    /// @dev Who is paid signs: an account's key that was rotated away can do nothing more.
    /// @param signature EIP-712 signature of {payoutOf} `account` over `ChangePayout` with the account's current nonce, see
    /// docs/protocol.md; contract wallets sign by ERC-1271.
    function changePayout(address account, address payout, uint256 deadline, bytes calldata signature) external;

    /// @notice Who is paid for what `account` contributed.
    function payoutOf(address account) external view returns (address);

    /// @notice The change of an account's payout that is under way; zeros if there is none.
    function pendingPayout(address account) external view returns (address payout, uint256 readyAt);

    /// @notice Where registrations are disputed before they become active.
    function DISPUTES() external view returns (ISketchDisputes);

    /// @notice Last commitment of a model that was not revoked, active or not; zero while there is none.
    function commitmentOf(uint256 modelId) external view returns (bytes32 commitmentId);

    /// @notice Last commitment of a model that is active, with which the next epoch opens; zero while there is none.
    function activeCommitmentOf(uint256 modelId) external view returns (bytes32 commitmentId);

    function commitment(bytes32 commitmentId) external view returns (Commitment memory);

    /// @notice The k column points, 64 bytes each.
    function columns(bytes32 commitmentId) external view returns (bytes memory);

    /// @notice Row counts n_0 … n_{K−1} in contributor order.
    function rowCounts(bytes32 commitmentId) external view returns (uint256[] memory);

    /// @notice f_t of the chunks `first` ≤ t < `end` of `chunkRows` rows each: how many contributors other than the first
    /// start before row t·`chunkRows`.
    function flagCounts(
        bytes32 commitmentId,
        uint256 chunkRows,
        uint256 first,
        uint256 end
    ) external view returns (uint256[] memory);

    /// @notice Base weights in contributor order, by which what no proof decides is shared: the sums of the lengths
    /// ⌊√Σ_j g_ij²⌋ of each contributor's rows.
    function baseWeights(bytes32 commitmentId) external view returns (uint256[] memory);

    /// @notice Contribution id of contributor c.
    function contributionOf(bytes32 commitmentId, uint256 c) external view returns (uint256 contributionId);

    /// @notice Account that is paid for contributor c: the {payoutOf} who contributed.
    function accountOf(bytes32 commitmentId, uint256 c) external view returns (address);
}
