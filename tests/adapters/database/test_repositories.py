"""Every repository, on both databases: what went in comes out, and in the order the port promises."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.ext.asyncio import create_async_engine

from wylloh_server.adapters.database._tables import films
from wylloh_server.domain.access import DeviceKind, Reason, Receipt, Role, Session
from wylloh_server.domain.film import (
    Credit,
    Description,
    Film,
    FilmState,
    FolderOrigin,
    TokenOrigin,
    film_id_of,
)
from wylloh_server.domain.license import DeviceBinding, Envelope, EnvelopeTerms
from wylloh_server.domain.playback import Position
from wylloh_server.domain.types import TokenReference

WALLET = "0x" + "aa" * 20
OTHER = "0x" + "bb" * 20
LARGEST = (1 << 256) - 1
ROOT = "bafybei" + "a" * 52
TOKEN = TokenReference(137, "0x" + "cc" * 20, LARGEST)
FULL = Film(
    film_id_of(str(TOKEN)),
    Description(
        title="Zwölf Uhr mittags — \U0001f3ac",
        synopsis='Says "noon"; drops nothing.',
        year=1952,
        runtime=5100.5,
        rating="PG",
        credits=(Credit("Director", "Fred Zinnemann"), Credit("Cast", "Grace Kelly")),
        languages=("en", "de"),
        subtitles=("fr",),
        height=1080,
        genres=("Western", "Drama"),
    ),
    TokenOrigin(TOKEN, "bafyroot", WALLET, "5a" * 32),
    FilmState.FAILED,
    0.25,
    "The disk is full.",
)
PLAIN = Film(film_id_of("file:/films/a.mp4"), Description("a"), FolderOrigin("/films/a.mp4"))


async def test_a_film_comes_back_whole(storage):
    await storage.films.save(FULL)
    await storage.films.save(PLAIN)
    assert await storage.films.get(FULL.id) == FULL
    assert await storage.films.get(PLAIN.id) == PLAIN
    assert await storage.films.by_token(TOKEN) == FULL
    assert await storage.films.by_token(replace(TOKEN, token_id=LARGEST - 1)) is None


async def test_a_film_stored_before_there_were_genres_has_none(database, place):
    await database.storage.films.save(PLAIN)
    old = {name: value for name, value in asdict(PLAIN.description).items() if name != "genres"}
    url = f"sqlite+aiosqlite:///{place}" if isinstance(place, Path) else place
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.execute(update(films).values(description=old))
    await engine.dispose()
    assert await database.storage.films.get(PLAIN.id) == PLAIN


async def test_saving_a_film_again_replaces_it(storage):
    await storage.films.save(FULL)
    ready = replace(FULL, state=FilmState.READY, progress=1.0, reason="")
    await storage.films.save(ready)
    assert await storage.films.all() == (ready,)
    await storage.films.remove(FULL.id)
    assert await storage.films.get(FULL.id) is None


async def test_films_come_by_title_whatever_the_case(storage):
    for title in ("beta", "Émile", "Alpha", "alpha 2", "Zulu"):
        await storage.films.save(replace(PLAIN, id=film_id_of(title), description=Description(title)))
    titles = [film.title for film in await storage.films.all()]
    assert titles == ["Alpha", "alpha 2", "beta", "Zulu", "Émile"]


async def test_roles(storage):
    accounts = storage.accounts
    assert await accounts.role(WALLET) is None
    await accounts.save(WALLET, Role.VIEWER)
    await accounts.save(WALLET, Role.PUBLISHER)
    assert await accounts.role(WALLET) is Role.PUBLISHER
    assert not await accounts.owned()
    assert await accounts.all() == ((WALLET, Role.PUBLISHER),)


async def test_a_claim_lifts_the_wallet_and_works_once(storage):
    await storage.accounts.save(WALLET, Role.VIEWER)
    assert await storage.accounts.claim(WALLET)
    assert await storage.accounts.owned()
    assert not await storage.accounts.claim(OTHER)
    assert not await storage.accounts.claim(WALLET)
    assert await storage.accounts.all() == ((WALLET, Role.OWNER),)


async def test_of_many_claims_at_once_one_wins(storage):
    wallets = [f"0x{number:040x}" for number in range(20)]
    won = await asyncio.gather(*(storage.accounts.claim(wallet) for wallet in wallets))
    assert won.count(True) == 1
    assert await storage.accounts.all() == ((wallets[won.index(True)], Role.OWNER),)


async def test_sessions(storage):
    first = Session("hash1", "tv", WALLET, DeviceKind.TV, "Living room", 100.125, 200.5)
    second = replace(first, id="hash2", created=300.0, kind=DeviceKind.BROWSER, device="phone")
    stranger = replace(first, id="hash3", wallet=OTHER)
    for session in (first, second, stranger):
        await storage.sessions.save(session)
    await storage.sessions.save(replace(first, last_seen=250.0))
    assert await storage.sessions.get("hash1") == replace(first, last_seen=250.0)
    assert await storage.sessions.of_wallet(WALLET) == (second, replace(first, last_seen=250.0))
    await storage.sessions.touch("hash1", 260.0)
    assert await storage.sessions.get("hash1") == replace(first, last_seen=260.0)
    await storage.sessions.remove("tv")
    await storage.sessions.touch("hash1", 270.0)
    assert await storage.sessions.get("hash1") is None, "using an ended session does not bring it back"
    assert await storage.sessions.get("hash3") is None
    assert await storage.sessions.get("hash2") == second


async def test_cursors(storage):
    assert await storage.cursors.get("next block") is None
    await storage.cursors.put("next block", 1)
    await storage.cursors.put("next block", (1 << 63) - 1)
    assert await storage.cursors.get("next block") == (1 << 63) - 1


async def test_bindings(storage):
    older = DeviceBinding(WALLET, "ab" * 32, 137, 1_700_000_000, "0xold")
    newer = replace(older, signed_at=1_800_000_000, signature="0xnew")
    await storage.bindings.save(older)
    await storage.bindings.save(newer)
    await storage.bindings.save(replace(older, wallet=OTHER))
    assert await storage.bindings.get(WALLET) == newer
    assert await storage.bindings.get("0x" + "00" * 20) is None
    assert await storage.bindings.all() == (newer, replace(older, wallet=OTHER))


def envelope(wallet, right, not_after):
    terms = EnvelopeTerms(ROOT, TOKEN, wallet, right, "DE", "ab" * 32, 100, not_after)
    return Envelope(terms, "5e" * 40, "cd" * 32, "ef" * 64)


async def test_envelopes(storage):
    mine, theirs = envelope(WALLET, "personal", 500), envelope(OTHER, "personal", 900)
    renewed = envelope(WALLET, "personal", 800)
    for each in (mine, theirs, envelope(WALLET, "theatrical", 600), renewed):
        await storage.envelopes.save(each)
    assert await storage.envelopes.find(TOKEN, WALLET, "personal") == renewed
    assert await storage.envelopes.find(TOKEN, OTHER, "theatrical") is None
    assert await storage.envelopes.any_for(TOKEN) == theirs
    assert await storage.envelopes.any_for(replace(TOKEN, token_id=1)) is None


async def test_receipts_are_kept_and_come_newest_first(storage):
    refusal = Receipt(FULL.id, WALLET, "personal", False, Reason.CHAIN_UNKNOWN, "Ask later.", 10.5)
    grant = Receipt(
        film=FULL.id,
        wallet=WALLET,
        right="personal",
        allowed=True,
        reason=Reason.HOLDS_ENOUGH,
        sentence="You hold it.",
        at=20.25,
        block=19_000_000,
        contract=str(TOKEN),
        balance=LARGEST,
        tier="personal",
        missing=LARGEST,
        plugins=("tagging", "store"),
    )
    later_same_moment = replace(grant, sentence="Again.")
    stranger = replace(refusal, wallet=OTHER, at=5.0)
    for receipt in (refusal, grant, later_same_moment, stranger):
        await storage.receipts.add(receipt)
    assert await storage.receipts.recent(10) == (later_same_moment, grant, refusal, stranger)
    assert await storage.receipts.recent(1) == (later_same_moment,)
    assert await storage.receipts.latest(FULL.id, WALLET) == later_same_moment
    assert await storage.receipts.latest(FULL.id, OTHER) == stranger
    assert await storage.receipts.latest(PLAIN.id, WALLET) is None


async def test_positions(storage):
    early, late = Position(PLAIN.id, 1.5, 90.0, 100.0), Position(FULL.id, 2.0, 90.0, 200.0)
    moved = replace(early, at=60.0, updated=300.0)
    for position in (early, late, moved):
        await storage.positions.save(WALLET, position)
    await storage.positions.save(OTHER, early)
    assert await storage.positions.of_wallet(WALLET) == (moved, late)
