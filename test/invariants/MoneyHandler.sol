// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceEscrowTypes} from "../../contracts/interfaces/IInferenceEscrow.sol";
import {IPauseSwitch} from "../../contracts/interfaces/IPauseSwitch.sol";
import {IRewardSplitter, IRewardSplitterTypes} from "../../contracts/interfaces/IRewardSplitter.sol";
import {ClaimTree} from "../../contracts/libraries/ClaimTree.sol";
import {ReceiptTree} from "../../contracts/libraries/ReceiptTree.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";
import {VM} from "./Vm.sol";
import {World} from "./World.sol";

/// @title Random customers, servers, holders, operators, challengers and guardians
/// @dev Every action first says, from its own books alone, whether the contracts must take it, and notes in `broken` when
/// they did not, or when they took what they must refuse. Numbers are those of PROPERTIES.md.
contract MoneyHandler is World {
    struct Book {
        uint256 fees;
        uint256 closedAt;
        uint256 proposedAt;
        uint256 reopenedAt;
        uint256 clearedAt;
        uint256 disputes;
        uint256 stake;
        bool scoring;
        bool settled;
    }

    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(address customer,address server,uint256 modelId,uint256 epochId,address token,uint256 cumulative,uint256 deadline)"
    );
    uint256 private constant CUSTOMER_KEY = 3000;

    /// @notice Number of the first property that did not hold; 0 while all do.
    uint256 public broken;
    uint256 public calls;

    address[2] private _customers;
    mapping(uint256 i => Book[]) private _epochs;
    mapping(uint256 i => uint256[2]) private _earned;
    mapping(uint256 i => uint256[2]) private _claimed;
    mapping(uint256 i => uint256) private _dust;
    mapping(uint256 i => uint256) private _paidIn; // redeemed, in token i, which model i + 1 is paid in
    mapping(uint256 i => uint256) private _paidOut; // by the splitter
    mapping(uint256 i => uint256) private _gifts;
    mapping(uint256 i => uint256[2]) private _deposits; // by customer
    mapping(uint256 i => uint256[2]) private _thawing;
    mapping(uint256 i => uint256[2]) private _readyAt;
    mapping(bytes32 => uint256) private _redeemed;
    mapping(uint256 i => uint256) private _bonded; // by this operator, in token i
    mapping(uint256 i => uint256) private _locked; // of it, by proposals
    mapping(uint256 i => uint256) private _slashed; // out of it, to others

    /// @dev Counts the call, and lets up to 5 minutes pass.
    modifier act(uint256 seed) {
        ++calls;
        VM.warp(block.timestamp + (seed % 300));
        _;
    }

    constructor() {
        deploy();
        for (uint256 i; i < 2; ++i) {
            _customers[i] = VM.addr(CUSTOMER_KEY + i);
            _epochs[i].push();
        }
    }

    function deposit(uint256 seed, uint256 i, uint256 who, uint128 amount) external act(seed) {
        (i, who) = (i % 2, who % 2);
        amount %= 1e24;
        address payer = account(4000);
        tokens[i].mint(payer, amount);
        VM.prank(payer);
        tokens[i].approve(address(escrow), amount);
        bool paused = pauses.isPaused(IPauseSwitch.Group.Deposits);
        VM.prank(payer);
        try escrow.deposit(_customers[who], address(tokens[i]), amount) {
            _check(7, !paused);
            _deposits[i][who] += amount;
        } catch {
            _check(7, paused);
        }
    }

    function startWithdrawal(uint256 seed, uint256 i, uint256 who, uint256 amount) external act(seed) {
        (i, who) = (i % 2, who % 2);
        amount %= (_deposits[i][who] * 11) / 10 + 1;
        VM.prank(_customers[who]);
        try escrow.startWithdrawal(address(tokens[i]), amount) {
            _check(2, amount <= _deposits[i][who]);
            (_thawing[i][who], _readyAt[i][who]) = (amount, block.timestamp + 600);
        } catch {
            _check(2, amount > _deposits[i][who]);
        }
    }

    function withdrawDeposit(uint256 seed, uint256 i, uint256 who) external act(seed) {
        (i, who) = (i % 2, who % 2);
        bool due = _thawing[i][who] != 0 && block.timestamp >= _readyAt[i][who];
        VM.prank(_customers[who]);
        try escrow.withdraw(address(tokens[i])) {
            _check(6, due);
            _deposits[i][who] -= _thawing[i][who];
            _thawing[i][who] = 0;
        } catch {
            _check(7, !due);
        }
    }

    /// @dev Charges up to a little more than the deposit, against a voucher that may promise less.
    function redeem(uint256 seed, uint256 i, uint256 who, uint256 back, uint256 amount) external act(seed) {
        (i, who) = (i % 2, who % 2);
        amount %= (_deposits[i][who] * 11) / 10 / 3 + 2;
        IInferenceEscrowTypes.Voucher memory voucher;
        voucher.customer = _customers[who];
        voucher.server = account(5000 + (seed % 2));
        voucher.modelId = i + 1;
        voucher.epochId = _recent(i, back);
        voucher.token = address(tokens[i]);
        voucher.deadline = type(uint256).max;
        uint256 charged = _redeemed[_key(voucher)] + amount;
        voucher.cumulative = seed % 7 == 0 ? charged / 2 : charged;
        _redeem(i, who, voucher, amount, charged);
    }

    function _redeem(
        uint256 i,
        uint256 who,
        IInferenceEscrowTypes.Voucher memory voucher,
        uint256 amount,
        uint256 charged
    ) private {
        Book storage book = _epochs[i][voucher.epochId];
        bool due =
            amount != 0 &&
                charged <= voucher.cumulative &&
                amount <= _deposits[i][who] &&
                (book.closedAt == 0 || block.timestamp < book.closedAt + 100);
        bytes memory signature = _sign(who, voucher);
        VM.prank(voucher.server);
        try escrow.redeem(voucher, signature, charged) {
            _check(5, due);
            _redeemed[_key(voucher)] = charged;
            _deposits[i][who] -= amount;
            if (_thawing[i][who] > _deposits[i][who]) _thawing[i][who] = _deposits[i][who];
            _paidIn[i] += amount;
            book.fees += amount;
        } catch {
            _check(6, !due);
        }
    }

    function openEpoch(uint256 seed, uint256 i) external act(seed) {
        i %= 2;
        try splitter.openEpoch(i + 1) {
            _epochs[i][_epochs[i].length - 1].closedAt = block.timestamp;
            _epochs[i].push();
        } catch {}
    }

    function bond(uint256 seed, uint256 i, uint128 amount) external act(seed) {
        i %= 2;
        amount %= 1e23;
        tokens[i].mint(address(this), amount);
        tokens[i].approve(address(operators), amount);
        operators.bond(address(this), address(tokens[i]), amount);
        _bonded[i] += amount;
    }

    /// @dev One receipt stands for all, its payer any pair of customer and server; sometimes it does not add up.
    function propose(uint256 seed, uint256 i, uint256 back, uint256 who, bool scoring) external act(seed) {
        i %= 2;
        uint256 epochId = _recent(i, back);
        Book storage book = _epochs[i][epochId];
        int128[] memory v = new int128[](K);
        v[0] = scoring ? int128(9) : int128(0);
        IRewardSplitterTypes.LastReceipt memory last;
        last.customer = _customers[who % 2];
        last.server = account(5000 + ((who >> 1) % 2));
        last.payerFees = _redeemed[keccak256(abi.encode(last.customer, last.server, i + 1, epochId))];
        bool right = seed % 13 != 0;
        if (!right) ++last.payerFees;
        uint256 stake = (splitter.epoch(i + 1, epochId).held + BOND_FACTOR - 1) / BOND_FACTOR;
        bool due =
            right &&
                book.closedAt != 0 &&
                book.proposedAt == 0 &&
                block.timestamp >= book.closedAt + 100 &&
                block.timestamp <= _later(book.closedAt, book.reopenedAt) + 500 &&
                stake <= _bonded[i] - _locked[i] - _slashed[i];
        bytes32 root = ReceiptTree.hash(
            0,
            ReceiptTree.Leaf(
                last.server,
                last.customer,
                0,
                0,
                0,
                0,
                keccak256(abi.encodePacked(v)),
                book.fees,
                last.payerFees
            )
        );
        try splitter.propose(i + 1, epochId, v, 1, root, last) {
            _check(8, due);
            (book.proposedAt, book.scoring, book.stake) = (block.timestamp, scoring, stake);
            _locked[i] += stake;
        } catch {
            _check(8, !due);
        }
    }

    function dispute(uint256 seed, uint256 i, uint256 back, bool open) external act(seed) {
        i %= 2;
        uint256 epochId = _recent(i, back);
        Book storage book = _epochs[i][epochId];
        bool due =
            open ? book.proposedAt != 0 && !book.settled && block.timestamp < _windowEnd(book) : book.disputes != 0;
        (bool ok, ) = address(splitter).call(
            open
                ? abi.encodeCall(IRewardSplitter.openDispute, (i + 1, epochId))
                : abi.encodeCall(IRewardSplitter.closeDispute, (i + 1, epochId))
        );
        _check(9, ok == due);
        if (!ok) return;
        if (open) ++book.disputes;
        else (book.disputes, book.clearedAt) = (book.disputes - 1, block.timestamp);
    }

    function reject(uint256 seed, uint256 i, uint256 back, bool slashed) external act(seed) {
        i %= 2;
        uint256 epochId = _recent(i, back);
        Book storage book = _epochs[i][epochId];
        bool due = book.proposedAt != 0 && !book.settled && (block.timestamp < _windowEnd(book) || book.disputes != 0);
        try splitter.reject(i + 1, epochId, slashed ? account(7500) : address(0)) {
            _check(9, due);
            _release(i, book, slashed);
            (book.proposedAt, book.disputes, book.clearedAt, book.reopenedAt) = (0, 0, 0, block.timestamp);
        } catch {
            _check(9, !due);
        }
    }

    function correct(uint256 seed, uint256 i, uint256 back, uint128 amount) external act(seed) {
        i %= 2;
        uint256 epochId = _recent(i, back);
        uint256[] memory extra = new uint256[](2);
        extra[seed % 2] = amount %= 1e20;
        tokens[i].mint(address(this), amount);
        tokens[i].approve(address(splitter), amount);
        try splitter.correct(i + 1, epochId, extra, _previous(i)) {
            _check(9, _epochs[i][epochId].settled);
            _earned[i][seed % 2] += amount;
            _paidIn[i] += amount;
        } catch {
            _check(9, !_epochs[i][epochId].settled);
        }
    }

    function settle(uint256 seed, uint256 i, uint256 back) external act(seed) {
        i %= 2;
        uint256 epochId = _recent(i, back);
        Book storage book = _epochs[i][epochId];
        (bool due, bool late) = _mayBeSettled(book);
        bytes memory q = new bytes(K);
        if (book.scoring) q[0] = 0x7f;
        try splitter.settleByBase(i + 1, epochId, account(6000), q, _previous(i)) {
            _check(8, due);
            book.settled = true;
            if (book.proposedAt != 0) _release(i, book, late);
            _share(i, (book.fees * 3333) / 10_000 + _dust[i]);
        } catch {
            _check(7, !due);
        }
    }

    /// @dev Claims for one contributor of both models at once, sometimes more than was earned.
    function claim(uint256 seed, uint256 c, bool elsewhere) external act(seed) {
        c %= 2;
        uint256 count =
            (splitter.claimsRoot(commitments[0]) == 0 ? 0 : 1) + (splitter.claimsRoot(commitments[1]) == 0 ? 0 : 1);
        IRewardSplitterTypes.Claim[] memory claims = new IRewardSplitterTypes.Claim[](count);
        uint256 excess = seed % 11 == 0 ? 1 : 0;
        uint256 at;
        for (uint256 i; i < 2; ++i) {
            if (splitter.claimsRoot(commitments[i]) == 0) continue;
            bytes32[] memory proof = new bytes32[](1);
            proof[0] = ClaimTree.leaf(commitments[i], 1 - c, _earned[i][1 - c]);
            claims[at++] = IRewardSplitterTypes.Claim(commitments[i], c, _earned[i][c] + excess, proof);
        }
        bool due = excess == 0 || count == 0;
        VM.prank(contributor(c));
        (bool ok, ) = address(splitter).call(
            elsewhere
                ? abi.encodeCall(IRewardSplitter.claimTo, (claims, account(7000)))
                : abi.encodeCall(IRewardSplitter.claim, (claims))
        );
        _check(ok ? 4 : 7, ok == due);
        if (!ok) return;
        for (uint256 i; i < 2; ++i) {
            _paidOut[i] += _earned[i][c] - _claimed[i][c];
            _claimed[i][c] = _earned[i][c];
        }
    }

    function withdraw(uint256 seed, uint256 i, uint256 who) external act(seed) {
        i %= 2;
        address account = _accounts()[who % 8];
        uint256 amount = splitter.balance(address(tokens[i]), account);
        try splitter.withdrawFor(address(tokens[i]), account) {
            _check(4, amount != 0 && splitter.balance(address(tokens[i]), account) == 0);
            _paidOut[i] += amount;
        } catch {
            _check(7, amount == 0);
        }
    }

    function sell(uint256 seed, uint256 i, uint256 who) external act(seed) {
        uint256 modelId = 1 + (i % 2);
        address holder = models.ownerOf(modelId);
        VM.prank(holder);
        models.transferFrom(holder, account(8000 + (who % 2)), modelId);
    }

    function gift(uint256 seed, uint256 i, uint64 amount) external act(seed) {
        i %= 2;
        tokens[i].mint(address(splitter), amount);
        _gifts[i] += amount;
    }

    function pause(uint256 seed, uint256 group, bool paused) external act(seed) {
        pauses.setPaused(IPauseSwitch.Group(group % 5), paused);
    }

    /// @notice 1: the escrow holds its deposits.
    function escrowHoldsDeposits(uint256 i) external view returns (bool) {
        uint256 sum = _deposits[i][0] + _deposits[i][1];
        return tokens[i].balanceOf(address(escrow)) == sum && escrow.held(address(tokens[i])) == sum;
    }

    /// @notice 2: every deposit is what its customer put in less what left it.
    function depositsAreRight(uint256 i) external view returns (bool ok) {
        ok = true;
        for (uint256 who; who < 2; ++who) {
            address customer = _customers[who];
            (uint256 amount, ) = escrow.thawing(customer, address(tokens[i]));
            ok =
                ok &&
                escrow.deposited(customer, address(tokens[i])) == _deposits[i][who] &&
                amount == _thawing[i][who];
        }
    }

    /// @notice 3: the splitter holds what came in and was not paid, which is what epochs hold, balances, earnings, dust.
    function splitterConserves(uint256 i) external view returns (bool) {
        uint256 owed = _dust[i];
        for (uint256 e; e < _epochs[i].length; ++e) owed += splitter.epoch(i + 1, e).held;
        for (uint256 c; c < 2; ++c) owed += _earned[i][c] - _claimed[i][c];
        address[8] memory accounts = _accounts();
        for (uint256 a; a < 8; ++a) owed += splitter.balance(address(tokens[i]), accounts[a]);
        return _paidIn[i] - _paidOut[i] == owed && tokens[i].balanceOf(address(splitter)) == owed + _gifts[i];
    }

    /// @notice 4: what was claimed and earned is what these books say.
    function earningsAreRight(uint256 i) external view returns (bool ok) {
        ok = splitter.dust(commitments[i]) == _dust[i];
        for (uint256 c; c < 2; ++c) {
            uint256 claimed = splitter.claimed(commitments[i], c);
            ok = ok && claimed == _claimed[i][c] && claimed <= _earned[i][c];
        }
        uint256[] memory earned = new uint256[](2);
        (earned[0], earned[1]) = (_earned[i][0], _earned[i][1]);
        bytes32 root = splitter.claimsRoot(commitments[i]);
        ok = ok && (root == 0 || root == ClaimTree.root(commitments[i], earned));
    }

    /// @notice 10: bonds are locked just while their proposals stand, and slashed to nobody but who was named and the
    /// treasury.
    function stakesAreRight(uint256 i) external view returns (bool) {
        address token = address(tokens[i]);
        uint256 named = operators.credits(token, account(7500)) + operators.credits(token, account(6000));
        uint256 theirs = operators.credits(token, treasury);
        return
            named >= theirs &&
            named + theirs == _slashed[i] &&
            operators.bondOf(address(this), token) == _bonded[i] - _slashed[i] &&
            operators.lockedOf(address(this), token, address(splitter)) == _locked[i];
    }

    /// @dev By base weights: after the window where nothing scores, or late.
    function _mayBeSettled(Book storage book) private view returns (bool due, bool late) {
        bool window = book.proposedAt != 0 && block.timestamp >= _windowEnd(book) && !book.scoring;
        uint256 from = book.proposedAt != 0 ? _windowEnd(book) : _later(book.closedAt, book.reopenedAt) + 500;
        late = block.timestamp >= from + 500;
        due = !book.settled && book.closedAt != 0 && book.disputes == 0 && (window || late);
    }

    function _windowEnd(Book storage book) private view returns (uint256) {
        return _later(book.proposedAt + 200, book.clearedAt + 50);
    }

    function _share(uint256 i, uint256 pot) private {
        _dust[i] = pot;
        for (uint256 c; c < 2; ++c) {
            uint256 share = (pot * (2 + c)) / 5;
            _earned[i][c] += share;
            _dust[i] -= share;
        }
    }

    /// @dev The stake of a proposal that stands no longer.
    function _release(uint256 i, Book storage book, bool slashed) private {
        _locked[i] -= book.stake;
        if (slashed) _slashed[i] += book.stake;
        book.stake = 0;
    }

    /// @dev What everybody earned, as a settlement takes it.
    function _previous(uint256 i) private view returns (uint256[] memory previous) {
        previous = new uint256[](splitter.claimsRoot(commitments[i]) == 0 ? 0 : 2);
        for (uint256 c; c < previous.length; ++c) previous[c] = _earned[i][c];
    }

    function _later(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    function _check(uint256 property, bool holds) private {
        if (!holds && broken == 0) broken = property;
    }

    /// @dev All that can have a balance: servers, holders, treasury, operator.
    function _accounts() private view returns (address[8] memory) {
        return
            [
                account(5000),
                account(5001),
                account(8000),
                account(8001),
                address(this),
                treasury,
                account(6000),
                account(9999)
            ];
    }

    /// @dev One of the last three epochs.
    function _recent(uint256 i, uint256 back) private view returns (uint256) {
        uint256 last = _epochs[i].length - 1;
        return last - (back % (last < 2 ? last + 1 : 3));
    }

    function _key(IInferenceEscrowTypes.Voucher memory voucher) private pure returns (bytes32) {
        return keccak256(abi.encode(voucher.customer, voucher.server, voucher.modelId, voucher.epochId));
    }

    function _sign(uint256 who, IInferenceEscrowTypes.Voucher memory voucher) private view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger InferenceEscrow"),
                keccak256("1"),
                block.chainid,
                address(escrow)
            )
        );
        bytes32 digest = keccak256(
            abi.encodePacked("\x19\x01", domain, keccak256(abi.encode(VOUCHER_TYPEHASH, voucher)))
        );
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(CUSTOMER_KEY + who, digest);
        return abi.encodePacked(r, s, v);
    }
}
