// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Errors of {IAttributionVerifier}
interface IAttributionVerifierErrors {
    /// @dev Development keys, whose secrets are public, work on chain id 31337 only.
    error VerifierDevelopmentKey(uint256 chainId);
    /// @dev γ2 must be the generator of G2, since the merged pairing relies on it.
    error VerifierGammaNotGenerator();
    /// @dev δ2 equals γ2: nobody contributed to the second phase of the ceremony.
    error VerifierNoContribution();
    /// @dev The key is registered already.
    error VerifierKeyExists(bytes32 vkId);
    /// @dev No such key is registered.
    error VerifierUnknownKey(bytes32 vkId);
    /// @dev A chunk must hold at least one row.
    error VerifierInvalidKey();
    /// @dev Q must have one entry a column.
    error VerifierQueryLength(uint256 length, uint256 expected);
    /// @dev Entry j of Q is −128, which no honest quantiser gives.
    error VerifierQueryEntry(uint256 j);
    /// @dev ΣQ² is above 480², so scores could leave the circuit's range.
    error VerifierQueryNorm(uint256 squares, uint256 maxSquares);
    /// @dev There must be 8 bytes of total for each contributor.
    error VerifierTotalsLength(uint256 length, uint256 expected);
    /// @dev There must be exactly ⌈N/R⌉ chunks.
    error VerifierChunkCount(uint256 count, uint256 expected);
    /// @dev A public value is not below the field's order.
    error VerifierNotCanonical(uint256 value);
    /// @dev The combined commitment of the scores is zero: nothing to prove, the epoch pays by base weights.
    error VerifierZeroScores();
    /// @dev Equation (1): the chunks' totals are not the totals claimed.
    error VerifierTotalsMismatch();
    /// @dev Equation (3): the proofs and the opening do not hold together.
    error VerifierProofInvalid();
    /// @dev Nobody started a stage for this settlement, or it is finished.
    error VerifierUnknownStage(bytes32 sd);
    /// @dev The stage is under way: add to it.
    error VerifierStageRunning(bytes32 sd, uint256 expiresAt);
    /// @dev The stage was not finished in time: start it again.
    error VerifierStageExpired(bytes32 sd, uint256 expiresAt);
    /// @dev Chunks go in one after the other; the next one is `next`, and those given end at `end`.
    error VerifierStageOrder(uint256 next, uint256 first, uint256 end);
    /// @dev The h of chunk t is not the one that the stage started with.
    error VerifierStageHash(uint256 t);
    /// @dev Chunks are missing before the stage can be finished.
    error VerifierStageIncomplete(uint256 next, uint256 count);
    /// @dev A curve precompile refused its input: a point is not on the curve.
    error VerifierPrecompileFailed();
}

/// @title Types of {IAttributionVerifier}
interface IAttributionVerifierTypes {
    /// @dev Coordinates as the pairing precompile takes them: G2 as x_imag, x_real, y_imag, y_real.
    struct VerifyingKey {
        uint256[2] alpha1;
        uint256[4] beta2;
        uint256[4] gamma2;
        uint256[4] delta2;
        uint256[2][6] ic;
        uint256 chunkRows; // R
    }

    struct ChunkProof {
        uint256 h;
        uint256 y;
        uint256 a;
        uint256[2] pA;
        uint256[4] pB;
        uint256[2] pC;
    }

    struct SettlementProof {
        ChunkProof[] chunks;
        uint256[2] opening; // W
    }

    /// @dev What a settlement is about, besides Q and totals.
    struct SettlementContext {
        address splitter;
        bytes32 commitmentId;
        bytes32 vkId;
        uint256 epochId;
        address prover;
        uint256 floorUnits;
    }

    /// @dev A settlement that is checked in several transactions.
    struct Stage {
        bytes32 claim; // what is proven once it is finished
        bytes32 commitmentId;
        bytes32 vkId;
        uint64 next; // chunks checked so far
        uint64 count; // M
        uint64 expiresAt;
        uint256[2] scores; // C_s
        uint256 totals; // Σ A_c x^c
        uint256 a; // Σ a_t x^(f_t) of the chunks so far
        uint256 y; // Σ y_t z^(tR) of the chunks so far
    }
}

/// @title Events of {IAttributionVerifier}
interface IAttributionVerifierEvents is IAttributionVerifierTypes {
    event VerifyingKeyRegistered(bytes32 indexed vkId, uint256 chunkRows, VerifyingKey key);
    event StageStarted(bytes32 indexed sd, bytes32 indexed claim, SettlementContext context, uint256 expiresAt);
    event ChunksAdded(bytes32 indexed sd, uint256 first, ChunkProof[] chunks);
    event StageFinished(bytes32 indexed sd, bytes32 indexed claim, uint256[2] opening);
}

/// @title Verifier of settlements
/// @notice Checks that per-contributor totals follow from Q and from the committed sketches: docs/protocol.md.
interface IAttributionVerifier is IAttributionVerifierErrors, IAttributionVerifierEvents {
    /// @notice Registers a verifying key under its content hash. Epochs pin it when they open, so it is never removed.
    /// @dev Warning: that the key belongs to the circuit is for the authority to check; points off the curve are refused.
    function registerKey(VerifyingKey calldata key) external returns (bytes32 vkId);

    /// @notice R, the rows of one chunk of a registered key, or zero for an unknown key.
    function chunkRows(bytes32 vkId) external view returns (uint256);

    /// @notice Reverts with a named error unless the totals are right.
    /// @dev The caller is taken to be the splitter and is part of the transcript. A proof without chunks stands for a
    /// stage that was finished for the same arguments; its opening is ignored.
    /// @param q k bytes, two's complement.
    /// @param totals 8 bytes big-endian for each contributor.
    /// @param prover Who gets the settlement fee; bound by the proof, so nobody can copy the proof and take it.
    function verify(
        bytes32 commitmentId,
        bytes32 vkId,
        uint256 epochId,
        address prover,
        uint256 floorUnits,
        bytes calldata q,
        bytes calldata totals,
        SettlementProof calldata proof
    ) external view;

    /// @notice Starts checking a settlement in several transactions, for one with too many chunks for a single one.
    /// Anyone may start a stage, add to it and finish it: only proofs that hold get in, so nobody can spoil it.
    /// @param h The h of every chunk.
    /// @return sd The settlement's digest, which names the stage.
    function startStage(
        SettlementContext calldata context,
        bytes calldata q,
        bytes calldata totals,
        uint256[] calldata h
    ) external returns (bytes32 sd);

    /// @notice Checks the next chunks, numbered from `first`; those that are in already are skipped.
    function addChunks(bytes32 sd, uint256 first, ChunkProof[] calldata chunks) external;

    /// @notice Checks totals and opening, all chunks being in. From then on until the stage's end {verify} takes a proof
    /// without chunks.
    function finishStage(bytes32 sd, uint256[2] calldata opening) external;

    /// @notice A stage under way; all zero where there is none.
    function stage(bytes32 sd) external view returns (Stage memory);

    /// @notice Until when the settlement counts as proven by a stage, for the same arguments as {startStage} without h.
    function provenUntil(
        SettlementContext calldata context,
        bytes calldata q,
        bytes calldata totals
    ) external view returns (uint256);

    /// @notice C_s = Σ Q_j·C_j, as (x, y).
    function scoreCommitment(bytes32 commitmentId, bytes calldata q) external view returns (uint256[2] memory);
}
