// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

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
    event PricesChanged(uint256 indexed modelId, uint128 inputPrice, uint128 outputPrice);
}

/// @title Models as tokens
/// @notice A token stands for one fine-tuned adapter: its manifest, the Datanet versions it was trained on, its price
/// and how each fee is shared. Its holder receives the owner's share.
interface IModelNFT is IERC721, IModelNFTErrors, IModelNFTEvents {
    /// @notice Mints a model to the caller. The licences of its Datanets must allow training, and each other.
    /// @param versions Frozen Datanet versions in training order, at least one.
    function mint(
        Manifest calldata manifest,
        VersionRef[] calldata versions,
        Terms calldata terms
    ) external returns (uint256 modelId);

    /// @notice Changes the prices of later calls; the split and the token stay.
    function setPrices(uint256 modelId, uint128 inputPrice, uint128 outputPrice) external;

    function manifest(uint256 modelId) external view returns (Manifest memory);

    function versions(uint256 modelId) external view returns (VersionRef[] memory);

    function terms(uint256 modelId) external view returns (Terms memory);

    /// @notice Whether a contribution that the model was trained on was withdrawn since. It earns on; the next adapter
    /// should be trained on a later version.
    function isStale(uint256 modelId) external view returns (bool);
}
