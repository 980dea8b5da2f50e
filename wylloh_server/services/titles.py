"""Publishers' titles until they are approved: drafted, filled with files, submitted, taken back."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.manifest import LANGUAGE_TAG
from wylloh_server.domain.title import Title, TitleId, TitleState, Upload, UploadId, UploadKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Description
    from wylloh_server.domain.ports.publishing import Titles, Uploads
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.title import Terms

    Inspect = Callable[[Upload], Awaitable[str]]
    """Says why a whole upload cannot be used; `services.inspection.Inspection.fault` does."""

_LARGEST = {UploadKind.FEATURE: 1 << 42, UploadKind.POSTER: 10 << 20, UploadKind.SUBTITLES: 5 << 20}
"""Bytes. Four tebibytes are a long film indeed."""
_LONGEST_NAME = 200


class TitleDesk:
    """Keeps the titles of every publisher from everybody but them and the owner."""

    def __init__(self, *, titles: Titles, uploads: Uploads, inspect: Inspect, clock: Clock) -> None:
        self._titles = titles
        self._uploads = uploads
        self._inspect = inspect
        self._clock = clock

    async def of(self, viewer: Viewer) -> tuple[Title, ...]:
        """Give the viewer's own titles, last changed first."""
        return await self._titles.all(viewer.wallet)

    async def get(self, viewer: Viewer, title: TitleId) -> Title:
        """Find a title: one's own, or any for the owner.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        found = await self._titles.get(title)
        if found is None or (found.publisher != viewer.wallet and viewer.role is not Role.OWNER):
            raise NotFound("There is no such title.", fix="See your titles.")
        return found

    async def own(self, viewer: Viewer, title: TitleId, *states: TitleState) -> Title:
        """Find one of the viewer's own titles that may be changed now.

        Raises:
            NotFound: there is none, or it is somebody else's.
            AccessRefused: it is in another state than those given.
        """
        found = await self._titles.get(title)
        if found is None or found.publisher != viewer.wallet:
            raise NotFound("There is no such title.", fix="See your titles.")
        if states and found.state not in states:
            raise AccessRefused(f"This title is {found.state} now.", fix="Reload the page.")
        return found

    async def draft(self, viewer: Viewer, description: Description) -> Title:
        """Begin a title."""
        now = self._clock()
        title = Title(TitleId(secrets.token_hex(8)), viewer.wallet, description, now, now)
        await self._titles.save(title)
        return title

    async def describe(self, viewer: Viewer, title: TitleId, description: Description, terms: Terms) -> Title:
        """Change a draft. Raises like `own`."""
        draft = await self.own(viewer, title, TitleState.DRAFT)
        changed = replace(draft, description=description, terms=terms, changed=self._clock())
        if not await self._titles.save_if(changed, TitleState.DRAFT):
            raise AccessRefused("This title was submitted meanwhile.", fix="Reload the page.")
        return changed

    async def remove(self, viewer: Viewer, title: TitleId) -> None:
        """Delete a draft with its files. Raises like `own`."""
        draft = await self.own(viewer, title, TitleState.DRAFT)
        await self._titles.remove(draft.id)
        for upload in await self._uploads.of_title(draft.id):
            await self._uploads.remove(upload.id)

    async def files(self, title: Title) -> tuple[Upload, ...]:
        """Give a title's uploads, whole or not."""
        return await self._uploads.of_title(title.id)

    async def missing(self, title: Title) -> tuple[str, ...]:
        """Say what a draft lacks before it can be submitted."""
        files = await self.files(title)
        film = any(file.whole and file.kind is UploadKind.FEATURE for file in files)
        coming = tuple(f"Let {file.filename} arrive whole, or remove it." for file in files if not file.whole)
        unfit = tuple(f"Replace {file.filename}. {file.fault}" for file in files if file.fault)
        return title.missing(film=film) + (coming if film else ()) + unfit

    async def look_into(self, title: Title) -> None:
        """Look into every whole file of a title that nobody has looked into yet."""
        for file in await self.files(title):
            if file.whole and file.fault is None:
                await self._judge(file)

    async def _judge(self, file: Upload) -> None:
        await self._uploads.judge(file.id, await self._inspect(file))

    async def begin_upload(self, viewer: Viewer, wanted: Upload) -> Upload:
        """Take a new file for a draft, in place of an older one of the same kind and language.

        Raises:
            InvalidValue: it has no name, no bytes or too many, or no language.
            StoreFull: there is no room for it.
            NotFound, AccessRefused: like `own`.
        """
        title = await self.own(viewer, wanted.title, TitleState.DRAFT)
        upload = replace(_checked(wanted), id=UploadId(secrets.token_hex(16)), received=0)
        await self._uploads.begin(upload)
        for older in await self._uploads.of_title(title.id):
            if older.id != upload.id and (older.kind, older.language) == (upload.kind, upload.language):
                await self._uploads.remove(older.id)
        await self._titles.save_if(replace(title, changed=self._clock()), TitleState.DRAFT)
        return upload

    async def upload(self, viewer: Viewer, upload: UploadId) -> Upload:
        """Find an upload of one of the viewer's drafts. Raises NotFound, AccessRefused."""
        found = await self._uploads.get(upload)
        if found is None:
            raise NotFound("There is no such upload.", fix="Begin the upload anew.")
        await self.own(viewer, found.title, TitleState.DRAFT)
        return found

    async def append(self, upload: Upload, pieces: AsyncIterator[bytes]) -> int:
        """Store what comes of an upload, and look into it once it is whole. See the port `Uploads`."""
        received = await self._uploads.append(upload, pieces)
        if received == upload.size:
            await self._judge(replace(upload, received=received))
        return received

    async def remove_upload(self, viewer: Viewer, upload: UploadId) -> None:
        """Delete a file of a draft. Raises NotFound, AccessRefused."""
        found = await self.upload(viewer, upload)
        await self._uploads.remove(found.id)

    async def poster(self, title: Title) -> bytes | None:
        """Give the uploaded poster; None while there is none that can be shown."""
        posters = (file for file in await self.files(title) if file.kind is UploadKind.POSTER)
        file = next((file for file in posters if file.whole and not file.fault), None)
        return None if file is None else await self._uploads.content(file)


def _checked(upload: Upload) -> Upload:
    if not upload.filename.strip() or len(upload.filename) > _LONGEST_NAME:
        raise InvalidValue("The file needs a name of at most 200 letters.", fix="Rename it, then try again.")
    if not 0 < upload.size <= _LARGEST[upload.kind]:
        raise InvalidValue(
            f"A {upload.kind} file may have 1 to {_LARGEST[upload.kind]:,} bytes, not {upload.size:,}.",
            fix="Choose another file.",
        )
    if (upload.kind is UploadKind.SUBTITLES) != bool(LANGUAGE_TAG.fullmatch(upload.language)):
        raise InvalidValue(
            "Subtitles need a language, and nothing else has one.", fix="Use a tag such as en or pt-BR."
        )
    return upload
