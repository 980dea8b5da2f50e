"""Every repository, on both databases: what went in comes out, and in the order the port promises."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import create_async_engine

from tests.storage.conftest import upgrade_to
from wylloh_server.storage import open_database
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.engine import engine_for
from wylloh_server.storage.tables import films
from wylloh_server.domain.chain_events import ZERO_ADDRESS
from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.access import DeviceKind, Reason, Receipt, Role, Session
from wylloh_server.domain.film import (
    Credit,
    Description,
    Film,
    FilmState,
    FolderOrigin,
    TokenOrigin,
    film_id_for,
)
from wylloh_server.domain.device_binding import LONGEST_BINDING, BindingRevocation, DeviceBinding
from wylloh_server.domain.license import Envelope, EnvelopeTerms, KeyFault
from wylloh_server.storage.holder_servers import HolderServer
from wylloh_server.domain.playback import Position
from wylloh_server.domain.player_preferences import PlayerPreferences, SubtitleSize, TrackChoice
from wylloh_server.domain.rights import RightsLadder, RightsStatus, Stack, Tier
from wylloh_server.domain.types import TokenReference

WALLET = "0x" + "aa" * 20
OTHER = "0x" + "bb" * 20
LARGEST = (1 << 256) - 1
ROOT = "bafybei" + "a" * 52
TOKEN = TokenReference(137, "0x" + "cc" * 20, LARGEST)
FULL = Film(
    film_id_for(str(TOKEN)),
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
PLAIN = Film(film_id_for("file:/films/a.mp4"), Description("a"), FolderOrigin("/films/a.mp4"))


async def test_a_film_of_an_older_database_is_there_without_knowledge_of_its_file(place):
    connections = Connections(engine_for(place, 10))
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, "0011")
        await connection.execute(
            text(
                "INSERT INTO films (id, path, description, state, progress, reason, shelf, title_key)"
                " VALUES ('f', '/films/a.mp4', :about, 'ready', 1, '', 'folder', 'a')"
            ),
            {"about": json.dumps(asdict(PLAIN.description))},
        )
    await connections.close()
    async with open_database(place) as database:
        film = await database.storage.films.get("f")
    assert film == replace(PLAIN, id="f", state=FilmState.READY, progress=1.0)


async def test_a_film_comes_back_whole(storage):
    file = FolderOrigin("/films/b.mp4", 1 << 40, 1_760_000_000_123_456_789, "5a" * 32)
    noted = replace(PLAIN, id="noted", origin=file, state=FilmState.AWAY, notes=("No sound.",))
    await storage.films.save(noted)
    assert await storage.films.get("noted") == noted
    await storage.films.remove("noted")
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


async def test_notes_on_tracks_belong_to_the_package_that_was_looked_into(storage):
    await storage.films.save(FULL)
    assert await storage.films.save_notes(FULL.id, FULL.origin.root, ["No sound."])
    assert await storage.films.get(FULL.id) == replace(FULL, notes=("No sound.",))
    assert not await storage.films.save_notes(FULL.id, "bafkreiother", ["Nothing."])
    assert (await storage.films.get(FULL.id)).notes == ("No sound.",)


async def test_films_come_by_title_whatever_the_case(storage):
    for title in ("beta", "Émile", "Alpha", "alpha 2", "Zulu"):
        await storage.films.save(replace(PLAIN, id=film_id_for(title), description=Description(title)))
    titles = [film.title for film in await storage.films.all()]
    assert titles == ["Alpha", "alpha 2", "beta", "Zulu", "Émile"]


async def test_roles(storage):
    accounts = storage.accounts
    assert await accounts.role(WALLET) is None
    await accounts.save(WALLET, Role.VIEWER)
    (first,) = await accounts.all()
    await accounts.save(WALLET, Role.PUBLISHER)
    assert await accounts.role(WALLET) is Role.PUBLISHER
    assert not await accounts.owned()
    (account,) = await accounts.all()
    assert (account.wallet, account.role) == (WALLET, Role.PUBLISHER)
    assert account.since == first.since == pytest.approx(time.time(), abs=600)


async def test_51_an_account_keeps_its_name_and_shares_it_with_nobody(storage):
    accounts = storage.accounts
    await accounts.save(WALLET, Role.VIEWER, "Ada")
    await accounts.save(OTHER, Role.VIEWER)
    assert await accounts.names() == {WALLET: "Ada"}
    await accounts.save(WALLET, Role.ADMIN)
    assert await accounts.names() == {WALLET: "Ada"}, "another role, and the same name"
    for refused in (accounts.rename(OTHER, "ADA"), accounts.save(OTHER, Role.ADMIN, "ada")):
        with pytest.raises(InvalidValue, match="Another account"):
            await refused
    assert await accounts.role(OTHER) is Role.VIEWER
    with pytest.raises(NotFound):
        await accounts.rename(f"0x{9:040x}", "Nobody")
    await accounts.rename(WALLET, "ada")
    await accounts.remove(WALLET)
    await accounts.rename(OTHER, "Ada")
    assert await accounts.names() == {OTHER: "Ada"}


async def test_a_claim_lifts_the_wallet_and_works_once(storage):
    await storage.accounts.save(WALLET, Role.VIEWER)
    assert await storage.accounts.claim(WALLET)
    assert await storage.accounts.owned()
    assert not await storage.accounts.claim(OTHER)
    assert not await storage.accounts.claim(WALLET)
    assert [(one.wallet, one.role) for one in await storage.accounts.all()] == [(WALLET, Role.OWNER)]


async def test_of_many_claims_at_once_one_wins(storage):
    wallets = [f"0x{number:040x}" for number in range(20)]
    won = await asyncio.gather(*(storage.accounts.claim(wallet) for wallet in wallets))
    assert won.count(True) == 1
    assert [(one.wallet, one.role) for one in await storage.accounts.all()] == [
        (wallets[won.index(True)], Role.OWNER)
    ]


async def test_sessions(storage):
    first = Session("hash1", "tv", WALLET, DeviceKind.TV, "Living room", 100.125, 200.5)
    second = replace(first, id="hash2", created=300.0, kind=DeviceKind.BROWSER, device="phone")
    stranger = replace(first, id="hash3", wallet=OTHER)
    assert not await storage.sessions.add(first), "nobody without an account is signed in"
    for wallet in (WALLET, OTHER):
        await storage.accounts.save(wallet, Role.VIEWER)
    for session in (first, second, stranger):
        assert await storage.sessions.add(session)
    assert await storage.sessions.of_wallet(WALLET) == (second, first)
    assert len(await storage.sessions.all()) == 3
    await storage.sessions.touch("hash1", 260.0, "192.168.1.4")
    await storage.sessions.record_signature("hash1", 261.0)
    seen = replace(first, last_seen=260.0, address="192.168.1.4", signed=261.0)
    assert await storage.sessions.get("hash1") == seen
    await storage.sessions.remove("tv")
    await storage.sessions.touch("hash1", 270.0, "")
    assert await storage.sessions.get("hash1") is None, "using an ended session does not bring it back"
    assert await storage.sessions.get("hash3") is None
    assert await storage.sessions.get("hash2") == second


async def test_a_session_is_added_only_while_its_voucher_is_there(storage):
    await storage.accounts.save(WALLET, Role.VIEWER)
    phone = Session("hash1", "phone", WALLET, DeviceKind.BROWSER, "Phone", 100.0, 100.0)
    tv = Session("hash2", "tv", WALLET, DeviceKind.TV, "TV", 100.0, 100.0, let_in_by="phone")
    assert not await storage.sessions.add(tv, phone.id)
    await storage.sessions.add(phone)
    assert await storage.sessions.add(tv, phone.id)
    assert await storage.sessions.let_in_by("phone") == (tv,)


async def test_cursors(storage):
    assert await storage.cursors.get("next block") is None
    await storage.cursors.put("next block", 1)
    await storage.cursors.put("next block", (1 << 63) - 1)
    assert await storage.cursors.get("next block") == (1 << 63) - 1


async def test_bindings(storage):
    older = DeviceBinding(
        WALLET, "ab" * 32, 137, "https://x.example", "n" * 8, 1_700_000_000, 1_700_000_900, "0xold"
    )
    newer = replace(older, issued_at=1_800_000_000, signature="0xnew")
    await storage.bindings.save(older)
    await storage.bindings.save(newer)
    await storage.bindings.save(replace(older, wallet=OTHER))
    assert await storage.bindings.get(WALLET) == newer
    assert await storage.bindings.get("0x" + "00" * 20) is None
    assert await storage.bindings.all() == (newer, replace(older, wallet=OTHER))
    await storage.bindings.remove(WALLET)
    assert await storage.bindings.all() == (replace(older, wallet=OTHER),)


async def test_of_many_servers_at_once_few_are_admitted(storage):
    servers = [
        HolderServer(TOKEN, WALLET, f"{number:064x}", "https://x.example", 100.5) for number in range(8)
    ]
    stood = await asyncio.gather(*(storage.holder_servers.admit(server, 3, 50.0) for server in servers))
    admitted = [server for server, others in zip(servers, stood, strict=True) if not others]
    assert len(admitted) == 3
    assert all(len(others) in {0, 3} for others in stood)
    assert set(await storage.holder_servers.of_wallet(WALLET)) == set(admitted)
    assert await storage.holder_servers.admit(replace(admitted[0], last=120.0), 3, 50.0) == ()
    assert (await storage.holder_servers.of_wallet(WALLET))[0] == replace(admitted[0], last=120.0)
    assert await storage.holder_servers.admit(replace(servers[0], wallet=OTHER), 3, 50.0) == ()
    await storage.holder_servers.remove_before(110.0)
    assert await storage.holder_servers.of_wallet(WALLET) == (replace(admitted[0], last=120.0),)


async def test_the_newest_revocation_of_a_server_counts(storage):
    binding = DeviceBinding(WALLET, "ab" * 32, 137, "https://x.example", "n" * 8, 1_000, 2_000)
    revocation = BindingRevocation(WALLET, "ab" * 32, 137, "https://x.example", "n" * 8, 1_500)
    assert not await storage.revocations.covers(binding)
    await storage.revocations.save(revocation)
    await storage.revocations.save(replace(revocation, issued_at=900))
    assert await storage.revocations.of_wallet(WALLET) == {"ab" * 32: 1_500}
    assert await storage.revocations.covers(replace(binding, issued_at=1_500))
    assert not await storage.revocations.covers(replace(binding, issued_at=1_501))
    assert not await storage.revocations.covers(replace(binding, device_key="cd" * 32))
    assert not await storage.revocations.covers(replace(binding, wallet=OTHER))
    await storage.revocations.save(replace(revocation, device_key="", issued_at=1_600))
    assert await storage.revocations.covers(replace(binding, device_key="cd" * 32, issued_at=1_600))
    await storage.revocations.remove_expired(1_500 + LONGEST_BINDING)
    assert await storage.revocations.of_wallet(WALLET) == {"": 1_600}


async def test_a_wallets_revocations_of_servers_that_it_made_up_are_bounded(storage):
    every = BindingRevocation(WALLET, "", 137, "https://x.example", "n" * 8, 1_000)
    await storage.revocations.save(every)
    for number in range(60):
        one = replace(every, device_key=f"{number:064x}", issued_at=1_500 + number)
        await storage.revocations.save(one)
        await storage.revocations.save(replace(one, wallet=OTHER, device_key="ab" * 32))
    kept = await storage.revocations.of_wallet(WALLET)
    assert kept == {"": 1_000} | {f"{number:064x}": 1_500 + number for number in range(10, 60)}
    assert await storage.revocations.of_wallet(OTHER) == {"ab" * 32: 1_559}
    await storage.revocations.save(replace(every, issued_at=1_550))
    left = {f"{number:064x}": 1_500 + number for number in range(51, 60)}
    assert await storage.revocations.of_wallet(WALLET) == {"": 1_550} | left
    assert await storage.revocations.of_wallet(OTHER) == {"ab" * 32: 1_559}, "another wallet's stay"


async def test_the_last_fault_of_a_custodian_with_a_film_is_kept_until_it_is_over(storage):
    first, other = KeyFault(TOKEN, "https://c.example", 1.5, "Wrong."), KeyFault(TOKEN, "", 9.0, "Ours.")
    for fault in (first, replace(first, at=2.5), other):
        await storage.key_faults.save(fault)
    assert await storage.key_faults.all() == (other, replace(first, at=2.5))
    await storage.key_faults.remove(TOKEN, "https://c.example")
    assert await storage.key_faults.all() == (other,)


async def test_an_older_database_asks_its_wallets_for_a_binding_again_and_keeps_the_rest(place):
    connections = Connections(engine_for(place, 10))
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, "0011")
        await connection.execute(
            text(
                "INSERT INTO bindings (wallet, device_key, chain_id, signed_at, signature)"
                " VALUES (:who, 'ab', 137, 1, '0x')"
            ),
            {"who": WALLET},
        )
        await connection.execute(
            text("INSERT INTO accounts (wallet, role) VALUES (:who, 'owner')"), {"who": WALLET}
        )
    await connections.close()
    async with open_database(place) as database:
        assert await database.storage.bindings.all() == ()
        assert await database.storage.accounts.role(WALLET) is Role.OWNER
        binding = DeviceBinding(WALLET, "ab" * 32, 137, "https://x.example", "n" * 8, 1_000, 2_000)
        await database.storage.bindings.save(binding)
        assert await database.storage.bindings.all() == (binding,)


def envelope(wallet, right, not_after):
    terms = EnvelopeTerms(ROOT, TOKEN, wallet, right, "DE", "ab" * 32, 100, not_after)
    return Envelope(terms, "5e" * 40, "cd" * 32, "ef" * 64)


async def test_envelopes(storage):
    mine, theirs = envelope(WALLET, "personal", 500), envelope(OTHER, "personal", 900)
    renewed = envelope(WALLET, "personal", 800)
    for each in (mine, theirs, envelope(WALLET, "theatrical", 600), renewed):
        await storage.envelopes.save(each, "https://c.example")
    assert await storage.envelopes.find(TOKEN, WALLET, "personal") == renewed
    assert await storage.envelopes.find(TOKEN, OTHER, "theatrical") is None
    assert await storage.envelopes.find(TOKEN, OTHER, "personal") == theirs
    assert await storage.envelopes.find(replace(TOKEN, token_id=1), OTHER, "personal") is None


async def test_12_2_an_envelope_is_void_while_its_wallet_was_last_seen_with_too_little(storage):
    ladder = RightsLadder((Tier(1, "personal"), Tier(5, "theatrical", ("DE",))))
    for each in (envelope(WALLET, "personal", 500), envelope(WALLET, "theatrical", 600)):
        await storage.envelopes.save(each, "https://c.example")
    await storage.envelopes.save(envelope(OTHER, "personal", 500), "https://d.example")
    for holding, rights in ((0, ()), (4, ("personal",)), (5, ("personal", "theatrical"))):
        await storage.envelopes.record_status(TOKEN, WALLET, RightsStatus(Stack(holding, ladder), 7))
        found = [await storage.envelopes.find(TOKEN, WALLET, right) for right in ("personal", "theatrical")]
        assert tuple(one.terms.right for one in found if one) == rights
        assert await storage.envelopes.find(TOKEN, OTHER, "personal")
    await storage.envelopes.record_status(TOKEN, WALLET, RightsStatus(Stack(0, ladder), 8))
    await storage.envelopes.save(envelope(WALLET, "personal", 900), "https://c.example")
    assert await storage.envelopes.find(TOKEN, WALLET, "personal"), "a custodian has seen it hold since"
    assert await storage.envelopes.custodians() == ("https://c.example", "https://d.example")


async def test_when_the_chain_was_asked_about_a_wallet_is_noted_now_and_then(storage):
    await storage.envelopes.save(envelope(WALLET, "personal", 500), "")
    assert await storage.envelopes.asked_at(TOKEN, WALLET, "personal") is None
    ladder = RightsLadder((Tier(1, "personal"),))
    for holding, block, noted in ((1, 1000, 1000), (1, 1299, 1000), (1, 1300, 1300), (0, 1301, 1301)):
        await storage.envelopes.record_status(TOKEN, WALLET, RightsStatus(Stack(holding, ladder), block))
        assert await storage.envelopes.asked_at(TOKEN, WALLET, "personal") == noted
    assert await storage.envelopes.custodians() == ()


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
    entries = await storage.receipts.page(10)
    assert [entry.receipt for entry in entries] == [later_same_moment, grant, refusal, stranger]
    assert [(entry.count, entry.last) for entry in entries] == [(1, 20.25), (1, 20.25), (1, 10.5), (1, 5.0)]
    assert [entry.receipt for entry in await storage.receipts.page(1, 1)] == [grant]
    assert [entry.receipt for entry in await storage.receipts.page(9, wallet=OTHER)] == [stranger]
    assert (await storage.receipts.count(), await storage.receipts.count(OTHER)) == (4, 1)


async def test_repeated_yeses_of_a_running_lease_share_a_row(storage):
    """Two hours of watching with a check each minute were 120 rows."""
    yes = Receipt(PLAIN.id, WALLET, "personal", True, Reason.OWN_FOLDER, "Yours.", 0.0)
    for minute in range(120):
        await storage.receipts.add(replace(yes, at=60.0 * minute, block=minute))
    await storage.receipts.add(replace(yes, at=86_400.0))  # watched again the next day
    assert [
        (entry.receipt.at, entry.receipt.block, entry.count, entry.last)
        for entry in await storage.receipts.page(9)
    ] == [
        (86_400.0, None, 1, 86_400.0),
        (0.0, 0, 120, 119 * 60.0),
    ]


async def test_every_change_of_mind_has_its_own_row(storage):
    yes = Receipt(PLAIN.id, WALLET, "personal", True, Reason.OWN_FOLDER, "Yours.", 0.0)
    no = replace(yes, allowed=False, reason=Reason.VOTED_DOWN, sentence="It is late.")
    for number, receipt in enumerate((yes, no, no, yes, replace(yes, balance=3), replace(yes, film=FULL.id))):
        await storage.receipts.add(replace(receipt, at=float(number)))
    assert [entry.count for entry in await storage.receipts.page(9)] == [1, 1, 1, 2, 1]


async def test_what_other_servers_ask_is_counted_by_film_wallet_and_day(storage):
    refused = Receipt(FULL.id, WALLET, "personal", False, Reason.TOO_FEW_TOKENS, "None.", 100.0)
    for at in (100.0, 200.0, 86_399.0, 86_400.0):
        await storage.receipts.count_by_day(replace(refused, at=at, right=f"right {at}"), 1_000)
    await storage.receipts.count_by_day(replace(refused, allowed=True, at=300.0), 1_000)
    entries = await storage.receipts.page(9)
    assert sorted((entry.receipt.allowed, entry.receipt.at, entry.count) for entry in entries) == [
        (False, 100.0, 3),
        (False, 86_400.0, 1),
        (True, 300.0, 1),
    ]
    await storage.receipts.remove_refused_before(86_400.0)
    assert {entry.receipt.at for entry in await storage.receipts.page(9)} == {300.0, 86_400.0}


async def test_wallets_that_anybody_makes_leave_a_bounded_number_of_rows(storage):
    refused = Receipt(FULL.id, WALLET, "personal", False, Reason.TOO_FEW_TOKENS, "None.", 100.0)
    for number in range(1, 31):
        await storage.receipts.count_by_day(replace(refused, wallet=f"0x{number:040x}"), 10)
    held = replace(refused, allowed=True, wallet=OTHER)
    await storage.receipts.count_by_day(held, 10)
    entries = await storage.receipts.page(50)
    assert len(entries) == 12
    assert {entry.receipt.wallet: entry.count for entry in entries}[ZERO_ADDRESS] == 20
    assert any(entry.receipt.allowed for entry in entries), "a holder is listed whatever strangers do"


async def test_accounts_that_came_by_themselves_are_bounded_and_go_when_unused(storage):
    wallets = [f"0x{number:040x}" for number in range(4)]
    assert [await storage.accounts.admit(one, 1_000.0, 3) for one in wallets] == [True, True, True, False]
    assert await storage.accounts.admit(wallets[3], 1_001.0 + 86_400, 3)
    await storage.accounts.save(WALLET, Role.VIEWER)
    await storage.accounts.save(wallets[0], Role.VIEWER)  # the owner let it in after all
    await storage.sessions.add(Session("h", "d", wallets[1], DeviceKind.BROWSER, "Phone", 1.0, 1.0))
    bound = DeviceBinding(wallets[2], "00" * 32, 1, "https://a.example", "nonce", 1, 60_000, "0x")
    await storage.bindings.save(bound)
    await storage.accounts.remove_unused(50_000.0, 50_000.0)
    left = {account.wallet for account in await storage.accounts.all()}
    assert left == {WALLET, *wallets}
    assert await storage.bindings.all() == (bound,), "the keys of its films are renewed by it"
    await storage.accounts.remove_unused(50_000.0, 60_000.0)
    left = {account.wallet for account in await storage.accounts.all()}
    assert left == {WALLET, wallets[0], wallets[1], wallets[3]}
    assert await storage.bindings.all() == ()


async def test_who_signs_in_again_and_again_leaves_a_bounded_number_of_sessions(storage):
    await storage.accounts.save(WALLET, Role.VIEWER)
    for number in range(60):
        session = Session(f"h{number}", f"d{number}", WALLET, DeviceKind.BROWSER, "Phone", number, number)
        assert await storage.sessions.add(session)
    left = await storage.sessions.of_wallet(WALLET)
    assert [session.device for session in left] == [f"d{number}" for number in range(59, 9, -1)]


async def test_receipts_older_than_a_moment_go(storage):
    old = Receipt(PLAIN.id, WALLET, "personal", False, Reason.VOTED_DOWN, "No.", 10.0)
    new = replace(old, at=2000.0)
    for receipt in (old, new):
        await storage.receipts.add(receipt)
    await storage.receipts.remove_before(2000.0)
    assert [entry.receipt for entry in await storage.receipts.page(9)] == [new]


async def test_positions(storage):
    early, late = Position(PLAIN.id, 1.5, 90.0, 100.0), Position(FULL.id, 2.0, 90.0, 200.0)
    moved = replace(early, at=60.0, updated=300.0)
    for position in (early, late, moved):
        await storage.positions.save(WALLET, position)
    await storage.positions.save(OTHER, early)
    assert await storage.positions.of_wallet(WALLET) == (moved, late)


async def test_envelopes_of_an_older_database_are_valid(place):
    connections, old = Connections(engine_for(place, 10)), envelope(WALLET, "personal", 500)
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, "0011")
        await connection.execute(
            text(
                'INSERT INTO envelopes (token, wallet, "right", not_after, envelope)'
                " VALUES (:token, :wallet, 'personal', 500, :envelope)"
            ),
            {"token": str(TOKEN), "wallet": WALLET, "envelope": json.dumps(old.as_json())},
        )
    await connections.close()
    async with open_database(place) as database:
        assert await database.storage.envelopes.find(TOKEN, WALLET, "personal") == old


async def test_what_a_wallet_chose_in_the_player_is_there_again(storage):
    chosen = PlayerPreferences(
        audio=TrackChoice("de", "Deutsch"),
        subtitles=TrackChoice("", "Track 3"),
        subtitles_off=True,
        volume=0.3,
        subtitle_size=SubtitleSize.HUGE,
    )
    await storage.preferences.save(WALLET, PlayerPreferences(muted=True))
    await storage.preferences.save(WALLET, chosen)
    assert await storage.preferences.of_wallet(WALLET) == chosen
    assert await storage.preferences.of_wallet(OTHER) == PlayerPreferences()
