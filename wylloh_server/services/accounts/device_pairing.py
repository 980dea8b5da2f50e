"""Pairing a TV: a short code on its screen, approved by a signed-in phone (the shape of RFC 8628).

A code that came by a link may have been sent by somebody far away who wants a session here (RFC 8628, 5.4):
then the phone has to choose the number that the TV shows, out of three.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cachetools import TTLCache

from wylloh_server.domain.access import DeviceKind, Session, Viewer
from wylloh_server.domain.errors import AccessRefused, InvalidValue, SignInRefused
from wylloh_server.domain.events import DevicePaired
from wylloh_server.domain.network_address import is_local
from wylloh_server.domain.types import DeviceId, Seconds
from wylloh_server.services.accounts.fair_store import FairStore
from wylloh_server.services.accounts.one_time_codes import matches, new_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.services.accounts.session_service import NewSession, SessionService
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.live_updates import LiveUpdates

OFFER_SECONDS = Seconds(600)
_MOST_EACH, _MOST_OFFERS = 20, 500
"""Offers of one home, and of all."""
_WRONG_TRIES = 10
_MOST_DEVICES, _DAY = 10_000, 86_400
"""Devices whose wrong codes are counted, and the seconds since the last one after which that is forgotten."""
_CHOICES, _SMALLEST, _LARGEST = 3, 10, 99


@dataclass(frozen=True, slots=True)
class PairingOffer:
    """A code on a TV's screen.

    Attributes:
        secret: stays in the TV's cookie and proves who asked.
        number: what the TV shows beside the code, of two digits.
        choices: the three numbers that a phone is shown; one of them is `number`.
        asked: since when it waits, by the timer of `DevicePairing`.
        address: where it asked from; may be empty.
        device: what the TV's browser calls itself.
        approved_by: who let it in.
        name: what it shall be called.
    """

    code: str
    secret: str = field(repr=False)
    number: str
    choices: tuple[str, ...]
    asked: float
    address: str
    device: str
    approved_by: Viewer | None = None
    name: str = ""


class DevicePairing:
    """Offers codes to TVs, takes approvals, hands out device sessions. Offers live in memory."""

    def __init__(
        self,
        *,
        sessions: SessionService,
        bus: EventBus,
        live: LiveUpdates,
        local_only: bool = False,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep no offer yet. With `local_only` TVs outside of local networks get no code."""
        self._sessions = sessions
        self._bus = bus
        self._live = live
        self._timer = timer
        self._local_only = local_only
        self._offers: FairStore[PairingOffer] = FairStore(
            seconds=OFFER_SECONDS, most_each=_MOST_EACH, most=_MOST_OFFERS, timer=timer
        )
        self._wrong: TTLCache[DeviceId, int] = TTLCache(_MOST_DEVICES, _DAY, timer=timer)

    def offer(self, address: str = "", device: str = "Browser") -> PairingOffer:
        """Make a code that is good for ten minutes, for a TV at an address.

        Raises:
            AccessRefused: TVs are let in only from a local network, and this one is elsewhere.
        """
        if self._local_only and not is_local(address):
            raise AccessRefused(
                "TVs are let in only in the network of this server.", fix="Connect the TV to that network."
            )
        taken = {offer.code for _, offer in self._offers.items()}
        code = next(code for code in iter(lambda: new_code(6), "") if code not in taken)
        choices = secrets.SystemRandom().sample(range(_SMALLEST, _LARGEST + 1), _CHOICES)
        offer = PairingOffer(
            code,
            secrets.token_urlsafe(32),
            str(secrets.choice(choices)),
            tuple(str(choice) for choice in choices),
            self._timer(),
            address,
            device,
        )
        self._offers.put(offer.secret, offer, address)
        return offer

    def find(self, viewer: Viewer, code: str) -> PairingOffer:
        """Return what waits behind a code, for the viewer to look at before approving it.

        Raises:
            AccessRefused: no such code, it has expired, or too many wrong ones from this device.
        """
        if viewer.kind is DeviceKind.TV:
            raise AccessRefused("A TV cannot approve another one.", fix="Use your phone.")
        if self._wrong.get(viewer.device, 0) >= _WRONG_TRIES:
            raise AccessRefused("Too many wrong codes.", fix="Sign in again and take a fresh code.")
        open_offers = [offer for _, offer in self._offers.items() if offer.approved_by is None]
        offer = next((one for one in open_offers if matches(code, one.code)), None)
        if offer is None:
            self._wrong[viewer.device] = self._wrong.get(viewer.device, 0) + 1
            raise AccessRefused("No TV shows that code.", fix="Check the code on the TV; it changes.")
        return offer

    def approve(self, viewer: Viewer, code: str, name: str, number: str | None = None) -> None:
        """Approve the TV that shows `code` for the viewer.

        Args:
            viewer: who lets it in.
            code: from the TV.
            name: what to call it.
            number: the one chosen of the offer's `choices`, where the code came by a link; None where the
                viewer read the code from the TV and typed it.

        Raises:
            AccessRefused: like `find`; or the number is wrong, and the offer is withdrawn.
        """
        offer = self.find(viewer, code)
        if number is not None and number != offer.number:
            self._offers.pop(offer.secret)
            raise AccessRefused(
                "The TV shows another number, so nothing was let in.",
                fix="If the TV is yours, take the new code that it shows.",
            )
        self._wrong.pop(viewer.device, None)
        named = "".join(sign for sign in name if sign.isprintable()).strip()[:60] or "TV"
        self._offers.replace(offer.secret, replace(offer, approved_by=viewer, name=named))

    async def collect(self, secret: str) -> NewSession | None:
        """Return the TV its session once approved; None while it waits.

        Raises:
            InvalidValue: the code has expired, or who approved it may not let anything in any more.
        """
        offer = self._offers.get(secret)
        if offer is None:
            raise _expired()
        if offer.approved_by is None:
            return None
        self._offers.pop(secret)
        wallet = offer.approved_by.wallet
        try:
            session = await self._sessions.begin(
                wallet, DeviceKind.TV, offer.name, address=offer.address, let_in_by=offer.approved_by
            )
        except SignInRefused:
            raise _expired() from None
        self._bus.publish(DevicePaired(session.viewer.device, wallet))
        self._live.notify(wallet, _paired_sentence(offer), "/devices")
        return session

    def seconds_left(self, offer: PairingOffer) -> Seconds:
        """Return for how long an offer is good."""
        return Seconds(max(0.0, offer.asked + OFFER_SECONDS - self._timer()))

    async def devices(self, viewer: Viewer) -> tuple[Session, ...]:
        """Return the viewer's devices, newest first."""
        return await self._sessions.stored.of_wallet(viewer.wallet)

    def forget(self, device: DeviceId) -> None:
        """Withdraw what a device approved and nobody has collected."""
        for secret, offer in self._offers.items():
            if offer.approved_by is not None and offer.approved_by.device == device:
                self._offers.pop(secret)


def _paired_sentence(offer: PairingOffer) -> str:
    place = f" at {offer.address}" if offer.address else ""
    return (
        f"{offer.name} ({offer.device}{place}) may play your films now. Was that not you? Revoke it "
        "under Devices."
    )


def _expired() -> InvalidValue:
    return InvalidValue("This code has expired.", fix="Take the new code on the TV.")
