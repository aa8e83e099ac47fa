// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {IAttributionVerifier} from "../interfaces/IAttributionVerifier.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {CodeStorage} from "../libraries/CodeStorage.sol";
import {DevelopmentKeys} from "../libraries/DevelopmentKeys.sol";
import {ScoreCommitment} from "../libraries/ScoreCommitment.sol";
import {Transcript} from "../libraries/Transcript.sol";

/// @title Verifier of settlements
/// @notice See {IAttributionVerifier}.
/// @dev Numbers in brackets are the equations of docs/protocol.md, Settlement transcript; names are its symbols.
contract AttributionVerifier is IAttributionVerifier, AccessManaged {
    /// @dev Working memory of a verification.
    struct Settlement {
        IAttributionRegistry.Commitment commitment;
        VerifyingKey key;
        uint256[2] scores; // C_s
        bytes32 sd;
        uint256 z;
        uint256 x;
    }

    /// @dev Σ over the chunks of λ^t times 1, h_t, y_t and a_t.
    struct Weighted {
        uint256 one; // Λ
        uint256 h;
        uint256 y;
        uint256 a;
    }

    uint256 private constant TOTAL_BYTES = 8;
    uint256 private constant STAGE_PERIOD = 7 days;

    IAttributionRegistry public immutable REGISTRY;

    /// @dev Each key is abi.encode(VerifyingKey) in code storage; its last word is chunkRows.
    mapping(bytes32 vkId => address) private _keys;

    mapping(bytes32 sd => Stage) private _stages;

    /// @dev The h of a stage's chunks, 32 bytes each, in code storage.
    mapping(bytes32 sd => address[]) private _hashes;

    mapping(bytes32 claim => uint256) private _provenUntil;

    constructor(IAttributionRegistry registry, address authority) AccessManaged(authority) {
        REGISTRY = registry;
    }

    /// @inheritdoc IAttributionVerifier
    function registerKey(VerifyingKey calldata key) external restricted returns (bytes32 vkId) {
        require(key.chunkRows != 0, VerifierInvalidKey());
        require(Bn254.equal(key.gamma2, Bn254.g2()), VerifierGammaNotGenerator());
        require(!Bn254.equal(key.delta2, key.gamma2), VerifierNoContribution());
        uint256[4] memory tauG2 = REGISTRY.tauG2();
        bool development =
            DevelopmentKeys.isAlpha1(key.alpha1) ||
                DevelopmentKeys.isDelta2(key.delta2) ||
                DevelopmentKeys.isTauG2(tauG2);
        require(!development || block.chainid == DevelopmentKeys.CHAIN_ID, VerifierDevelopmentKey(block.chainid));
        _checkKeyPoints(key);
        vkId = Transcript.keyId(key, tauG2, development);
        require(_keys[vkId] == address(0), VerifierKeyExists(vkId));
        _keys[vkId] = SSTORE2.write(abi.encode(key));
        emit VerifyingKeyRegistered(vkId, key.chunkRows, key);
    }

    /// @inheritdoc IAttributionVerifier
    function chunkRows(bytes32 vkId) external view returns (uint256) {
        return _keys[vkId] == address(0) ? 0 : _key(vkId).chunkRows;
    }

    /// @inheritdoc IAttributionVerifier
    function verify(
        bytes32 commitmentId,
        bytes32 vkId,
        uint256 epochId,
        address prover,
        uint256 floorUnits,
        bytes calldata q,
        bytes calldata totals,
        SettlementProof calldata proof
    ) external view {
        Transcript.Settlement memory statement = Transcript.Settlement({
            tag: 0,
            chainId: 0,
            verifier: address(0),
            vkId: vkId,
            commitmentId: commitmentId,
            epochId: epochId,
            prover: prover,
            floorUnits: floorUnits,
            q: keccak256(q),
            scores: [uint256(0), 0],
            totals: keccak256(totals),
            h: 0
        });
        if (
            proof.chunks.length == 0 &&
            block.timestamp < _provenUntil[Transcript.settlementDigest(statement, msg.sender)]
        ) return;
        Settlement memory s = _open(statement, q, totals, proof.chunks.length);
        _checkValues(proof.chunks);
        statement.h = Transcript.hashH(proof.chunks);
        _draw(s, Transcript.settlementDigest(statement, msg.sender));
        require(_foldTotals(s, commitmentId, proof.chunks, 0) == _evaluate(totals, s.x), VerifierTotalsMismatch());
        _checkProofs(s, proof);
    }

    /// @inheritdoc IAttributionVerifier
    function startStage(
        SettlementContext calldata context,
        bytes calldata q,
        bytes calldata totals,
        uint256[] calldata h
    ) external returns (bytes32 sd) {
        Transcript.Settlement memory statement = _statement(context, q, totals);
        bytes32 claim = Transcript.settlementDigest(statement, context.splitter);
        Settlement memory s = _open(statement, q, totals, h.length);
        for (uint256 t; t < h.length; ++t) _checkCanonical(h[t]);
        statement.h = keccak256(abi.encodePacked(h));
        sd = Transcript.settlementDigest(statement, context.splitter);
        _draw(s, sd);

        Stage storage started = _stages[sd];
        require(block.timestamp >= started.expiresAt, VerifierStageRunning(sd, started.expiresAt));
        uint256 expiresAt = block.timestamp + STAGE_PERIOD;
        _stages[sd] = Stage({
            claim: claim,
            commitmentId: context.commitmentId,
            vkId: context.vkId,
            next: 0,
            count: uint64(h.length),
            expiresAt: uint64(expiresAt),
            scores: s.scores,
            totals: _evaluate(totals, s.x),
            a: 0,
            y: 0
        });
        _hashes[sd] = CodeStorage.write(abi.encodePacked(h));
        emit StageStarted(sd, claim, context, expiresAt);
    }

    /// @inheritdoc IAttributionVerifier
    function addChunks(bytes32 sd, uint256 first, ChunkProof[] calldata chunks) external {
        Stage storage added = _running(sd);
        uint256 next = added.next;
        uint256 end = first + chunks.length;
        require(first <= next && next < end && end <= added.count, VerifierStageOrder(next, first, end));
        chunks = chunks[next - first:];

        Settlement memory s = _resume(sd, added);
        bytes memory hashes = CodeStorage.read(_hashes[sd]);
        for (uint256 i; i < chunks.length; ++i) {
            uint256 h;
            assembly ("memory-safe") {
                h := mload(add(add(hashes, 0x20), mul(add(next, i), 0x20)))
            }
            require(chunks[i].h == h, VerifierStageHash(next + i));
        }
        _checkValues(chunks);
        (uint256[] memory pairs, uint256[2] memory publicInputs, ) = _foldProofs(
            s,
            Transcript.pieceChallenge(sd, next, chunks),
            chunks,
            0
        );
        Bn254.setPair(pairs, chunks.length, publicInputs, Bn254.g2());
        require(Bn254.productIsOne(pairs), VerifierProofInvalid());

        added.a = addmod(added.a, _foldTotals(s, added.commitmentId, chunks, next), Bn254.R);
        added.y = addmod(added.y, _foldValues(s, chunks, next), Bn254.R);
        added.next = uint64(end);
        emit ChunksAdded(sd, next, chunks);
    }

    /// @inheritdoc IAttributionVerifier
    function finishStage(bytes32 sd, uint256[2] calldata opening) external {
        Stage memory finished = _running(sd);
        require(finished.next == finished.count, VerifierStageIncomplete(finished.next, finished.count));
        require(finished.a == finished.totals, VerifierTotalsMismatch());
        Settlement memory s = _resume(sd, finished);
        uint256[] memory pairs = Bn254.newPairs(2);
        Bn254.setPair(pairs, 0, _opening(s, 1, finished.y, opening), Bn254.g2());
        Bn254.setPair(pairs, 1, Bn254.mul(opening, Bn254.R - 1), REGISTRY.tauG2());
        require(Bn254.productIsOne(pairs), VerifierProofInvalid());

        delete _stages[sd];
        delete _hashes[sd];
        _provenUntil[finished.claim] = finished.expiresAt;
        emit StageFinished(sd, finished.claim, opening);
    }

    /// @inheritdoc IAttributionVerifier
    function stage(bytes32 sd) external view returns (Stage memory) {
        return _stages[sd];
    }

    /// @inheritdoc IAttributionVerifier
    function provenUntil(
        SettlementContext calldata context,
        bytes calldata q,
        bytes calldata totals
    ) external view returns (uint256) {
        return _provenUntil[Transcript.settlementDigest(_statement(context, q, totals), context.splitter)];
    }

    /// @inheritdoc IAttributionVerifier
    function scoreCommitment(bytes32 commitmentId, bytes calldata q) external view returns (uint256[2] memory) {
        return _combine(commitmentId, REGISTRY.commitment(commitmentId).k, q);
    }

    /// @dev A key with a point that the precompiles refuse would leave its epochs without any way to settle.
    function _checkKeyPoints(VerifyingKey calldata key) private view {
        uint256[] memory pairs = Bn254.newPairs(8);
        Bn254.setPair(pairs, 0, key.alpha1, key.beta2);
        Bn254.setPair(pairs, 1, key.alpha1, key.delta2);
        for (uint256 i; i < key.ic.length; ++i) Bn254.setPair(pairs, 2 + i, key.ic[i], key.gamma2);
        // Only that the call succeeds counts here, not the product.
        Bn254.productIsOne(pairs);
    }

    /// @dev What a settlement claims: its statement without C_s and h.
    function _statement(
        SettlementContext calldata context,
        bytes calldata q,
        bytes calldata totals
    ) private pure returns (Transcript.Settlement memory statement) {
        statement.vkId = context.vkId;
        statement.commitmentId = context.commitmentId;
        statement.epochId = context.epochId;
        statement.prover = context.prover;
        statement.floorUnits = context.floorUnits;
        statement.q = keccak256(q);
        statement.totals = keccak256(totals);
    }

    /// @dev Exactly one total a contributor, exactly ⌈N/R⌉ chunks, and C_s, which goes into the statement too.
    function _open(
        Transcript.Settlement memory statement,
        bytes calldata q,
        bytes calldata totals,
        uint256 chunks
    ) private view returns (Settlement memory s) {
        s.key = _key(statement.vkId);
        s.commitment = REGISTRY.commitment(statement.commitmentId);
        uint256 length = TOTAL_BYTES * s.commitment.contributors;
        require(totals.length == length, VerifierTotalsLength(totals.length, length));
        uint256 count = (s.commitment.rows - 1) / s.key.chunkRows + 1;
        require(chunks == count, VerifierChunkCount(chunks, count));
        s.scores = _combine(statement.commitmentId, s.commitment.k, q);
        require(!Bn254.isZero(s.scores), VerifierZeroScores());
        statement.scores = s.scores;
    }

    function _draw(Settlement memory s, bytes32 sd) private pure {
        s.sd = sd;
        s.z = Transcript.challenge(sd, 0);
        s.x = Transcript.challenge(sd, 1);
    }

    function _running(bytes32 sd) private view returns (Stage storage found) {
        found = _stages[sd];
        require(found.count != 0, VerifierUnknownStage(sd));
        require(block.timestamp < found.expiresAt, VerifierStageExpired(sd, found.expiresAt));
    }

    /// @dev The working memory that {startStage} had.
    function _resume(bytes32 sd, Stage memory under) private view returns (Settlement memory s) {
        s.key = _key(under.vkId);
        s.commitment = REGISTRY.commitment(under.commitmentId);
        s.scores = under.scores;
        _draw(s, sd);
    }

    /// @dev One representation of every chunk's h, y and a.
    function _checkValues(ChunkProof[] calldata chunks) private pure {
        for (uint256 t; t < chunks.length; ++t) {
            ChunkProof calldata chunk = chunks[t];
            _checkCanonical(chunk.h);
            _checkCanonical(chunk.y);
            _checkCanonical(chunk.a);
        }
    }

    function _checkCanonical(uint256 value) private pure {
        require(value < Bn254.R, VerifierNotCanonical(value));
    }

    /// @dev C_s, for a Q that keeps every score inside the circuit's range.
    function _combine(bytes32 commitmentId, uint256 k, bytes calldata q) private view returns (uint256[2] memory) {
        require(q.length == k, VerifierQueryLength(q.length, k));
        return ScoreCommitment.combine(REGISTRY.columns(commitmentId), q);
    }

    /// @dev Σ a_t x^(f_t), the left side of (1), over chunks that are numbered from `first`.
    function _foldTotals(
        Settlement memory s,
        bytes32 commitmentId,
        ChunkProof[] calldata chunks,
        uint256 first
    ) private view returns (uint256 proven) {
        uint256 count = chunks.length;
        // A settlement of one chunk, which has no flags before it, asks for nothing.
        uint256[] memory flags =
            first + count == 1
                ? new uint256[](1)
                : REGISTRY.flagCounts(commitmentId, s.key.chunkRows, first, first + count);
        for (uint256 t; t < count; ++t)
            proven = addmod(proven, mulmod(chunks[t].a, Bn254.power(s.x, flags[t]), Bn254.R), Bn254.R);
    }

    /// @dev Σ A_c x^c by Horner's rule.
    function _evaluate(bytes calldata totals, uint256 x) private pure returns (uint256 value) {
        uint256 r = Bn254.R;
        assembly ("memory-safe") {
            for {
                let at := add(totals.offset, totals.length)
            } gt(at, totals.offset) {} {
                at := sub(at, TOTAL_BYTES)
                value := addmod(mulmod(value, x, r), shr(192, calldataload(at)), r)
            }
        }
    }

    /// @dev (3) Π_t e(−w_t A_t, B_t) · e(Λα1, β2) · e(U + L, G2) · e(E, δ2) · e(−uW, τG2) = 1 with w_t = λ^t.
    function _checkProofs(Settlement memory s, SettlementProof calldata proof) private view {
        uint256 m = proof.chunks.length;
        (uint256[] memory pairs, uint256[2] memory publicInputs, uint256 u) = _foldProofs(
            s,
            Transcript.foldingChallenge(s.sd, proof),
            proof.chunks,
            1
        );
        // γ2 is the generator of G2, so the public inputs and the opening share a pair.
        uint256[2] memory opening = _opening(s, u, _foldValues(s, proof.chunks, 0), proof.opening);
        Bn254.setPair(pairs, m, Bn254.add(publicInputs, opening), Bn254.g2());
        Bn254.setPair(pairs, m + 3, Bn254.mul(proof.opening, Bn254.R - u), REGISTRY.tauG2());
        require(Bn254.productIsOne(pairs), VerifierProofInvalid());
    }

    /// @dev The pairs of m chunks' proofs, folded with λ: m of them, one left for U, two more, and room for `more`.
    function _foldProofs(
        Settlement memory s,
        uint256 lambda,
        ChunkProof[] calldata chunks,
        uint256 more
    ) private view returns (uint256[] memory pairs, uint256[2] memory publicInputs, uint256 u) {
        uint256 m = chunks.length;
        uint256 r = Bn254.R;
        pairs = Bn254.newPairs(m + 3 + more);
        Weighted memory sums;
        uint256[2] memory e; // E = Σ w_t C_t
        u = 1;
        for (uint256 t; t < m; ++t) {
            ChunkProof calldata chunk = chunks[t];
            Bn254.setPair(pairs, t, Bn254.mul(chunk.pA, Bn254.R - u), chunk.pB);
            e = Bn254.add(e, Bn254.mul(chunk.pC, u));
            assembly ("memory-safe") {
                // Both have h, y and a in this order, the sums after `one`.
                mstore(sums, addmod(mload(sums), u, r))
                let sum := add(sums, 0x20)
                mstore(sum, addmod(mload(sum), mulmod(u, calldataload(chunk), r), r))
                sum := add(sums, 0x40)
                mstore(sum, addmod(mload(sum), mulmod(u, calldataload(add(chunk, 0x20)), r), r))
                sum := add(sums, 0x60)
                mstore(sum, addmod(mload(sum), mulmod(u, calldataload(add(chunk, 0x40)), r), r))
                u := mulmod(u, lambda, r)
            }
        }
        Bn254.setPair(pairs, m + 1, Bn254.mul(s.key.alpha1, sums.one), s.key.beta2);
        Bn254.setPair(pairs, m + 2, e, s.key.delta2);
        publicInputs = _publicInputs(s, sums);
    }

    /// @dev U = Λ·IC0 + zΛ·IC1 + xΛ·IC2 + (Σw_t h_t)·IC3 + (Σw_t y_t)·IC4 + (Σw_t a_t)·IC5.
    function _publicInputs(Settlement memory s, Weighted memory sums) private view returns (uint256[2] memory folded) {
        uint256[2][6] memory ic = s.key.ic;
        folded = Bn254.mul(ic[0], sums.one);
        folded = Bn254.add(folded, Bn254.mul(ic[1], mulmod(s.z, sums.one, Bn254.R)));
        folded = Bn254.add(folded, Bn254.mul(ic[2], mulmod(s.x, sums.one, Bn254.R)));
        folded = Bn254.add(folded, Bn254.mul(ic[3], sums.h));
        folded = Bn254.add(folded, Bn254.mul(ic[4], sums.y));
        folded = Bn254.add(folded, Bn254.mul(ic[5], sums.a));
    }

    /// @dev L = u·C_s + u(x−1)·C_b − uY·G1 + uz·W, with (2) Y = Σ_t y_t z^(tR) − pad·(x−1)·z^N. The end flag at row N
    /// is not part of C_b.
    /// @param y Σ_t y_t z^(tR)
    function _opening(
        Settlement memory s,
        uint256 u,
        uint256 y,
        uint256[2] calldata opening
    ) private view returns (uint256[2] memory folded) {
        uint256 r = Bn254.R;
        uint256 rows = s.commitment.rows;
        if (rows % s.key.chunkRows != 0) {
            uint256 endFlag = mulmod(s.x + r - 1, Bn254.power(s.z, rows), r);
            y = addmod(y, r - endFlag, r);
        }
        folded = Bn254.mul(s.scores, u);
        folded = Bn254.add(folded, Bn254.mul(s.commitment.flags, mulmod(u, s.x + r - 1, r)));
        folded = Bn254.add(folded, Bn254.mul(Bn254.g1(), r - mulmod(u, y, r)));
        folded = Bn254.add(folded, Bn254.mul(opening, mulmod(u, s.z, r)));
    }

    /// @dev Σ y_t z^(tR) over chunks that are numbered from `first`.
    function _foldValues(
        Settlement memory s,
        ChunkProof[] calldata chunks,
        uint256 first
    ) private view returns (uint256 y) {
        uint256 step = Bn254.power(s.z, s.key.chunkRows);
        unchecked {
            for (uint256 t = chunks.length; t != 0;) y = addmod(mulmod(y, step, Bn254.R), chunks[--t].y, Bn254.R);
        }
        y = mulmod(y, Bn254.power(step, first), Bn254.R);
    }

    function _key(bytes32 vkId) private view returns (VerifyingKey memory) {
        address blob = _keys[vkId];
        require(blob != address(0), VerifierUnknownKey(vkId));
        return abi.decode(SSTORE2.read(blob), (VerifyingKey));
    }
}
