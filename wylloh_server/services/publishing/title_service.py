"""Publishers' titles until they are approved: drafted, filled with files, submitted, taken back."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wylloh_server.domain.access import Role
from wylloh_server.domain.byte_size import format_byte_size
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.film import Film, FilmState, UploadOrigin, film_id_for
from wylloh_server.domain.manifest import LANGUAGE_TAG
from wylloh_server.domain.rights import PERSONAL, Tier
from wylloh_server.domain.title import Title, TitleId, TitleState, TitleTerms, Upload, UploadId, UploadKind
from wylloh_server.domain.types import Timestamp
from wylloh_server.services.publishing.publisher_removal import delete_title
from wylloh_server.services.publishing.title_changes import join_changes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Description
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.uploads import Uploads
    from wylloh_server.services.chain.payee_check import PayeeCheck
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.titles import TitleRepository

    Inspect = Callable[[Upload], Awaitable[str]]
    """Says why a whole upload cannot be used; `upload_validation.UploadValidation.fault` does."""

_LARGEST = {
    UploadKind.FEATURE: 1 << 42,
    UploadKind.TRAILER: 1 << 33,
    UploadKind.POSTER: 10 << 20,
    UploadKind.BACKDROP: 10 << 20,
    UploadKind.SUBTITLES: 5 << 20,
}
"""Largest sizes of uploads in bytes."""
_CALLED = {
    UploadKind.FEATURE: "a film",
    UploadKind.TRAILER: "a trailer",
    UploadKind.POSTER: "a poster",
    UploadKind.BACKDROP: "a backdrop",
    UploadKind.SUBTITLES: "subtitles",
}
_LONGEST_NAME = 200
_MOST_TITLES = 100
"""Of one publisher, not on chain yet."""
_MOST_FILES = 500
"""Of those titles together; each is a folder, and may have a language that nobody speaks."""
_DAY = 86_400


class TitleService:
    """Keeps the titles of every publisher from everybody but them and the owner."""

    def __init__(
        self,
        *,
        titles: TitleRepository,
        accounts: AccountRepository,
        uploads: Uploads,
        inspect: Inspect,
        payees: PayeeCheck,
        clock: Clock,
        quota: int | None = None,
    ) -> None:
        """Keep titles. `quota` is how many bytes the files of one publisher may take; None is no bound."""
        self._titles = titles
        self._accounts = accounts
        self._uploads = uploads
        self._inspect = inspect
        self.payees = payees
        self._clock = clock
        self._quota = quota
        self._beginning = asyncio.Lock()
        self._locks: WeakValueDictionary[TitleId, asyncio.Lock] = WeakValueDictionary()

    def lock(self, title: TitleId) -> asyncio.Lock:
        """Return what keeps a title's state and files as they are while it is held.

        Whoever looks at a title to change its state or its files holds it from the look to the change.
        """
        return self._locks.setdefault(title, asyncio.Lock())

    async def of(self, viewer: Viewer) -> tuple[Title, ...]:
        """Return the viewer's own titles, last changed first."""
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
        if states:
            _check_state(found, *states)
        return found

    async def draft(self, viewer: Viewer, description: Description) -> Title:
        """Begin a title.

        Raises:
            AccessRefused: the publisher has too many that are not on chain yet.
        """
        now = self._clock()
        terms = TitleTerms(tiers=(Tier(1, PERSONAL),))  # every ladder begins with watching
        title = Title(TitleId(secrets.token_hex(8)), viewer.wallet, description, now, now, terms=terms)
        async with self._beginning:
            if viewer.role is not Role.OWNER and len(await self._in_work(viewer)) >= _MOST_TITLES:
                raise AccessRefused(
                    f"You have {_MOST_TITLES} titles that are not on chain yet; no more are kept.",
                    fix="Put them on chain, or delete drafts.",
                )
            await self._titles.save(title)
        return title

    async def _in_work(self, viewer: Viewer) -> list[Title]:
        """Return the viewer's titles that are not on chain yet: others have no files here."""
        return [one for one in await self.of(viewer) if one.state is not TitleState.TOKENISED]

    async def describe(
        self,
        viewer: Viewer,
        title: TitleId,
        description: Description,
        terms: TitleTerms,
        before: tuple[Description, TitleTerms] | None = None,
    ) -> Title:
        """Change a draft; only those fields that differ from `before`, where that is given.

        Raises:
            InvalidValue: the receiver of the royalty could not take it out again.
            NotFound: like `own`.
            AccessRefused: like `own`, or one of these fields was changed meanwhile.
        """
        await self.payees.check(terms.royalty_receiver)
        async with self.lock(title):
            draft = await self.own(viewer, title, TitleState.DRAFT)
            if before is not None:
                description = join_changes(draft.description, before[0], description)
                terms = join_changes(draft.terms, before[1], terms)
            changed = replace(draft, description=description, terms=terms, changed=self._clock())
            if not await self._titles.save_if(changed, TitleState.DRAFT):
                raise AccessRefused("This title was submitted meanwhile.", fix="Reload the page.")
        return changed

    async def remove(self, viewer: Viewer, title: TitleId) -> None:
        """Delete a draft with its files; that also the owner may, as its publisher may be gone.

        Raises:
            NotFound: there is none, or it is somebody else's.
            AccessRefused: it is no draft any more.
        """
        async with self.lock(title):
            found = await self.get(viewer, title)
            _check_state(found, TitleState.DRAFT)
            await delete_title(self._titles, self._uploads, found)

    async def files(self, title: Title) -> tuple[Upload, ...]:
        """Return a title's uploads, whole or not."""
        return await self._uploads.of_title(title.id)

    async def preview(self, viewer: Viewer, title_id: TitleId, kind: UploadKind = UploadKind.FEATURE) -> Film:
        """Return a title's uploaded film or trailer, to be watched before it is published.

        Raises:
            NotFound: there is no such title, it is somebody else's, or its film or trailer is not here.
        """
        title = await self.get(viewer, title_id)
        film = await self.uploaded_film(title, kind)
        if film is None:
            what = "trailer" if kind is UploadKind.TRAILER else "film"
            raise NotFound(f"The {what} of this title is not here.", fix="Look at the title's page.")
        return film

    async def uploaded_film(self, title: Title, kind: UploadKind = UploadKind.FEATURE) -> Film | None:
        """Return a title's uploaded film or trailer; None while there is none that can be used."""
        uploaded = (file for file in await self.files(title) if file.kind is kind)
        file = next((file for file in uploaded if file.usable), None)
        if file is None:
            return None
        origin = UploadOrigin(title.id, file.id, title.publisher)
        return Film(film_id_for(f"upload:{file.id}"), title.description, origin, FilmState.READY, 1.0)

    async def missing(self, title: Title) -> tuple[str, ...]:
        """Return what a draft lacks before it can be submitted."""
        files = await self.files(title)
        film = any(file.whole and file.kind is UploadKind.FEATURE for file in files)
        coming = tuple(f"Let {file.filename} arrive whole, or remove it." for file in files if not file.whole)
        unfit = tuple(f"Replace {file.filename}. {file.fault}" for file in files if file.fault)
        return title.missing(film=film) + (coming if film else ()) + unfit

    async def look_into(self, title: Title) -> None:
        """Look into every whole file of a title that nobody has looked into yet. Holds no lock itself."""
        for file in await self.files(title):
            if file.whole and file.fault is None:
                await self._take(file, await self._inspect(file))

    async def _take(self, file: Upload, fault: str) -> None:
        """Record what was found in a whole file; one that can be used takes the place of those before it."""
        former = await self._replaced_by(file)  # first: what is recorded changes the order
        await self._uploads.record_fault(file.id, fault)
        for older in former if not fault else ():
            await self._uploads.remove(older.id)

    async def _check_open(self, file: Upload) -> None:
        """Make sure that a file is still there, its title a draft, and its publisher one.

        Raises:
            NotFound: the title or the file was removed.
            AccessRefused: the title is no draft any more, or its publisher no publisher.
        """
        title = await self._titles.get(file.title)
        if title is None or await self._uploads.get(file.id) is None:
            raise NotFound("There is no such upload.", fix="Begin the upload anew.")
        _check_state(title, TitleState.DRAFT)
        role = await self._accounts.role(title.publisher)
        if role is None or not role.includes(Role.PUBLISHER):
            raise AccessRefused("You may not publish here any more.", fix="Ask the owner of this server.")

    async def _replaced_by(self, upload: Upload) -> list[Upload]:
        """Return the title's older files of the same kind and language."""
        files = await self._uploads.of_title(upload.title)
        older = takewhile(lambda file: file.id != upload.id, files)
        return [file for file in older if (file.kind, file.language) == (upload.kind, upload.language)]

    async def begin_upload(self, viewer: Viewer, wanted: Upload) -> Upload:
        """Take a new file for a draft, in place of an older one of the same kind and language.

        An older one that can be used stays until the new one can be.

        Raises:
            InvalidValue: it has no name, no bytes or too many, or no language.
            StoreFull: there is no room for it.
            AccessRefused: the publisher's files would be too many or exceed the quota; or like `own`.
            NotFound: like `own`.
        """
        async with self.lock(wanted.title):
            title = await self.own(viewer, wanted.title, TitleState.DRAFT)
            upload = replace(_checked(wanted), id=UploadId(secrets.token_hex(16)), received=0)
            async with self._beginning:  # of two that begin at once the second counts the first
                await self._begin(viewer, upload)
            await self._titles.save_if(replace(title, changed=self._clock()), TitleState.DRAFT)
        return upload

    async def _begin(self, viewer: Viewer, upload: Upload) -> None:
        unfit = [older for older in await self._replaced_by(upload) if not older.usable]
        await self._check_quota(viewer, upload, unfit)
        # First: the room that is kept for them is room for what takes their place.
        for older in unfit:
            await self._uploads.remove(older.id)
        await self._uploads.begin(upload)

    async def _check_quota(self, viewer: Viewer, upload: Upload, gone: Collection[Upload]) -> None:
        """Raise AccessRefused if the publisher's files but those that go would be or take too much.

        The owner has no quota.
        """
        if viewer.role is Role.OWNER:
            return
        files = [file for title in await self._in_work(viewer) for file in await self.files(title)]
        if len(files) - len(gone) >= _MOST_FILES:
            raise AccessRefused(
                f"You have {_MOST_FILES} files here; no more are kept.",
                fix="Remove files of drafts, or put titles on chain.",
            )
        taken = sum(file.size for file in files) - sum(file.size for file in gone)
        if self._quota is not None and taken + upload.size > self._quota:
            raise AccessRefused(
                f"Your files take {format_byte_size(taken)}; with {format_byte_size(upload.size)} more they "
                f"would exceed the {format_byte_size(self._quota)} that each publisher has here.",
                fix="Remove files of other drafts, or ask the owner to raise publishing.quota_gb.",
            )

    async def remove_unfinished(self, days: float) -> None:
        """Delete uploads that nobody has gone on with for so many days."""
        await self._uploads.remove_unfinished(Timestamp(self._clock() - days * _DAY))

    async def upload(self, viewer: Viewer, upload: UploadId) -> Upload:
        """Find an upload of one of the viewer's drafts. Raises NotFound, AccessRefused."""
        found = await self._uploads.get(upload)
        if found is None:
            raise NotFound("There is no such upload.", fix="Begin the upload anew.")
        await self.own(viewer, found.title, TitleState.DRAFT)
        return found

    async def append(self, upload: Upload, pieces: AsyncIterator[bytes]) -> int:
        """Store what comes of an upload, and look into it once it is whole. See the port `Uploads`.

        Raises:
            NotFound, AccessRefused: the file was removed, its title is no draft any more, or its publisher no
                publisher; then it takes no other file's place. What came of it stays.
        """
        await self._check_open(upload)
        received = await self._uploads.append(upload, pieces)
        if received == upload.size:
            whole = replace(upload, received=received)
            fault = await self._inspect(whole)
            async with self.lock(upload.title):  # hours may have passed since the check above
                await self._check_open(whole)
                await self._take(whole, fault)
        return received

    async def remove_upload(self, viewer: Viewer, upload: UploadId) -> None:
        """Delete a file of a draft. Raises NotFound, AccessRefused."""
        async with self.lock((await self.upload(viewer, upload)).title):
            found = await self.upload(viewer, upload)
            await self._uploads.remove(found.id)

    async def picture(self, title: Title, kind: UploadKind) -> bytes | None:
        """Return the uploaded poster or backdrop; None while there is none that can be shown."""
        pictures = (file for file in await self.files(title) if file.kind is kind)
        file = next((file for file in pictures if file.usable), None)
        return None if file is None else await self._uploads.content(file)


def _check_state(title: Title, *states: TitleState) -> None:
    if title.state not in states:
        raise AccessRefused(f"This title is {title.state} now.", fix="Reload the page.")


def _checked(upload: Upload) -> Upload:
    if not upload.filename.strip() or len(upload.filename) > _LONGEST_NAME:
        raise InvalidValue("The file needs a name of at most 200 letters.", fix="Rename it, then try again.")
    if upload.size == 0:
        raise InvalidValue(f"{upload.filename} is empty.", fix="Choose another file.")
    if upload.size > (largest := _LARGEST[upload.kind]):
        raise InvalidValue(
            f"{upload.filename} is larger than {format_byte_size(largest)}, "
            f"the most that {_CALLED[upload.kind]} may have.",
            fix="Choose a smaller file.",
        )
    _check_language(upload)
    return upload


def _check_language(upload: Upload) -> None:
    if upload.kind is not UploadKind.SUBTITLES:
        if upload.language:
            raise InvalidValue("Only subtitles have a language.", fix="Send this file without one.")
    elif not LANGUAGE_TAG.fullmatch(upload.language):
        raise InvalidValue(
            f"{upload.language!r} is no language." if upload.language else "Subtitles need a language.",
            fix="Write it in the field Language, as en, de or pt-BR, then choose the file again.",
        )
