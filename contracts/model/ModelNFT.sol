// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IModelNFT} from "../interfaces/IModelNFT.sol";
import {Protocol} from "../libraries/Protocol.sol";

/// @title Models as tokens
/// @notice See {IModelNFT}.
contract ModelNFT is ERC721, IModelNFT {
    IDatanetRegistry private immutable _datanets;

    uint256 private _modelCount;
    mapping(uint256 modelId => Manifest) private _manifests;
    mapping(uint256 modelId => VersionRef[]) private _versions;
    mapping(uint256 modelId => Terms) private _terms;

    constructor(IDatanetRegistry datanets) ERC721("OpenLedger Model", "OLM") {
        _datanets = datanets;
    }

    /// @inheritdoc IModelNFT
    function mint(
        Manifest calldata manifest_,
        VersionRef[] calldata versions_,
        Terms calldata terms_
    ) external returns (uint256 modelId) {
        _checkManifest(manifest_);
        _checkTerms(terms_);
        require(versions_.length != 0, ModelInvalidField("versions"));

        modelId = ++_modelCount;
        _manifests[modelId] = manifest_;
        _terms[modelId] = terms_;
        uint256[] memory datanetIds = new uint256[](versions_.length);
        for (uint256 i; i < versions_.length; ++i) {
            datanetIds[i] = versions_[i].datanetId;
            _datanets.versionHash(datanetIds[i], versions_[i].version); // reverts if there is no such version
            _versions[modelId].push(versions_[i]);
        }
        _datanets.checkLicences(datanetIds);
        // Not _safeMint: the caller asked for the token, and a callback here would run before the event.
        _mint(msg.sender, modelId);
        emit ModelMinted(modelId, msg.sender, manifest_, versions_, terms_);
    }

    /// @inheritdoc IModelNFT
    function setPrices(uint256 modelId, uint128 inputPrice, uint128 outputPrice) external {
        _requireModel(modelId);
        require(msg.sender == _ownerOf(modelId), ModelNotOwner(modelId, msg.sender));
        _terms[modelId].inputPrice = inputPrice;
        _terms[modelId].outputPrice = outputPrice;
        emit PricesChanged(modelId, inputPrice, outputPrice);
    }

    /// @inheritdoc IModelNFT
    function manifest(uint256 modelId) external view returns (Manifest memory) {
        _requireModel(modelId);
        return _manifests[modelId];
    }

    /// @inheritdoc IModelNFT
    function versions(uint256 modelId) external view returns (VersionRef[] memory) {
        _requireModel(modelId);
        return _versions[modelId];
    }

    /// @inheritdoc IModelNFT
    function terms(uint256 modelId) external view returns (Terms memory) {
        _requireModel(modelId);
        return _terms[modelId];
    }

    /// @inheritdoc IModelNFT
    function isStale(uint256 modelId) external view returns (bool) {
        _requireModel(modelId);
        VersionRef[] storage refs = _versions[modelId];
        uint256 count = refs.length;
        for (uint256 i; i < count; ++i) if (_datanets.isStale(refs[i].datanetId, refs[i].version)) return true;
        return false;
    }

    /// @notice Where the manifest is: an IPFS address.
    function tokenURI(uint256 modelId) public view override returns (string memory) {
        _requireModel(modelId);
        return string.concat("ipfs://", _manifests[modelId].manifestCid);
    }

    function _checkManifest(Manifest calldata manifest_) private pure {
        require(manifest_.manifestHash != 0, ModelInvalidField("manifestHash"));
        require(bytes(manifest_.manifestCid).length != 0, ModelInvalidField("manifestCid"));
        require(manifest_.baseHash != 0, ModelInvalidField("baseHash"));
        require(manifest_.adapterHash != 0, ModelInvalidField("adapterHash"));
        require(manifest_.methodVersion != 0, ModelInvalidField("methodVersion"));
    }

    function _checkTerms(Terms calldata terms_) private view {
        require(
            terms_.token.code.length != 0 && IERC20Metadata(terms_.token).decimals() <= Protocol.MAX_DECIMALS,
            ModelInvalidField("token")
        );
        Split calldata split = terms_.split;
        require(split.data <= Protocol.KAPPA0_BPS, ModelDataShareTooLarge(split.data, Protocol.KAPPA0_BPS));
        uint256 sum = uint256(split.data) + split.owner + split.server + split.operator + split.protocol;
        require(sum == Protocol.BPS, ModelSplitSum(sum));
    }

    function _requireModel(uint256 modelId) private view {
        require(_ownerOf(modelId) != address(0), ModelUnknown(modelId));
    }
}
