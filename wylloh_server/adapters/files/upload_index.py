"""Which uploads there are: read from their folders once, so that none but those asked for is opened again."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from wylloh_server.domain.title import TitleId, UploadId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ABOUT = "about.json"
"""Written when an upload begins, and never again; its time is the upload's."""


class UploadIndex:
    """The ids of the uploads below a folder. For many threads; whoever adds or removes one says so here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._titles: dict[UploadId, TitleId] | None = None
        self._of_title: dict[TitleId, list[UploadId]] = {}
        self._unfinished: set[UploadId] = set()

    def of_title(self, title: TitleId) -> tuple[UploadId, ...]:
        """Return a title's uploads, oldest first."""
        with self._lock:
            self._known()
            return tuple(self._of_title.get(title, ()))

    def unfinished(self) -> tuple[UploadId, ...]:
        """Return the uploads of which nobody said that they are whole."""
        with self._lock:
            self._known()
            return tuple(self._unfinished)

    def add(self, upload: UploadId, title: TitleId) -> None:
        """Record a new upload, the youngest of its title."""
        with self._lock:
            if upload not in (titles := self._known()):
                titles[upload] = title
                self._of_title.setdefault(title, []).append(upload)
                self._unfinished.add(upload)

    def mark_whole(self, uploads: Iterable[UploadId]) -> None:
        """Record that uploads are whole, and will stay so."""
        with self._lock:
            self._unfinished.difference_update(uploads)

    def discard(self, upload: UploadId) -> None:
        """Forget an upload that was removed."""
        with self._lock:
            title = self._known().pop(upload, None)
            self._unfinished.discard(upload)
            if title is not None:
                self._of_title[title].remove(upload)
                if not self._of_title[title]:
                    del self._of_title[title]

    def _known(self) -> dict[UploadId, TitleId]:
        if self._titles is None:
            self._titles = {}
            for _, upload, title in sorted(self._read()):
                self._titles[upload] = title
                self._of_title.setdefault(title, []).append(upload)
                self._unfinished.add(upload)
        return self._titles

    def _read(self) -> list[tuple[int, UploadId, TitleId]]:
        found = []
        for about in self._folder.glob(f"*/{ABOUT}"):
            # It may have been half written when the server was killed, or be removed at this moment.
            with suppress(OSError, ValueError, KeyError, TypeError):
                title = TitleId(json.loads(about.read_bytes())["title"])
                found.append((about.stat().st_mtime_ns, UploadId(about.parent.name), title))
        return found
