// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {SketchDisputes} from "../disputes/SketchDisputes.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IModelNFT} from "../interfaces/IModelNFT.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {ISketchDisputes, ISketchDisputesTypes} from "../interfaces/ISketchDisputes.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {CodeStorage} from "../libraries/CodeStorage.sol";
import {DevelopmentKeys} from "../libraries/DevelopmentKeys.sol";
import {SketchSums} from "../libraries/SketchSums.sol";
import {Transcript} from "../libraries/Transcript.sol";

/// @title Commitments to each model's row sketches
/// @notice See {IAttributionRegistry}.
contract AttributionRegistry is IAttributionRegistry, EIP712, Nonces {
    using CodeStorage for address[];

    /// @dev Working memory of a registration.
    struct Contributors {
        uint256[] counts;
        uint256[] ids;
        uint256 rows; // Σ counts
        bytes32 versions; // words(versionHash_0, …)
    }

    bytes32 private constant CHANGE_PAYOUT_TYPEHASH = keccak256(
        "ChangePayout(address account,address payout,uint256 nonce,uint256 deadline)"
    );
    uint256 private constant POINT_BYTES = 64;
    uint256 private constant CONTRIBUTOR_BYTES = 16;
    uint256 private constant ROW_COUNT_AT = 0;
    uint256 private constant BASE_WEIGHT_AT = 4;
    uint256 private constant COMMITMENT_BYTES = 32 * 13;

    /// @notice Between the signed change of a payout and its effect: time to notice one that was not wanted.
    uint256 public constant PAYOUT_DELAY = 2 days;

    IDatanetRegistry public immutable DATANETS;
    IModelNFT public immutable MODELS;
    /// @inheritdoc IAttributionRegistry
    ISketchDisputes public immutable DISPUTES;

    uint256 private immutable _TAU_G2_X_IMAG;
    uint256 private immutable _TAU_G2_X_REAL;
    uint256 private immutable _TAU_G2_Y_IMAG;
    uint256 private immutable _TAU_G2_Y_REAL;

    mapping(uint256 modelId => bytes32 commitmentId) private _last;
    mapping(bytes32 commitmentId => bytes32 before) private _previous;
    /// @dev In code storage, of which reading much costs a fraction of reading slots: abi.encode(Commitment), and behind it
    /// abi.encode(address[], address[]) with the blobs of the columns, 64 bytes a point, and of the contributors, 16 bytes
    /// each: | row count (4) | base weight (4) | contribution id (8) |.
    mapping(bytes32 commitmentId => address) private _heads;
    mapping(address account => Payout) private _payouts;

    constructor(
        IDatanetRegistry datanets,
        IModelNFT models,
        uint256[4] memory tauG2_,
        IOperatorRegistry operators,
        ISketchDisputesTypes.Activation memory activation
    ) EIP712("OpenLedger AttributionRegistry", "1") {
        require(
            !DevelopmentKeys.isTauG2(tauG2_) || block.chainid == DevelopmentKeys.CHAIN_ID,
            RegistryDevelopmentPowers(block.chainid)
        );
        DATANETS = datanets;
        MODELS = models;
        DISPUTES = new SketchDisputes(operators, activation);
        (_TAU_G2_X_IMAG, _TAU_G2_X_REAL, _TAU_G2_Y_IMAG, _TAU_G2_Y_REAL) = (tauG2_[0], tauG2_[1], tauG2_[2], tauG2_[3]);
    }

    /// @inheritdoc IAttributionRegistry
    function register(Registration calldata registration) external returns (bytes32 commitmentId) {
        uint256 modelId = registration.modelId;
        require(MODELS.ownerOf(modelId) == msg.sender, RegistryNotModelOwner(modelId, msg.sender));
        uint256 release = MODELS.releases(modelId);
        commitmentId = commitmentOf(modelId);
        require(
            commitmentId == 0 || commitment(commitmentId).release != release,
            RegistryAlreadyRegistered(modelId, commitmentId)
        );
        require(registration.m0 > 0, RegistryInvalidLeastMovement());
        _checkPoints(registration);

        Contributors memory contributors = _contributors(modelId);
        uint256 base = _baseTotal(registration.baseWeights, contributors.counts.length);
        IModelNFT.Manifest memory manifest = MODELS.manifest(modelId);
        commitmentId = _digest(contributors, manifest.manifestHash, registration);
        // The same sketches of a release that changed nothing, or that were revoked: named again, they would come before
        // themselves, and whoever looks for the last one that stands would not end.
        require(_heads[commitmentId] == address(0), RegistryAlreadyRegistered(modelId, commitmentId));
        uint256 zeta = Transcript.challenge(commitmentId, 0);
        uint256[2] memory folded = _fold(Transcript.challenge(commitmentId, 1), registration.columns);
        _checkOwnership(zeta, contributors.counts, registration);
        _checkSums(zeta, folded, contributors.rows, base, registration.sums);
        _store(
            commitmentId,
            contributors,
            registration.baseWeights,
            Commitment({
                modelId: modelId,
                vkId: registration.vkId,
                k: registration.k,
                rows: contributors.rows,
                contributors: contributors.counts.length,
                flags: registration.flags,
                gRoot: registration.gRoot,
                sumRoot: registration.sums.root,
                sumTotal: registration.sums.total,
                m0: registration.m0,
                release: release,
                methodVersion: manifest.methodVersion
            }),
            registration.columns
        );
        DISPUTES.begin(commitmentId, msg.sender, MODELS.terms(modelId).token);
    }

    /// @inheritdoc IAttributionRegistry
    function changePayout(address account, address payout, uint256 deadline, bytes calldata signature) external {
        require(payout != address(0) && payout != address(this), RegistryInvalidPayout(payout));
        require(block.timestamp <= deadline, RegistrySignatureExpired(deadline));
        address signer = payoutOf(account);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(CHANGE_PAYOUT_TYPEHASH, account, payout, _useNonce(account), deadline))
        );
        require(
            SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature),
            RegistryInvalidSignature(signer)
        );
        uint256 readyAt = block.timestamp + PAYOUT_DELAY;
        _payouts[account] = Payout(signer, payout, uint48(readyAt));
        emit PayoutChanged(account, payout, readyAt);
    }

    /// @inheritdoc IAttributionRegistry
    function payoutOf(address account) public view returns (address) {
        Payout storage payout = _payouts[account];
        if (payout.readyAt == 0) return account;
        return block.timestamp < payout.readyAt ? payout.current : payout.next;
    }

    /// @inheritdoc IAttributionRegistry
    function pendingPayout(address account) external view returns (address payout, uint256 readyAt) {
        Payout storage pending = _payouts[account];
        if (block.timestamp < pending.readyAt) return (pending.next, pending.readyAt);
    }

    /// @inheritdoc IAttributionRegistry
    function tauG2() public view returns (uint256[4] memory) {
        return [_TAU_G2_X_IMAG, _TAU_G2_X_REAL, _TAU_G2_Y_IMAG, _TAU_G2_Y_REAL];
    }

    /// @inheritdoc IAttributionRegistry
    function commitmentOf(uint256 modelId) public view returns (bytes32 commitmentId) {
        commitmentId = _last[modelId];
        while (DISPUTES.isRevoked(commitmentId)) commitmentId = _previous[commitmentId];
    }

    /// @inheritdoc IAttributionRegistry
    function activeCommitmentOf(uint256 modelId) external view returns (bytes32 commitmentId) {
        commitmentId = _last[modelId];
        while (commitmentId != 0 && !DISPUTES.isActive(commitmentId)) commitmentId = _previous[commitmentId];
    }

    /// @inheritdoc IAttributionRegistry
    function commitment(bytes32 commitmentId) public view returns (Commitment memory) {
        return abi.decode(SSTORE2.read(_head(commitmentId)), (Commitment));
    }

    /// @inheritdoc IAttributionRegistry
    function columns(bytes32 commitmentId) external view returns (bytes memory) {
        (address[] memory blobs, ) = _blobs(commitmentId);
        return blobs.read();
    }

    /// @inheritdoc IAttributionRegistry
    function rowCounts(bytes32 commitmentId) external view returns (uint256[] memory) {
        return _ofContributors(commitmentId, ROW_COUNT_AT);
    }

    /// @inheritdoc IAttributionRegistry
    function flagCounts(
        bytes32 commitmentId,
        uint256 chunkRows,
        uint256 first,
        uint256 end
    ) external view returns (uint256[] memory flags) {
        (, address[] memory blobs) = _blobs(commitmentId);
        bytes memory packed = blobs.read();
        flags = new uint256[](end - first);
        uint256 row = first * chunkRows;
        assembly ("memory-safe") {
            let entries := add(packed, 0x20)
            let last := sub(add(entries, mload(packed)), CONTRIBUTOR_BYTES)
            let at := entries // of contributor f_t
            let start := shr(224, mload(at)) // of the next one
            let to := add(flags, 0x20)
            for {
                let beyond := add(to, shl(5, mload(flags)))
            } lt(to, beyond) {
                to := add(to, 0x20)
                row := add(row, chunkRows)
            } {
                for {} and(lt(start, row), lt(at, last)) {} {
                    at := add(at, CONTRIBUTOR_BYTES)
                    start := add(start, shr(224, mload(at)))
                }
                mstore(to, div(sub(at, entries), CONTRIBUTOR_BYTES))
            }
        }
    }

    /// @inheritdoc IAttributionRegistry
    function baseWeights(bytes32 commitmentId) external view returns (uint256[] memory) {
        return _ofContributors(commitmentId, BASE_WEIGHT_AT);
    }

    /// @inheritdoc IAttributionRegistry
    function contributionOf(bytes32 commitmentId, uint256 c) public view returns (uint256 contributionId) {
        require(c < commitment(commitmentId).contributors, RegistryUnknownContributor(commitmentId, c));
        (, address[] memory blobs) = _blobs(commitmentId);
        bytes memory packed = blobs.read(c * CONTRIBUTOR_BYTES, CONTRIBUTOR_BYTES);
        return uint64(uint128(bytes16(packed)));
    }

    /// @inheritdoc IAttributionRegistry
    function accountOf(bytes32 commitmentId, uint256 c) external view returns (address) {
        return payoutOf(DATANETS.contribution(contributionOf(commitmentId, c)).account);
    }

    /// @dev Refuses wrong widths, and points that would make a settlement's precompile calls fail; the columns' points
    /// are checked as {_fold} adds them up.
    function _checkPoints(Registration calldata registration) private view {
        uint256 k = registration.k;
        require(k == 128 || k == 256 || k == 512, RegistryInvalidWidth(k));
        bytes calldata points = registration.columns;
        require(points.length == POINT_BYTES * k, RegistryColumnsLength(points.length, POINT_BYTES * k));
        uint256[2][3] memory others = [registration.flags, registration.opening, registration.sums.opening];
        for (uint256 n; n < others.length; ++n)
            require(Bn254.isPoint(others[n][0], others[n][1]), RegistryInvalidPoint(k + n));
    }

    /// @dev Walks the model's frozen versions in the order of its manifest.
    function _contributors(uint256 modelId) private view returns (Contributors memory all) {
        IModelNFT.VersionRef[] memory refs = MODELS.versions(modelId);
        bytes32[] memory hashes = new bytes32[](refs.length);
        uint256[][] memory ids = new uint256[][](refs.length);
        uint256[][] memory counts = new uint256[][](refs.length);
        uint256 length;
        for (uint256 v; v < refs.length; ++v) {
            hashes[v] = DATANETS.versionHash(refs[v].datanetId, refs[v].version);
            (ids[v], counts[v]) = DATANETS.versionContributions(refs[v].datanetId, refs[v].version);
            length += ids[v].length;
        }
        all.versions = keccak256(abi.encodePacked(hashes));
        all.ids = new uint256[](length);
        all.counts = new uint256[](length);
        uint256 c;
        for (uint256 v; v < refs.length; ++v) {
            for (uint256 i; i < ids[v].length; ++i) {
                all.ids[c] = ids[v][i];
                all.counts[c] = counts[v][i];
                all.rows += counts[v][i];
                ++c;
            }
        }
    }

    function _digest(
        Contributors memory contributors,
        bytes32 manifestHash,
        Registration calldata registration
    ) private view returns (bytes32) {
        return
            Transcript.registrationDigest(
                Transcript.Registration({
                    tag: 0, // the first three are filled in by the library
                    chainId: 0,
                    registry: address(0),
                    modelId: registration.modelId,
                    versions: contributors.versions,
                    k: registration.k,
                    rows: contributors.rows,
                    counts: keccak256(abi.encodePacked(contributors.counts)),
                    baseWeights: keccak256(abi.encodePacked(registration.baseWeights)),
                    columns: keccak256(registration.columns),
                    flags: registration.flags,
                    gRoot: registration.gRoot,
                    m0: registration.m0,
                    manifestHash: manifestHash
                })
            );
    }

    /// @dev C_b opens at ζ to acc = Σ_{c=1}^{K−1} ζ^start_c, the value of the true flags.
    function _checkOwnership(uint256 zeta, uint256[] memory counts, Registration calldata registration) private view {
        uint256 acc;
        uint256 power = 1;
        for (uint256 c = 1; c < counts.length; ++c) {
            power = mulmod(power, Bn254.power(zeta, counts[c - 1]), Bn254.R);
            acc = addmod(acc, power, Bn254.R);
        }
        require(_opens(registration.flags, zeta, acc, registration.opening), RegistryOwnershipNotProven());
    }

    /// @dev What the base weights add up to, which payouts are divided by.
    function _baseTotal(uint32[] calldata weights, uint256 contributors) private pure returns (uint256 total) {
        require(weights.length == contributors, RegistryBaseWeightsLength(weights.length, contributors));
        for (uint256 c; c < contributors; ++c) total += weights[c];
        require(total != 0, RegistryNoBaseWeight());
    }

    /// @dev F = Σ_j γ^j·C_j opens at ζ to P_N, which is the last of the sums: what the rows under gRoot must add up to.
    /// Beside it stands N_N, which must be `base`.
    function _checkSums(
        uint256 zeta,
        uint256[2] memory folded,
        uint256 rows,
        uint256 base,
        Sums calldata sums
    ) private view {
        require(
            sums.total < Bn254.R &&
                SketchSums.containsSum(sums.root, rows, rows, sums.total, base, sums.proof) &&
                _opens(folded, zeta, sums.total, sums.opening),
            RegistrySumsNotProven()
        );
    }

    function _fold(uint256 gamma, bytes calldata points) private view returns (uint256[2] memory folded) {
        uint256 broken;
        (folded, broken) = SketchSums.fold(points, gamma);
        if (broken != 0) revert RegistryInvalidPoint(broken - 1);
    }

    /// @dev Whether e(C − value·G1 + point·W, G2) · e(−W, τG2) = 1: what C commits is `value` at `point`.
    function _opens(
        uint256[2] memory committed,
        uint256 point,
        uint256 value,
        uint256[2] memory opening
    ) private view returns (bool) {
        uint256[2] memory left = Bn254.add(committed, Bn254.mul(Bn254.g1(), Bn254.R - value));
        uint256[] memory pairs = Bn254.newPairs(2);
        Bn254.setPair(pairs, 0, Bn254.add(left, Bn254.mul(opening, point)), Bn254.g2());
        Bn254.setPair(pairs, 1, Bn254.mul(opening, Bn254.R - 1), tauG2());
        return Bn254.productIsOne(pairs);
    }

    function _store(
        bytes32 commitmentId,
        Contributors memory contributors,
        uint32[] calldata weights,
        Commitment memory head,
        bytes calldata points
    ) private {
        uint256 count = head.contributors;
        bytes memory packed = new bytes(count * CONTRIBUTOR_BYTES);
        for (uint256 c; c < count; ++c) {
            uint256 entry =
                (uint256(SafeCast.toUint32(contributors.counts[c])) << 96) |
                    (uint256(weights[c]) << 64) |
                    SafeCast.toUint64(contributors.ids[c]);
            assembly ("memory-safe") {
                // Writes 32 bytes of which 16 count: the rest is overwritten by the next one, or lies beyond the end
                // in memory that is free.
                mstore(add(add(packed, 0x20), mul(c, CONTRIBUTOR_BYTES)), shl(128, entry))
            }
        }
        _previous[commitmentId] = _last[head.modelId];
        _last[head.modelId] = commitmentId;
        _heads[commitmentId] = SSTORE2.write(
            bytes.concat(abi.encode(head), abi.encode(CodeStorage.write(points), CodeStorage.write(packed)))
        );
        emit CommitmentRegistered(
            head.modelId,
            commitmentId,
            head.vkId,
            head.k,
            head.rows,
            head.contributors,
            head.gRoot,
            head.m0,
            head.release,
            head.methodVersion
        );
    }

    /// @dev The 4 bytes at `offset` of every contributor as he is stored.
    function _ofContributors(bytes32 commitmentId, uint256 offset) private view returns (uint256[] memory values) {
        (, address[] memory blobs) = _blobs(commitmentId);
        bytes memory packed = blobs.read();
        values = new uint256[](packed.length / CONTRIBUTOR_BYTES);
        assembly ("memory-safe") {
            let from := add(add(packed, 0x20), offset)
            let to := add(values, 0x20)
            for {
                let end := add(to, shl(5, mload(values)))
            } lt(to, end) {
                to := add(to, 0x20)
                from := add(from, CONTRIBUTOR_BYTES)
            } {
                mstore(to, shr(224, mload(from)))
            }
        }
    }

    /// @dev Where the columns lie, and the contributors.
    function _blobs(bytes32 commitmentId) private view returns (address[] memory, address[] memory) {
        return abi.decode(SSTORE2.read(_head(commitmentId), COMMITMENT_BYTES), (address[], address[]));
    }

    function _head(bytes32 commitmentId) private view returns (address head) {
        head = _heads[commitmentId];
        require(head != address(0), RegistryUnknownCommitment(commitmentId));
    }
}
