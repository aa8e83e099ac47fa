// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IModelNFT} from "../interfaces/IModelNFT.sol";
import {IPauseSwitch} from "../interfaces/IPauseSwitch.sol";
import {Protocol} from "../libraries/Protocol.sol";

/// @title Models as tokens
/// @notice See {IModelNFT}.
contract ModelNFT is ERC721, ERC2981, IModelNFT {
    struct Release {
        Manifest manifest;
        VersionRef[] versions;
    }

    struct Lineage {
        address creator;
        uint16 minRoyaltyBps; // asked of children
        uint8 depth;
        uint64 binding; // Datanet whose share-alike licence binds the model and its children; 0 if none does
        Parent[] parents;
        Ancestor[] ancestors;
    }

    IDatanetRegistry private immutable _datanets;
    IPauseSwitch private immutable _pauses;

    uint64 private _modelCount;
    mapping(uint256 modelId => Release[]) private _releases;
    mapping(uint256 modelId => Terms) private _terms;
    mapping(uint256 modelId => Lineage) private _lineages;

    constructor(IDatanetRegistry datanets, IPauseSwitch pauses) ERC721("OpenLedger Model", "OLM") {
        _datanets = datanets;
        _pauses = pauses;
    }

    /// @inheritdoc IModelNFT
    function mint(
        Manifest calldata manifest_,
        VersionRef[] calldata versions_,
        Terms calldata terms_
    ) external returns (uint256 modelId) {
        _checkTerms(terms_);
        modelId = ++_modelCount;
        _terms[modelId] = terms_;
        _release(modelId, manifest_, versions_);
        _finishMint(modelId, manifest_, versions_, terms_);
    }

    /// @inheritdoc IModelNFT
    function mintDerived(
        Manifest calldata manifest_,
        VersionRef[] calldata versions_,
        Terms calldata terms_,
        Parent[] calldata parents
    ) external returns (uint256 modelId) {
        _checkTerms(terms_);
        modelId = ++_modelCount;
        _terms[modelId] = terms_;
        _derive(modelId, parents);
        _release(modelId, manifest_, versions_);
        _finishMint(modelId, manifest_, versions_, terms_);
        emit ModelDerived(modelId, parents, _lineages[modelId].ancestors);
    }

    /// @inheritdoc IModelNFT
    function retrain(
        uint256 modelId,
        Manifest calldata manifest_,
        VersionRef[] calldata versions_
    ) external returns (uint256 number) {
        _requireHolder(modelId);
        _release(modelId, manifest_, versions_);
        number = _releases[modelId].length;
        emit ModelRetrained(modelId, number, manifest_, versions_);
    }

    /// @inheritdoc IModelNFT
    function setPrices(uint256 modelId, uint128 inputPrice, uint128 outputPrice) external {
        _requireHolder(modelId);
        _terms[modelId].inputPrice = inputPrice;
        _terms[modelId].outputPrice = outputPrice;
        emit PricesChanged(modelId, inputPrice, outputPrice);
    }

    /// @inheritdoc IModelNFT
    function setMinRoyalty(uint256 modelId, uint16 minBps) external {
        _requireHolder(modelId);
        require(minBps <= Protocol.MAX_ROYALTY_BPS, ModelRoyaltyTooLarge(minBps, Protocol.MAX_ROYALTY_BPS));
        _lineages[modelId].minRoyaltyBps = minBps;
        emit MinRoyaltyChanged(modelId, minBps);
    }

    /// @inheritdoc IModelNFT
    function setSaleRoyalty(uint256 modelId, address receiver, uint96 bps) external {
        _requireModel(modelId);
        require(
            msg.sender == _lineages[modelId].creator && msg.sender == _ownerOf(modelId),
            ModelNotCreator(modelId, msg.sender)
        );
        require(bps <= Protocol.MAX_SALE_ROYALTY_BPS, ModelRoyaltyTooLarge(bps, Protocol.MAX_SALE_ROYALTY_BPS));
        _setTokenRoyalty(modelId, receiver, bps);
        emit SaleRoyaltyChanged(modelId, receiver, bps);
    }

    /// @inheritdoc IModelNFT
    function manifest(uint256 modelId) external view returns (Manifest memory) {
        return _last(modelId).manifest;
    }

    /// @inheritdoc IModelNFT
    function versions(uint256 modelId) external view returns (VersionRef[] memory) {
        return _last(modelId).versions;
    }

    /// @inheritdoc IModelNFT
    function releases(uint256 modelId) external view returns (uint256) {
        _requireModel(modelId);
        return _releases[modelId].length;
    }

    /// @inheritdoc IModelNFT
    function release(
        uint256 modelId,
        uint256 number
    ) external view returns (Manifest memory manifest_, VersionRef[] memory versions_) {
        Release[] storage all = _releases[modelId];
        require(number != 0 && number <= all.length, ModelReleaseUnknown(modelId, number));
        return (all[number - 1].manifest, all[number - 1].versions);
    }

    /// @inheritdoc IModelNFT
    function terms(uint256 modelId) external view returns (Terms memory) {
        _requireModel(modelId);
        return _terms[modelId];
    }

    /// @inheritdoc IModelNFT
    function creator(uint256 modelId) external view returns (address) {
        _requireModel(modelId);
        return _lineages[modelId].creator;
    }

    /// @inheritdoc IModelNFT
    function minRoyalty(uint256 modelId) external view returns (uint16 bps) {
        _requireModel(modelId);
        return _lineages[modelId].minRoyaltyBps;
    }

    /// @inheritdoc IModelNFT
    function lineage(
        uint256 modelId
    ) external view returns (Parent[] memory parents, Ancestor[] memory ancestors, uint256 depth) {
        _requireModel(modelId);
        Lineage storage of_ = _lineages[modelId];
        return (of_.parents, of_.ancestors, of_.depth);
    }

    /// @inheritdoc IModelNFT
    function payees(
        uint256 modelId
    ) external view returns (address holder, address[] memory ancestorHolders, uint256[] memory parts) {
        holder = _requireModel(modelId);
        Ancestor[] storage ancestors = _lineages[modelId].ancestors;
        ancestorHolders = new address[](ancestors.length);
        parts = new uint256[](ancestors.length);
        for (uint256 i; i < parts.length; ++i) {
            ancestorHolders[i] = _ownerOf(ancestors[i].modelId);
            parts[i] = ancestors[i].parts;
        }
    }

    /// @inheritdoc IModelNFT
    function isStale(uint256 modelId) external view returns (bool) {
        VersionRef[] storage refs = _last(modelId).versions;
        uint256 count = refs.length;
        for (uint256 i; i < count; ++i) if (_datanets.isStale(refs[i].datanetId, refs[i].version)) return true;
        return false;
    }

    /// @notice Where the manifest is: an IPFS address.
    function tokenURI(uint256 modelId) public view override returns (string memory) {
        return string.concat("ipfs://", _last(modelId).manifest.manifestCid);
    }

    /// @notice ERC-721 with metadata, ERC-2981, ERC-165.
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, ERC2981, IERC165) returns (bool) {
        return super.supportsInterface(interfaceId);
    }

    /// @dev Writes edges, and what they amount to for each ancestor over all paths. What rounding leaves is the holder's.
    function _derive(uint256 modelId, Parent[] calldata parents) private {
        require(parents.length != 0, ModelInvalidField("parents"));
        Lineage storage child = _lineages[modelId];
        uint256 sum;
        uint256 depth;
        for (uint256 i; i < parents.length; ++i) {
            Parent calldata edge = parents[i];
            _requireModel(edge.modelId);
            for (uint256 j; j < i; ++j) require(parents[j].modelId != edge.modelId, ModelParentRepeated(edge.modelId));
            Lineage storage parent = _lineages[edge.modelId];
            require(
                edge.royaltyBps >= parent.minRoyaltyBps,
                ModelRoyaltyTooSmall(edge.modelId, edge.royaltyBps, parent.minRoyaltyBps)
            );
            sum += edge.royaltyBps;
            depth = Math.max(depth, uint256(parent.depth) + 1);
            child.parents.push(edge);
            _inherit(child.ancestors, edge, parent.ancestors);
        }
        require(sum <= Protocol.MAX_ROYALTY_BPS, ModelRoyaltyTooLarge(sum, Protocol.MAX_ROYALTY_BPS));
        require(depth <= Protocol.MAX_DEPTH, ModelTooDeep(depth, Protocol.MAX_DEPTH));
        uint256 count = child.ancestors.length;
        require(count <= Protocol.MAX_ANCESTORS, ModelTooManyAncestors(count, Protocol.MAX_ANCESTORS));
        child.depth = uint8(depth);
    }

    /// @dev Shares an edge's royalty between the parent and its own ancestors.
    function _inherit(Ancestor[] storage ancestors, Parent calldata edge, Ancestor[] storage ofParent) private {
        uint256 royalty = (uint256(edge.royaltyBps) * Protocol.ROYALTY_PARTS) / Protocol.BPS;
        uint256 own = royalty;
        uint256 count = ofParent.length;
        for (uint256 i; i < count; ++i) {
            uint256 parts = (royalty * ofParent[i].parts) / Protocol.ROYALTY_PARTS;
            own -= parts;
            _addParts(ancestors, ofParent[i].modelId, parts);
        }
        _addParts(ancestors, uint64(edge.modelId), own);
    }

    function _addParts(Ancestor[] storage ancestors, uint64 modelId, uint256 parts) private {
        uint256 count = ancestors.length;
        for (uint256 i; i < count; ++i) {
            if (ancestors[i].modelId == modelId) {
                ancestors[i].parts += uint32(parts);
                return;
            }
        }
        ancestors.push(Ancestor(modelId, uint32(parts)));
    }

    function _release(uint256 modelId, Manifest calldata manifest_, VersionRef[] calldata versions_) private {
        _pauses.requireActive(IPauseSwitch.Group.Models);
        _checkManifest(manifest_);
        require(versions_.length != 0, ModelInvalidField("versions"));
        Release storage made = _releases[modelId].push();
        made.manifest = manifest_;
        Lineage storage of_ = _lineages[modelId];
        uint256 parents = of_.parents.length;
        uint256[] memory datanetIds = new uint256[](versions_.length + parents);
        for (uint256 i; i < versions_.length; ++i) {
            datanetIds[i] = versions_[i].datanetId;
            _datanets.versionHash(datanetIds[i], versions_[i].version); // reverts if there is no such version
            made.versions.push(versions_[i]);
        }
        uint256 count = versions_.length;
        for (uint256 i; i < parents; ++i) {
            uint256 binding = _lineages[of_.parents[i].modelId].binding;
            if (binding != 0) datanetIds[count++] = binding;
        }
        assembly ("memory-safe") {
            mstore(datanetIds, count)
        }
        of_.binding = uint64(_datanets.checkLicences(datanetIds));
    }

    function _finishMint(
        uint256 modelId,
        Manifest calldata manifest_,
        VersionRef[] calldata versions_,
        Terms calldata terms_
    ) private {
        _lineages[modelId].creator = msg.sender;
        // Not _safeMint: the caller asked for the token, and a callback here would run before the event.
        _mint(msg.sender, modelId);
        emit ModelMinted(modelId, msg.sender, manifest_, versions_, terms_);
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

    function _last(uint256 modelId) private view returns (Release storage) {
        _requireModel(modelId);
        Release[] storage all = _releases[modelId];
        return all[all.length - 1];
    }

    function _requireHolder(uint256 modelId) private view {
        require(_requireModel(modelId) == msg.sender, ModelNotOwner(modelId, msg.sender));
    }

    function _requireModel(uint256 modelId) private view returns (address holder) {
        holder = _ownerOf(modelId);
        require(holder != address(0), ModelUnknown(modelId));
    }
}
