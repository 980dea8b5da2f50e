"""Looks into uploaded files as soon as they are here, so that nobody finds out later what they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, MediaError, SealBroken
from wylloh_server.domain.title import Upload, UploadKind
from wylloh_server.services.pictures import poster_of
from wylloh_server.services.publishing import webvtt

if TYPE_CHECKING:
    from wylloh_server.domain.ports.media import Encoder, MediaDoor, Prober
    from wylloh_server.domain.ports.publishing import Uploads


class Inspection:
    """Opens a film, a poster or subtitles just as publishing will."""

    def __init__(self, *, uploads: Uploads, door: MediaDoor, prober: Prober, encoder: Encoder) -> None:
        self._uploads = uploads
        self._door = door
        self._prober = prober
        self._encoder = encoder

    async def fault(self, upload: Upload) -> str:
        """Say why a whole upload cannot be used, and what to do, in sentences; empty for a sound one."""
        try:
            if upload.kind is UploadKind.FEATURE:
                await self._probe(upload)
            elif upload.kind is UploadKind.POSTER:
                await poster_of(await self._uploads.content(upload), self._door, self._encoder)
            else:
                webvtt(upload.language, await self._uploads.content(upload))
        except (InvalidValue, MediaError, SealBroken) as error:
            return error.explained
        return ""

    async def _probe(self, upload: Upload) -> None:
        source = await self._uploads.film(upload).open()
        try:
            async with self._door.lend(source) as url:
                await self._prober.probe(url)
        finally:
            await source.close()
