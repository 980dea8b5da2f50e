import pytest

from tests.services.house import viewer_with
from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.events import DevicePaired
from wylloh_server.domain.types import DeviceId, wallet_of
from wylloh_server.services.bus import Bus
from wylloh_server.services.codes import ALPHABET
from wylloh_server.services.devices import OFFER_SECONDS, Pairing
from wylloh_server.services.signin import SessionDesk

OWNER, GUEST = (wallet_of("0x" + digit * 40) for digit in "ab")
WRONG = "222222"


@pytest.fixture
def events():
    return []


@pytest.fixture
def desk(storage, clock):
    return SessionDesk(sessions=storage.sessions, accounts=storage.accounts, clock=clock)


@pytest.fixture
def pairing(desk, clock, events):
    bus = Bus()
    bus.subscribe(events.append)
    return Pairing(desk=desk, bus=bus, clock=clock)


@pytest.fixture
async def phone(desk, storage):
    await storage.accounts.save(OWNER, Role.OWNER)
    return (await desk.begin(OWNER, DeviceKind.BROWSER, "Phone")).viewer


async def test_a_tv_is_paired_by_a_phone(pairing, phone, desk, events):
    offer = pairing.offer()
    assert len(offer.code) == 6
    assert set(offer.code) <= set(ALPHABET)
    assert offer.secret not in repr(offer)
    assert await pairing.collect(offer.secret) is None
    await pairing.approve(phone, f"{offer.code[:3].lower()} {offer.code[3:]}", "  Living room ")
    session = await pairing.collect(offer.secret)
    assert (session.viewer.wallet, session.viewer.kind) == (OWNER, DeviceKind.TV)
    assert session.viewer.role is Role.VIEWER
    assert await desk.find(session.secret) == session.viewer
    assert session.viewer.device != phone.device
    assert events == [DevicePaired(session.viewer.device, OWNER)]
    names = {device.name for device in await pairing.devices(phone)}
    assert names == {"Phone", "Living room"}


async def test_a_session_is_collected_once(pairing, phone):
    offer = pairing.offer()
    await pairing.approve(phone, offer.code, "TV")
    assert await pairing.collect(offer.secret)
    with pytest.raises(InvalidValue):
        await pairing.collect(offer.secret)


async def test_ten_minutes_and_no_more(pairing, phone, clock):
    offer = pairing.offer()
    assert offer.expires == clock() + OFFER_SECONDS
    clock.now += OFFER_SECONDS - 1
    assert pairing.waiting(offer.secret) == offer
    clock.now += 1
    assert pairing.waiting(offer.secret) is None
    with pytest.raises(AccessRefused, match="No TV shows that code"):
        await pairing.approve(phone, offer.code, "TV")
    with pytest.raises(InvalidValue, match="expired"):
        await pairing.collect(offer.secret)


async def test_an_approval_that_nobody_collects_expires_too(pairing, phone, clock):
    offer = pairing.offer()
    await pairing.approve(phone, offer.code, "TV")
    clock.now += OFFER_SECONDS
    with pytest.raises(InvalidValue):
        await pairing.collect(offer.secret)


async def test_the_code_is_not_the_secret(pairing, phone):
    offer = pairing.offer()
    await pairing.approve(phone, offer.code, "TV")
    for guess in ("", offer.code):
        with pytest.raises(InvalidValue):
            await pairing.collect(guess)


async def test_an_approved_code_cannot_be_taken_over(pairing, phone, desk):
    """Somebody else in the room reads the same code from the screen, a moment too late."""
    offer = pairing.offer()
    await pairing.approve(phone, offer.code, "TV")
    guest = (await desk.begin(GUEST, DeviceKind.BROWSER, "Guest's phone")).viewer
    with pytest.raises(AccessRefused):
        await pairing.approve(guest, offer.code, "Mine")
    assert (await pairing.collect(offer.secret)).viewer.wallet == OWNER


async def test_ten_wrong_codes_lock_a_device_out(pairing, phone, desk):
    offer = pairing.offer()
    for _ in range(10):
        with pytest.raises(AccessRefused, match="No TV shows that code"):
            await pairing.approve(phone, WRONG, "TV")
    with pytest.raises(AccessRefused, match="Too many wrong codes") as caught:
        await pairing.approve(phone, offer.code, "TV")
    assert caught.value.fix
    again = (await desk.begin(OWNER, DeviceKind.BROWSER, "Phone, signed in again")).viewer
    await pairing.approve(again, offer.code, "TV")
    assert await pairing.collect(offer.secret)


async def test_a_right_code_forgives_the_wrong_ones_before(pairing, phone):
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(AccessRefused):
                await pairing.approve(phone, WRONG, "TV")
        await pairing.approve(phone, pairing.offer().code, "TV")


async def test_a_tv_cannot_approve_another(pairing, phone):
    first = pairing.offer()
    await pairing.approve(phone, first.code, "TV")
    tv = (await pairing.collect(first.secret)).viewer
    with pytest.raises(AccessRefused, match="TV cannot approve"):
        await pairing.approve(tv, pairing.offer().code, "Another")


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
    await pairing.approve(phone, offer.code, typed)
    session = await pairing.collect(offer.secret)
    names = {device.device: device.name for device in await pairing.devices(phone)}
    assert names[session.viewer.device] == kept


def test_waiting_tvs_are_bounded_and_their_codes_differ(pairing, clock):
    codes = {pairing.offer().code for _ in range(500)}
    assert len(codes) == 500
    with pytest.raises(AccessRefused, match="Too many TVs"):
        pairing.offer()
    clock.now += OFFER_SECONDS
    assert pairing.offer()


async def test_a_device_is_revoked_by_who_owns_it(pairing, phone, desk):
    offer = pairing.offer()
    await pairing.approve(phone, offer.code, "TV")
    tv = await pairing.collect(offer.secret)
    guest = viewer_with(GUEST)
    with pytest.raises(NotFound):
        await pairing.revoke(guest, tv.viewer.device)
    assert await desk.find(tv.secret)
    await pairing.revoke(phone, tv.viewer.device)
    assert await desk.find(tv.secret) is None
    with pytest.raises(NotFound):
        await pairing.revoke(phone, tv.viewer.device)
    with pytest.raises(NotFound):
        await pairing.revoke(phone, DeviceId("nothing"))


async def test_a_tv_revokes_nothing_but_itself(pairing, phone, desk):
    offer = pairing.offer()
    await pairing.approve(phone, offer.code, "TV")
    tv = await pairing.collect(offer.secret)
    with pytest.raises(AccessRefused, match="TV cannot revoke"):
        await pairing.revoke(tv.viewer, phone.device)
    await pairing.revoke(tv.viewer, tv.viewer.device)
    assert await desk.find(tv.secret) is None
