"""Which wallets take part in an on-chain event."""

from __future__ import annotations

import inspect

import pytest

from wylloh_server.domain import chain_events
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
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
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import BlockNumber, ChainId, Cid, Timestamp, TokenReference, Wallet

ANN, BEN, OTHER, COIN = (Wallet("0x" + digit * 40) for digit in "abcd")
AT = LogPosition(BlockNumber(1), "0x" + "11" * 32, "0x" + "22" * 32, 0, Timestamp(1))
TOKEN = TokenReference(ChainId(1), OTHER, 7)

PARTIES = [
    (FilmCreated(AT, TOKEN, ANN, 100, OTHER, 500), {ANN}),
    (LadderChanged(AT, TOKEN, RightsLadder((Tier(1, "personal"),))), set()),
    (PackageChanged(AT, TOKEN, Cid("bafyroot"), "ab" * 32), set()),
    (TokensTransferred(AT, TOKEN, ANN, BEN, 1), {ANN, BEN}),
    (TokensTransferred(AT, TOKEN, ZERO_ADDRESS, BEN, 1), {BEN}),
    (TokensTransferred(AT, TOKEN, ANN, ZERO_ADDRESS, 1), {ANN}),
    (OfferChanged(AT, TOKEN, ANN, OTHER, COIN, AT.at, AT.at, 0, (PriceStep(1, 5),)), {ANN}),
    (OfferClosed(AT, TOKEN), set()),
    (TokensListed(AT, TOKEN, 1, ANN, 3, COIN, 5), {ANN}),
    (ListingCancelled(AT, TOKEN, 1, ANN, 3), {ANN}),
    (TokensSold(AT, TOKEN, ANN, BEN, 0, 2, COIN, 9, 1, OTHER, 2, presale=False), {ANN, BEN}),
    (StoreFeeChanged(AT, ANN, 250), set()),
    (SplitterCreated(AT, OTHER, ANN), {ANN}),
    (RecipientsChanged(AT, OTHER, (Share(ANN, 9_999), Share(BEN, 1))), {ANN, BEN}),
    (IncomeCredited(AT, OTHER, ANN, COIN, 5), {ANN}),
    (PayoutMade(AT, OTHER, ANN, COIN, 5), {ANN}),
]


@pytest.mark.parametrize(("event", "parties"), PARTIES, ids=lambda value: type(value).__name__)
def test_parties_are_the_wallets_that_took_part(event, parties):
    assert event.parties() == parties


def test_every_event_is_tested():
    classes = {item for _, item in inspect.getmembers(chain_events, inspect.isclass)}
    events = {item for item in classes if issubclass(item, ChainEvent) and item is not ChainEvent}
    assert {type(event) for event, _ in PARTIES} == events
