import pytest

from tests.services.server_environment import viewer_with
from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue
from wylloh_server.domain.events import DevicePaired
from wylloh_server.domain.types import DeviceId, parse_wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.accounts.one_time_codes import ALPHABET
from wylloh_server.services.accounts.device_pairing import OFFER_SECONDS, DevicePairing
from wylloh_server.services.accounts.session_service import SessionService

OWNER, GUEST = (parse_wallet("0x" + digit * 40) for digit in "ab")
WRONG = "222222"


@pytest.fixture
def events():
    return []


@pytest.fixture
def service(storage, clock):
    return SessionService(sessions=storage.sessions, accounts=storage.accounts, clock=clock)


@pytest.fixture
def live():
    return LiveUpdates()


@pytest.fixture
def pairing(service, clock, events, live):
    bus = EventBus()
    bus.listeners.append(events.append)
    return DevicePairing(sessions=service, bus=bus, live=live, timer=clock.timer)


@pytest.fixture
async def phone(service, storage):
    await storage.accounts.save(OWNER, Role.OWNER)
    return (await service.begin(OWNER, DeviceKind.BROWSER, "Phone")).viewer


async def test_a_tv_is_paired_by_a_phone(pairing, phone, service, events):
    offer = pairing.offer()
    assert len(offer.code) == 6
    assert set(offer.code) <= set(ALPHABET)
    assert offer.secret not in repr(offer)
    assert await pairing.collect(offer.secret) is None
    pairing.approve(phone, f"{offer.code[:3].lower()} {offer.code[3:]}", "  Living room ")
    session = await pairing.collect(offer.secret)
    assert (session.viewer.wallet, session.viewer.kind) == (OWNER, DeviceKind.TV)
    assert session.viewer.role is Role.VIEWER
    assert await service.find(session.secret) == session.viewer
    assert session.viewer.device != phone.device
    assert events == [DevicePaired(session.viewer.device, OWNER)]
    names = {device.name for device in await pairing.devices(phone)}
    assert names == {"Phone", "Living room"}


async def test_a_session_is_collected_once(pairing, phone):
    offer = pairing.offer()
    pairing.approve(phone, offer.code, "TV")
    assert await pairing.collect(offer.secret)
    with pytest.raises(InvalidValue):
        await pairing.collect(offer.secret)


async def test_ten_minutes_and_no_more(pairing, phone, clock):
    offer = pairing.offer()
    clock.now += OFFER_SECONDS - 1
    assert pairing._offers.get(offer.secret) == offer
    clock.now += 1
    assert pairing._offers.get(offer.secret) is None
    with pytest.raises(AccessRefused, match="No TV shows that code"):
        pairing.approve(phone, offer.code, "TV")
    with pytest.raises(InvalidValue, match="expired"):
        await pairing.collect(offer.secret)


async def test_12_6_a_clock_that_jumps_neither_ends_a_code_nor_keeps_it(pairing, phone, clock):
    offer = pairing.offer()
    clock.jump(7200)
    assert pairing.find(phone, offer.code) == offer
    assert pairing.seconds_left(offer) == OFFER_SECONDS
    clock.jump(-14_400)
    clock.now += OFFER_SECONDS
    with pytest.raises(AccessRefused, match="No TV shows that code"):
        pairing.find(phone, offer.code)


async def test_an_approval_that_nobody_collects_expires_too(pairing, phone, clock):
    offer = pairing.offer()
    pairing.approve(phone, offer.code, "TV")
    clock.now += OFFER_SECONDS
    with pytest.raises(InvalidValue):
        await pairing.collect(offer.secret)


async def test_the_code_is_not_the_secret(pairing, phone):
    offer = pairing.offer()
    pairing.approve(phone, offer.code, "TV")
    for guess in ("", offer.code):
        with pytest.raises(InvalidValue):
            await pairing.collect(guess)


async def test_an_approved_code_cannot_be_taken_over(pairing, phone):
    """Somebody else in the room reads the same code from the screen, a moment too late."""
    offer = pairing.offer()
    pairing.approve(phone, offer.code, "TV")
    guest = viewer_with(GUEST)
    with pytest.raises(AccessRefused):
        pairing.approve(guest, offer.code, "Mine")
    assert (await pairing.collect(offer.secret)).viewer.wallet == OWNER


async def test_ten_wrong_codes_lock_a_device_out(pairing, phone, service):
    offer = pairing.offer()
    for _ in range(10):
        with pytest.raises(AccessRefused, match="No TV shows that code"):
            pairing.approve(phone, WRONG, "TV")
    with pytest.raises(AccessRefused, match="Too many wrong codes") as caught:
        pairing.approve(phone, offer.code, "TV")
    assert caught.value.fix
    again = (await service.begin(OWNER, DeviceKind.BROWSER, "Phone, signed in again")).viewer
    pairing.approve(again, offer.code, "TV")
    assert await pairing.collect(offer.secret)


async def test_a_right_code_forgives_the_wrong_ones_before(pairing, phone):
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(AccessRefused):
                pairing.approve(phone, WRONG, "TV")
        pairing.approve(phone, pairing.offer().code, "TV")


async def test_a_tv_cannot_approve_another(pairing, phone):
    first = pairing.offer()
    pairing.approve(phone, first.code, "TV")
    tv = (await pairing.collect(first.secret)).viewer
    with pytest.raises(AccessRefused, match="TV cannot approve"):
        pairing.approve(tv, pairing.offer().code, "Another")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", "TV"),
        ("  ", "TV"),
        ("Bed\nroom\x00\ud800\u202e", "Bedroom"),
        ("x" * 99, "x" * 60),
        ("Küche 2", "Küche 2"),
    ],
)
async def test_names_are_what_a_person_can_read(pairing, phone, typed, kept):
    offer = pairing.offer()
    pairing.approve(phone, offer.code, typed)
    session = await pairing.collect(offer.secret)
    names = {device.device: device.name for device in await pairing.devices(phone)}
    assert names[session.viewer.device] == kept


def test_waiting_tvs_are_bounded_and_their_codes_differ(pairing, clock):
    offers = [pairing.offer(f"198.51.{number // 250}.{number % 250}") for number in range(501)]
    assert len({offer.code for offer in offers}) == 501
    assert pairing._offers.get(offers[0].secret) is None, "the oldest made room"
    assert all(pairing._offers.get(offer.secret) for offer in offers[1:])
    clock.now += OFFER_SECONDS
    assert pairing._offers.get(offers[500].secret) is None


def test_no_stranger_crowds_another_one_out(pairing):
    """Neither one address, nor one customer's /64, nor a /48 of many of them."""
    homely, far = pairing.offer("192.168.1.4"), pairing.offer("198.51.100.4")
    for number in range(300):
        pairing.offer("203.0.114.9")
        pairing.offer(f"2a00:1:2:{number:x}::1")
        pairing.offer(f"2a00:1:3:4::{number:x}")
    assert pairing._offers.get(homely.secret) and pairing._offers.get(far.secret)


# What a phone is shown ---------------------------------------------------------------------------------------


def test_the_asking_device_is_named(pairing, phone, clock):
    offer = pairing.offer("192.168.1.4", "Chromium on Linux")
    clock.now += 60
    found = pairing.find(phone, offer.code)
    assert (found.device, found.address) == ("Chromium on Linux", "192.168.1.4")
    assert pairing.seconds_left(found) == OFFER_SECONDS - 60
    assert offer.number in offer.choices and len(set(offer.choices)) == 3


async def test_a_code_that_came_by_a_link_needs_the_number_on_the_tv(pairing, phone):
    offer = pairing.offer()
    pairing.approve(phone, offer.code, "TV", offer.number)
    assert await pairing.collect(offer.secret)


async def test_a_wrong_number_withdraws_the_offer(pairing, phone):
    """Otherwise one of three tries would do."""
    offer = pairing.offer()
    wrong = next(one for one in offer.choices if one != offer.number)
    with pytest.raises(AccessRefused, match="another number"):
        pairing.approve(phone, offer.code, "TV", wrong)
    with pytest.raises(AccessRefused, match="No TV shows that code"):
        pairing.approve(phone, offer.code, "TV", offer.number)
    with pytest.raises(InvalidValue):
        await pairing.collect(offer.secret)


def test_tvs_of_this_network_only(service, clock):
    pairing = DevicePairing(
        sessions=service, bus=EventBus(), live=LiveUpdates(), timer=clock.timer, local_only=True
    )
    assert pairing.offer("192.168.1.4")
    for address in ("8.8.8.8", "2a00:1:2:3::4", ""):
        with pytest.raises(AccessRefused, match="network of this server") as caught:
            pairing.offer(address)
        assert caught.value.fix


async def test_the_wallets_other_devices_hear_of_a_paired_tv(pairing, phone, live):
    with live.listening(OWNER, DeviceId("tablet")) as tablet, live.listening(GUEST) as guest:
        offer = pairing.offer("192.168.1.4", "Chromium on Linux")
        pairing.approve(phone, offer.code, "Sofa")
        await pairing.collect(offer.secret)
        (toast,) = live.read(tablet).notices
        assert toast.sentence.startswith("Sofa (Chromium on Linux at 192.168.1.4) may play your films now.")
        assert toast.link == "/devices"
        assert live.read(guest) is None


# What was removed in between ---------------------------------------------------------------------------------


async def test_an_approval_dies_with_its_account(pairing, phone, service, storage):
    await storage.accounts.save(GUEST, Role.VIEWER)
    guest = (await service.begin(GUEST, DeviceKind.BROWSER, "Guest")).viewer
    offer = pairing.offer()
    pairing.approve(guest, offer.code, "TV")
    await storage.accounts.remove(GUEST)
    with pytest.raises(InvalidValue, match="expired"):
        await pairing.collect(offer.secret)
    assert {session.kind for session in await storage.sessions.of_wallet(GUEST)} == {DeviceKind.BROWSER}


async def test_an_approval_dies_with_the_browser_that_gave_it(pairing, phone, storage):
    offer = pairing.offer()
    pairing.approve(phone, offer.code, "TV")
    await storage.sessions.remove(phone.device)
    with pytest.raises(InvalidValue, match="expired"):
        await pairing.collect(offer.secret)
    assert await storage.sessions.of_wallet(OWNER) == ()


async def test_an_approval_can_be_withdrawn(pairing, phone):
    offer, other = pairing.offer(), pairing.offer()
    pairing.approve(phone, offer.code, "TV")
    pairing.forget(phone.device)
    assert pairing._offers.get(offer.secret) is None
    assert pairing._offers.get(other.secret)
