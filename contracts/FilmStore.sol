// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {FilmRegistry} from "./FilmRegistry.sol";

/// @notice From `quantity` tokens in one purchase on, each of them costs `unitPrice`.
/// @param unitPrice In the coin's smallest unit; above 0.
struct PriceStep {
    uint256 quantity;
    uint256 unitPrice;
}

/// @notice What a purchase costs, and who gets what of it.
/// @param listingId 0 on a first sale.
/// @param seller The publisher on a first sale.
/// @param payee Gets what `fee` and `royalty` leave of `total`.
/// @param feeBasisPoints The store's part; `fee` is what it comes to, rounded down. The royalty likewise.
/// @param royaltyReceiver Nobody on a first sale, or if the film asks for no royalty.
struct Sale {
    uint256 tokenId;
    uint256 listingId;
    uint256 quantity;
    address seller;
    address payee;
    address coin;
    uint256 total;
    uint16 feeBasisPoints;
    uint256 fee;
    address royaltyReceiver;
    uint256 royaltyBasisPoints;
    uint256 royalty;
    bool presale;
}

/// @notice What the buyer was shown. A purchase that would be another one fails.
/// @param coin What is paid in; no other coin is ever touched.
/// @param maxTotal The most that may be paid. A price that has fallen meanwhile is paid as it is.
/// @param deadline Unix time after which nothing is bought any more.
/// @param terms Who gets which part, see `TERMS_TYPEHASH`.
struct Agreement {
    address coin;
    uint256 maxTotal;
    uint256 deadline;
    bytes32 terms;
}

/// @notice The terms of a film's first sale.
/// @param payee Gets the money, less the store's fee; may be a splitter.
/// @param coin An ERC-20 that the store accepts.
/// @param presaleFrom Unix time from which `presalePrice` holds. Equal to `saleFrom`: no presale.
/// @param saleFrom Unix time from which `steps` hold.
/// @param presalePrice For one token; not looked at without a presale.
/// @param steps The first begins at 1 token; quantities rise.
struct Offer {
    address payee;
    address coin;
    uint64 presaleFrom;
    uint64 saleFrom;
    uint256 presalePrice;
    PriceStep[] steps;
}

/// @notice Tokens that a holder put up for resale.
/// @param quantity What is left; 0 once everything is sold or taken back.
/// @param maxFee The store's part of these can never be above this, in basis points.
/// @param minProceeds What must arrive at the seller for each token, else it is not sold.
struct Listing {
    address seller;
    uint256 tokenId;
    uint256 quantity;
    address coin;
    uint256 unitPrice;
    uint16 maxFee;
    uint256 minProceeds;
}

/// @notice An ERC-2612 signature by the buyer that lets the store take up to the purchase's `maxTotal`.
struct Permit {
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @title Sells film tokens: first sales for their publishers, resales for their holders.
/// @notice Tokens for sale lie here; money never does. The buyer's coins go to seller, fee receiver and
/// royalty receiver within the purchase, each to the last unit, or nothing happens at all. Buyers and sellers
/// are bound to what they were shown and to nothing else, whatever changes before their transaction's turn comes.
/// @dev Every way in or out of the token balance is counted, so that for each token id the balance equals
/// stock plus open listings. Coins are few and chosen by the owner; one that takes a part of what it moves
/// is refused when it shows it.
contract FilmStore is IERC1155Receiver, ERC165, Ownable2Step, ReentrancyGuard {
    using SafeERC20 for IERC20;

    /// @notice The store's fee can never be above this: 10 %, in basis points.
    uint16 public constant MAX_FEE = 1_000;

    /// @notice Readers hold a whole price list in memory, so its length is bounded.
    uint256 public constant MAX_STEPS = 16;

    /// @notice Of what a buyer agrees to: `terms` is the EIP-712 hash of this struct, with `listingId` 0 on a
    /// first sale. Whoever shows a purchase computes it from what is shown.
    bytes32 public constant TERMS_TYPEHASH = keccak256(
        "SaleTerms(uint256 chainId,address store,uint256 tokenId,uint256 listingId,address seller,address payee,address coin,uint256 feeBasisPoints,address royaltyReceiver,uint256 royaltyBasisPoints)"
    );

    uint256 private constant WHOLE = 10_000;

    FilmRegistry public immutable registry;

    address public feeReceiver;

    /// @notice The store's part of every sale in basis points, rounded down. The seller bears it, but never more
    /// than the offer or listing says.
    uint16 public feeBasisPoints;

    uint256 private _lastListing;
    mapping(address coin => bool) private _accepted;
    mapping(uint256 tokenId => Offer) private _offers;
    mapping(uint256 tokenId => uint16) private _offerFees;
    mapping(uint256 tokenId => uint256) private _stock;
    mapping(uint256 listingId => Listing) private _listings;

    event OfferChanged(uint256 indexed tokenId, address indexed publisher, Offer offer);
    event OfferClosed(uint256 indexed tokenId);
    event Stocked(uint256 indexed tokenId, uint256 amount);
    event StockWithdrawn(uint256 indexed tokenId, address to, uint256 amount);
    event Listed(
        uint256 indexed listingId,
        uint256 indexed tokenId,
        address indexed seller,
        uint256 quantity,
        address coin,
        uint256 unitPrice
    );
    event ListingCancelled(
        uint256 indexed listingId,
        uint256 indexed tokenId,
        address indexed seller,
        uint256 quantity
    );
    /// @notice `buyer` paid `total`; `seller` (the publisher on a first sale) or its payee got what `fee` and
    /// `royalty` left. `listingId`, `royaltyReceiver` and `royalty` are 0 on a first sale.
    event Sold(
        uint256 indexed tokenId,
        address indexed buyer,
        address indexed seller,
        uint256 listingId,
        uint256 quantity,
        address coin,
        uint256 total,
        uint256 fee,
        address royaltyReceiver,
        uint256 royalty,
        bool presale
    );
    event FeeChanged(address receiver, uint16 basisPoints);
    event CoinChanged(address indexed coin, bool accepted);

    error NotThePublisher(uint256 tokenId, address caller);
    error NotOnSale(uint256 tokenId);
    error NotYetOnSale(uint256 tokenId, uint64 from);
    error NotEnoughStock(uint256 tokenId, uint256 wanted, uint256 left);
    error PriceAboveLimit(uint256 total, uint256 limit);
    /// @notice Somebody else would get the money, or another part of it, or in another coin, than was agreed to.
    error TermsChanged(uint256 tokenId);
    /// @notice The time for which the buyer agreed is over.
    error Expired(uint256 deadline);
    /// @notice The store's part is above the most that the seller accepts.
    error FeeAboveLimit(uint16 basisPoints, uint16 limit);
    /// @notice Less would arrive at the seller, for so many tokens, than they ask for.
    error ProceedsBelowMinimum(uint256 proceeds, uint256 minimum);
    error CoinNotAccepted(address coin);
    error ZeroPrice();
    error ZeroQuantity();
    error StepsNotAscending();
    error TooManySteps(uint256 count);
    error BadSchedule();
    /// @notice Money for the zero address or for the store itself would be lost.
    error BadPayee(address payee);
    error UnknownListing(uint256 listingId);
    error NotTheSeller(uint256 listingId, address caller);
    error NotEnoughListed(uint256 listingId, uint256 wanted, uint256 left);
    error FeeTooHigh(uint16 basisPoints);
    /// @notice Fee and royalty together are more than the price.
    error RoyaltyTooHigh();
    /// @notice Tokens come in by `stock`, `list` or minting, and leave by being sold or taken back.
    error DirectTransfer();
    /// @notice Not an ERC-20, or one that moved another amount than it was asked to.
    error BadCoin(address coin);

    /// @param owner Sets fee and coins; has no power over tokens, offers or listings.
    constructor(FilmRegistry registry_, address owner, address feeReceiver_, uint16 feeBasisPoints_) Ownable(owner) {
        registry = registry_;
        _setFee(feeReceiver_, feeBasisPoints_);
    }

    modifier onlyPublisherOf(uint256 tokenId) {
        if (_publisherOf(tokenId) != msg.sender) revert NotThePublisher(tokenId, msg.sender);
        _;
    }

    // --- the owner ---

    /// @notice Holds from now on. A higher one leaves the offers and listings alone that are there already.
    function setFee(address receiver, uint16 basisPoints) external onlyOwner {
        _setFee(receiver, basisPoints);
    }

    /// @notice Accept a coin, or stop all sales in it. What is listed in it can still be taken back.
    function setCoin(address coin, bool accepted) external onlyOwner {
        if (accepted) _checkIsCoin(coin);
        _accepted[coin] = accepted;
        emit CoinChanged(coin, accepted);
    }

    function acceptsCoin(address coin) external view returns (bool) {
        return _accepted[coin];
    }

    // --- first sale ---

    /// @notice Put own tokens up for first sale. Needs `setApprovalForAll(store, true)` on the registry; newly
    /// minted tokens come in without it, by minting them to the store.
    function stock(uint256 tokenId, uint256 amount) external nonReentrant onlyPublisherOf(tokenId) {
        _addStock(tokenId, amount);
        registry.safeTransferFrom(msg.sender, address(this), tokenId, amount, "");
    }

    /// @notice Take unsold tokens back.
    function withdrawStock(uint256 tokenId, uint256 amount, address to) external nonReentrant onlyPublisherOf(tokenId) {
        if (to == address(this)) revert DirectTransfer();
        _removeStock(tokenId, amount);
        emit StockWithdrawn(tokenId, to, amount);
        registry.safeTransferFrom(address(this), to, tokenId, amount, "");
    }

    function stockOf(uint256 tokenId) external view returns (uint256) {
        return _stock[tokenId];
    }

    /// @notice Set or replace the terms of a film's first sale. Who has agreed to others does not buy on these.
    /// @param maxFee The store's part of these sales can never be above this, in basis points.
    function setOffer(uint256 tokenId, Offer calldata offer, uint16 maxFee) external onlyPublisherOf(tokenId) {
        _checkOffer(offer);
        _storeOffer(_offers[tokenId], offer);
        _offerFees[tokenId] = _agreedFee(maxFee);
        emit OfferChanged(tokenId, msg.sender, offer);
    }

    /// @notice End a film's first sale. What is in stock stays until it is withdrawn.
    function closeOffer(uint256 tokenId) external onlyPublisherOf(tokenId) {
        _existingOffer(tokenId);
        delete _offers[tokenId];
        emit OfferClosed(tokenId);
    }

    function offerOf(uint256 tokenId) external view returns (Offer memory) {
        return _existingOffer(tokenId);
    }

    /// @notice The store's part of a film's first sales is never above this, in basis points.
    function offerFee(uint256 tokenId) external view returns (uint16) {
        _existingOffer(tokenId);
        return _offerFees[tokenId];
    }

    /// @notice What `quantity` tokens cost in a first sale now, whether or not so many are in stock.
    function quote(uint256 tokenId, uint256 quantity) external view returns (Sale memory) {
        return _firstSale(tokenId, quantity);
    }

    /// @notice Buy from the publisher.
    function buy(uint256 tokenId, uint256 quantity, Agreement calldata agreed) external nonReentrant {
        _settle(_takeFromStock(tokenId, quantity, agreed));
    }

    /// @notice Buy from the publisher; `permit` allows the store to take up to `maxTotal` of the agreed coin.
    function buyWithPermit(
        uint256 tokenId,
        uint256 quantity,
        Agreement calldata agreed,
        Permit calldata permit
    ) external nonReentrant {
        Sale memory sale = _takeFromStock(tokenId, quantity, agreed);
        _usePermit(sale, agreed.maxTotal, permit);
        _settle(sale);
    }

    // --- resale ---

    /// @notice Put own tokens up for resale; the store keeps them until they are sold or taken back.
    /// Needs `setApprovalForAll(store, true)` on the registry.
    /// @param maxFee The most that the seller leaves to the store, in basis points; not below its fee now.
    /// @param minProceeds What must arrive at the seller for each token, after fee and royalty.
    function list(
        uint256 tokenId,
        uint256 quantity,
        address coin,
        uint256 unitPrice,
        uint16 maxFee,
        uint256 minProceeds
    ) external nonReentrant returns (uint256 listingId) {
        if (quantity == 0) revert ZeroQuantity();
        if (unitPrice == 0) revert ZeroPrice();
        listingId = ++_lastListing;
        _listings[listingId] = Listing({
            seller: msg.sender,
            tokenId: tokenId,
            quantity: quantity,
            coin: coin,
            unitPrice: unitPrice,
            maxFee: _agreedFee(maxFee),
            minProceeds: minProceeds
        });
        _resale(listingId, quantity);
        emit Listed(listingId, tokenId, msg.sender, quantity, coin, unitPrice);
        registry.safeTransferFrom(msg.sender, address(this), tokenId, quantity, "");
    }

    /// @notice Take back what is left of a listing.
    function cancel(uint256 listingId) external nonReentrant {
        Listing storage listed = _existingListing(listingId);
        (uint256 tokenId, uint256 quantity) = (listed.tokenId, listed.quantity);
        if (listed.seller != msg.sender) revert NotTheSeller(listingId, msg.sender);
        if (quantity == 0) revert NotEnoughListed(listingId, 1, 0);
        listed.quantity = 0;
        emit ListingCancelled(listingId, tokenId, msg.sender, quantity);
        registry.safeTransferFrom(address(this), msg.sender, tokenId, quantity, "");
    }

    function listing(uint256 listingId) external view returns (Listing memory) {
        return _existingListing(listingId);
    }

    /// @notice What `quantity` tokens of a listing cost now, whether or not so many are left.
    function quoteListed(uint256 listingId, uint256 quantity) external view returns (Sale memory) {
        return _resale(listingId, quantity);
    }

    /// @notice Buy from a holder.
    function buyListed(uint256 listingId, uint256 quantity, Agreement calldata agreed) external nonReentrant {
        _settle(_takeFromListing(listingId, quantity, agreed));
    }

    /// @notice Buy from a holder; `permit` allows the store to take up to `maxTotal` of the agreed coin.
    function buyListedWithPermit(
        uint256 listingId,
        uint256 quantity,
        Agreement calldata agreed,
        Permit calldata permit
    ) external nonReentrant {
        Sale memory sale = _takeFromListing(listingId, quantity, agreed);
        _usePermit(sale, agreed.maxTotal, permit);
        _settle(sale);
    }

    // --- receiving tokens ---

    /// @notice Tokens minted to the store are stock. Those the store fetches itself are counted where it does.
    function onERC1155Received(
        address operator,
        address from,
        uint256 tokenId,
        uint256 amount,
        bytes calldata
    ) external returns (bytes4) {
        if (msg.sender != address(registry)) revert DirectTransfer();
        if (from == address(0)) {
            _addStock(tokenId, amount);
        } else if (operator != address(this)) {
            revert DirectTransfer();
        }
        return this.onERC1155Received.selector;
    }

    /// @notice The registry mints one film at a time, and so does the store fetch.
    function onERC1155BatchReceived(
        address,
        address,
        uint256[] calldata,
        uint256[] calldata,
        bytes calldata
    ) external pure returns (bytes4) {
        revert DirectTransfer();
    }

    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IERC1155Receiver).interfaceId || super.supportsInterface(interfaceId);
    }

    // --- prices ---

    function _firstSale(uint256 tokenId, uint256 quantity) private view returns (Sale memory sale) {
        if (quantity == 0) revert ZeroQuantity();
        Offer storage offer = _existingOffer(tokenId);
        if (block.timestamp < offer.presaleFrom) revert NotYetOnSale(tokenId, offer.presaleFrom);
        sale.tokenId = tokenId;
        sale.quantity = quantity;
        sale.seller = _publisherOf(tokenId);
        sale.payee = offer.payee;
        sale.coin = offer.coin;
        sale.presale = block.timestamp < offer.saleFrom;
        _charge(sale, sale.presale ? offer.presalePrice : _stepPrice(offer.steps, quantity), _offerFees[tokenId]);
    }

    function _resale(uint256 listingId, uint256 quantity) private view returns (Sale memory sale) {
        if (quantity == 0) revert ZeroQuantity();
        Listing storage listed = _existingListing(listingId);
        sale.tokenId = listed.tokenId;
        sale.listingId = listingId;
        sale.quantity = quantity;
        sale.seller = listed.seller;
        sale.payee = listed.seller;
        sale.coin = listed.coin;
        _charge(sale, listed.unitPrice, listed.maxFee);
        _addRoyalty(sale);
        uint256 proceeds = sale.total - sale.fee - sale.royalty;
        uint256 minimum = Math.saturatingMul(listed.minProceeds, quantity);
        if (proceeds < minimum) revert ProceedsBelowMinimum(proceeds, minimum);
    }

    function _charge(Sale memory sale, uint256 unitPrice, uint16 maxFee) private view {
        if (!_accepted[sale.coin]) revert CoinNotAccepted(sale.coin);
        sale.total = unitPrice * sale.quantity;
        sale.feeBasisPoints = feeBasisPoints < maxFee ? feeBasisPoints : maxFee;
        sale.fee = Math.mulDiv(sale.total, sale.feeBasisPoints, WHOLE);
    }

    function _addRoyalty(Sale memory sale) private view {
        (address receiver, uint256 basisPoints) = registry.royaltyInfo(sale.tokenId, WHOLE);
        if (basisPoints == 0 || receiver == address(0) || receiver == address(this)) return;
        if (basisPoints > WHOLE - sale.feeBasisPoints) revert RoyaltyTooHigh();
        sale.royaltyReceiver = receiver;
        sale.royaltyBasisPoints = basisPoints;
        sale.royalty = Math.mulDiv(sale.total, basisPoints, WHOLE);
    }

    /// @dev The price of the last step that the quantity reaches.
    function _stepPrice(PriceStep[] storage steps, uint256 quantity) private view returns (uint256 unitPrice) {
        for (uint256 i = steps.length; i > 0; --i) {
            PriceStep storage step = steps[i - 1];
            if (step.quantity <= quantity) return step.unitPrice;
        }
    }

    // --- purchases ---

    function _takeFromStock(
        uint256 tokenId,
        uint256 quantity,
        Agreement calldata agreed
    ) private returns (Sale memory sale) {
        _checkDeadline(agreed);
        _existingOffer(tokenId);
        _removeStock(tokenId, quantity);
        sale = _firstSale(tokenId, quantity);
        _checkAgreed(sale, agreed);
    }

    function _takeFromListing(
        uint256 listingId,
        uint256 quantity,
        Agreement calldata agreed
    ) private returns (Sale memory sale) {
        _checkDeadline(agreed);
        Listing storage listed = _existingListing(listingId);
        uint256 left = listed.quantity;
        if (quantity > left) revert NotEnoughListed(listingId, quantity, left);
        listed.quantity = left - quantity;
        sale = _resale(listingId, quantity);
        _checkAgreed(sale, agreed);
    }

    function _checkDeadline(Agreement calldata agreed) private view {
        if (block.timestamp > agreed.deadline) revert Expired(agreed.deadline);
    }

    /// @dev The chain and the store are part of it: the same calldata is worth nothing elsewhere. So is what a
    /// listing is: after a reorganisation its number may be another one's.
    function _checkAgreed(Sale memory sale, Agreement calldata agreed) private view {
        bytes32 terms = keccak256(
            bytes.concat(
                abi.encode(TERMS_TYPEHASH, block.chainid, address(this), sale.tokenId, sale.listingId),
                abi.encode(sale.seller, sale.payee, sale.coin),
                abi.encode(sale.feeBasisPoints, sale.royaltyReceiver, sale.royaltyBasisPoints)
            )
        );
        if (sale.coin != agreed.coin || terms != agreed.terms) revert TermsChanged(sale.tokenId);
        if (sale.total > agreed.maxTotal) revert PriceAboveLimit(sale.total, agreed.maxTotal);
    }

    /// @dev Anybody can use a permit before its purchase does, so its failure matters only if the allowance is
    /// missing; then the coin's own reason says why (ERC-2612, security considerations).
    function _usePermit(Sale memory sale, uint256 maxTotal, Permit calldata permit) private {
        try
            IERC20Permit(sale.coin).permit(
                msg.sender,
                address(this),
                maxTotal,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            )
        {} catch (bytes memory reason) {
            uint256 allowed = IERC20(sale.coin).allowance(msg.sender, address(this));
            if (allowed < sale.total && reason.length > 0) LowLevelCall.bubbleRevert(reason);
        }
    }

    function _settle(Sale memory sale) private {
        _collect(sale);
        emit Sold(
            sale.tokenId,
            msg.sender,
            sale.seller,
            sale.listingId,
            sale.quantity,
            sale.coin,
            sale.total,
            sale.fee,
            sale.royaltyReceiver,
            sale.royalty,
            sale.presale
        );
        registry.safeTransferFrom(address(this), msg.sender, sale.tokenId, sale.quantity, "");
    }

    /// @dev Means are checked against the whole price first: the reason then names it, not one of its parts.
    function _collect(Sale memory sale) private {
        IERC20 coin = IERC20(sale.coin);
        uint256 balance = coin.balanceOf(msg.sender);
        uint256 allowed = coin.allowance(msg.sender, address(this));
        if (balance < sale.total) {
            revert IERC20Errors.ERC20InsufficientBalance(msg.sender, balance, sale.total);
        }
        if (allowed < sale.total) {
            revert IERC20Errors.ERC20InsufficientAllowance(address(this), allowed, sale.total);
        }
        uint256 spent =
            _pay(coin, feeReceiver, sale.fee) +
                _pay(coin, sale.royaltyReceiver, sale.royalty) +
                _pay(coin, sale.payee, sale.total - sale.fee - sale.royalty);
        if (coin.balanceOf(msg.sender) != balance - spent) revert BadCoin(sale.coin);
    }

    /// @return spent 0 when somebody pays themselves, as a publisher who buys the own film.
    function _pay(IERC20 coin, address to, uint256 amount) private returns (uint256 spent) {
        if (amount == 0) return 0;
        uint256 balance = coin.balanceOf(to);
        spent = to == msg.sender ? 0 : amount;
        coin.safeTransferFrom(msg.sender, to, amount);
        if (coin.balanceOf(to) != balance + spent) revert BadCoin(address(coin));
    }

    // --- what is kept ---

    function _addStock(uint256 tokenId, uint256 amount) private {
        if (amount == 0) revert ZeroQuantity();
        _stock[tokenId] += amount;
        emit Stocked(tokenId, amount);
    }

    function _removeStock(uint256 tokenId, uint256 amount) private {
        uint256 left = _stock[tokenId];
        if (amount == 0) revert ZeroQuantity();
        if (amount > left) revert NotEnoughStock(tokenId, amount, left);
        _stock[tokenId] = left - amount;
    }

    function _checkOffer(Offer calldata offer) private view {
        if (!_accepted[offer.coin]) revert CoinNotAccepted(offer.coin);
        _checkPayee(offer.payee);
        if (offer.presaleFrom > offer.saleFrom) revert BadSchedule();
        if (offer.presaleFrom < offer.saleFrom && offer.presalePrice == 0) revert ZeroPrice();
        if (offer.steps.length > MAX_STEPS) revert TooManySteps(offer.steps.length);
        if (offer.steps.length == 0 || offer.steps[0].quantity != 1) revert StepsNotAscending();
        for (uint256 i = 0; i < offer.steps.length; ++i) {
            if (i > 0 && offer.steps[i].quantity <= offer.steps[i - 1].quantity) revert StepsNotAscending();
            if (offer.steps[i].unitPrice == 0) revert ZeroPrice();
        }
    }

    /// @dev Member by member: the compiler cannot copy an array of structs from calldata to storage at once.
    function _storeOffer(Offer storage stored, Offer calldata offer) private {
        stored.payee = offer.payee;
        stored.coin = offer.coin;
        stored.presaleFrom = offer.presaleFrom;
        stored.saleFrom = offer.saleFrom;
        stored.presalePrice = offer.presalePrice;
        delete stored.steps;
        for (uint256 i = 0; i < offer.steps.length; ++i) {
            stored.steps.push(offer.steps[i]);
        }
    }

    function _setFee(address receiver, uint16 basisPoints) private {
        if (basisPoints > MAX_FEE) revert FeeTooHigh(basisPoints);
        _checkPayee(receiver);
        feeReceiver = receiver;
        feeBasisPoints = basisPoints;
        emit FeeChanged(receiver, basisPoints);
    }

    /// @dev Who sells accepts at least the fee of now: a fee that has risen on the way is refused, one that falls
    /// later is taken as it is.
    function _agreedFee(uint16 maxFee) private view returns (uint16) {
        if (maxFee < feeBasisPoints) revert FeeAboveLimit(feeBasisPoints, maxFee);
        return maxFee;
    }

    function _checkPayee(address payee) private view {
        if (payee == address(0) || payee == address(this)) revert BadPayee(payee);
    }

    function _checkIsCoin(address coin) private view {
        if (coin.code.length == 0) revert BadCoin(coin);
        bytes memory question = abi.encodeCall(IERC20.balanceOf, (address(this)));
        bool answers = LowLevelCall.staticcallNoReturn(coin, question);
        if (!answers || LowLevelCall.returnDataSize() != 32) revert BadCoin(coin);
    }

    function _existingOffer(uint256 tokenId) private view returns (Offer storage offer) {
        offer = _offers[tokenId];
        if (offer.payee == address(0)) revert NotOnSale(tokenId);
    }

    function _existingListing(uint256 listingId) private view returns (Listing storage listed) {
        listed = _listings[listingId];
        if (listed.seller == address(0)) revert UnknownListing(listingId);
    }

    function _publisherOf(uint256 tokenId) private view returns (address) {
        return registry.filmOf(tokenId).publisher;
    }
}
