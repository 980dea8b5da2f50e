"""Pairing a TV: a short code on its screen, approved by a signed-in phone (the shape of RFC 8628)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.access import DeviceKind, Session, Viewer
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.events import DevicePaired
from wylloh_server.domain.types import DeviceId, Timestamp, Wallet
from wylloh_server.services.codes import matches, new_code

if TYPE_CHECKING:
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.signin import NewSession, SessionDesk

OFFER_SECONDS = 600
_MOST_OFFERS = 500
_WRONG_TRIES = 10


@dataclass(frozen=True, slots=True)
class PairingOffer:
    """A code on a TV's screen. `secret` stays in the TV's cookie and proves who asked."""

    code: str
    secret: str = field(repr=False)
    expires: Timestamp
    approved_by: Wallet | None = None
    name: str = ""


class Pairing:
    """Offers codes to TVs, takes approvals, hands out device sessions. Offers live in memory."""

    def __init__(self, *, desk: SessionDesk, bus: Bus, clock: Clock) -> None:
        self._desk = desk
        self._bus = bus
        self._clock = clock
        self._offers: dict[str, PairingOffer] = {}
        self._wrong: dict[DeviceId, int] = {}

    def offer(self) -> PairingOffer:
        """Make a code that is good for ten minutes.

        Raises:
            AccessRefused: too many TVs are waiting at once.
        """
        self._drop_expired()
        if len(self._offers) >= _MOST_OFFERS:
            raise AccessRefused("Too many TVs are waiting.", fix="Try again in ten minutes.")
        taken = {offer.code for offer in self._offers.values()}
        code = next(code for code in iter(lambda: new_code(6), "") if code not in taken)
        offer = PairingOffer(code, secrets.token_urlsafe(32), Timestamp(self._clock() + OFFER_SECONDS))
        self._offers[offer.secret] = offer
        return offer

    def waiting(self, secret: str) -> PairingOffer | None:
        """Give the offer a TV holds; None when it has expired."""
        self._drop_expired()
        return self._offers.get(secret)

    async def approve(self, viewer: Viewer, code: str, name: str) -> None:
        """Let the TV that shows `code` play the viewer's films.

        Raises:
            AccessRefused: no such code, it has expired, or too many wrong ones from this device.
        """
        if viewer.kind is DeviceKind.TV:
            raise AccessRefused("A TV cannot approve another one.", fix="Use your phone.")
        self._drop_expired()
        if self._wrong.get(viewer.device, 0) >= _WRONG_TRIES:
            raise AccessRefused("Too many wrong codes.", fix="Sign in again and take a fresh code.")
        open_offers = [offer for offer in self._offers.values() if offer.approved_by is None]
        offer = next((one for one in open_offers if matches(code, one.code)), None)
        if offer is None:
            self._wrong[viewer.device] = self._wrong.get(viewer.device, 0) + 1
            raise AccessRefused("No TV shows that code.", fix="Check the code on the TV; it changes.")
        self._wrong.pop(viewer.device, None)
        named = "".join(sign for sign in name if sign.isprintable()).strip()[:60] or "TV"
        self._offers[offer.secret] = replace(offer, approved_by=viewer.wallet, name=named)

    async def collect(self, secret: str) -> NewSession | None:
        """Give the TV its session once approved; None while it waits.

        Raises:
            InvalidValue: the code has expired.
        """
        offer = self.waiting(secret)
        if offer is None:
            raise InvalidValue("This code has expired.", fix="Take the new code on the TV.")
        if offer.approved_by is None:
            return None
        del self._offers[secret]
        session = await self._desk.begin(offer.approved_by, DeviceKind.TV, offer.name)
        self._bus.publish(DevicePaired(session.viewer.device, offer.approved_by))
        return session

    async def devices(self, viewer: Viewer) -> tuple[Session, ...]:
        """Give the viewer's devices, newest first."""
        return await self._desk.of_wallet(viewer.wallet)

    async def revoke(self, viewer: Viewer, device: DeviceId) -> None:
        """Take a device's session back. Only one's own.

        Raises:
            NotFound: the viewer has no such device.
            AccessRefused: a TV asks to revoke another device.
        """
        if viewer.kind is DeviceKind.TV and viewer.device != device:
            raise AccessRefused("A TV cannot revoke other devices.", fix="Use your phone.")
        if device not in {session.device for session in await self.devices(viewer)}:
            raise NotFound("There is no such device.", fix="Reload the page.")
        await self._desk.end(device)

    def _drop_expired(self) -> None:
        now = self._clock()
        self._offers = {secret: one for secret, one in self._offers.items() if one.expires > now}
