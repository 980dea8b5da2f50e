"""The files of a title as its page shows them: a row each kind, and for subtitles each language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.title import UploadKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.title import Upload


@dataclass(frozen=True, slots=True)
class FileRow:
    """What is here of one kind of file.

    Attributes:
        newest: what was sent last, whole or not; None where nothing was.
        kept: an older one that stays until the newest can be used in its place.
    """

    newest: Upload | None = None
    kept: Upload | None = None

    @property
    def usable(self) -> Upload | None:
        """The file that would be published now."""
        return self.newest if self.newest and self.newest.usable else self.kept


def file_row(files: Sequence[Upload], kind: UploadKind, language: str = "") -> FileRow:
    """Return the row of a kind; `files` are a title's, oldest first."""
    same = [file for file in files if (file.kind, file.language) == (kind, language)]
    if not same:
        return FileRow()
    return FileRow(same[-1], next((file for file in same[:-1] if file.usable), None))


def subtitle_rows(files: Sequence[Upload]) -> dict[str, FileRow]:
    """Return the rows of subtitles by their languages."""
    languages = sorted({file.language for file in files if file.kind is UploadKind.SUBTITLES})
    return {language: file_row(files, UploadKind.SUBTITLES, language) for language in languages}
