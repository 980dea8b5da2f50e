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

/// @notice A recipient without a role.
struct Share {
    address account;
    uint16 basisPoints;
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
/// @notice Two steps. `distribute` divides what came in and sets it aside, to the last unit. `withdraw` pays one
/// recipient what was set aside; one who cannot be paid keeps nobody else waiting. Nobody, not even the owner, can
/// touch what was set aside.
/// New shares hold for a coin from the moment on at which nothing of it is undistributed. So income is never divided
/// under shares that were set after it came in, whichever coin it is and whether or not anybody had heard of it.
/// @dev For each coin: balance = set aside + pending. Coin 0 is the chain's own.
contract RoyaltySplitter is Ownable2Step, ReentrancyGuard {
    using SafeERC20 for IERC20;

    uint256 public constant MAX_RECIPIENTS = 50;

    /// @notice A change of recipients distributes every known coin, so their number is bounded: even the largest
    /// change stays below the gas that one transaction may use (EIP-7825).
    uint256 public constant MAX_COINS = 8;

    uint256 private constant WHOLE = 10_000;
    uint256 private constant MAX_ROLE_BYTES = 64;
    address private constant NATIVE = address(0);

    /// @dev Several times what coins behind proxies need.
    uint256 private constant BALANCE_GAS = 200_000;

    /// @dev All shares there ever were. The last are the newest, and of these `_roles` are the roles.
    Share[][] private _splits;
    string[] private _roles;

    /// @dev Under which of them what is pending of a coin is divided: the newest of the moment at which nothing was
    /// pending. For a coin that was never distributed, the first.
    mapping(address coin => uint256) private _splitOf;

    address[] private _coins;
    mapping(address coin => bool) private _isKnown;
    mapping(address coin => uint256) private _setAside;
    mapping(address recipient => mapping(address coin => uint256)) private _owed;

    /// @notice The newest shares; also emitted at creation. As in 0xSplits v2.
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
            _held(coins_[i]);
            _remember(coins_[i]);
        }
        _setRecipients(recipients_);
        _announce(recipients_);
    }

    receive() external payable {}

    /// @notice Change who gets how much of later income. What every known coin and the chain's own coin hold until
    /// now is distributed first, so that the new shares hold for them at once. Of any other coin the next
    /// `distribute` divides everything as before; the new shares hold after it.
    /// @dev A coin that no longer answers must not keep the shares from changing: it is like those others.
    function setRecipients(Recipient[] calldata recipients_) external nonReentrant onlyOwner {
        _setRecipients(recipients_);
        _distribute(NATIVE, address(this).balance);
        for (uint256 i = 0; i < _coins.length; ++i) {
            (bool answered, uint256 held) = _balanceOf(_coins[i]);
            if (answered) _distribute(_coins[i], held);
        }
        _announce(recipients_);
    }

    /// @notice Divide what came in of a coin since the last time, and set it aside. Anybody may, also when nothing
    /// came in: the newest shares hold for the coin afterwards. When it is the owner or a recipient who does, the
    /// coin becomes known, as long as there is room for one more: strangers cannot fill the list with coins of
    /// their own making.
    /// @return amount What was divided; may be 0.
    function distribute(address coin) external nonReentrant returns (uint256 amount) {
        uint256 held = _held(coin);
        if (_coins.length < MAX_COINS && _isInsider(msg.sender)) _remember(coin);
        return _distribute(coin, held);
    }

    /// @notice Let a coin be unknown again. Nothing is lost, and what is pending stays whose it is: it can still be
    /// distributed and withdrawn.
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
        bool paid =
            coin == NATIVE
                ? LowLevelCall.callNoReturn(recipient, amount, "")
                : IERC20(coin).trySafeTransfer(recipient, amount);
        if (!paid) revert TransferFailed(recipient);
    }

    /// @notice The newest shares.
    function recipients() external view returns (Recipient[] memory) {
        return _withRoles();
    }

    /// @notice The shares under which the next `distribute` of a coin divides.
    function sharesOf(address coin) external view returns (Share[] memory) {
        return _splits[_splitOf[coin]];
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
    function pending(address coin) external view returns (uint256) {
        return _pending(coin, _held(coin));
    }

    /// @notice The fingerprint of the newest `SplitUpdated`, as 0xSplits v2 has it.
    function splitHash() external view returns (bytes32) {
        return keccak256(abi.encode(_asSplit(_withRoles())));
    }

    // --- dividing ---

    /// @dev Of a coin that has shrunk something may come back that nobody has divided; it keeps its shares.
    function _distribute(address coin, uint256 held) private returns (uint256 amount) {
        amount = _pending(coin, held);
        if (amount > 0) _credit(coin, amount, _splits[_splitOf[coin]]);
        if (held == _setAside[coin]) _splitOf[coin] = _splits.length - 1;
    }

    function _credit(address coin, uint256 amount, Share[] storage among) private {
        _setAside[coin] += amount;
        uint256[] memory parts = _divide(amount, among);
        emit Distributed(coin, amount);
        for (uint256 i = 0; i < parts.length; ++i) {
            if (parts[i] == 0) continue;
            address account = among[i].account;
            _owed[account][coin] += parts[i];
            emit Credited(account, coin, parts[i]);
        }
    }

    /// @dev Largest remainder (Hamilton): everybody gets the whole units of the own share; the units left over
    /// go one each to the largest remainders, to the earlier recipient when two are equal.
    function _divide(uint256 amount, Share[] storage among) private view returns (uint256[] memory parts) {
        uint256 count = among.length;
        uint256[] memory remainders = new uint256[](count);
        uint256 left = amount;
        parts = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 share = among[i].basisPoints;
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

    function _held(address coin) private view returns (uint256) {
        if (coin == NATIVE) return address(this).balance;
        (bool answered, uint256 held) = _balanceOf(coin);
        if (!answered) revert BadCoin(coin);
        return held;
    }

    /// @dev Survives a coin without code, one that reverts, burns its gas or answers with megabytes. A question
    /// that fails because the caller gave too little gas looks the same; nothing is gained by that, because a coin
    /// that is not divided keeps its shares.
    function _balanceOf(address coin) private view returns (bool answered, uint256 held) {
        bytes memory question = abi.encodeCall(IERC20.balanceOf, (address(this)));
        assembly ("memory-safe") {
            answered := staticcall(BALANCE_GAS, coin, add(question, 0x20), mload(question), 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            if answered {
                held := mload(0x00)
            }
        }
    }

    // --- recipients and coins ---

    function _setRecipients(Recipient[] memory wanted) private {
        _checkRecipients(wanted);
        _roles = _rolesOf(wanted);
        Share[] storage newest = _splits.push();
        for (uint256 i = 0; i < wanted.length; ++i) {
            newest.push(Share(wanted[i].account, wanted[i].basisPoints));
        }
    }

    function _announce(Recipient[] memory wanted) private {
        emit SplitUpdated(_asSplit(wanted));
        emit RolesChanged(_rolesOf(wanted));
    }

    function _newest() private view returns (Share[] storage) {
        return _splits[_splits.length - 1];
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

    function _withRoles() private view returns (Recipient[] memory found) {
        Share[] storage newest = _newest();
        found = new Recipient[](newest.length);
        for (uint256 i = 0; i < found.length; ++i) {
            found[i] = Recipient(newest[i].account, newest[i].basisPoints, _roles[i]);
        }
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
        Share[] storage newest = _newest();
        for (uint256 i = 0; i < newest.length; ++i) {
            if (newest[i].account == account) return true;
        }
        return false;
    }

    function _remember(address coin) private {
        if (coin == NATIVE || _isKnown[coin]) return;
        _isKnown[coin] = true;
        _coins.push(coin);
    }
}
