// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {IAttributionVerifier} from "../interfaces/IAttributionVerifier.sol";
import {Bn254} from "../libraries/Bn254.sol";
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

    /// @dev Σ over the chunks of λ^t times 1, h_t, y_t and a_t, and u = λ^M.
    struct Weighted {
        uint256 one; // Λ
        uint256 h;
        uint256 y;
        uint256 a;
        uint256 u;
    }

    uint256 private constant TOTAL_BYTES = 8;
    uint256 private constant MAX_QUERY_SQUARES = 480 ** 2;

    IAttributionRegistry public immutable REGISTRY;

    /// @dev Each key is abi.encode(VerifyingKey) in code storage; its last word is chunkRows.
    mapping(bytes32 vkId => address) private _keys;

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
        Settlement memory s;
        s.key = _key(vkId);
        s.commitment = REGISTRY.commitment(commitmentId);
        _checkShape(s, totals, proof.chunks);
        s.scores = _combine(commitmentId, s.commitment.k, q);
        require(!Bn254.isZero(s.scores), VerifierZeroScores());

        Transcript.Settlement memory statement;
        statement.vkId = vkId;
        statement.commitmentId = commitmentId;
        statement.epochId = epochId;
        statement.prover = prover;
        statement.floorUnits = floorUnits;
        statement.q = keccak256(q);
        statement.scores = s.scores;
        statement.totals = keccak256(totals);
        statement.h = Transcript.hashH(proof.chunks);
        s.sd = Transcript.settlementDigest(statement);
        s.z = Transcript.challenge(s.sd, 0);
        s.x = Transcript.challenge(s.sd, 1);

        _checkTotals(s, commitmentId, totals, proof.chunks);
        _checkProofs(s, proof);
    }

    /// @inheritdoc IAttributionVerifier
    function scoreCommitment(bytes32 commitmentId, bytes calldata q) external view returns (uint256[2] memory) {
        return _combine(commitmentId, REGISTRY.commitment(commitmentId).k, q);
    }

    /// @dev A key with a point that the precompiles refuse would leave its epochs without any way to settle.
    function _checkKeyPoints(VerifyingKey calldata key) private view {
        uint256[6][] memory pairs = Bn254.newPairs(8);
        Bn254.setPair(pairs, 0, key.alpha1, key.beta2);
        Bn254.setPair(pairs, 1, key.alpha1, key.delta2);
        for (uint256 i; i < key.ic.length; ++i) Bn254.setPair(pairs, 2 + i, key.ic[i], key.gamma2);
        // Only that the call succeeds counts here, not the product.
        Bn254.productIsOne(pairs);
    }

    /// @dev Exactly one total a contributor, exactly ⌈N/R⌉ chunks, and one representation of every public value.
    function _checkShape(Settlement memory s, bytes calldata totals, ChunkProof[] calldata chunks) private pure {
        uint256 length = TOTAL_BYTES * s.commitment.contributors;
        require(totals.length == length, VerifierTotalsLength(totals.length, length));
        uint256 count = (s.commitment.rows - 1) / s.key.chunkRows + 1;
        require(chunks.length == count, VerifierChunkCount(chunks.length, count));
        for (uint256 t; t < count; ++t) {
            _checkCanonical(chunks[t].h);
            _checkCanonical(chunks[t].y);
            _checkCanonical(chunks[t].a);
        }
    }

    function _checkCanonical(uint256 value) private pure {
        require(value < Bn254.R, VerifierNotCanonical(value));
    }

    /// @dev C_s, for a Q that keeps every score inside the circuit's range.
    function _combine(bytes32 commitmentId, uint256 k, bytes calldata q) private view returns (uint256[2] memory) {
        require(q.length == k, VerifierQueryLength(q.length, k));
        uint256 j;
        uint256 squares;
        assembly ("memory-safe") {
            for {} lt(j, k) {
                j := add(j, 1)
            } {
                let entry := signextend(0, byte(0, calldataload(add(q.offset, j))))
                if eq(entry, not(0x7f)) {
                    break
                }
                squares := add(squares, mul(entry, entry))
            }
        }
        require(j == k, VerifierQueryEntry(j)); // the loop ends early at a −128
        require(squares <= MAX_QUERY_SQUARES, VerifierQueryNorm(squares, MAX_QUERY_SQUARES));
        return ScoreCommitment.combine(REGISTRY.columns(commitmentId), q);
    }

    /// @dev (1) Σ_t a_t x^(f_t) = Σ_{c<K} A_c x^c. Padding counts as contributor K, so its total must be zero.
    function _checkTotals(
        Settlement memory s,
        bytes32 commitmentId,
        bytes calldata totals,
        ChunkProof[] calldata chunks
    ) private view {
        // Only chunks after the first have flags before them.
        uint256[] memory counts = chunks.length > 1 ? REGISTRY.rowCounts(commitmentId) : new uint256[](0);
        uint256 proven;
        uint256 flags; // f_t: contributors other than the first which start before row tR
        uint256 next = counts.length > 0 ? counts[0] : 0; // start of contributor f_t + 1
        for (uint256 t; t < chunks.length; ++t) {
            while (flags + 1 < counts.length && next < t * s.key.chunkRows) next += counts[++flags];
            proven = addmod(proven, mulmod(chunks[t].a, Bn254.power(s.x, flags), Bn254.R), Bn254.R);
        }
        require(proven == _evaluate(totals, s.x), VerifierTotalsMismatch());
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
        uint256 lambda = Transcript.foldingChallenge(s.sd, proof);
        uint256 m = proof.chunks.length;
        uint256[6][] memory pairs = Bn254.newPairs(m + 4);
        Weighted memory sums;
        uint256[2] memory e; // E = Σ w_t C_t
        uint256 w = 1;
        for (uint256 t; t < m; ++t) {
            ChunkProof calldata chunk = proof.chunks[t];
            Bn254.setPair(pairs, t, Bn254.mul(chunk.pA, Bn254.R - w), chunk.pB);
            e = Bn254.add(e, Bn254.mul(chunk.pC, w));
            sums.one = addmod(sums.one, w, Bn254.R);
            sums.h = addmod(sums.h, mulmod(w, chunk.h, Bn254.R), Bn254.R);
            sums.y = addmod(sums.y, mulmod(w, chunk.y, Bn254.R), Bn254.R);
            sums.a = addmod(sums.a, mulmod(w, chunk.a, Bn254.R), Bn254.R);
            w = mulmod(w, lambda, Bn254.R);
        }
        sums.u = w;
        Bn254.setPair(pairs, m, Bn254.mul(s.key.alpha1, sums.one), s.key.beta2);
        // γ2 is the generator of G2, so the public inputs and the opening share a pair.
        Bn254.setPair(pairs, m + 1, Bn254.add(_publicInputs(s, sums), _opening(s, sums.u, proof)), Bn254.g2());
        Bn254.setPair(pairs, m + 2, e, s.key.delta2);
        Bn254.setPair(pairs, m + 3, Bn254.mul(proof.opening, Bn254.R - sums.u), REGISTRY.tauG2());
        require(Bn254.productIsOne(pairs), VerifierProofInvalid());
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

    /// @dev L = u·C_s + u(x−1)·C_b − uY·G1 + uz·W.
    function _opening(
        Settlement memory s,
        uint256 u,
        SettlementProof calldata proof
    ) private view returns (uint256[2] memory folded) {
        uint256 r = Bn254.R;
        uint256 y = _value(s, proof.chunks);
        folded = Bn254.mul(s.scores, u);
        folded = Bn254.add(folded, Bn254.mul(s.commitment.flags, mulmod(u, s.x + r - 1, r)));
        folded = Bn254.add(folded, Bn254.mul(Bn254.g1(), r - mulmod(u, y, r)));
        folded = Bn254.add(folded, Bn254.mul(proof.opening, mulmod(u, s.z, r)));
    }

    /// @dev (2) Y = Σ_t y_t z^(tR) − pad·(x−1)·z^N. The end flag at row N is not part of C_b.
    function _value(Settlement memory s, ChunkProof[] calldata chunks) private view returns (uint256 y) {
        uint256 r = Bn254.R;
        uint256 step = Bn254.power(s.z, s.key.chunkRows);
        for (uint256 t = chunks.length; t > 0; --t) y = addmod(mulmod(y, step, r), chunks[t - 1].y, r);
        uint256 rows = s.commitment.rows;
        if (rows % s.key.chunkRows != 0) {
            uint256 endFlag = mulmod(s.x + r - 1, Bn254.power(s.z, rows), r);
            y = addmod(y, r - endFlag, r);
        }
    }

    function _key(bytes32 vkId) private view returns (VerifyingKey memory) {
        address blob = _keys[vkId];
        require(blob != address(0), VerifierUnknownKey(vkId));
        return abi.decode(SSTORE2.read(blob), (VerifyingKey));
    }
}
