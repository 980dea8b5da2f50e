"""What happens on chain reaches open pages: the films, and the wallets that took part."""

from __future__ import annotations

import asyncio

import pytest

from wylloh_server.domain.events import ChainAdvanced
from wylloh_server.domain.film import film_id_for
from wylloh_server.domain.chain_events import ZERO_ADDRESS, PayoutMade, TokensTransferred
from wylloh_server.domain.topics import film_topic
from wylloh_server.domain.types import BlockNumber, ChainId, TokenReference, Wallet, parse_wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.chain.chain_updates import ChainUpdates
from wylloh_server.sdk.testing.sample_chain import CONTRACTS, DOLLAR, SOMEWHERE, SampleChain

ANNA, BERT, CARL = (parse_wallet("0x" + digit * 40) for digit in "abc")
TOKEN = TokenReference(ChainId(1), CONTRACTS.registry, 7)
FILM = film_topic(film_id_for(str(TOKEN)))


def moved(sender, receiver, amount=1, token=TOKEN):
    return TokensTransferred(SOMEWHERE, token, sender, receiver, amount)


@pytest.fixture
def chain(storage):
    return SampleChain(storage, CONTRACTS)


@pytest.fixture
def live():
    return LiveUpdates()


@pytest.fixture
def bus():
    return EventBus()


@pytest.fixture
def news(storage, live, bus):
    return ChainUpdates(live=live, history=storage.history, cursors=storage.cursors, bus=bus)


async def heard(listener):
    news = await listener.next(0.01)
    return sorted(news.topics) if news else []


async def test_a_move_is_told_to_everybody_and_to_those_who_took_part(chain, live, news):
    await chain.happen([moved(ANNA, BERT)], None)
    with live.listening(ANNA) as anna, live.listening(BERT) as bert, live.listening(CARL) as carl:
        await news.publish()
        assert await heard(anna) == await heard(bert) == [FILM, "wallet"]
        assert await heard(carl) == [FILM]
        await news.publish()
        assert await heard(anna) == []


async def test_what_a_reorg_took_back_is_told_too(chain, live, news):
    await chain.happen([moved(ZERO_ADDRESS, ANNA)], None)
    await news.publish()
    await chain.take_back(1)
    with live.listening(ANNA) as anna:
        await news.publish()
        assert await heard(anna) == [FILM, "wallet"]


async def test_a_fact_about_no_film_reaches_the_wallet(chain, live, news):
    await chain.happen([PayoutMade(SOMEWHERE, CARL, ANNA, DOLLAR.address, 5)], None)
    with live.listening(ANNA) as anna, live.listening(BERT) as bert:
        await news.publish()
        assert await heard(anna) == ["wallet"]
        assert await heard(bert) == []


async def test_many_moves_are_told_in_few_words(chain, live, news):
    crowd = [Wallet(f"0x{number:040x}") for number in range(1, 400)]
    await chain.happen([moved(ZERO_ADDRESS, wallet) for wallet in crowd], None)
    await chain.happen([moved(ZERO_ADDRESS, wallet) for wallet in crowd], None)
    with live.listening(ANNA) as anna:
        before = live.mark
        await news.publish()
        assert await heard(anna) == [FILM, "wallet"]
        assert int(live.mark.split("-")[1]) - int(before.split("-")[1]) < 10


async def test_while_it_runs_it_tells_by_itself_and_after_a_restart_only_what_is_new(
    chain, live, news, bus, storage
):
    with live.listening(ANNA) as anna, live.listening(BERT) as bert:
        async with news.running():
            await chain.happen([moved(ZERO_ADDRESS, ANNA)], None)
            bus.publish(ChainAdvanced(BlockNumber(1)))
            assert (await anna.next(10)).topics == {FILM, "wallet"}
            async with asyncio.timeout(10):
                while not await storage.cursors.get("live"):
                    await asyncio.sleep(0.01)
        await heard(bert)
        again = ChainUpdates(live=live, history=storage.history, cursors=storage.cursors, bus=EventBus())
        other = TokenReference(ChainId(1), CONTRACTS.registry, 8)
        await chain.happen([moved(ZERO_ADDRESS, BERT, token=other)], None)
        async with again.running():
            news = await bert.next(10)
            assert FILM not in news.topics
            assert film_topic(film_id_for(str(other))) in news.topics
