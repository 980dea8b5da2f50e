"""Checks uploaded files as soon as they are here, so that bad files are refused at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, MediaError, SealBroken
from wylloh_server.domain.title import Upload, UploadKind
from wylloh_server.domain.trailer import check_trailer
from wylloh_server.services.library.film_sources import opened
from wylloh_server.services.publishing.film_packaging import webvtt
from wylloh_server.services.publishing.images import BACKDROP_WIDTH, POSTER_WIDTH, read_picture

if TYPE_CHECKING:
    from wylloh_server.domain.ports.media import MediaTools
    from wylloh_server.domain.ports.uploads import Uploads

_FILMS = (UploadKind.FEATURE, UploadKind.TRAILER)
_PICTURES = {UploadKind.POSTER: POSTER_WIDTH, UploadKind.BACKDROP: BACKDROP_WIDTH}


class UploadValidation:
    """Opens a film, a trailer, a picture or subtitles just as publishing will."""

    def __init__(self, *, uploads: Uploads, media: MediaTools) -> None:
        self._uploads = uploads
        self._media = media

    async def fault(self, upload: Upload) -> str:
        """Return why a whole upload cannot be used, and what to do, in sentences; empty for a sound one."""
        try:
            if upload.kind in _FILMS:
                async with opened(self._uploads.film(upload).open()) as source:
                    probe = await self._media.probe(source)
                if upload.kind is UploadKind.TRAILER:
                    check_trailer(probe)
            elif upload.kind in _PICTURES:
                picture = await self._uploads.content(upload)
                await read_picture(picture, _PICTURES[upload.kind], self._media)
            else:
                webvtt(upload.language, await self._uploads.content(upload))
        except (InvalidValue, MediaError, SealBroken) as error:
            return error.explained
        return ""
