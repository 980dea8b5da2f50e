// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControlDefaultAdminRules} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ERC1155Supply} from "@openzeppelin/contracts/token/ERC1155/extensions/ERC1155Supply.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";

/// @notice One step of a film's rights ladder: who holds `threshold` tokens has `right`.
/// @param threshold Tokens of this film that must be stacked; above 0.
/// @param right The right's name, e.g. "personal" or "small-venue", 1 to 64 bytes; publishers may define their own.
/// @param territories ISO 3166-1 alpha-2 codes in capitals where the right holds; empty means everywhere.
/// @param seats Largest audience; 0 means no limit.
struct Tier {
    uint256 threshold;
    string right;
    string[] territories;
    uint32 seats;
}

/// @notice What the chain knows about a film apart from its ladder and its holders.
/// @param publisher The account that created the film and looks after it.
/// @param packageCid Root CID of the film package; `manifest.json` lies at its top.
/// @param manifestSha256 SHA-256 of that manifest's bytes.
/// @param maxSupply Tokens that can ever be minted.
struct Film {
    address publisher;
    string packageCid;
    bytes32 manifestSha256;
    uint256 maxSupply;
}

/// @notice What a registry promises that keeps ladders from changing against the holders. Registries made before
/// this promise do not answer to its ERC-165 id.
interface IHoldersLadder {
    /// @notice Replace a film's ladder. Whoever could do something under the old one, in some territory, before an
    /// audience of some size, with some number of tokens, can do it under the new one with no more tokens.
    function setLadder(uint256 tokenId, Tier[] calldata tiers) external;

    /// @notice The right that one token of any film gives, everywhere: "personal", to watch at home.
    function FIRST_RIGHT() external view returns (string memory);
}

/// @title Films as ERC-1155 tokens whose rights grow with the number held.
/// @notice One token id is one film. A token is a right to watch; stacked tokens unlock the tiers of the
/// film's ladder, which changes in the holders' favour only. There is no burning, so the supply only grows, and
/// never beyond `maxSupply`.
contract FilmRegistry is IHoldersLadder, ERC1155Supply, ERC2981, AccessControlDefaultAdminRules {
    /// @notice May create films, and mint and change the films it created. Revoking it freezes all three.
    bytes32 public constant PUBLISHER_ROLE = keccak256("PUBLISHER_ROLE");

    /// @notice Readers hold a whole ladder in memory, so its length is bounded.
    uint256 public constant MAX_TIERS = 32;

    /// @notice A film's part of each resale can never be above this: 25 %, in basis points.
    uint96 public constant MAX_ROYALTY = 2_500;

    /// @notice How long the admin's role is on its way to another account, which must accept it then.
    uint48 public constant ADMIN_DELAY = 3 days;

    string public constant FIRST_RIGHT = "personal";

    uint256 private constant EVERYWHERE = 1 << 255;

    mapping(uint256 tokenId => Film) private _films;
    mapping(uint256 tokenId => Tier[]) private _ladders;

    event FilmCreated(
        uint256 indexed tokenId,
        address indexed publisher,
        string packageCid,
        bytes32 manifestSha256,
        uint256 maxSupply,
        address royaltyReceiver,
        uint96 royaltyBasisPoints
    );
    /// @notice The whole new ladder; also emitted when a film is created.
    event LadderChanged(uint256 indexed tokenId, Tier[] tiers);
    event PackageChanged(uint256 indexed tokenId, string packageCid, bytes32 manifestSha256);

    /// @notice The upper 160 bits of a token id must be its publisher's address, so nobody can take
    /// the id that somebody else's manifest already names.
    error TokenIdNotYours(uint256 tokenId, address caller);
    error FilmExists(uint256 tokenId);
    error UnknownFilm(uint256 tokenId);
    error NotThePublisher(uint256 tokenId, address caller);
    error EmptyPackageCid();
    error EmptyManifestHash();
    error EmptySupply();
    error SupplyExceeded(uint256 tokenId, uint256 requested, uint256 available);
    error EmptyLadder();
    error LadderTooLong(uint256 length);
    error BadRight(uint256 tier);
    error ThresholdNotAscending(uint256 tier, uint256 threshold);
    error ThresholdAboveSupply(uint256 tier, uint256 threshold, uint256 maxSupply);
    error BadTerritory(uint256 tier, string territory);
    error RoyaltyAboveLimit(uint96 basisPoints, uint96 limit);
    /// @notice The first tier must be `FIRST_RIGHT` at 1 token, without territories or seats.
    error LadderMustStartWithWatching();
    /// @notice Holders would lose something that this tier of the present ladder gives them.
    error LadderTakesAway(uint256 tier);

    /// @param admin Lets publishers in and out; a publisher too from the start. Only one account has this role;
    /// it changes hands in two steps, `ADMIN_DELAY` apart.
    constructor(address admin) ERC1155("") AccessControlDefaultAdminRules(ADMIN_DELAY, admin) {
        _grantRole(PUBLISHER_ROLE, admin);
    }

    modifier onlyPublisherOf(uint256 tokenId) {
        _checkRole(PUBLISHER_ROLE);
        if (_existing(tokenId).publisher != msg.sender) revert NotThePublisher(tokenId, msg.sender);
        _;
    }

    /// @notice Create a film. The publisher chooses the token id beforehand, because the manifest inside
    /// the package names it: `uint160(publisher) << 96 | salt`.
    function createFilm(
        uint256 tokenId,
        string calldata packageCid,
        bytes32 manifestSha256,
        uint256 maxSupply,
        address royaltyReceiver,
        uint96 royaltyBasisPoints,
        Tier[] calldata tiers
    ) external onlyRole(PUBLISHER_ROLE) {
        if (address(uint160(tokenId >> 96)) != msg.sender) revert TokenIdNotYours(tokenId, msg.sender);
        if (_films[tokenId].publisher != address(0)) revert FilmExists(tokenId);
        if (maxSupply == 0) revert EmptySupply();
        if (royaltyBasisPoints > MAX_ROYALTY) revert RoyaltyAboveLimit(royaltyBasisPoints, MAX_ROYALTY);
        _checkLadder(tiers, maxSupply);

        _films[tokenId].publisher = msg.sender;
        _films[tokenId].maxSupply = maxSupply;
        _storePackage(tokenId, packageCid, manifestSha256);
        _setTokenRoyalty(tokenId, royaltyReceiver, royaltyBasisPoints);
        emit FilmCreated(
            tokenId,
            msg.sender,
            packageCid,
            manifestSha256,
            maxSupply,
            royaltyReceiver,
            royaltyBasisPoints
        );
        _storeLadder(tokenId, tiers);
    }

    /// @notice Mint tokens of a film, up to its maximum.
    function mint(address to, uint256 tokenId, uint256 amount) external onlyPublisherOf(tokenId) {
        uint256 available = _films[tokenId].maxSupply - totalSupply(tokenId);
        if (amount > available) revert SupplyExceeded(tokenId, amount, available);
        _mint(to, tokenId, amount, "");
    }

    /// @inheritdoc IHoldersLadder
    function setLadder(uint256 tokenId, Tier[] calldata tiers) external onlyPublisherOf(tokenId) {
        _checkLadder(tiers, _films[tokenId].maxSupply);
        _checkNothingIsTaken(_ladders[tokenId], tiers);
        delete _ladders[tokenId];
        _storeLadder(tokenId, tiers);
    }

    /// @notice Point the film at a new version of its package.
    function setPackage(
        uint256 tokenId,
        string calldata packageCid,
        bytes32 manifestSha256
    ) external onlyPublisherOf(tokenId) {
        _storePackage(tokenId, packageCid, manifestSha256);
        emit PackageChanged(tokenId, packageCid, manifestSha256);
    }

    /// @notice The film's ladder, thresholds ascending.
    function ladderOf(uint256 tokenId) external view returns (Tier[] memory) {
        _existing(tokenId);
        return _ladders[tokenId];
    }

    function filmOf(uint256 tokenId) external view returns (Film memory) {
        return _existing(tokenId);
    }

    /// @notice Where the film's manifest lies.
    function uri(uint256 tokenId) public view override returns (string memory) {
        return string.concat("ipfs://", _existing(tokenId).packageCid, "/manifest.json");
    }

    function supportsInterface(
        bytes4 interfaceId
    ) public view override(ERC1155, ERC2981, AccessControlDefaultAdminRules) returns (bool) {
        return interfaceId == type(IHoldersLadder).interfaceId || super.supportsInterface(interfaceId);
    }

    function _existing(uint256 tokenId) private view returns (Film storage film) {
        film = _films[tokenId];
        if (film.publisher == address(0)) revert UnknownFilm(tokenId);
    }

    function _storePackage(uint256 tokenId, string calldata packageCid, bytes32 manifestSha256) private {
        if (bytes(packageCid).length == 0) revert EmptyPackageCid();
        if (manifestSha256 == 0) revert EmptyManifestHash();
        _films[tokenId].packageCid = packageCid;
        _films[tokenId].manifestSha256 = manifestSha256;
    }

    function _storeLadder(uint256 tokenId, Tier[] calldata tiers) private {
        for (uint256 i = 0; i < tiers.length; ++i) {
            _appendTier(_ladders[tokenId], tiers[i]);
        }
        emit LadderChanged(tokenId, tiers);
    }

    function _checkLadder(Tier[] calldata tiers, uint256 maxSupply) private pure {
        if (tiers.length == 0) revert EmptyLadder();
        if (tiers.length > MAX_TIERS) revert LadderTooLong(tiers.length);
        uint256 previous = 0;
        for (uint256 i = 0; i < tiers.length; ++i) {
            _checkTier(i, tiers[i], previous, maxSupply);
            previous = tiers[i].threshold;
        }
        if (!_isWatching(tiers[0])) revert LadderMustStartWithWatching();
    }

    function _checkTier(uint256 index, Tier calldata tier, uint256 previous, uint256 maxSupply) private pure {
        if (tier.threshold <= previous) revert ThresholdNotAscending(index, tier.threshold);
        if (tier.threshold > maxSupply) revert ThresholdAboveSupply(index, tier.threshold, maxSupply);
        if (bytes(tier.right).length == 0 || bytes(tier.right).length > 64) revert BadRight(index);
        for (uint256 i = 0; i < tier.territories.length; ++i) {
            if (!_isCountryCode(bytes(tier.territories[i]))) revert BadTerritory(index, tier.territories[i]);
        }
    }

    function _isWatching(Tier calldata first) private pure returns (bool) {
        bool right = keccak256(bytes(first.right)) == keccak256(bytes(FIRST_RIGHT));
        return right && first.threshold == 1 && first.territories.length == 0 && first.seats == 0;
    }

    /// @dev Right for right and territory for territory: each tier of the present ladder must be covered by tiers
    /// of the new one that give the same right for no more tokens and to no smaller an audience. Territories may
    /// come from several; "everywhere" only from one that says so, because countries come and go.
    function _checkNothingIsTaken(Tier[] storage present, Tier[] calldata wanted) private view {
        bytes32[] memory rights = new bytes32[](wanted.length);
        uint256[3][] memory territories = new uint256[3][](wanted.length);
        for (uint256 i = 0; i < wanted.length; ++i) {
            rights[i] = keccak256(bytes(wanted[i].right));
            territories[i] = _bits(wanted[i].territories);
        }
        for (uint256 i = 0; i < present.length; ++i) {
            Tier memory given = present[i];
            if (!_isCovered(given, _bits(given.territories), wanted, rights, territories)) {
                revert LadderTakesAway(i);
            }
        }
    }

    function _isCovered(
        Tier memory given,
        uint256[3] memory missing,
        Tier[] calldata wanted,
        bytes32[] memory rights,
        uint256[3][] memory territories
    ) private pure returns (bool) {
        bytes32 right = keccak256(bytes(given.right));
        for (uint256 i = 0; i < wanted.length && wanted[i].threshold <= given.threshold; ++i) {
            if (rights[i] != right || !_isAsLarge(wanted[i].seats, given.seats)) continue;
            if (territories[i][2] & EVERYWHERE != 0) return true;
            for (uint256 word = 0; word < 3; ++word) missing[word] &= ~territories[i][word];
        }
        return missing[0] | missing[1] | missing[2] == 0;
    }

    /// @dev 0 seats are no limit.
    function _isAsLarge(uint32 seats, uint32 than) private pure returns (bool) {
        return seats == 0 || (than != 0 && seats >= than);
    }

    /// @dev Every two capitals have a bit, 26 × 26 in all, and "everywhere" has one of its own.
    function _bits(string[] memory territories) private pure returns (uint256[3] memory bits) {
        if (territories.length == 0) bits[2] = EVERYWHERE;
        for (uint256 i = 0; i < territories.length; ++i) {
            bytes memory code = bytes(territories[i]);
            uint256 number = uint256(uint8(code[0]) - 65) * 26 + uint8(code[1]) - 65;
            bits[number >> 8] |= 1 << (number & 255);
        }
    }

    /// @dev Member by member: the compiler cannot copy nested calldata arrays to storage at once.
    function _appendTier(Tier[] storage ladder, Tier calldata tier) private {
        Tier storage stored = ladder.push();
        stored.threshold = tier.threshold;
        stored.right = tier.right;
        stored.seats = tier.seats;
        for (uint256 i = 0; i < tier.territories.length; ++i) {
            stored.territories.push(tier.territories[i]);
        }
    }

    /// @dev The form of ISO 3166-1 alpha-2, two capitals; which of them are assigned is not the chain's business.
    function _isCountryCode(bytes calldata code) private pure returns (bool) {
        return code.length == 2 && code[0] >= "A" && code[0] <= "Z" && code[1] >= "A" && code[1] <= "Z";
    }
}
