// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAttributionRegistry, IAttributionRegistryTypes} from "../interfaces/IAttributionRegistry.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {ISketchDisputes} from "../interfaces/ISketchDisputes.sol";
import {Protocol} from "../libraries/Protocol.sol";
import {SketchSums} from "../libraries/SketchSums.sol";
import {Transcript} from "../libraries/Transcript.sol";

/// @title Disputes of registered sketches
/// @notice See {ISketchDisputes}.
contract SketchDisputes is ISketchDisputes {
    using SafeCast for uint256;

    IAttributionRegistry public immutable REGISTRY;
    IOperatorRegistry public immutable OPERATORS;

    Activation private _activation;
    mapping(bytes32 commitmentId => Trial) private _trials;
    mapping(bytes32 commitmentId => mapping(uint256 row => Demand)) private _demands;

    /// @dev The registry creates it, so that neither has to be told of the other.
    constructor(IOperatorRegistry operators, Activation memory activation_) {
        REGISTRY = IAttributionRegistry(msg.sender);
        OPERATORS = operators;
        _activation = activation_;
    }

    /// @inheritdoc ISketchDisputes
    function begin(bytes32 commitmentId, address owner, address token) external {
        require(msg.sender == address(REGISTRY), SketchesNotRegistry(msg.sender));
        uint48 activeAt = (block.timestamp + _activation.window).toUint48();
        uint128 bond = _inUnits(_activation.registrationBond, token);
        _trials[commitmentId] = Trial(owner, activeAt, 0, false, token, bond);
        emit TrialBegun(commitmentId, owner, activeAt, token, bond);
        OPERATORS.lock(owner, token, bond);
    }

    /// @inheritdoc ISketchDisputes
    function challengeRow(bytes32 commitmentId, Step calldata step) external {
        _requirePending(commitmentId);
        require(!_isRight(commitmentId, step), SketchesRowRight(commitmentId, step.row));
        _revoke(commitmentId, step.row, msg.sender);
    }

    /// @inheritdoc ISketchDisputes
    function challengeBorder(
        bytes32 commitmentId,
        uint256 c,
        uint256 sum,
        uint256 length,
        bytes32[] calldata proof
    ) external {
        _requirePending(commitmentId);
        (uint256 row, uint256 base) = _before(commitmentId, c);
        IAttributionRegistryTypes.Commitment memory of_ = REGISTRY.commitment(commitmentId);
        require(
            SketchSums.containsSum(of_.sumRoot, of_.rows, row, sum, length, proof),
            SketchesNotUnderRoots(commitmentId, row)
        );
        require(length != base, SketchesBorderRight(commitmentId, c));
        _revoke(commitmentId, row, msg.sender);
    }

    /// @inheritdoc ISketchDisputes
    function demandRow(bytes32 commitmentId, uint256 row) external {
        Trial storage on = _requirePending(commitmentId);
        require(block.timestamp < on.activeAt, SketchesWindowClosed(on.activeAt));
        require(row < REGISTRY.commitment(commitmentId).rows, SketchesUnknownRow(commitmentId, row));
        Demand storage made = _demands[commitmentId][row];
        require(made.demander == address(0), SketchesRowDemanded(commitmentId, row));
        uint48 until = (block.timestamp + _activation.answerWindow).toUint48();
        uint128 bond = _inUnits(_activation.demandBond, on.token);
        _demands[commitmentId][row] = Demand(msg.sender, until, bond);
        ++on.demands;
        emit RowDemanded(commitmentId, row, msg.sender, until);
        OPERATORS.lock(msg.sender, on.token, bond);
    }

    /// @inheritdoc ISketchDisputes
    function answerRow(bytes32 commitmentId, Step calldata step) external {
        Trial storage on = _requirePending(commitmentId);
        Demand storage made = _openDemand(commitmentId, step.row);
        require(block.timestamp <= made.until, SketchesAnswerLate(made.until));
        require(_isRight(commitmentId, step), SketchesRowWrong(commitmentId, step.row));
        made.until = 0;
        --on.demands;
        emit RowAnswered(commitmentId, step.row, msg.sender);
        OPERATORS.slash(made.demander, on.token, made.bond, on.owner);
    }

    /// @inheritdoc ISketchDisputes
    function expire(bytes32 commitmentId, uint256 row) external {
        Trial storage on = _trials[commitmentId];
        Demand storage made = _openDemand(commitmentId, row);
        require(on.revoked || block.timestamp > made.until, SketchesStillAnswerable(made.until));
        made.until = 0;
        --on.demands;
        emit DemandExpired(commitmentId, row, made.demander);
        if (!on.revoked) _revoke(commitmentId, row, made.demander);
        OPERATORS.unlock(made.demander, on.token, made.bond);
    }

    /// @inheritdoc ISketchDisputes
    function releaseBond(bytes32 commitmentId) external {
        require(isActive(commitmentId), SketchesNotActive(commitmentId));
        Trial storage on = _trials[commitmentId];
        uint128 bond = on.bond;
        on.bond = 0;
        emit BondReleased(commitmentId, on.owner, bond);
        OPERATORS.unlock(on.owner, on.token, bond);
    }

    /// @inheritdoc ISketchDisputes
    function isActive(bytes32 commitmentId) public view returns (bool) {
        Trial storage on = _trials[commitmentId];
        return on.owner != address(0) && !on.revoked && on.demands == 0 && block.timestamp >= on.activeAt;
    }

    /// @inheritdoc ISketchDisputes
    function isRevoked(bytes32 commitmentId) external view returns (bool) {
        return _trials[commitmentId].revoked;
    }

    /// @inheritdoc ISketchDisputes
    function activation() external view returns (Activation memory) {
        return _activation;
    }

    /// @inheritdoc ISketchDisputes
    function trial(bytes32 commitmentId) external view returns (Trial memory) {
        return _trials[commitmentId];
    }

    /// @inheritdoc ISketchDisputes
    function demand(bytes32 commitmentId, uint256 row) external view returns (Demand memory) {
        return _demands[commitmentId][row];
    }

    function _requirePending(bytes32 commitmentId) private view returns (Trial storage on) {
        on = _trials[commitmentId];
        require(on.owner != address(0) && !on.revoked && !isActive(commitmentId), SketchesNotPending(commitmentId));
    }

    function _openDemand(bytes32 commitmentId, uint256 row) private view returns (Demand storage made) {
        made = _demands[commitmentId][row];
        require(made.until != 0, SketchesNoDemand(commitmentId, row));
    }

    /// @dev Rows and base weight of all contributors before `c`: his first row, and what N must be there.
    function _before(bytes32 commitmentId, uint256 c) private view returns (uint256 rows, uint256 base) {
        uint256[] memory counts = REGISTRY.rowCounts(commitmentId);
        uint256[] memory weights = REGISTRY.baseWeights(commitmentId);
        require(c < counts.length, SketchesUnknownContributor(commitmentId, c));
        for (uint256 other; other < c; ++other) {
            rows += counts[other];
            base += weights[other];
        }
    }

    /// @dev Whether a row under the registered roots keeps its bounds and takes P_row and N_row, which are 0 for the first,
    /// to those after it.
    function _isRight(bytes32 commitmentId, Step calldata step) private view returns (bool) {
        IAttributionRegistryTypes.Commitment memory of_ = REGISTRY.commitment(commitmentId);
        (uint256 n, uint256 i) = (of_.rows, step.row);
        require(
            SketchSums.containsRow(of_.gRoot, n, i, step.entries, step.entriesProof) &&
                SketchSums.containsSum(of_.sumRoot, n, i, step.sumBefore, step.lengthBefore, step.beforeProof) &&
                SketchSums.containsSum(of_.sumRoot, n, i + 1, step.sumAfter, step.lengthAfter, step.afterProof),
            SketchesNotUnderRoots(commitmentId, i)
        );
        if (i == 0 && (step.sumBefore != 0 || step.lengthBefore != 0)) return false;
        (bool within, uint256 length) = SketchSums.measure(step.entries, of_.k);
        unchecked {
            // A liar's N may be anything: a step past 2^256 must be decided, not fail. From 0, right steps never get there.
            if (!within || step.lengthBefore + length != step.lengthAfter) return false;
        }
        uint256 zeta = Transcript.challenge(commitmentId, 0);
        uint256 gamma = Transcript.challenge(commitmentId, 1);
        return SketchSums.step(zeta, gamma, i, step.entries, step.sumBefore) == step.sumAfter;
    }

    function _revoke(bytes32 commitmentId, uint256 row, address beneficiary) private {
        Trial storage on = _trials[commitmentId];
        uint128 bond = on.bond;
        on.revoked = true;
        on.bond = 0;
        emit CommitmentRevoked(commitmentId, row, beneficiary);
        OPERATORS.slash(on.owner, on.token, bond, beneficiary);
    }

    /// @dev A bond of 0 asks nothing of a token, which may then have any decimals.
    function _inUnits(uint256 bond, address token) private view returns (uint128) {
        if (bond == 0) return 0;
        uint256 decimals = Math.min(IERC20Metadata(token).decimals(), Protocol.MAX_DECIMALS);
        return Math.ceilDiv(bond, 10 ** (Protocol.MAX_DECIMALS - decimals)).toUint128();
    }
}
