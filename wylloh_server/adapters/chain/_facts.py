"""From logs to typed facts. Signatures as in `contracts/*.sol`; a test compares them with the artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from wylloh_server.adapters.chain import _wire
from wylloh_server.adapters.chain._logs import Garbage, Log, address_of
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.onchain import (
    ChainEvent,
    FilmCreated,
    IncomeCredited,
    LadderChanged,
    ListingCancelled,
    Mark,
    OfferChanged,
    OfferClosed,
    PayoutMade,
    PriceStep,
    RecipientsChanged,
    Share,
    SplitterCreated,
    TokensListed,
    TokensMoved,
    TokensSold,
)
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, Timestamp, TokenReference, Wallet, wallet_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Place:
    """What a log does not say itself: its mark, and whose tokens the ids are."""

    mark: Mark
    chain_id: ChainId
    registry: Wallet

    def token(self, token_id: int) -> TokenReference:
        """Name a film's token."""
        return TokenReference(self.chain_id, self.registry, token_id)


Decode = Callable[[Log, Place], Iterator[ChainEvent]]
"""Gives the facts in a log. Raises Garbage, or InvalidValue, when it is not what its topic says."""

SPLIT_UPDATED = _wire.topic("SplitUpdated((address[],uint256[],uint256,uint16))")
ROLES_CHANGED = _wire.topic("RolesChanged(string[])")

_WHOLE = 10_000
_LADDER = ["(uint256,bytes,bytes[],uint32)[]"]
_OFFER = ["(address,address,uint64,uint64,uint256,(uint256,uint256)[])"]
_SPLIT = ["(address[],uint256[],uint256,uint16)"]


def _film_created(log: Log, place: Place) -> Iterator[ChainEvent]:
    _, _, supply, receiver, basis_points = log.decoded(["bytes", "bytes32", "uint256", "address", "uint96"])
    token, publisher = place.token(log.number(1)), log.address_at(2)
    yield FilmCreated(place.mark, token, publisher, supply, wallet_of(receiver), basis_points)


def _ladder_changed(log: Log, place: Place) -> Iterator[ChainEvent]:
    # Texts are decoded as bytes, which have the same encoding: a contract does not check that they are UTF-8.
    (rows,) = log.decoded(_LADDER)
    tiers = tuple(
        Tier(threshold, _text(right), tuple(map(_text, territories)), seats or None)
        for threshold, right, territories, seats in rows
    )
    yield LadderChanged(place.mark, place.token(log.number(1)), RightsLadder(tiers))


def _transfer_single(log: Log, place: Place) -> Iterator[ChainEvent]:
    token_id, amount = log.words(2)
    yield TokensMoved(place.mark, place.token(token_id), log.address_at(2), log.address_at(3), amount)


def _transfer_batch(log: Log, place: Place) -> Iterator[ChainEvent]:
    ids, amounts = log.decoded(["uint256[]", "uint256[]"])
    if len(ids) != len(amounts):
        raise Garbage("it moves more kinds of tokens than numbers of them")
    sender, receiver = log.address_at(2), log.address_at(3)
    for token_id, amount in zip(ids, amounts, strict=True):
        yield TokensMoved(place.mark, place.token(token_id), sender, receiver, amount)


def _offer_changed(log: Log, place: Place) -> Iterator[ChainEvent]:
    ((payee, coin, presale_from, sale_from, presale_price, steps),) = log.decoded(_OFFER)
    yield OfferChanged(
        mark=place.mark,
        token=place.token(log.number(1)),
        publisher=log.address_at(2),
        payee=wallet_of(payee),
        coin=wallet_of(coin),
        presale_from=Timestamp(presale_from),
        sale_from=Timestamp(sale_from),
        presale_price=presale_price,
        steps=tuple(PriceStep(quantity, price) for quantity, price in steps),
    )


def _offer_closed(log: Log, place: Place) -> Iterator[ChainEvent]:
    yield OfferClosed(place.mark, place.token(log.number(1)))


def _listed(log: Log, place: Place) -> Iterator[ChainEvent]:
    quantity, coin, price = log.words(3)
    token, listing, seller = place.token(log.number(2)), log.number(1), log.address_at(3)
    yield TokensListed(place.mark, token, listing, seller, quantity, address_of(coin), price)


def _listing_cancelled(log: Log, place: Place) -> Iterator[ChainEvent]:
    (quantity,) = log.words(1)
    token, listing = place.token(log.number(2)), log.number(1)
    yield ListingCancelled(place.mark, token, listing, log.address_at(3), quantity)


def _sold(log: Log, place: Place) -> Iterator[ChainEvent]:
    listing, quantity, coin, total, fee, receiver, royalty, presale = log.words(8)
    yield TokensSold(
        mark=place.mark,
        token=place.token(log.number(1)),
        buyer=log.address_at(2),
        seller=log.address_at(3),
        listing=listing,
        quantity=quantity,
        coin=address_of(coin),
        total=total,
        fee=fee,
        royalty_receiver=address_of(receiver),
        royalty=royalty,
        presale=bool(presale),
    )


def _splitter_created(log: Log, place: Place) -> Iterator[ChainEvent]:
    yield SplitterCreated(place.mark, log.address_at(1), log.address_at(2))


def _split_updated(log: Log, place: Place) -> Iterator[ChainEvent]:
    ((accounts, allocations, total, _),) = log.decoded(_SPLIT)
    if not accounts or len(accounts) != len(allocations) or sum(allocations) != total or not total:
        raise Garbage("its shares do not make a whole")
    points = _basis_points(allocations, total)
    shares = tuple(Share(wallet_of(account), part) for account, part in zip(accounts, points, strict=True))
    # The data is abi.encode(split), of which 0xSplits v2 keeps the hash (SplitV2Lib.getHash).
    yield RecipientsChanged(place.mark, log.address, shares, "0x" + keccak(log.data).hex())


def _credited(log: Log, place: Place) -> Iterator[ChainEvent]:
    (amount,) = log.words(1)
    yield IncomeCredited(place.mark, log.address, log.address_at(1), log.address_at(2), amount)


def _withdrawn(log: Log, place: Place) -> Iterator[ChainEvent]:
    (amount,) = log.words(1)
    yield PayoutMade(place.mark, log.address, log.address_at(1), log.address_at(2), amount)


REGISTRY: Mapping[str, Decode] = {
    _wire.topic("FilmCreated(uint256,address,string,bytes32,uint256,address,uint96)"): _film_created,
    _wire.topic("LadderChanged(uint256,(uint256,string,string[],uint32)[])"): _ladder_changed,
    _wire.topic("TransferSingle(address,address,address,uint256,uint256)"): _transfer_single,
    _wire.topic("TransferBatch(address,address,address,uint256[],uint256[])"): _transfer_batch,
}
STORE: Mapping[str, Decode] = {
    _wire.topic(
        "OfferChanged(uint256,address,(address,address,uint64,uint64,uint256,(uint256,uint256)[]))"
    ): _offer_changed,
    _wire.topic("OfferClosed(uint256)"): _offer_closed,
    _wire.topic("Listed(uint256,uint256,address,uint256,address,uint256)"): _listed,
    _wire.topic("ListingCancelled(uint256,uint256,address,uint256)"): _listing_cancelled,
    _wire.topic(
        "Sold(uint256,address,address,uint256,uint256,address,uint256,uint256,address,uint256,bool)"
    ): _sold,
}
FACTORY: Mapping[str, Decode] = {_wire.topic("SplitterCreated(address,address)"): _splitter_created}
SPLITTER: Mapping[str, Decode] = {
    SPLIT_UPDATED: _split_updated,
    _wire.topic("Credited(address,address,uint256)"): _credited,
    _wire.topic("Withdrawn(address,address,uint256)"): _withdrawn,
}
TOPICS = (*REGISTRY, *STORE, *FACTORY, *SPLITTER, ROLES_CHANGED)
"""First topics of every log that says something here."""


def with_roles(change: RecipientsChanged, log: Log) -> RecipientsChanged:
    """Add the roles that a RolesChanged log names for the shares before it. Raises Garbage."""
    (roles,) = log.decoded(["bytes[]"])
    if len(roles) != len(change.shares):
        raise Garbage("it names another number of roles than there are recipients")
    shares = (replace(share, role=_text(role)) for share, role in zip(change.shares, roles, strict=True))
    return replace(change, shares=tuple(shares))


def decoded(log: Log, place: Place, decoders: Mapping[str, Decode]) -> tuple[ChainEvent, ...]:
    """Read the facts in a log; none if its topic says nothing here.

    Raises:
        Garbage: it is not what its topic says.
    """
    decode = decoders.get(log.name)
    if decode is None:
        return ()
    try:
        return tuple(decode(log, place))
    except InvalidValue as error:
        raise Garbage(str(error)) from None


def _basis_points(allocations: list[int], total: int) -> list[int]:
    """Write parts of any whole as parts of 10,000: rounded down, the rest to the largest remainders."""
    points = [part * _WHOLE // total for part in allocations]
    by_remainder = sorted(range(len(points)), key=lambda at: (-(allocations[at] * _WHOLE % total), at))
    for at in by_remainder[: _WHOLE - sum(points)]:
        points[at] += 1
    return points


def _text(written: bytes) -> str:
    return written.decode("utf-8", "replace")
