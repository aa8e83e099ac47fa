// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {PauseSwitch} from "../../contracts/access/PauseSwitch.sol";
import {AttributionRegistry} from "../../contracts/attribution/AttributionRegistry.sol";
import {AttributionVerifier} from "../../contracts/attribution/AttributionVerifier.sol";
import {DatanetRegistry} from "../../contracts/datanet/DatanetRegistry.sol";
import {IAttributionRegistryTypes} from "../../contracts/interfaces/IAttributionRegistry.sol";
import {IAttributionVerifierTypes} from "../../contracts/interfaces/IAttributionVerifier.sol";
import {IModelNFTTypes} from "../../contracts/interfaces/IModelNFT.sol";
import {IRewardSplitterTypes} from "../../contracts/interfaces/IRewardSplitter.sol";
import {ISketchDisputesTypes} from "../../contracts/interfaces/ISketchDisputes.sol";
import {Bn254} from "../../contracts/libraries/Bn254.sol";
import {Transcript} from "../../contracts/libraries/Transcript.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";
import {ModelNFT} from "../../contracts/model/ModelNFT.sol";
import {OperatorRegistry} from "../../contracts/operators/OperatorRegistry.sol";
import {InferenceEscrow} from "../../contracts/rewards/InferenceEscrow.sol";
import {RewardSplitter} from "../../contracts/rewards/RewardSplitter.sol";
import {VM} from "./Vm.sol";

/// @notice A property of PROPERTIES.md, by its number, does not hold.
error Broken(uint256 property);

/// @title The protocol with two models, the second made from the first
/// @dev All real contracts, this one the operator and the one that decides disputes. Each model has two contributors, of 2 and 3 rows.
abstract contract World {
    uint256 internal constant K = 128;
    uint256 internal constant BOND_FACTOR = 3;

    AccessManager internal manager;
    PauseSwitch internal pauses;
    DatanetRegistry internal datanets;
    ModelNFT internal models;
    AttributionRegistry internal attribution;
    OperatorRegistry internal operators;
    RewardSplitter internal splitter;
    InferenceEscrow internal escrow;
    TestToken[2] internal tokens;
    bytes32[2] internal commitments; // of models 1 and 2
    address internal treasury = account(1000);

    function deploy() internal {
        VM.warp(1_800_000_000);
        uint256[4] memory tauG2 = [
            19987859454391682094764657237328156653716542965366536973636139696919174237343,
            7372063709443445172293000051116483379901948584957706342411281774667630194162,
            172781595879659891860142554132982789272749024824708891439256370562288912863,
            2964367643524215304777575085074577596235141459149605632169361514054839898391
        ];
        manager = new AccessManager(address(this));
        pauses = new PauseSwitch(address(manager));
        datanets = new DatanetRegistry(pauses);
        models = new ModelNFT(datanets, pauses);
        operators = new OperatorRegistry(600, address(manager));
        attribution = new AttributionRegistry(
            datanets,
            models,
            tauG2,
            operators,
            ISketchDisputesTypes.Activation(0, 0, 0, 0)
        );
        AttributionVerifier verifier = new AttributionVerifier(attribution, address(manager));
        splitter = new RewardSplitter(
            models,
            attribution,
            verifier,
            operators,
            pauses,
            treasury,
            600,
            BOND_FACTOR,
            IRewardSplitterTypes.Timing(1000, 100, 500, 200, 50, 300, 100, 400),
            address(manager)
        );
        escrow = InferenceEscrow(address(splitter.escrow()));
        splitter.bindDisputes(address(this));
        address[] memory lockers = new address[](2);
        (lockers[0], lockers[1]) = (address(splitter), address(attribution.DISPUTES()));
        operators.bindLockers(lockers);
        IAttributionVerifierTypes.VerifyingKey memory key;
        key.alpha1 = Bn254.g1();
        key.beta2 = Bn254.g2();
        key.gamma2 = Bn254.g2();
        key.delta2 = tauG2;
        for (uint256 i; i < 6; ++i) key.ic[i] = Bn254.g1();
        key.chunkRows = 210;
        bytes32 vkId = verifier.registerKey(key);
        address[] memory listed = new address[](2);
        for (uint256 i; i < 2; ++i) listed[i] = address(tokens[i] = new TestToken("Token", "T", i == 0 ? 6 : 18));
        splitter.setTokens(listed, true);
        uint256 datanetId = _freeze();
        for (uint256 i; i < 2; ++i) {
            uint256 modelId = _mint(datanetId, i);
            commitments[i] = _register(modelId, datanetId, vkId);
            splitter.openEpoch(modelId);
        }
    }

    /// @dev Somebody who signs nothing: an address is made here a hundred times a call, and one from a key is dear.
    function account(uint256 n) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(n)))));
    }

    /// @dev Contributor `c` of every model.
    function contributor(uint256 c) internal pure returns (address) {
        return account(2000 + c);
    }

    function _freeze() private returns (uint256 datanetId) {
        datanetId = datanets.create(address(this), "Test", "MIT", "");
        uint256[] memory ids = new uint256[](2);
        for (uint256 c; c < 2; ++c) {
            VM.prank(contributor(c));
            ids[c] = datanets.contribute(datanetId, "bafy", uint32(2 + c), keccak256(abi.encode(c)));
        }
        datanets.review(ids, true, "");
        datanets.freeze(datanetId);
    }

    function _mint(uint256 datanetId, uint256 i) private returns (uint256) {
        IModelNFTTypes.Manifest memory manifest = IModelNFTTypes.Manifest("manifest", "bafy", "base", "adapter", 1);
        IModelNFTTypes.VersionRef[] memory versions = new IModelNFTTypes.VersionRef[](1);
        versions[0] = IModelNFTTypes.VersionRef(datanetId, 1);
        IModelNFTTypes.Terms memory terms = IModelNFTTypes.Terms(
            address(tokens[i]),
            1,
            1,
            IModelNFTTypes.Split(3333, 1667, 2501, 1999, 500)
        );
        if (i == 0) return models.mint(manifest, versions, terms);
        IModelNFTTypes.Parent[] memory parents = new IModelNFTTypes.Parent[](1);
        parents[0] = IModelNFTTypes.Parent(1, 3333);
        return models.mintDerived(manifest, versions, terms, parents);
    }

    /// @dev The ownership opening from the development powers' public τ. Only column 0 scores.
    function _register(uint256 modelId, uint256 datanetId, bytes32 vkId) private returns (bytes32) {
        uint256 tau = uint256(keccak256("OpenLedger development only: tau")) % Bn254.R;
        IAttributionRegistryTypes.Registration memory given;
        given.modelId = modelId;
        given.vkId = vkId;
        given.k = K;
        given.columns = abi.encodePacked(uint256(1), uint256(2), new bytes(64 * (K - 1)));
        given.flags = Bn254.mul(Bn254.g1(), Bn254.power(tau, 2));
        given.gRoot = keccak256("sketches");
        given.m0 = 1;
        given.baseWeights = new uint32[](2);
        (given.baseWeights[0], given.baseWeights[1]) = (2, 3);
        uint256 zeta = Transcript.challenge(
            keccak256(
                abi.encode(
                    Transcript.Registration({
                        tag: keccak256("OpenLedger.Register.v1"),
                        chainId: block.chainid,
                        registry: address(attribution),
                        modelId: modelId,
                        versions: keccak256(abi.encodePacked(datanets.versionHash(datanetId, 1))),
                        k: K,
                        rows: 5,
                        counts: keccak256(abi.encodePacked(uint256(2), uint256(3))),
                        baseWeights: keccak256(abi.encodePacked(given.baseWeights)),
                        columns: keccak256(given.columns),
                        flags: given.flags,
                        gRoot: given.gRoot,
                        m0: given.m0,
                        manifestHash: "manifest"
                    })
                )
            ),
            0
        );
        uint256 above = addmod(Bn254.power(tau, 2), Bn254.R - Bn254.power(zeta, 2), Bn254.R);
        uint256 below = Bn254.power(addmod(tau, Bn254.R - zeta, Bn254.R), Bn254.R - 2);
        given.opening = Bn254.mul(Bn254.g1(), mulmod(above, below, Bn254.R));
        // Of the sums P_0 … P_5 only the last is looked at: 1, what the only entry of the only row adds to each. Beside it
        // stands what the base weights add up to.
        bytes32 leaf = keccak256(abi.encode(keccak256(abi.encode(keccak256("OpenLedger.SketchSum.v1"), 5, 1, 5))));
        given.sums.total = 1;
        given.sums.proof = new bytes32[](3);
        given.sums.root = keccak256(abi.encode(0, keccak256(abi.encode(keccak256(abi.encode(0, leaf)), 0))));
        return attribution.register(given);
    }
}
