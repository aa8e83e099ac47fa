// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title Errors of {IModelNFT}
interface IModelNFTErrors {
    /// @dev No model has this id; ids start at 1.
    error ModelUnknown(uint256 modelId);
    /// @dev The five shares must add up to 10,000 basis points.
    error ModelSplitSum(uint256 sum);
    /// @dev The data share may not exceed κ0, or buying queries on one's own data could pay.
    error ModelDataShareTooLarge(uint256 dataBps, uint256 maxBps);
    /// @dev A field is empty or out of range: `field` names it.
    error ModelInvalidField(string field);
    /// @dev Only the holder of the model's token may do this.
    error ModelNotOwner(uint256 modelId, address caller);
    /// @dev Only the account that minted the model may do this, and only while it holds the token.
    error ModelNotCreator(uint256 modelId, address caller);
    /// @dev The model has no such release; releases start at 1.
    error ModelReleaseUnknown(uint256 modelId, uint256 release);
    /// @dev `parents` names a model twice.
    error ModelParentRepeated(uint256 modelId);
    /// @dev The parent's holder asks for a larger part of the owner's share.
    error ModelRoyaltyTooSmall(uint256 parentId, uint256 royaltyBps, uint256 minBps);
    /// @dev The royalties asked or given exceed the protocol's bound.
    error ModelRoyaltyTooLarge(uint256 royaltyBps, uint256 maxBps);
    /// @dev There would be too many generations of ancestors.
    error ModelTooDeep(uint256 depth, uint256 maxDepth);
    /// @dev There would be too many ancestors to pay at each redemption.
    error ModelTooManyAncestors(uint256 count, uint256 maxCount);
}

/// @title Types of {IModelNFT}
interface IModelNFTTypes {
    struct VersionRef {
        uint256 datanetId;
        uint256 version;
    }

    /// @dev How each fee is shared, in basis points that add up to 10,000.
    struct Split {
        uint16 data;
        uint16 owner;
        uint16 server;
        uint16 operator;
        uint16 protocol;
    }

    struct Terms {
        address token; // what customers pay in; fixed for the model's life
        uint128 inputPrice; // token units per 1,000 input tokens
        uint128 outputPrice; // token units per 1,000 output tokens
        Split split;
    }

    struct Manifest {
        bytes32 manifestHash; // keccak256 of the manifest's bytes
        string manifestCid;
        bytes32 baseHash; // keccak256 of the base model's safetensors
        bytes32 adapterHash; // keccak256 of the adapter's safetensors
        uint16 methodVersion; // attribution method, from 1
    }

    /// @dev An edge of the lineage graph.
    struct Parent {
        uint256 modelId;
        uint16 royaltyBps; // of the child's owner share
    }

    /// @dev What an ancestor's holder gets of the owner's share, over all paths, in parts of a billion.
    struct Ancestor {
        uint64 modelId;
        uint32 parts;
    }
}

/// @title Events of {IModelNFT}
interface IModelNFTEvents is IModelNFTTypes {
    event ModelMinted(
        uint256 indexed modelId,
        address indexed owner,
        Manifest manifest,
        VersionRef[] versions,
        Terms terms
    );
    event ModelDerived(uint256 indexed modelId, Parent[] parents, Ancestor[] ancestors);
    event ModelRetrained(uint256 indexed modelId, uint256 indexed release, Manifest manifest, VersionRef[] versions);
    event MinRoyaltyChanged(uint256 indexed modelId, uint16 minBps);
    event SaleRoyaltyChanged(uint256 indexed modelId, address receiver, uint96 bps);
    event PricesChanged(uint256 indexed modelId, uint128 inputPrice, uint128 outputPrice);
}

/// @title Models as tokens
/// @notice A token stands for one fine-tuned adapter: its manifest, the Datanet versions it was trained on, the models it
/// was made from, its price and how each fee is shared. Its holder receives the owner's share, less the royalties of its
/// ancestors' holders.
interface IModelNFT is IERC2981, IERC721, IModelNFTErrors, IModelNFTEvents {
    /// @notice Mints a model to the caller. The licences of its Datanets must allow training, and each other.
    /// @param versions Frozen Datanet versions in training order, at least one.
    function mint(
        Manifest calldata manifest,
        VersionRef[] calldata versions,
        Terms calldata terms
    ) external returns (uint256 modelId);

    /// @notice Mints a model that was made from other models. Their share-alike licences bind it too.
    /// @param parents Models it was made from, with the part of its owner's share that goes to each, at least what the
    /// parent's holder asks for. A parent passes on what it owes its own parents.
    function mintDerived(
        Manifest calldata manifest,
        VersionRef[] calldata versions,
        Terms calldata terms,
        Parent[] calldata parents
    ) external returns (uint256 modelId);

    /// @notice Names the adapter that takes the place of the current one. Terms and lineage stay. Epochs are attributed
    /// under it once its sketches are registered and the next epoch opens.
    function retrain(
        uint256 modelId,
        Manifest calldata manifest,
        VersionRef[] calldata versions
    ) external returns (uint256 release);

    /// @notice Changes the prices of later calls; the split and the token stay.
    function setPrices(uint256 modelId, uint128 inputPrice, uint128 outputPrice) external;

    /// @notice Sets what models made from this one from now on must give at least; edges that exist stay.
    function setMinRoyalty(uint256 modelId, uint16 minBps) external;

    /// @notice Sets what ERC-2981 asks of a sale of the token. Only the model's creator may send it, while he holds the
    /// token: a buyer knows what he buys.
    function setSaleRoyalty(uint256 modelId, address receiver, uint96 bps) external;

    /// @notice Manifest of the last release.
    function manifest(uint256 modelId) external view returns (Manifest memory);

    /// @notice Datanet versions of the last release.
    function versions(uint256 modelId) external view returns (VersionRef[] memory);

    /// @notice Number of the last release, from 1.
    function releases(uint256 modelId) external view returns (uint256);

    /// @notice What a release was made of.
    function release(
        uint256 modelId,
        uint256 number
    ) external view returns (Manifest memory manifest, VersionRef[] memory versions);

    function terms(uint256 modelId) external view returns (Terms memory);

    /// @notice Account that minted the model.
    function creator(uint256 modelId) external view returns (address);

    /// @notice What a model made from this one must give at least.
    function minRoyalty(uint256 modelId) external view returns (uint16 bps);

    /// @notice The model's edges to its parents, and what they amount to for each ancestor.
    /// @param depth Generations of ancestors, 0 for a model without parents.
    function lineage(
        uint256 modelId
    ) external view returns (Parent[] memory parents, Ancestor[] memory ancestors, uint256 depth);

    /// @notice Who shares the owner's share of a fee now: the holder, and the holders of the ancestors, each with its
    /// parts of a billion; the holder has the rest.
    function payees(
        uint256 modelId
    ) external view returns (address holder, address[] memory ancestorHolders, uint256[] memory parts);

    /// @notice Whether a contribution that the last release was trained on was withdrawn since. It earns on; the next
    /// adapter should be trained on a later version.
    function isStale(uint256 modelId) external view returns (bool);
}
