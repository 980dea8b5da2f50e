// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice One who gets a part of the income.
/// @param basisPoints Part of 10,000; above 0.
/// @param role What for, in the owner's words, e.g. "director"; at most 64 bytes.
struct Recipient {
    address account;
    uint16 basisPoints;
    string role;
}

/// @notice The same shares in the shape of 0xSplits v2, for tools that read those.
/// @param totalAllocation Always 10,000 here.
/// @param distributionIncentive Always 0 here: who distributes gets nothing for it.
struct Split {
    address[] recipients;
    uint256[] allocations;
    uint256 totalAllocation;
    uint16 distributionIncentive;
}

/// @title Divides what it receives, the chain's own coin and any ERC-20, among recipients.
/// @notice Two steps. `distribute` divides what came in and sets it aside, to the last unit, under the shares
/// of that moment. `withdraw` pays one recipient what was set aside; one who cannot be paid keeps nobody else
/// waiting. Nobody, not even the owner, can touch what was set aside.
/// @dev For each coin: balance = set aside + pending. Coin 0 is the chain's own.
contract RoyaltySplitter is Ownable2Step, ReentrancyGuard {
    using SafeERC20 for IERC20;

    uint256 public constant MAX_RECIPIENTS = 50;

    /// @notice A change of recipients distributes every known coin first, so their number is bounded: even the
    /// largest change stays below the gas that one transaction may use (EIP-7825).
    uint256 public constant MAX_COINS = 8;

    uint256 private constant WHOLE = 10_000;
    uint256 private constant MAX_ROLE_BYTES = 64;
    address private constant NATIVE = address(0);

    /// @dev Several times what coins behind proxies need.
    uint256 private constant BALANCE_GAS = 200_000;

    Recipient[] private _recipients;
    address[] private _coins;
    mapping(address coin => bool) private _isKnown;
    mapping(address coin => uint256) private _setAside;
    mapping(address recipient => mapping(address coin => uint256)) private _owed;

    /// @notice The shares that hold for income from now on; also emitted at creation. As in 0xSplits v2.
    event SplitUpdated(Split split);
    /// @notice The roles of the recipients in the `SplitUpdated` just before, in its order.
    event RolesChanged(string[] roles);
    event Distributed(address indexed coin, uint256 amount);
    event Credited(address indexed recipient, address indexed coin, uint256 amount);
    event Withdrawn(address indexed recipient, address indexed coin, uint256 amount);

    error SharesNotWhole(uint256 sum);
    error NoRecipients();
    error TooManyRecipients(uint256 count);
    /// @notice No account (or this contract), no share, or too long a role.
    error BadRecipient(uint256 index);
    error DuplicateRecipient(address account);
    error TooManyCoins(uint256 count);
    /// @notice It does not say how much this contract holds, as an ERC-20 would.
    error BadCoin(address coin);
    error NothingOwed(address recipient, address coin);
    error TransferFailed(address recipient);

    /// @param owner May change the recipients. Renouncing ownership makes the shares final.
    /// @param coins_ ERC-20s that are expected; more become known later.
    constructor(address owner, Recipient[] memory recipients_, address[] memory coins_) Ownable(owner) {
        if (coins_.length > MAX_COINS) revert TooManyCoins(coins_.length);
        for (uint256 i = 0; i < coins_.length; ++i) {
            pending(coins_[i]);
            _remember(coins_[i]);
        }
        _setRecipients(recipients_);
    }

    receive() external payable {}

    /// @notice Change who gets how much of later income. What every known coin and the chain's own coin hold
    /// until now is distributed under the old shares first.
    /// @dev A coin that no longer answers is left out; it must not keep the shares from changing.
    function setRecipients(Recipient[] calldata recipients_) external nonReentrant onlyOwner {
        _distribute(NATIVE, _pending(NATIVE, address(this).balance));
        for (uint256 i = 0; i < _coins.length; ++i) {
            (bool answered, uint256 balance) = _balanceOf(_coins[i]);
            if (answered) _distribute(_coins[i], _pending(_coins[i], balance));
        }
        _setRecipients(recipients_);
    }

    /// @notice Divide what came in of a coin since the last time, and set it aside. Anybody may. When it is
    /// the owner or a recipient who does, the coin becomes known, as long as there is room for one more:
    /// strangers cannot fill the list with coins of their own making.
    /// @return amount What was divided; may be 0.
    function distribute(address coin) external nonReentrant returns (uint256 amount) {
        amount = pending(coin);
        if (amount == 0) return 0;
        if (_coins.length < MAX_COINS && _isInsider(msg.sender)) _remember(coin);
        _distribute(coin, amount);
    }

    /// @notice Let a coin be unknown again. Nothing is lost: it can still be distributed and withdrawn.
    function forget(address coin) external onlyOwner {
        if (!_isKnown[coin]) return;
        _isKnown[coin] = false;
        uint256 last = _coins.length - 1;
        for (uint256 i = 0; i < last; ++i) {
            if (_coins[i] == coin) _coins[i] = _coins[last];
        }
        _coins.pop();
    }

    /// @notice Pay a recipient what is set aside for it. Anybody may trigger it.
    function withdraw(address recipient, address coin) external nonReentrant returns (uint256 amount) {
        amount = _owed[recipient][coin];
        if (amount == 0) revert NothingOwed(recipient, coin);
        _owed[recipient][coin] = 0;
        _setAside[coin] -= amount;
        emit Withdrawn(recipient, coin, amount);
        bool paid = coin == NATIVE
            ? LowLevelCall.callNoReturn(recipient, amount, "")
            : IERC20(coin).trySafeTransfer(recipient, amount);
        if (!paid) revert TransferFailed(recipient);
    }

    function recipients() external view returns (Recipient[] memory) {
        return _recipients;
    }

    /// @notice The known ERC-20s; the chain's own coin is always known.
    function coins() external view returns (address[] memory) {
        return _coins;
    }

    /// @notice What is set aside for a recipient.
    function owed(address recipient, address coin) external view returns (uint256) {
        return _owed[recipient][coin];
    }

    /// @notice What came in and is not yet distributed.
    function pending(address coin) public view returns (uint256) {
        if (coin == NATIVE) return _pending(NATIVE, address(this).balance);
        (bool answered, uint256 balance) = _balanceOf(coin);
        if (!answered) revert BadCoin(coin);
        return _pending(coin, balance);
    }

    /// @notice The fingerprint of the newest `SplitUpdated`, as 0xSplits v2 has it.
    function splitHash() external view returns (bytes32) {
        return keccak256(abi.encode(_asSplit(_recipients)));
    }

    // --- dividing ---

    function _distribute(address coin, uint256 amount) private {
        if (amount == 0) return;
        _setAside[coin] += amount;
        uint256[] memory parts = _divide(amount);
        emit Distributed(coin, amount);
        for (uint256 i = 0; i < parts.length; ++i) {
            if (parts[i] == 0) continue;
            address account = _recipients[i].account;
            _owed[account][coin] += parts[i];
            emit Credited(account, coin, parts[i]);
        }
    }

    /// @dev Largest remainder (Hamilton): everybody gets the whole units of the own share; the units left over
    /// go one each to the largest remainders, to the earlier recipient when two are equal.
    function _divide(uint256 amount) private view returns (uint256[] memory parts) {
        uint256 count = _recipients.length;
        uint256[] memory remainders = new uint256[](count);
        uint256 left = amount;
        parts = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 share = _recipients[i].basisPoints;
            parts[i] = Math.mulDiv(amount, share, WHOLE);
            remainders[i] = mulmod(amount, share, WHOLE);
            left -= parts[i];
        }
        for (; left > 0; --left) {
            uint256 next = _largest(remainders);
            ++parts[next];
            remainders[next] = 0;
        }
    }

    function _largest(uint256[] memory values) private pure returns (uint256 index) {
        for (uint256 i = 1; i < values.length; ++i) {
            if (values[i] > values[index]) index = i;
        }
    }

    /// @dev A coin may shrink what it says we hold; then nothing is pending.
    function _pending(address coin, uint256 balance) private view returns (uint256) {
        return Math.saturatingSub(balance, _setAside[coin]);
    }

    /// @dev Survives a coin without code, one that reverts, burns its gas or answers with megabytes. Too little
    /// gas for the question never looks like a broken coin: what a caller has left after an unanswered question
    /// (1/64) does not suffice to store recipients.
    function _balanceOf(address coin) private view returns (bool answered, uint256 held) {
        bytes memory question = abi.encodeCall(IERC20.balanceOf, (address(this)));
        assembly ("memory-safe") {
            answered := staticcall(BALANCE_GAS, coin, add(question, 0x20), mload(question), 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            if answered { held := mload(0x00) }
        }
    }

    // --- recipients and coins ---

    function _setRecipients(Recipient[] memory wanted) private {
        _checkRecipients(wanted);
        delete _recipients;
        for (uint256 i = 0; i < wanted.length; ++i) {
            _recipients.push(wanted[i]);
        }
        emit SplitUpdated(_asSplit(wanted));
        emit RolesChanged(_rolesOf(wanted));
    }

    function _checkRecipients(Recipient[] memory wanted) private view {
        if (wanted.length == 0) revert NoRecipients();
        if (wanted.length > MAX_RECIPIENTS) revert TooManyRecipients(wanted.length);
        uint256 sum = 0;
        for (uint256 i = 0; i < wanted.length; ++i) {
            Recipient memory one = wanted[i];
            if (one.account == address(0) || one.account == address(this)) revert BadRecipient(i);
            if (one.basisPoints == 0 || bytes(one.role).length > MAX_ROLE_BYTES) revert BadRecipient(i);
            for (uint256 j = 0; j < i; ++j) {
                if (wanted[j].account == one.account) revert DuplicateRecipient(one.account);
            }
            sum += one.basisPoints;
        }
        if (sum != WHOLE) revert SharesNotWhole(sum);
    }

    function _asSplit(Recipient[] memory from) private pure returns (Split memory split) {
        split.recipients = new address[](from.length);
        split.allocations = new uint256[](from.length);
        split.totalAllocation = WHOLE;
        for (uint256 i = 0; i < from.length; ++i) {
            split.recipients[i] = from[i].account;
            split.allocations[i] = from[i].basisPoints;
        }
    }

    function _rolesOf(Recipient[] memory from) private pure returns (string[] memory roles) {
        roles = new string[](from.length);
        for (uint256 i = 0; i < from.length; ++i) {
            roles[i] = from[i].role;
        }
    }

    function _isInsider(address account) private view returns (bool) {
        if (account == owner()) return true;
        for (uint256 i = 0; i < _recipients.length; ++i) {
            if (_recipients[i].account == account) return true;
        }
        return false;
    }

    function _remember(address coin) private {
        if (coin == NATIVE || _isKnown[coin]) return;
        _isKnown[coin] = true;
        _coins.push(coin);
    }
}
