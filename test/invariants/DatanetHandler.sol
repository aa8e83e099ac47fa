// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDatanetRegistry, IDatanetRegistryTypes} from "../../contracts/interfaces/IDatanetRegistry.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";
import {VM} from "./Vm.sol";
import {World} from "./World.sol";

/// @title Random contributors, reviewers and an owner of a Datanet with bonds
/// @dev As {MoneyHandler}: each action says from its own books what must happen.
contract DatanetHandler is World {
    uint256 private constant BOND = 50;

    /// @notice Number of the first property that did not hold; 0 while all do.
    uint256 public broken;

    uint256 public immutable DATANET;
    TestToken private immutable _token;
    address private immutable _beneficiary = account(100);

    uint256[] private _ids; // contributions in order of their ids
    mapping(uint256 id => IDatanetRegistryTypes.Status) private _status;
    mapping(uint256 id => uint256) private _submittedAt;
    mapping(address => uint256) private _released;
    uint256 private _pending;
    uint256 private _gifts;
    bytes32[] private _hashes; // of frozen versions
    bytes32[] private _contents; // hash of the contributions of each

    /// @dev Lets up to two weeks pass.
    modifier act(uint256 seed) {
        VM.warp(block.timestamp + (seed % 14 days));
        _;
    }

    constructor() {
        deploy();
        _token = tokens[0];
        IDatanetRegistryTypes.Settings memory settings;
        settings.name = "Bonded";
        settings.licence = "MIT";
        settings.bond = IDatanetRegistryTypes.Bond(address(_token), uint96(BOND), _beneficiary, 8);
        address[] memory reviewers = new address[](1);
        reviewers[0] = address(this);
        DATANET = datanets.createWith(settings, reviewers);
    }

    function contribute(uint256 seed, uint256 who, uint256 count) external act(seed) {
        address account = _contributor(who);
        IDatanetRegistryTypes.Submission[] memory list = new IDatanetRegistryTypes.Submission[](1 + (count % 3));
        for (uint256 i; i < list.length; ++i) list[i] = IDatanetRegistryTypes.Submission("bafy", 1, "rows");
        _token.mint(account, BOND * list.length);
        VM.prank(account);
        _token.approve(address(datanets), BOND * list.length);
        VM.prank(account);
        uint256 firstId = datanets.contributeBatch(DATANET, list);
        for (uint256 i; i < list.length; ++i) {
            _ids.push(firstId + i);
            _status[firstId + i] = IDatanetRegistryTypes.Status.Pending;
            _submittedAt[firstId + i] = block.timestamp;
            ++_pending;
        }
    }

    function decide(uint256 seed, uint256 at, bool accept, uint8 code) external act(seed) {
        if (_ids.length == 0) return;
        uint256 id = _ids[at % _ids.length];
        code %= 6;
        bool due = _status[id] == IDatanetRegistryTypes.Status.Pending;
        IDatanetRegistryTypes.Decision[] memory list = new IDatanetRegistryTypes.Decision[](1);
        list[0] = IDatanetRegistryTypes.Decision(id, accept, code);
        address account = datanets.contribution(id).account;
        try datanets.decide(list) {
            _check(12, due);
            _status[id] = accept ? IDatanetRegistryTypes.Status.Accepted : IDatanetRegistryTypes.Status.Rejected;
            --_pending;
            _released[!accept && code == 3 ? _beneficiary : account] += BOND;
        } catch {
            _check(12, !due);
        }
    }

    function withdraw(uint256 seed, uint256 at, uint256 who) external act(seed) {
        if (_ids.length == 0) return;
        uint256 id = _ids[at % _ids.length];
        address sender = _contributor(who);
        address account = datanets.contribution(id).account;
        bool pending = _status[id] == IDatanetRegistryTypes.Status.Pending;
        bool due =
            sender == account &&
                (_status[id] == IDatanetRegistryTypes.Status.Accepted ||
                    (pending && block.timestamp >= _submittedAt[id] + 30 days));
        uint256[] memory list = new uint256[](1);
        list[0] = id;
        VM.prank(sender);
        try datanets.withdraw(list, 0) {
            _check(12, due);
            _status[id] = IDatanetRegistryTypes.Status.Withdrawn;
            if (!pending) return;
            --_pending;
            _released[account] += BOND;
        } catch {
            _check(12, !due);
        }
    }

    function withdrawBonds(uint256 seed, uint256 who) external act(seed) {
        address account = who % 4 == 3 ? _beneficiary : _contributor(who);
        uint256 before = _token.balanceOf(account);
        try datanets.withdrawBonds(address(_token), account) {
            _check(11, _token.balanceOf(account) == before + _released[account] && _released[account] != 0);
            _released[account] = 0;
        } catch {
            _check(11, _released[account] == 0);
        }
    }

    function freeze(uint256 seed) external act(seed) {
        bytes32 content = keccak256(abi.encodePacked(_accepted()));
        bool due = _accepted().length != 0 && (_contents.length == 0 || content != _contents[_contents.length - 1]);
        try datanets.freeze(DATANET) returns (uint256, bytes32 hash) {
            _check(13, due);
            _hashes.push(hash);
            _contents.push(content);
        } catch {
            _check(13, !due);
        }
    }

    function gift(uint256 seed, uint64 amount) external act(seed) {
        _token.mint(address(datanets), amount);
        _gifts += amount;
    }

    /// @notice 11: bonds in are bonds held, released or paid.
    function bondsAreConserved() external view returns (bool) {
        uint256 owed = _pending * BOND;
        for (uint256 who; who < 4; ++who) {
            address account = who == 3 ? _beneficiary : _contributor(who);
            if (datanets.bonds(address(_token), account) != _released[account]) return false;
            owed += _released[account];
        }
        return _token.balanceOf(address(datanets)) == owed + _gifts;
    }

    /// @notice 13: versions stay as they were frozen.
    function versionsStay() external view returns (bool) {
        uint256 count = _hashes.length;
        for (uint256 i = count > 3 ? count - 3 : 0; i < count; ++i) {
            (uint256[] memory ids, ) = datanets.versionContributions(DATANET, i + 1);
            if (datanets.versionHash(DATANET, i + 1) != _hashes[i] || keccak256(abi.encodePacked(ids)) != _contents[i])
                return false;
        }
        return datanets.datanet(DATANET).versions == count;
    }

    function _check(uint256 property, bool holds) private {
        if (!holds && broken == 0) broken = property;
    }

    /// @dev What the next version must hold, from these books.
    function _accepted() private view returns (uint256[] memory ids) {
        ids = new uint256[](_ids.length);
        uint256 count;
        for (uint256 i; i < ids.length; ++i)
            if (_status[_ids[i]] == IDatanetRegistryTypes.Status.Accepted) ids[count++] = _ids[i];
        assembly ("memory-safe") {
            mstore(ids, count)
        }
    }

    function _contributor(uint256 who) private pure returns (address) {
        return account(200 + (who % 3));
    }
}
