"""The one place where sessions and accounts end, with all that hangs on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.errors import AccessRefused, NotFound
from wylloh_server.domain.events import AccountRemoved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.types import DeviceId, Wallet
    from wylloh_server.services.accounts.device_pairing import DevicePairing
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.personal_data import PersonalDataRepository
    from wylloh_server.storage.sessions import SessionRepository


@dataclass(kw_only=True, eq=False)
class AccessRemoval:
    """Ends what a device or a wallet may do here.

    Attributes:
        end_playback: ends what plays on a device.
        drop_titles: deletes what a wallet was about to publish, and withdraws what it asked the owner.
    """

    accounts: AccountRepository
    sessions: SessionRepository
    personal_data: PersonalDataRepository
    pairing: DevicePairing
    live: LiveUpdates
    bus: EventBus
    end_playback: Callable[[DeviceId], Awaitable[None]]
    drop_titles: Callable[[Wallet], Awaitable[None]]

    async def sign_out(self, device: DeviceId) -> None:
        """End a device's sessions, approvals, films and open pages. The TVs it let in stay."""
        await self.sessions.remove(device)
        self.pairing.forget(device)
        self.live.end(device)
        await self.end_playback(device)

    async def revoke(self, device: DeviceId) -> None:
        """Sign out a device that is lost or not trusted any more, and the TVs that it let in."""
        let_in = await self.sessions.let_in_by(device)
        await self.sign_out(device)
        for session in let_in:
            await self.sign_out(session.device)

    async def revoke_own(self, viewer: Viewer, device: DeviceId) -> None:
        """Revoke one of the viewer's own devices.

        Raises:
            NotFound: the viewer has no such device.
            AccessRefused: a TV asks to revoke another device.
        """
        if viewer.kind is DeviceKind.TV and viewer.device != device:
            raise AccessRefused("A TV cannot revoke other devices.", fix="Use your phone.")
        if device not in {session.device for session in await self.sessions.of_wallet(viewer.wallet)}:
            raise NotFound("There is no such device.", fix="Reload the page.")
        await self.revoke(device)

    async def sign_out_everywhere(self, wallet: Wallet) -> None:
        """Sign out every device of a wallet."""
        for session in await self.sessions.of_wallet(wallet):
            await self.sign_out(session.device)

    async def remove_account(self, wallet: Wallet) -> None:
        """Forget a wallet: its account, sessions, approvals, drafts, uploads, and what `GOES` names.

        Plugins hear of it last, when nothing of it happens here any more.

        Raises:
            AccessRefused: it owns this server.
        """
        if await self.accounts.role(wallet) is Role.OWNER:
            raise AccessRefused("The owner cannot be removed.", fix="A server always has an owner.")
        await self.accounts.remove(wallet)  # first: from now on no session of it begins
        await self.sign_out_everywhere(wallet)
        await self._drop(wallet)

    async def after_request(self, viewer: Viewer) -> None:
        """Drop what a request of the viewer may have left, if session or account ended while it ran."""
        if await self.sessions.get(viewer.session) is not None:
            return
        await self.sign_out(viewer.device)
        if await self.accounts.role(viewer.wallet) is None:
            await self._drop(viewer.wallet)

    async def _drop(self, wallet: Wallet) -> None:
        await self.personal_data.remove_of(wallet)
        await self.drop_titles(wallet)
        self.bus.publish(AccountRemoved(wallet))
