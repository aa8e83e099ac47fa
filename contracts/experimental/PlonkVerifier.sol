// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {IAttributionVerifier} from "../interfaces/IAttributionVerifier.sol";
import {Bn254} from "../libraries/Bn254.sol";
import {Transcript} from "../libraries/Transcript.sol";
import {PlonkTranscript} from "./PlonkTranscript.sol";

/// @title EXPERIMENTAL: verifier of settlements without a circuit
/// @notice A prototype, reviewed by nobody and used by no deployed contract: docs/experimental-proof.md. It checks the
/// statement of {IAttributionVerifier-verify} over the same registered commitments.
/// @dev Numbers in brackets are that page's relations; names are its symbols.
contract PlonkVerifier {
    /// @dev The rows 1, ω, …, ω^(n−1).
    struct Domain {
        uint256 size; // n
        uint256 omega;
        uint256[2] table; // C_t
    }

    /// @dev Working memory of a verification.
    struct Run {
        Domain domain;
        PlonkTranscript.Challenges drawn;
        uint256[2] scores; // C_s
        uint256[2] flags; // C_b
        uint256 flagCount; // K'
        uint256 totals; // x·Σ A_c x^c
        uint256 edge; // y + μ·(1 + pad·z^N)
        uint256 zN; // z^n
        uint256 zetaN; // ζ^n
    }

    /// @dev D(X) = Σ coefficient·polynomial + constant, zero at ζ.
    struct Linear {
        uint256 flags;
        uint256 multiplicity;
        uint256 lookups;
        uint256 shares;
        uint256 totals;
        uint256 link;
        uint256 quotient;
        uint256 constant_;
    }

    /// @dev Σ weight·(polynomial − value): the polynomials' commitments, and the values.
    struct Fold {
        uint256[2] sum;
        uint256 value;
        uint256 atZeta;
        uint256 atNext;
        uint256 atZ;
    }

    /// @dev The domain's size must be between the table's and 2^28.
    error PlonkDomainPower(uint256 power);
    /// @dev C_t does not open to the table's value.
    error PlonkTableNotProven();
    /// @dev The domain is registered already.
    error PlonkDomainExists(bytes32 domainId);
    /// @dev No such domain is registered.
    error PlonkUnknownDomain(bytes32 domainId);
    /// @dev The model has more rows than the domain.
    error PlonkDomainTooSmall(uint256 rows, uint256 size);
    /// @dev There must be 8 bytes of total for each contributor.
    error PlonkTotalsLength(uint256 length, uint256 expected);
    /// @dev A value is not below the field's order.
    error PlonkNotCanonical(uint256 value);
    /// @dev The combined commitment of the scores is zero: nothing to prove.
    error PlonkZeroScores();
    /// @dev The pairing fails.
    error PlonkProofInvalid();

    event DomainRegistered(bytes32 indexed domainId, uint256 power, uint256[2] table);

    uint256 private constant R = Bn254.R;
    uint256 private constant TOTAL_BYTES = 8;
    uint256 private constant TABLE = 256;
    uint256 private constant MIN_POWER = 8;
    uint256 private constant MAX_POWER = 28;
    /// @dev Generates the subgroup of order 2^28.
    uint256 private constant ROOT = 19103219067921713944291392827692070036145651957329286315305642004821462161904;

    IAttributionRegistry public immutable REGISTRY;
    /// @dev Forms C_s and refuses a Q that is out of bounds.
    IAttributionVerifier public immutable ATTRIBUTION;

    mapping(bytes32 domainId => address) private _domains;

    constructor(IAttributionRegistry registry, IAttributionVerifier attribution) {
        REGISTRY = registry;
        ATTRIBUTION = attribution;
    }

    /// @notice Registers a domain of 2^power rows. Anyone may: nothing about it is secret or to be trusted.
    /// @param table C_t, which commits t(X) with t(ω^i) = i mod 256.
    /// @param opening Of C_t at the challenge that the domain's id gives.
    function registerDomain(
        uint256 power,
        uint256[2] calldata table,
        uint256[2] calldata opening
    ) external returns (bytes32 domainId) {
        require(power >= MIN_POWER && power <= MAX_POWER, PlonkDomainPower(power));
        uint256[4] memory tauG2 = REGISTRY.tauG2();
        domainId = PlonkTranscript.domainId(power, table, tauG2);
        require(_domains[domainId] == address(0), PlonkDomainExists(domainId));
        uint256 point = Transcript.challenge(domainId, 0);
        uint256 value = _tableValue(Bn254.power(point, 1 << (power - MIN_POWER)));
        uint256[2] memory left = Bn254.add(Bn254.mul(Bn254.g1(), R - value), Bn254.mul(opening, point));
        require(_opens(Bn254.add(table, left), opening, tauG2), PlonkTableNotProven());
        Domain memory domain = Domain(1 << power, Bn254.power(ROOT, 1 << (MAX_POWER - power)), table);
        _domains[domainId] = SSTORE2.write(abi.encode(domain));
        emit DomainRegistered(domainId, power, table);
    }

    /// @notice Reverts with a named error unless the totals are right.
    /// @dev The caller is taken to be the splitter and is part of the transcript.
    function verify(
        bytes32 commitmentId,
        bytes32 domainId,
        uint256 epochId,
        address prover,
        uint256 floorUnits,
        bytes calldata q,
        bytes calldata totals,
        PlonkTranscript.Proof calldata proof
    ) external view {
        Run memory run;
        run.domain = _domain(domainId);
        IAttributionRegistry.Commitment memory commitment = REGISTRY.commitment(commitmentId);
        uint256 size = run.domain.size;
        require(commitment.rows <= size, PlonkDomainTooSmall(commitment.rows, size));
        uint256 length = TOTAL_BYTES * commitment.contributors;
        require(totals.length == length, PlonkTotalsLength(totals.length, length));
        _checkCanonical(proof.combined);
        for (uint256 i; i < proof.values.length; ++i) _checkCanonical(proof.values[i]);
        run.scores = ATTRIBUTION.scoreCommitment(commitmentId, q);
        require(!Bn254.isZero(run.scores), PlonkZeroScores());

        PlonkTranscript.Statement memory statement;
        statement.domainId = domainId;
        statement.commitmentId = commitmentId;
        statement.epochId = epochId;
        statement.prover = prover;
        statement.floorUnits = floorUnits;
        statement.q = keccak256(q);
        statement.scores = run.scores;
        statement.totals = keccak256(totals);
        run.drawn = PlonkTranscript.draw(statement, proof);

        run.flags = commitment.flags;
        run.zN = Bn254.power(run.drawn.z, size);
        run.zetaN = Bn254.power(run.drawn.zeta, size);
        run.totals = mulmod(run.drawn.x, _evaluate(totals, run.drawn.x), R);
        // The first row's flag is not part of C_b, nor is the end flag, which makes padding a contributor without total.
        bool padded = commitment.rows < size;
        run.flagCount = commitment.contributors + (padded ? 1 : 0);
        uint256 edge = padded ? 1 + Bn254.power(run.drawn.z, commitment.rows) : 1;
        run.edge = addmod(proof.combined, mulmod(run.drawn.mu, edge, R), R);

        uint256[2] memory left = _join(run, _linearise(run, proof.values), proof);
        left = Bn254.add(left, Bn254.mul(proof.openings[1], run.drawn.eta));
        require(_opens(left, proof.openings[1], REGISTRY.tauG2()), PlonkProofInvalid());
    }

    function _domain(bytes32 domainId) private view returns (Domain memory) {
        address blob = _domains[domainId];
        require(blob != address(0), PlonkUnknownDomain(domainId));
        return abi.decode(SSTORE2.read(blob), (Domain));
    }

    function _checkCanonical(uint256 value) private pure {
        require(value < R, PlonkNotCanonical(value));
    }

    /// @dev e(left, G2) = e(opening, τG2).
    function _opens(
        uint256[2] memory left,
        uint256[2] calldata opening,
        uint256[4] memory tauG2
    ) private view returns (bool) {
        uint256[] memory pairs = Bn254.newPairs(2);
        Bn254.setPair(pairs, 0, left, Bn254.g2());
        Bn254.setPair(pairs, 1, Bn254.mul(opening, R - 1), tauG2);
        return Bn254.productIsOne(pairs);
    }

    /// @dev Value at y of the polynomial of degree < 256 that is i at η^i, where η generates the subgroup of order 256:
    /// (y^256 − 1)/256 · Σ_i i·η^i/(y − η^i). The sum's denominator is y^256 − 1 itself, so the numerator is enough.
    function _tableValue(uint256 y) private view returns (uint256) {
        uint256 eta = Bn254.power(ROOT, 1 << (MAX_POWER - MIN_POWER));
        uint256 power = 1;
        uint256 numerator;
        uint256 denominator = 1;
        for (uint256 i; i < TABLE; ++i) {
            uint256 factor = addmod(y, R - power, R);
            numerator = addmod(mulmod(numerator, factor, R), mulmod(denominator, mulmod(i, power, R), R), R);
            denominator = mulmod(denominator, factor, R);
            power = mulmod(power, eta, R);
        }
        return mulmod(numerator, _inverse(TABLE), R);
    }

    function _inverse(uint256 value) private view returns (uint256) {
        return Bn254.power(value, R - 2);
    }

    /// @dev Σ A_c x^c by Horner's rule.
    function _evaluate(bytes calldata totals, uint256 x) private pure returns (uint256 value) {
        uint256 r = R;
        assembly ("memory-safe") {
            for {
                let at := add(totals.offset, totals.length)
            } gt(at, totals.offset) {} {
                at := sub(at, TOTAL_BYTES)
                value := addmod(mulmod(value, x, r), shr(192, calldataload(at)), r)
            }
        }
    }

    /// @dev Relations (1) to (7) at ζ, weighted by powers of v, less the quotient times ζ^n − 1.
    function _linearise(Run memory run, uint256[7] calldata values) private view returns (Linear memory d) {
        PlonkTranscript.Challenges memory drawn = run.drawn;
        uint256 low = values[0];
        uint256 high = values[1];
        uint256 positive = values[2];
        uint256 power = drawn.v; // v^(i−1) for relation (i)
        uint256 term = addmod(low, mulmod(TABLE, high, R), R); // |s|

        // (1) positive·(|s| − positive)
        d.constant_ = mulmod(positive, _sub(term, positive), R);
        // (5)'s value, but for v^4: z·T(ωζ) + 2·positive − |s|
        term = _sub(addmod(mulmod(drawn.z, values[6], R), mulmod(2, positive, R), R), term);
        // (2) (lookups(ωζ) − lookups + shares)·(α + low)·(α + high) − (2α + low + high)
        low = addmod(drawn.alpha, low, R);
        high = addmod(drawn.alpha, high, R);
        d.shares = mulmod(power, mulmod(low, high, R), R);
        d.lookups = R - d.shares;
        d.constant_ = addmod(d.constant_, mulmod(d.shares, values[4], R), R);
        d.constant_ = _sub(d.constant_, mulmod(power, addmod(low, high, R), R));
        // (3) shares·(α + table) − multiplicity
        power = mulmod(power, drawn.v, R);
        d.shares = addmod(d.shares, mulmod(power, addmod(drawn.alpha, values[3], R), R), R);
        d.multiplicity = R - power;
        // (4) A − (A(ωζ) + positive)·(1 + (x − 1)·flags)
        power = mulmod(power, drawn.v, R);
        d.totals = power;
        positive = mulmod(power, addmod(values[5], positive, R), R);
        d.constant_ = _sub(d.constant_, positive);
        d.flags = _sub(0, mulmod(positive, _sub(drawn.x, 1), R));
        // (5) T − z·T(ωζ) − (2·positive − |s|) − μ·flags
        power = mulmod(power, drawn.v, R);
        d.link = power;
        d.flags = _sub(d.flags, mulmod(power, drawn.mu, R));
        d.constant_ = _sub(d.constant_, mulmod(power, term, R));
        // (6) L_0·((1 − x^K')·A − x·Σ A_c x^c), with L_0(ζ) = (ζ^n − 1)/(n·(ζ − 1))
        term = mulmod(_sub(run.zetaN, 1), _inverse(mulmod(run.domain.size, _sub(drawn.zeta, 1), R)), R);
        power = mulmod(mulmod(power, drawn.v, R), term, R);
        d.totals = addmod(d.totals, mulmod(power, _sub(1, Bn254.power(drawn.x, run.flagCount)), R), R);
        d.constant_ = _sub(d.constant_, mulmod(power, run.totals, R));
        // (7) L_0·((1 − z^n)·T − y − μ·(1 + pad·z^N))
        power = mulmod(power, drawn.v, R);
        d.link = addmod(d.link, mulmod(power, _sub(1, run.zN), R), R);
        d.constant_ = _sub(d.constant_, mulmod(power, run.edge, R));

        d.quotient = _sub(1, run.zetaN);
    }

    /// @dev L, the commitment of a polynomial that vanishes at η: the openings at ζ, ωζ and z, each times the other two
    /// points' η − p, less W times all three.
    function _join(
        Run memory run,
        Linear memory d,
        PlonkTranscript.Proof calldata proof
    ) private view returns (uint256[2] memory) {
        PlonkTranscript.Challenges memory drawn = run.drawn;
        Fold memory fold;
        uint256 toZeta = _sub(drawn.eta, drawn.zeta);
        uint256 toNext = _sub(drawn.eta, mulmod(run.domain.omega, drawn.zeta, R));
        uint256 toZ = _sub(drawn.eta, drawn.z);
        fold.atZeta = mulmod(toNext, toZ, R);
        fold.atNext = mulmod(toZeta, toZ, R);
        fold.atZ = mulmod(toZeta, toNext, R);
        _add(fold, proof.openings[0], _sub(0, mulmod(fold.atZ, toZ, R)));
        _addNext(fold, d, proof, drawn.gamma);
        _addZeta(fold, d, proof, drawn.gamma);
        _add(fold, run.domain.table, mulmod(fold.atZeta, Bn254.power(drawn.gamma, 4), R));
        _add(fold, proof.quotient[1], mulmod(mulmod(fold.atZeta, d.quotient, R), run.zetaN, R));
        _add(fold, run.scores, fold.atZ);
        _add(fold, run.flags, mulmod(fold.atZ, drawn.mu, R));
        fold.value = addmod(fold.value, mulmod(fold.atZ, proof.combined, R), R);
        _add(fold, Bn254.g1(), _sub(0, fold.value));
        return fold.sum;
    }

    /// @dev lookups + γ·totals + γ²·link at ωζ, and these three in D.
    function _addNext(
        Fold memory fold,
        Linear memory d,
        PlonkTranscript.Proof calldata proof,
        uint256 gamma
    ) private view {
        uint256 weight = fold.atNext;
        uint256 atZeta = fold.atZeta;
        _add(fold, proof.sums[0], addmod(weight, mulmod(atZeta, d.lookups, R), R));
        _addValue(fold, weight, proof.values[4]);
        weight = mulmod(weight, gamma, R);
        _add(fold, proof.sums[2], addmod(weight, mulmod(atZeta, d.totals, R), R));
        _addValue(fold, weight, proof.values[5]);
        weight = mulmod(weight, gamma, R);
        _add(fold, proof.sums[3], addmod(weight, mulmod(atZeta, d.link, R), R));
        _addValue(fold, weight, proof.values[6]);
    }

    /// @dev D + γ·low + γ²·high + γ³·positive + γ⁴·table at ζ, but for the points of D that stand elsewhere.
    function _addZeta(
        Fold memory fold,
        Linear memory d,
        PlonkTranscript.Proof calldata proof,
        uint256 gamma
    ) private view {
        uint256 weight = fold.atZeta;
        fold.value = _sub(fold.value, mulmod(weight, d.constant_, R));
        _add(fold, proof.columns[3], mulmod(weight, d.flags, R));
        _add(fold, proof.columns[4], mulmod(weight, d.multiplicity, R));
        _add(fold, proof.sums[1], mulmod(weight, d.shares, R));
        _add(fold, proof.quotient[0], mulmod(weight, d.quotient, R));
        for (uint256 i; i < 4; ++i) {
            weight = mulmod(weight, gamma, R);
            if (i < 3) _add(fold, proof.columns[i], weight);
            _addValue(fold, weight, proof.values[i]);
        }
    }

    function _addValue(Fold memory fold, uint256 weight, uint256 value) private pure {
        fold.value = addmod(fold.value, mulmod(weight, value, R), R);
    }

    function _add(Fold memory fold, uint256[2] memory point, uint256 scalar) private view {
        fold.sum = Bn254.add(fold.sum, Bn254.mul(point, scalar));
    }

    /// @dev a − b mod R; b is below R.
    function _sub(uint256 a, uint256 b) private pure returns (uint256) {
        return addmod(a, R - b, R);
    }
}
