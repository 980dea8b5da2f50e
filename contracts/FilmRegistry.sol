// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
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

/// @title Films as ERC-1155 tokens whose rights grow with the number held.
/// @notice One token id is one film. A token is a right to watch; stacked tokens unlock the tiers of the
/// film's ladder. There is no burning, so the supply only grows, and never beyond `maxSupply`.
contract FilmRegistry is ERC1155Supply, ERC2981, AccessControl {
    /// @notice May create films, and mint and change the films it created. Revoking it freezes all three.
    bytes32 public constant PUBLISHER_ROLE = keccak256("PUBLISHER_ROLE");

    /// @notice Readers hold a whole ladder in memory, so its length is bounded.
    uint256 public constant MAX_TIERS = 32;

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

    /// @param admin Grants and revokes every role; a publisher too from the start.
    constructor(address admin) ERC1155("") {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
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

        _films[tokenId].publisher = msg.sender;
        _films[tokenId].maxSupply = maxSupply;
        _storePackage(tokenId, packageCid, manifestSha256);
        _setTokenRoyalty(tokenId, royaltyReceiver, royaltyBasisPoints);
        emit FilmCreated(
            tokenId, msg.sender, packageCid, manifestSha256, maxSupply, royaltyReceiver, royaltyBasisPoints
        );
        _storeLadder(tokenId, tiers);
    }

    /// @notice Mint tokens of a film, up to its maximum.
    function mint(address to, uint256 tokenId, uint256 amount) external onlyPublisherOf(tokenId) {
        uint256 available = _films[tokenId].maxSupply - totalSupply(tokenId);
        if (amount > available) revert SupplyExceeded(tokenId, amount, available);
        _mint(to, tokenId, amount, "");
    }

    /// @notice Replace a film's whole ladder.
    function setLadder(uint256 tokenId, Tier[] calldata tiers) external onlyPublisherOf(tokenId) {
        delete _ladders[tokenId];
        _storeLadder(tokenId, tiers);
    }

    /// @notice Point the film at a new version of its package.
    function setPackage(uint256 tokenId, string calldata packageCid, bytes32 manifestSha256)
        external
        onlyPublisherOf(tokenId)
    {
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

    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(ERC1155, ERC2981, AccessControl)
        returns (bool)
    {
        return super.supportsInterface(interfaceId);
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
        if (tiers.length == 0) revert EmptyLadder();
        if (tiers.length > MAX_TIERS) revert LadderTooLong(tiers.length);
        uint256 maxSupply = _films[tokenId].maxSupply;
        uint256 previous = 0;
        for (uint256 i = 0; i < tiers.length; ++i) {
            _checkTier(i, tiers[i], previous, maxSupply);
            previous = tiers[i].threshold;
            _appendTier(_ladders[tokenId], tiers[i]);
        }
        emit LadderChanged(tokenId, tiers);
    }

    function _checkTier(uint256 index, Tier calldata tier, uint256 previous, uint256 maxSupply) private pure {
        if (tier.threshold <= previous) revert ThresholdNotAscending(index, tier.threshold);
        if (tier.threshold > maxSupply) revert ThresholdAboveSupply(index, tier.threshold, maxSupply);
        if (bytes(tier.right).length == 0 || bytes(tier.right).length > 64) revert BadRight(index);
        for (uint256 i = 0; i < tier.territories.length; ++i) {
            if (!_isCountryCode(bytes(tier.territories[i]))) revert BadTerritory(index, tier.territories[i]);
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
