"""Tells custodians what a wallet took back, as a background task that goes on until all know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.device_binding import revocation_from_json, revocation_json
from wylloh_server.domain.errors import ContentError, RetryLater
from wylloh_server.domain.film import FilmState, TokenOrigin
from wylloh_server.domain.task import TaskResult
from wylloh_server.services.operations.task_service import TaskKind

if TYPE_CHECKING:
    from wylloh_server.domain.device_binding import BindingRevocation
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.http import HttpClient
    from wylloh_server.domain.task import TaskId
    from wylloh_server.services.operations.task_run import TaskRun
    from wylloh_server.services.operations.task_service import TaskService
    from wylloh_server.services.retrieval.manifests import Manifests
    from wylloh_server.storage.envelopes import EnvelopeRepository
    from wylloh_server.storage.films import FilmRepository

REVOKE = "revoke"
"""The kind of background task; its argument is the signed revocation."""

_VERIFIED = (FilmState.INTRODUCED, FilmState.PULLING, FilmState.READY)
"""The states of a film in which its manifest, which names the custodians, is known to be its publisher's."""

_DONE, _NO_ROUTE = 200, (404, 405)


@dataclass(kw_only=True, eq=False)
class RevocationDelivery:
    """Sends signed revocations to the custodians of all films known here, and to those that sent envelopes.

    All of them, not those of the wallet's films alone: the wallet may get tokens of other films before the
    binding it took back has run out. A custodian that sent an envelope is told also where its film was
    stopped since, or its manifest is gone.
    """

    films: FilmRepository
    envelopes: EnvelopeRepository
    manifests: Manifests
    http: HttpClient
    tasks: TaskService
    clock: Clock

    def __post_init__(self) -> None:
        """Name what runs its tasks."""
        self.tasks.register(REVOKE, TaskKind(self._deliver))

    async def start(self, revocation: BindingRevocation) -> TaskId:
        """Begin to tell the custodians."""
        arguments = {"revocation": revocation_json(revocation), "nonce": revocation.nonce}
        return await self.tasks.start(
            REVOKE, "Tell custodians what you took back", arguments, revocation.wallet
        )

    async def _deliver(self, run: TaskRun) -> TaskResult:
        revocation = revocation_from_json(run.arguments["revocation"])
        custodians, silent = await self._custodians(), []
        for number, url in enumerate(custodians):
            run.note(number, len(custodians), f"Telling {url}")
            if not await self._told(url, revocation):
                silent.append(url)
        if silent and revocation.expires_at > self.clock():
            raise RetryLater(
                f"{len(silent)} of {len(custodians)} custodians cannot be told yet: {silent[0]}."
            )
        return TaskResult("Every custodian known here knows it.", "/devices")

    async def _custodians(self) -> tuple[str, ...]:
        found = dict.fromkeys(url.rstrip("/") for url in await self.envelopes.custodians())
        for film in await self.films.all():
            if film.state not in _VERIFIED or not isinstance(film.origin, TokenOrigin):
                continue
            try:
                manifest = await self.manifests.load(film.origin.root)
            except ContentError:
                continue
            found |= dict.fromkeys(custodian.url.rstrip("/") for custodian in manifest.custodians)
        return tuple(found)

    async def _told(self, url: str, revocation: BindingRevocation) -> bool:
        """Return whether a custodian knows it, or is none any more: it answers requests for keys alike."""
        try:
            status, _ = await self.http.post_json(
                f"{url}/api/custody/revocation", revocation_json(revocation)
            )
            if status not in _NO_ROUTE:
                return status == _DONE
            asked, _ = await self.http.post_json(f"{url}/api/custody/envelope", {})
        except (OSError, TimeoutError):
            return False
        return asked == status
