// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Transcript} from "../libraries/Transcript.sol";

/// @title EXPERIMENTAL: transcript of the argument of docs/experimental-proof.md
/// @notice Not used by any deployed contract. `prover/experimental/transcript.ts` is the same.
/// @dev The structs hold words only, so `abi.encode` lays their fields end to end.
library PlonkTranscript {
    bytes32 private constant SETTLE_TAG = keccak256("OpenLedger.SettleExperimental.v1");
    bytes32 private constant DOMAIN_TAG = keccak256("OpenLedger.ExperimentalDomain.v1");

    struct Proof {
        uint256[2][5] columns; // low, high, positive, flags, multiplicity
        uint256[2][4] sums; // lookups, shares, totals, link
        uint256 combined; // value of C_s + μ·C_b at z
        uint256[2][2] quotient; // two halves of n coefficients
        uint256[7] values; // low, high, positive, table at ζ; lookups, totals, link at ωζ
        uint256[2][2] openings; // W and W'
    }

    struct Statement {
        bytes32 tag;
        uint256 chainId;
        address verifier;
        bytes32 domainId;
        bytes32 commitmentId;
        uint256 epochId;
        address prover;
        uint256 floorUnits;
        bytes32 q;
        uint256[2] scores; // C_s
        bytes32 totals;
        uint256[2][5] columns;
    }

    struct Challenges {
        uint256 z;
        uint256 mu;
        uint256 x;
        uint256 alpha;
        uint256 v;
        uint256 zeta;
        uint256 gamma;
        uint256 eta;
    }

    /// @notice All challenges, each drawn from everything that was said before it; the caller is the splitter.
    function draw(Statement memory statement, Proof calldata proof) internal view returns (Challenges memory drawn) {
        statement.tag = keccak256(abi.encode(SETTLE_TAG, msg.sender));
        statement.chainId = block.chainid;
        statement.verifier = address(this);
        statement.columns = proof.columns;
        bytes32 digest = keccak256(abi.encode(statement));
        drawn.z = Transcript.challenge(digest, 0);
        drawn.mu = Transcript.challenge(digest, 1);
        drawn.x = Transcript.challenge(digest, 2);
        drawn.alpha = Transcript.challenge(digest, 3);
        digest = keccak256(abi.encode(digest, proof.sums, proof.combined));
        drawn.v = Transcript.challenge(digest, 0);
        digest = keccak256(abi.encode(digest, proof.quotient));
        drawn.zeta = Transcript.challenge(digest, 0);
        digest = keccak256(abi.encode(digest, proof.values));
        drawn.gamma = Transcript.challenge(digest, 0);
        digest = keccak256(abi.encode(digest, proof.openings[0]));
        drawn.eta = Transcript.challenge(digest, 0);
    }

    /// @notice Content hash of a domain.
    function domainId(
        uint256 power,
        uint256[2] calldata table,
        uint256[4] memory tauG2
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TAG, power, table, tauG2));
    }
}
