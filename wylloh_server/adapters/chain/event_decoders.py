"""From the logs of the project's contracts to typed events. The contracts' own ABI says what a log holds."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from wylloh_server.adapters.chain.event_log import RAW, EventLog, LogLayout, MalformedLog
from wylloh_server.domain.chain_events import (
    ChainEvent,
    FilmCreated,
    IncomeCredited,
    LadderChanged,
    ListingCancelled,
    LogPosition,
    OfferChanged,
    OfferClosed,
    PackageChanged,
    PayoutMade,
    PriceStep,
    RecipientsChanged,
    Share,
    SplitterCreated,
    StoreFeeChanged,
    TokensListed,
    TokensSold,
    TokensTransferred,
)
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, Cid, Timestamp, TokenReference, Wallet, parse_wallet

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = logging.getLogger(__name__)

REGISTRY, STORE, FACTORY, SPLITTER = (
    "FilmRegistry",
    "FilmStore",
    "RoyaltySplitterFactory",
    "RoyaltySplitter",
)
"""The contracts whose logs are read, by the names of their artifacts."""

_WHOLE = 10_000
_CID = re.compile(r"b[a-z2-7]{20,120}")

Fields = Mapping[str, Any]
"""What a log holds, by the names of the event's parameters: numbers, bytes, lower-case addresses, tuples."""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """What a log does not say itself: where it stands, who wrote it, and whose tokens the ids are."""

    mark: LogPosition
    contract: Wallet
    chain_id: ChainId
    registry: Wallet

    def token(self, token_id: int) -> TokenReference:
        """Name a film's token."""
        return TokenReference(self.chain_id, self.registry, token_id)


Decode = Callable[[Fields, LogPlace], Iterator[ChainEvent]]
"""Gives the events in a log. Raises MalformedLog, or InvalidValue, when it is not what its topic says."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """How one contract's event is read, and which kinds of events come of it."""

    contract: str
    event: str
    kinds: tuple[type[ChainEvent], ...]
    decode: Decode

    @property
    def layout(self) -> LogLayout:
        """Return how the event's logs are laid out."""
        return LogLayout.of(self.contract, self.event)


_DECODERS: list[Decoder] = []


def _decodes(contract: str, event: str, *kinds: type[ChainEvent]) -> Callable[[Decode], Decode]:
    def register(decode: Decode) -> Decode:
        _DECODERS.append(Decoder(contract, event, kinds, decode))
        return decode

    return register


def _by_name(kind: Callable[..., ChainEvent], **parameters: str) -> Decode:
    """Return what decodes a log whose parameters are the fields of one kind.

    They have the fields' names in camel case, but for those named here. The film is `tokenId`, the splitter
    is who wrote the log.
    """
    names = [field.name for field in dataclass_fields(kind)]  # type: ignore[arg-type]  # a class
    plain = {name: parameters.get(name, _camel_case(name)) for name in names if name not in _FROM_PLACE}
    plain |= parameters

    def decode(found: Fields, place: LogPlace) -> Iterator[ChainEvent]:
        values: dict[str, Any] = {name: found[parameter] for name, parameter in plain.items()}
        if "token" in names:
            values["token"] = place.token(found["tokenId"])
        if "splitter" in names:
            values.setdefault("splitter", place.contract)
        yield kind(mark=place.mark, **values)

    return decode


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


_FROM_PLACE = {"mark", "token", "splitter"}

_BY_NAME: tuple[tuple[str, str, type[ChainEvent], dict[str, str]], ...] = (
    (STORE, "OfferClosed", OfferClosed, {}),
    (STORE, "Listed", TokensListed, {"listing": "listingId"}),
    (STORE, "ListingCancelled", ListingCancelled, {"listing": "listingId"}),
    (STORE, "Sold", TokensSold, {"listing": "listingId"}),
    (STORE, "FeeChanged", StoreFeeChanged, {}),
    (FACTORY, "SplitterCreated", SplitterCreated, {"splitter": "splitter"}),
    (SPLITTER, "Credited", IncomeCredited, {}),
    (SPLITTER, "Withdrawn", PayoutMade, {}),
)
for _contract, _event, _kind, _parameters in _BY_NAME:
    _decodes(_contract, _event, _kind)(_by_name(_kind, **_parameters))

_registered = _by_name(FilmCreated)


@_decodes(REGISTRY, "FilmCreated", FilmCreated, PackageChanged)
def _film_created(fields: Fields, place: LogPlace) -> Iterator[ChainEvent]:
    yield from _registered(fields, place)
    try:
        yield from _package_changed(fields, place)
    except MalformedLog as error:
        # The film exists all the same; its publisher can set the package again.
        _log.warning("the package of %s was passed over: %s", place.token(fields["tokenId"]), error)


@_decodes(REGISTRY, "PackageChanged", PackageChanged)
def _package_changed(fields: Fields, place: LogPlace) -> Iterator[ChainEvent]:
    cid = fields["packageCid"].decode("ascii", "replace")
    if not _CID.fullmatch(cid):
        raise MalformedLog(f"{quote_input(cid, 80)} is not a CIDv1 in base32")
    yield PackageChanged(place.mark, place.token(fields["tokenId"]), Cid(cid), fields["manifestSha256"].hex())


@_decodes(REGISTRY, "LadderChanged", LadderChanged)
def _ladder_changed(fields: Fields, place: LogPlace) -> Iterator[ChainEvent]:
    yield LadderChanged(place.mark, place.token(fields["tokenId"]), parse_ladder(fields["tiers"]))


@_decodes(REGISTRY, "TransferSingle", TokensTransferred)
def _transfer_single(fields: Fields, place: LogPlace) -> Iterator[ChainEvent]:
    token = place.token(fields["id"])
    yield TokensTransferred(place.mark, token, fields["from"], fields["to"], fields["value"])


@_decodes(REGISTRY, "TransferBatch", TokensTransferred)
def _transfer_batch(fields: Fields, place: LogPlace) -> Iterator[ChainEvent]:
    ids, amounts = fields["ids"], fields["values"]
    if len(ids) != len(amounts):
        raise MalformedLog("it moves more kinds of tokens than numbers of them")
    for token_id, amount in zip(ids, amounts, strict=True):
        token = place.token(token_id)
        yield TokensTransferred(place.mark, token, fields["from"], fields["to"], amount)


@_decodes(STORE, "OfferChanged", OfferChanged)
def _offer_changed(fields: Fields, place: LogPlace) -> Iterator[ChainEvent]:
    payee, coin, presale_from, sale_from, presale_price, steps = fields["offer"]
    yield OfferChanged(
        mark=place.mark,
        token=place.token(fields["tokenId"]),
        publisher=fields["publisher"],
        payee=parse_wallet(payee),
        coin=parse_wallet(coin),
        presale_from=Timestamp(presale_from),
        sale_from=Timestamp(sale_from),
        presale_price=presale_price,
        steps=tuple(PriceStep(quantity, price) for quantity, price in steps),
    )


@_decodes(SPLITTER, "SplitUpdated", RecipientsChanged)
def _split_updated(fields: Fields, place: LogPlace) -> Iterator[ChainEvent]:
    accounts, allocations, total, _ = fields["split"]
    if not accounts or len(accounts) != len(allocations) or sum(allocations) != total or not total:
        raise MalformedLog("its shares do not make a whole")
    points = _basis_points(allocations, total)
    shares = tuple(Share(parse_wallet(account), part) for account, part in zip(accounts, points, strict=True))
    # The data is abi.encode(split), of which 0xSplits v2 keeps the hash (SplitV2Lib.getHash).
    yield RecipientsChanged(place.mark, place.contract, shares, "0x" + keccak(fields[RAW]).hex())


@_decodes(SPLITTER, "RolesChanged", RecipientsChanged)
def _roles_changed(_: Fields, __: LogPlace) -> Iterator[ChainEvent]:
    """Decode nothing: `resolve_roles` adds them to the shares that the log before it announced."""
    yield from ()


@cache
def contract_decoders(contract: str) -> Mapping[str, Decoder]:
    """Return how the logs of a contract are read, by their first topic."""
    return {decoder.layout.topic: decoder for decoder in _DECODERS if decoder.contract == contract}


def event_topics(kinds: Collection[type[ChainEvent]] = ()) -> tuple[str, ...]:
    """Return the first topics of every log of which some kinds of events come; no kinds means all."""
    wanted = [one for one in _DECODERS if not kinds or not set(kinds).isdisjoint(one.kinds)]
    return tuple(dict.fromkeys(decoder.layout.topic for decoder in wanted))


def names_roles(decoder: Decoder) -> bool:
    """Whether a log names the roles of the recipients that the log before it announced."""
    return decoder.decode is _roles_changed


def resolve_roles(change: RecipientsChanged, log: EventLog, decoder: Decoder) -> RecipientsChanged:
    """Add the roles that a log names for the shares before it. Raises MalformedLog."""
    roles = decoder.layout.fields(log)["roles"]
    if len(roles) != len(change.shares):
        raise MalformedLog("it names another number of roles than there are recipients")
    shares = (replace(share, role=_text(role)) for share, role in zip(change.shares, roles, strict=True))
    return replace(change, shares=tuple(shares))


def decode_event(log: EventLog, place: LogPlace, decoder: Decoder) -> tuple[ChainEvent, ...]:
    """Read the events in a log.

    Raises:
        MalformedLog: it is not what its topic says.
    """
    try:
        return tuple(decoder.decode(decoder.layout.fields(log), place))
    except InvalidValue as error:
        raise MalformedLog(str(error)) from None


def parse_ladder(tiers: Iterable[tuple[int, bytes, tuple[bytes, ...], int]]) -> RightsLadder:
    """Read a ladder as the registry encodes it.

    Raises:
        InvalidValue: its thresholds do not rise.
    """
    return RightsLadder(
        tuple(
            Tier(threshold, _text(right), tuple(map(_text, territories)), seats or None)
            for threshold, right, territories, seats in tiers
        )
    )


def _basis_points(allocations: list[int], total: int) -> list[int]:
    """Write parts of any whole as parts of 10,000: rounded down, the rest to the largest remainders."""
    points = [part * _WHOLE // total for part in allocations]
    by_remainder = sorted(range(len(points)), key=lambda at: (-(allocations[at] * _WHOLE % total), at))
    for at in by_remainder[: _WHOLE - sum(points)]:
        points[at] += 1
    return points


def _text(written: bytes) -> str:
    return written.decode("utf-8", "replace")
