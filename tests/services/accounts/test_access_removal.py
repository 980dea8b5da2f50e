"""Who is removed or revoked leaves nothing behind that lets anybody in, whatever was under way."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound, SignInRefused
from wylloh_server.domain.license import DeviceBinding
from wylloh_server.domain.playback import Position
from wylloh_server.domain.player_preferences import PlayerPreferences
from wylloh_server.domain.types import ChainId, DeviceId, FilmId, Seconds, Timestamp, parse_wallet
from wylloh_server.services.accounts.access_removal import AccessRemoval
from wylloh_server.services.accounts.device_pairing import DevicePairing
from wylloh_server.services.accounts.session_service import SessionService
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.live_updates import LiveUpdates

OWNER, GUEST = (parse_wallet("0x" + digit * 40) for digit in "ab")
BINDING = DeviceBinding(GUEST, "00" * 32, ChainId(1), "https://home.example", "nonce", 1, 2, "0x")
LOUD = PlayerPreferences(volume=0.9)


@dataclass
class Home:
    """A server's accounts, with the guest's phone signed in."""

    storage: object
    service: SessionService
    pairing: DevicePairing
    live: LiveUpdates
    bus: EventBus = field(default_factory=EventBus)
    ended: list = field(default_factory=list)
    dropped: list = field(default_factory=list)

    def __post_init__(self):
        async def end_playback(device):
            self.ended.append(device)

        async def drop_titles(wallet):
            self.dropped.append(wallet)

        self.removal = AccessRemoval(
            accounts=self.storage.accounts,
            sessions=self.storage.sessions,
            personal_data=self.storage.personal_data,
            pairing=self.pairing,
            live=self.live,
            bus=self.bus,
            end_playback=end_playback,
            drop_titles=drop_titles,
        )

    async def sign_in(self, wallet=GUEST, name="Phone"):
        return await self.service.begin(wallet, DeviceKind.BROWSER, name)

    async def pair(self, by):
        offer = self.pairing.offer()
        self.pairing.approve(by, offer.code, "TV")
        return await self.pairing.collect(offer.secret)


@pytest.fixture
async def home(storage, clock):
    service, live = (
        SessionService(sessions=storage.sessions, accounts=storage.accounts, clock=clock),
        LiveUpdates(),
    )
    pairing = DevicePairing(sessions=service, bus=EventBus(), live=live, timer=clock.timer)
    await storage.accounts.claim(OWNER)
    await storage.accounts.save(GUEST, Role.PUBLISHER)
    return Home(storage, service, pairing, live)


async def test_a_removed_account_leaves_nothing(home):
    phone = await home.sign_in()
    tv = await home.pair(phone.viewer)
    offer = home.pairing.offer()
    home.pairing.approve(phone.viewer, offer.code, "Another TV")
    await home.storage.bindings.save(BINDING)
    watched = Position(FilmId("f" * 16), Seconds(1), Seconds(2), Timestamp(3))
    for wallet in (GUEST, OWNER):
        await home.storage.positions.save(wallet, watched)
        await home.storage.preferences.save(wallet, LOUD)
    await home.storage.accounts.rename(GUEST, "Bert")

    with home.live.listening(GUEST, phone.viewer.device) as page:
        await home.removal.remove_account(GUEST)
        assert page.ended

    assert await home.storage.accounts.role(GUEST) is None
    for session in (phone, tv):
        assert await home.service.find(session.secret) is None
    assert set(home.ended) == {phone.viewer.device, tv.viewer.device}
    assert home.pairing._offers.get(offer.secret) is None
    assert await home.storage.bindings.get(GUEST) is None
    assert await home.storage.positions.of_wallet(GUEST) == ()
    assert await home.storage.positions.of_wallet(OWNER) == (watched,)
    assert await home.storage.preferences.of_wallet(GUEST) == PlayerPreferences()
    assert await home.storage.preferences.of_wallet(OWNER) == LOUD
    assert await home.storage.accounts.names() == {}
    assert home.dropped == [GUEST]


async def test_a_session_without_account_is_ended(home):
    """However the account went: a command beside the server may have removed it."""
    phone = await home.sign_in()
    await home.storage.accounts.remove(GUEST)
    assert await home.service.find(phone.secret) is None
    assert await home.storage.sessions.of_wallet(GUEST) == ()


async def test_no_session_begins_without_account(home):
    await home.storage.accounts.remove(GUEST)
    with pytest.raises(SignInRefused, match="no account"):
        await home.sign_in()


async def test_the_owner_cannot_be_removed(home):
    with pytest.raises(AccessRefused, match="owner cannot"):
        await home.removal.remove_account(OWNER)


async def test_a_revoked_phone_takes_its_approvals_and_the_tvs_it_let_in_along(home):
    """Who stole it may have paired a TV with it before it was missed."""
    phone, other = await home.sign_in(), await home.sign_in(name="Other")
    theirs, tv = await home.pair(phone.viewer), await home.pair(other.viewer)
    offer = home.pairing.offer()
    home.pairing.approve(phone.viewer, offer.code, "TV")

    await home.removal.revoke_own(other.viewer, phone.viewer.device)

    for session in (phone, theirs):
        assert await home.service.find(session.secret) is None
    with pytest.raises(InvalidValue):
        await home.pairing.collect(offer.secret)
    assert await home.service.find(other.secret)
    assert await home.service.find(tv.secret)


async def test_signing_out_leaves_the_tvs_signed_in(home):
    phone = await home.sign_in()
    tv = await home.pair(phone.viewer)
    await home.removal.sign_out(phone.viewer.device)
    assert await home.service.find(phone.secret) is None
    assert await home.service.find(tv.secret)


async def test_signing_out_everywhere_keeps_the_account(home):
    phone, owner = await home.sign_in(), await home.sign_in(OWNER)
    tv = await home.pair(phone.viewer)
    await home.removal.sign_out_everywhere(GUEST)
    for session in (phone, tv):
        assert await home.service.find(session.secret) is None
    assert await home.service.find(owner.secret)
    assert await home.sign_in()


async def test_a_device_is_revoked_by_who_owns_it(home):
    phone, owner = await home.sign_in(), await home.sign_in(OWNER)
    tv = await home.pair(phone.viewer)
    for device in (tv.viewer.device, DeviceId("nothing")):
        with pytest.raises(NotFound):
            await home.removal.revoke_own(owner.viewer, device)
    await home.removal.revoke_own(phone.viewer, tv.viewer.device)
    assert await home.service.find(tv.secret) is None
    with pytest.raises(NotFound):
        await home.removal.revoke_own(phone.viewer, tv.viewer.device)


async def test_a_tv_revokes_nothing_but_itself(home):
    phone = await home.sign_in()
    tv = await home.pair(phone.viewer)
    with pytest.raises(AccessRefused, match="TV cannot revoke"):
        await home.removal.revoke_own(tv.viewer, phone.viewer.device)
    await home.removal.revoke_own(tv.viewer, tv.viewer.device)
    assert await home.service.find(tv.secret) is None


async def test_what_a_request_left_that_ran_meanwhile_is_dropped(home):
    phone = await home.sign_in()
    await home.removal.remove_account(GUEST)
    await home.storage.bindings.save(BINDING)  # the request began before, and ends now
    await home.removal.after_request(phone.viewer)
    assert await home.storage.bindings.get(GUEST) is None
    assert home.ended.count(phone.viewer.device) == 2
    assert home.dropped == [GUEST, GUEST]


async def test_after_other_requests_nothing_is_dropped(home):
    phone = await home.sign_in()
    await home.storage.bindings.save(BINDING)
    await home.removal.after_request(phone.viewer)
    assert await home.storage.bindings.get(GUEST) == BINDING
    assert home.ended == home.dropped == []
