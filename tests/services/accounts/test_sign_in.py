import asyncio
import re
from dataclasses import replace

import pytest
from eth_account.messages import encode_defunct

from tests.components.registry import ACCOUNTS, CHAIN_ID, open_pool
from wylloh_server.adapters.chain import RegistryChain
from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.errors import ChainUnavailable, SignInRefused
from wylloh_server.domain.events import SignedIn
from wylloh_server.domain.types import parse_wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.accounts.development_accounts import DevelopmentAccounts
from wylloh_server.services.accounts.owner_setup import OwnerSetup
from wylloh_server.services.accounts.one_time_codes import ALPHABET, matches, new_code, normal
from wylloh_server.services.accounts.session_service import SessionService, session_id
from wylloh_server.services.accounts.sign_in import SignIn

OWNER, GUEST = ACCOUNTS[0], ACCOUNTS[1]
ORIGINS = ("https://films.example", "http://192.168.1.5:8484")
DAY = 86_400


class Porch:
    """Sign-in over a real database and real signatures."""

    def __init__(self, storage, pool, clock, **options):
        self.storage, self.clock, self.shown, self.events = storage, clock, [], []
        bus = EventBus()
        bus.listeners.append(self.events.append)
        self.claim = OwnerSetup(storage.accounts, self.shown.append, clock.timer)
        self.session_service = SessionService(
            sessions=storage.sessions, accounts=storage.accounts, clock=clock
        )
        self.sign_in = SignIn(
            sessions=self.session_service,
            accounts=storage.accounts,
            chain=RegistryChain(pool),
            claim=self.claim,
            bus=bus,
            clock=clock,
            timer=clock.timer,
            chain_id=CHAIN_ID,
            origins=ORIGINS,
            **options,
        )

    def ask(self, account, pre_session="p", origin=""):
        """Begin to sign in; gives the wallet's signature over the message."""
        return sign(account, self.sign_in.challenge(pre_session, parse_wallet(account.address), origin))

    async def enter(self, account, code="", pre_session="p", address=""):
        return await self.sign_in.answer(
            pre_session, self.ask(account, pre_session), code, "Browser", address
        )


def sign(account, text):
    return "0x" + bytes(account.sign_message(encode_defunct(text=text)).signature).hex()


@pytest.fixture
async def pool(chain):
    async with open_pool(chain.url) as pool:
        yield pool


@pytest.fixture
def porch(storage, pool, clock):
    return Porch(storage, pool, clock)


@pytest.fixture
async def owned(porch):
    """The same, with an owner."""
    await porch.storage.accounts.claim(parse_wallet(OWNER.address))
    return porch


# The message ------------------------------------------------------------------------------------------------


def test_the_message_is_eip_4361_to_the_letter(porch, clock):
    clock.now = 1_760_000_000.75
    text = porch.sign_in.challenge("p", parse_wallet(GUEST.address))
    nonce = re.search(r"Nonce: ([0-9a-f]{24})\n", text)[1]
    assert text == (
        "films.example wants you to sign in with your Ethereum account:\n"
        f"{GUEST.address}\n"
        "\n"
        "Sign in to your film library. This moves no token and costs nothing.\n"
        "\n"
        "URI: https://films.example\n"
        "Version: 1\n"
        f"Chain ID: {CHAIN_ID}\n"
        f"Nonce: {nonce}\n"
        "Issued At: 2025-10-09T08:53:20Z\n"
        "Expiration Time: 2025-10-09T08:58:20Z"
    )


@pytest.mark.parametrize(
    ("origin", "domain", "uri"),
    [
        ("http://192.168.1.5:8484", "192.168.1.5:8484", "http://192.168.1.5:8484"),
        ("https://evil.example", "films.example", "https://films.example"),
        ("https://films.example.evil.example", "films.example", "https://films.example"),
        ("null", "films.example", "https://films.example"),
        ("", "films.example", "https://films.example"),
    ],
)
def test_the_origin_is_one_of_the_configured_or_else_the_first(porch, origin, domain, uri):
    lines = porch.sign_in.challenge("p", parse_wallet(GUEST.address), origin).splitlines()
    assert lines[0] == f"{domain} wants you to sign in with your Ethereum account:"
    assert f"URI: {uri}" in lines


def test_no_two_messages_are_alike(porch):
    texts = {porch.sign_in.challenge("p", parse_wallet(GUEST.address)) for _ in range(20)}
    assert len(texts) == 20


# The answer --------------------------------------------------------------------------------------------------


async def test_a_wallet_signs_in(owned):
    session = await owned.enter(OWNER)
    assert session.viewer.wallet == parse_wallet(OWNER.address)
    assert (session.viewer.role, session.viewer.kind) == (Role.OWNER, DeviceKind.BROWSER)
    assert session.viewer.session == session_id(session.secret) != session.secret
    assert await owned.sign_in.sessions.find(session.secret) == session.viewer
    assert owned.events == [SignedIn(session.viewer.wallet, Role.OWNER)]
    assert session.secret not in repr(session)


async def test_secrets_are_stored_as_hashes_only(owned, tmp_path):
    session = await owned.enter(OWNER)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert session.viewer.session.encode() in stored
    assert session.secret.encode() not in stored


async def test_a_nonce_counts_once(owned):
    signature = owned.ask(OWNER)
    await owned.sign_in.answer("p", signature)
    with pytest.raises(SignInRefused, match="took too long"):
        await owned.sign_in.answer("p", signature)


async def test_a_wrong_answer_consumes_the_nonce_too(owned):
    signature = owned.ask(OWNER)
    with pytest.raises(SignInRefused, match="does not belong to this wallet"):
        await owned.sign_in.answer("p", sign(GUEST, "something else"))
    with pytest.raises(SignInRefused, match="took too long"):
        await owned.sign_in.answer("p", signature)


async def test_two_answers_at_once_are_one(owned):
    signature = owned.ask(OWNER)
    answers = [owned.sign_in.answer("p", signature) for _ in range(3)]
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    assert sum(isinstance(outcome, SignInRefused) for outcome in outcomes) == 2


async def test_five_minutes_and_no_more(owned, clock):
    signature = owned.ask(OWNER)
    clock.now += 299
    assert await owned.sign_in.answer("p", signature)
    signature = owned.ask(OWNER)
    clock.now += 301
    with pytest.raises(SignInRefused, match="took too long"):
        await owned.sign_in.answer("p", signature)


async def test_12_6_a_clock_that_jumps_neither_ends_a_challenge_nor_keeps_it(owned, clock):
    signature = owned.ask(OWNER)
    clock.jump(7200)
    assert await owned.sign_in.answer("p", signature)
    signature = owned.ask(OWNER)
    clock.jump(-14_400)
    clock.now += 301
    with pytest.raises(SignInRefused, match="took too long"):
        await owned.sign_in.answer("p", signature)


async def test_an_answer_from_another_browser_is_none(owned):
    signature = owned.ask(OWNER, "mine")
    with pytest.raises(SignInRefused):
        await owned.sign_in.answer("theirs", signature)
    assert await owned.sign_in.answer("mine", signature)


async def test_a_second_challenge_replaces_the_first(owned):
    first = owned.ask(OWNER)
    owned.ask(OWNER)
    with pytest.raises(SignInRefused):
        await owned.sign_in.answer("p", first)


async def test_the_signature_of_another_wallet_is_refused(owned):
    text = owned.sign_in.challenge("p", parse_wallet(OWNER.address))
    with pytest.raises(SignInRefused, match="does not belong to this wallet"):
        await owned.sign_in.answer("p", sign(GUEST, text))


@pytest.mark.parametrize("signature", ["", "0x", "yes", "0x" + "00" * 65, "0x" + "ff" * 9_000, "\ud800"])
async def test_what_is_no_signature_is_refused(owned, signature):
    owned.ask(OWNER)
    with pytest.raises(SignInRefused):
        await owned.sign_in.answer("p", signature)


async def test_a_wallet_whose_signature_only_the_chain_could_tell_is_asked_to_come_again(storage, clock):
    await storage.accounts.claim(parse_wallet(OWNER.address))
    async with open_pool("http://127.0.0.1:9") as dead:
        porch = Porch(storage, dead, clock)
        assert await porch.enter(OWNER)
        text = porch.sign_in.challenge("p", parse_wallet(GUEST.address))
        with pytest.raises(ChainUnavailable):
            await porch.sign_in.answer("p", sign(OWNER, text))


async def test_challenges_do_not_pile_up_and_nobody_is_crowded_out(owned):
    """A stranger's own oldest goes, or the oldest of who has left most; not the one of somebody else."""
    first = owned.ask(OWNER, "first")
    for number in range(2_100):
        owned.sign_in.challenge(f"flood {number}", parse_wallet(GUEST.address), "", f"2a00:1:2:{number:x}::1")
    assert len(owned.sign_in._challenges.items()) == 2_000
    assert await owned.sign_in.answer("first", first)


# Who is admitted -----------------------------------------------------------------------------------------------


async def test_an_unknown_wallet_is_refused_by_name(owned):
    with pytest.raises(SignInRefused) as caught:
        await owned.enter(GUEST)
    address = parse_wallet(GUEST.address)
    assert str(caught.value) == f"This server does not know the wallet {address[:6]}…{address[-4:]}."
    assert caught.value.fix == "Ask its owner to add your wallet on the admin page."
    assert await owned.storage.accounts.role(address) is None


async def test_an_added_wallet_enters_with_its_role(owned):
    await owned.storage.accounts.save(parse_wallet(GUEST.address), Role.PUBLISHER)
    assert (await owned.enter(GUEST)).viewer.role is Role.PUBLISHER


async def test_where_anyone_is_welcome_a_stranger_becomes_a_viewer(storage, pool, clock):
    porch = Porch(storage, pool, clock, admit_anyone=True)
    await storage.accounts.claim(parse_wallet(OWNER.address))
    assert (await porch.enter(GUEST)).viewer.role is Role.VIEWER
    assert await storage.accounts.role(parse_wallet(GUEST.address)) is Role.VIEWER
    assert (await porch.enter(OWNER)).viewer.role is Role.OWNER


# The first claim -------------------------------------------------------------------------------------------------


async def test_the_first_run_is_claimed_with_the_code_from_the_terminal(porch):
    await porch.claim.begin()
    (code,) = porch.shown
    assert not await porch.sign_in.claim.done()
    session = await porch.enter(OWNER, f" {code[:4].lower()}-{code[4:]} ")
    assert session.viewer.role is Role.OWNER
    assert await porch.sign_in.claim.done()


async def test_nobody_enters_an_unclaimed_server_by_coming_first(storage, pool, clock):
    for open_to_anyone in (False, True):
        porch = Porch(storage, pool, clock, admit_anyone=open_to_anyone)
        await porch.claim.begin()
        with pytest.raises(SignInRefused, match="no owner yet") as caught:
            await porch.enter(GUEST)
        assert "terminal" in caught.value.fix
        with pytest.raises(SignInRefused, match="not the code in the terminal"):
            await porch.enter(GUEST, "WRONG234")
        assert await storage.accounts.all() == ()


async def test_without_a_code_shown_nothing_can_be_claimed(porch):
    """As long as `begin` has not run, the empty code must not fit."""
    for code in ("", " ", "-"):
        with pytest.raises(SignInRefused):
            await porch.enter(OWNER, code)


async def test_of_two_who_claim_at_once_one_owns(porch):
    await porch.claim.begin()
    (code,) = porch.shown
    both = [porch.enter(account, code, account.address) for account in (OWNER, GUEST)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(isinstance(outcome, SignInRefused) for outcome in outcomes) == [False, True]
    assert [account.role for account in await porch.storage.accounts.all()] == [Role.OWNER]


async def test_a_claimed_server_shows_no_code_and_takes_none(owned):
    await owned.claim.begin()
    assert owned.shown == []
    with pytest.raises(SignInRefused, match="does not know"):
        await owned.enter(GUEST, "")


async def test_ten_wrong_codes_end_the_tries_of_a_home_and_of_nobody_else(porch):
    """The code stays: a stranger must not be able to take it away from who reads it."""
    await porch.claim.begin()
    (code,) = porch.shown
    for _ in range(10):
        with pytest.raises(SignInRefused, match="not the code"):
            await porch.enter(GUEST, "WRONG234", address="2a00:1:2:3::4")
    with pytest.raises(SignInRefused, match="Too many wrong codes"):
        await porch.enter(GUEST, code, address="2a00:1:2:3::5")
    assert porch.shown == [code]
    assert (await porch.enter(OWNER, code, address="192.168.1.4")).viewer.role is Role.OWNER


async def test_a_thousand_wrong_codes_from_everywhere_make_a_new_one(storage, clock):
    shown = []
    claim = OwnerSetup(storage.accounts, shown.append, clock.timer)
    await claim.begin()
    for number in range(1_000):
        with pytest.raises(SignInRefused):
            await claim.take(
                parse_wallet(GUEST.address), "WRONG234", f"198.51.{number // 250}.{number % 250}"
            )
    assert len(set(shown)) == 2


async def test_answers_without_a_code_use_up_no_tries(porch):
    await porch.claim.begin()
    for _ in range(11):
        with pytest.raises(SignInRefused):
            await porch.enter(GUEST)
    assert len(porch.shown) == 1


async def test_who_cannot_sign_uses_up_no_tries(porch):
    await porch.claim.begin()
    for _ in range(11):
        porch.ask(OWNER)
        with pytest.raises(SignInRefused, match="does not belong"):
            await porch.sign_in.answer("p", sign(GUEST, "x"), "WRONG234")
    assert len(porch.shown) == 1


def test_codes_can_be_read_from_three_metres():
    codes = {new_code(8) for _ in range(200)}
    assert len(codes) == 200
    assert set("".join(codes)) <= set(ALPHABET)
    assert not set("0O1I") & set(ALPHABET)
    assert normal(" ab-2 3\n") == "AB23"
    assert matches("ab-23", "AB23")
    assert not matches("AB2", "AB23")
    assert not matches("", "AB23")
    assert not matches("ÄB23", "AB23")


# Sessions -----------------------------------------------------------------------------------------------------------


async def test_an_idle_session_ends_after_a_week(owned, clock):
    session = await owned.enter(OWNER)
    for _ in range(3):
        clock.now += 6 * DAY
        assert await owned.sign_in.sessions.find(session.secret)
    clock.now += 7 * DAY + 1
    assert await owned.sign_in.sessions.find(session.secret) is None
    assert await owned.storage.sessions.get(session.viewer.session) is None


async def test_a_tv_may_rest_for_half_a_year(owned, clock):
    tv = await owned.session_service.begin(parse_wallet(OWNER.address), DeviceKind.TV, "Living room")
    clock.now += 179 * DAY
    assert await owned.sign_in.sessions.find(tv.secret)
    clock.now += 181 * DAY
    assert await owned.sign_in.sessions.find(tv.secret) is None


@pytest.mark.parametrize(("kind", "days", "step"), [(DeviceKind.BROWSER, 30, 6), (DeviceKind.TV, 365, 170)])
async def test_no_session_lasts_for_ever_however_much_it_is_used(owned, clock, kind, days, step):
    session = await owned.session_service.begin(parse_wallet(OWNER.address), kind, "Mine")
    used = 0
    while used + step <= days:
        clock.now, used = clock.now + step * DAY, used + step
        assert await owned.session_service.find(session.secret)
    clock.now += (days - used) * DAY + 1
    assert await owned.session_service.find(session.secret) is None
    assert await owned.storage.sessions.all() == ()


async def test_lifetimes_are_settings(owned, storage, clock):
    lifetimes = {DeviceKind.BROWSER: DAY, DeviceKind.TV: 2 * DAY}
    service = SessionService(
        sessions=storage.sessions, accounts=storage.accounts, clock=clock, lifetimes=lifetimes
    )
    session = await service.begin(parse_wallet(OWNER.address), DeviceKind.BROWSER, "Mine")
    clock.now += DAY + 1
    assert await service.find(session.secret) is None


async def test_expired_sessions_are_deleted_though_nobody_asks_for_them(owned, clock):
    wallet = parse_wallet(OWNER.address)
    await owned.session_service.begin(wallet, DeviceKind.BROWSER, "Old")
    tv = await owned.session_service.begin(wallet, DeviceKind.TV, "TV")
    clock.now += 8 * DAY
    new = await owned.session_service.begin(wallet, DeviceKind.BROWSER, "New")
    await owned.session_service.remove_expired()
    stored = {session.device for session in await owned.storage.sessions.all()}
    assert stored == {tv.viewer.device, new.viewer.device}


async def test_where_a_session_is_used_is_noted(owned, clock):
    session = await owned.session_service.begin(
        parse_wallet(OWNER.address), DeviceKind.BROWSER, "Mine", address="10.0.0.1"
    )
    for waited, address, noted in ((10, "10.0.0.2", "10.0.0.1"), (301, "10.0.0.3", "10.0.0.3")):
        clock.now += waited
        await owned.session_service.find(session.secret, address)
        assert (await owned.storage.sessions.get(session.viewer.session)).address == noted


async def test_whoever_is_signed_out_by_any_road_is_known_to_be(owned, clock):
    """Playback asks this: it must not matter whether the session was ended by somebody, by age or by number."""
    service, storage, wallet = owned.session_service, owned.storage, parse_wallet(GUEST.address)

    async def begin():
        await storage.accounts.save(wallet, Role.VIEWER)
        session = await service.begin(wallet, DeviceKind.BROWSER, "Phone")
        assert await service.current(session.viewer) == session.viewer
        return session

    async def by_number():
        for _ in range(50):
            await service.begin(wallet, DeviceKind.BROWSER, "Phone")
            clock.now += 1

    async def by_age_unseen():
        clock.now += 8 * DAY

    async def by_age():
        clock.now += 8 * DAY
        await service.remove_expired()

    async def by_transfer():
        await storage.sessions.remove_of(wallet)

    async def by_account():
        await storage.accounts.remove(wallet)

    for road in (by_number, by_age_unseen, by_age, by_transfer, by_account):
        session = await begin()
        clock.now += 1
        await road()
        assert await service.current(session.viewer) is None, road.__name__

    session = await begin()
    await storage.accounts.save(wallet, Role.ADMIN)
    assert await service.current(session.viewer) == replace(session.viewer, role=Role.ADMIN)

    development = DevelopmentAccounts(service)
    session = await development.sign_in(Role.VIEWER)
    assert await service.current(session.viewer) == session.viewer
    await development.forget()
    assert await service.current(session.viewer) is None


# Confirming ---------------------------------------------------------------------------------------------------------


async def test_a_signature_is_fresh_for_five_minutes(owned, clock):
    viewer = (await owned.enter(OWNER)).viewer
    assert await owned.session_service.has_just_signed(viewer)
    clock.now += 301
    assert not await owned.session_service.has_just_signed(viewer)
    text = owned.sign_in.confirmation(viewer)
    assert "Confirm that it is you who changes this server." in text
    await owned.sign_in.confirm(viewer, sign(OWNER, text))
    assert await owned.session_service.has_just_signed(viewer)


async def test_only_the_wallet_of_the_session_confirms_and_only_its_own_message(owned, clock):
    viewer, other = (await owned.enter(OWNER)).viewer, (await owned.enter(OWNER)).viewer
    clock.now += 301
    text = owned.sign_in.confirmation(viewer)
    with pytest.raises(SignInRefused, match="does not belong"):
        await owned.sign_in.confirm(viewer, sign(GUEST, text))
    with pytest.raises(SignInRefused, match="took too long"):
        await owned.sign_in.confirm(viewer, sign(OWNER, text))
    signed = sign(OWNER, owned.sign_in.confirmation(viewer))
    with pytest.raises(SignInRefused):
        await owned.sign_in.confirm(other, signed)
    with pytest.raises(SignInRefused):
        await owned.sign_in.confirm(viewer, owned.ask(OWNER))
    assert not await owned.session_service.has_just_signed(viewer)


async def test_a_tv_has_never_signed(owned):
    phone = (await owned.enter(OWNER)).viewer
    tv = await owned.session_service.begin(phone.wallet, DeviceKind.TV, "TV", let_in_by=phone)
    assert not await owned.session_service.has_just_signed(tv.viewer)


async def test_a_tv_never_carries_the_owners_powers(owned):
    tv = await owned.session_service.begin(parse_wallet(OWNER.address), DeviceKind.TV, "Living room")
    assert tv.viewer.role is Role.VIEWER
    assert (await owned.sign_in.sessions.find(tv.secret)).role is Role.VIEWER
    assert not tv.viewer.role.includes(Role.ADMIN)


async def test_a_role_that_changes_changes_running_sessions(owned):
    await owned.storage.accounts.save(parse_wallet(GUEST.address), Role.ADMIN)
    session = await owned.enter(GUEST)
    await owned.storage.accounts.save(parse_wallet(GUEST.address), Role.VIEWER)
    assert (await owned.sign_in.sessions.find(session.secret)).role is Role.VIEWER


async def test_signing_out_ends_this_device_only(owned):
    one, other = await owned.enter(OWNER), await owned.enter(OWNER)
    await owned.storage.sessions.remove(one.viewer.device)
    assert await owned.sign_in.sessions.find(one.secret) is None
    assert await owned.sign_in.sessions.find(other.secret) == other.viewer


async def test_neither_a_guess_nor_a_stored_hash_is_a_session(owned):
    session = await owned.enter(OWNER)
    for secret in ("", "guess", session.viewer.session, session.secret[:-1]):
        assert await owned.sign_in.sessions.find(secret) is None


@pytest.mark.parametrize(
    ("role", "includes"),
    [
        (Role.OWNER, {Role.OWNER, Role.ADMIN, Role.PUBLISHER, Role.VIEWER}),
        (Role.ADMIN, {Role.ADMIN, Role.PUBLISHER, Role.VIEWER}),
        (Role.PUBLISHER, {Role.PUBLISHER, Role.VIEWER}),
        (Role.VIEWER, {Role.VIEWER}),
    ],
)
def test_each_role_includes_the_ones_after_it(role, includes):
    assert {other for other in Role if role.includes(other)} == includes
