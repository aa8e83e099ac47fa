// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Numbers that several contracts share
/// @dev The same values stand in `sdk/epoch.ts`; see docs/protocol.md.
library Protocol {
    /// @dev All shares of a fee are in basis points of this.
    uint256 internal constant BPS = 10_000;

    /// @dev κ0: the part of the fees that stands against the scores when a pot is shared. It also bounds the data share
    /// of a model, since above it buying queries on one's own data could pay.
    uint256 internal constant KAPPA0_BPS = 5000;

    /// @dev Unit of what ancestors get of an owner's share.
    uint256 internal constant ROYALTY_PARTS = 1e9;

    /// @dev All that a model's parents may get of its owner's share, and what a sale of a model may cost its seller.
    uint256 internal constant MAX_ROYALTY_BPS = 5000;
    uint256 internal constant MAX_SALE_ROYALTY_BPS = 1000;

    /// @dev Bounds of the lineage graph, which bound what a redemption costs.
    uint256 internal constant MAX_DEPTH = 8;
    uint256 internal constant MAX_ANCESTORS = 16;

    /// @dev Tokens with more decimals have no 18-decimal value.
    uint256 internal constant MAX_DECIMALS = 18;
}
