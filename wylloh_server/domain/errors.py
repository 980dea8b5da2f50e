"""One tree of errors. Each carries what happened and, in `fix`, what a person can do about it.

WyllohError
├── InvalidValue            a value from outside has the wrong form
├── SettingsError           the settings file or environment; the server does not start
├── NotFound                no such film, session, device…
├── ChainError              ask again later, or look at `wylloh doctor`
│   ├── ChainUnavailable    no configured RPC answers
│   ├── WrongChain          an RPC serves another chain id than configured
│   └── NoContract          there is no code at the configured address
├── ContentError
│   ├── BlockCorrupt        bytes do not match their CID; never stored
│   ├── BlockUnavailable    no gateway could give the block; the pull can be resumed
│   ├── PackageInvalid      the package's manifest, signature or layout is wrong; do not retry
│   │   └── PackageUnknown      it is of a kind that only a newer version of this server knows
│   └── StoreFull           no room on disk or in the bound; free some and resume
├── StorageError            the database cannot be opened, read or written; nothing was half stored
├── SealBroken              decryption failed: wrong key, tampered or truncated ciphertext
├── MediaError
│   ├── MediaRefused        not a film we open: empty, truncated, a playlist in disguise…
│   │   └── ProbeInterrupted    looking into it took too long or crashed; worth another try
│   └── TranscodeFailed     ffmpeg gave up; its last lines of stderr are in the message
│       └── TranscodeUnavailable    it gave up again and again; worth another try after `retry_after`
├── AccessRefused           a rule said no; the message is for the viewer
│   ├── SignInRefused       wrong, late or reused signature
│   └── PlaybackRefused     carries the decision receipt
├── RetryLater              it cannot be done now; a task or a player tries again after a pause
├── ThemeError              a template of the theme is broken; costs what it would have drawn
└── PluginError             a plugin did something it may not; costs only its own feature
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.access import Receipt
    from wylloh_server.domain.types import Seconds


class WyllohError(Exception):
    """The root: `str(error)` is what happened, `error.fix` what to do."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix

    @property
    def explained(self) -> str:
        """What happened and what to do, as sentences on one line."""
        return " ".join(filter(None, (_sentence(str(self)), _sentence(self.fix))))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(". ") + "." if words else ""


class InvalidValue(WyllohError):
    """A value from outside has the wrong form."""


class SettingsError(WyllohError):
    """The settings cannot be used. The message names key and file."""


class NotFound(WyllohError):
    """There is no such thing here."""


class ChainError(WyllohError):
    """The chain cannot be asked. Nothing about a holding follows from it."""


class ChainUnavailable(ChainError):
    """No configured RPC answers."""


class WrongChain(ChainError):
    """The RPC serves another chain than the one configured."""


class NoContract(ChainError):
    """No code at the configured address: the answer is *unknown*, never zero."""


class ContentError(WyllohError):
    """Content could not be fetched, checked or kept."""


class BlockCorrupt(ContentError):
    """Bytes do not match their CID."""


class BlockUnavailable(ContentError):
    """No gateway gave the block."""


class PackageInvalid(ContentError):
    """The film package contradicts itself, its signature or the chain."""


class PackageUnknown(PackageInvalid):
    """The film package is of a kind that only a newer version of this server knows."""


class StoreFull(ContentError):
    """No room for another block. What is stored stays; the pull resumes when there is room."""


class StorageError(WyllohError):
    """The database cannot be opened, read or written. Nothing was half stored."""


class SealBroken(WyllohError):
    """Authenticated decryption failed."""


class MediaError(WyllohError):
    """A film cannot be read or made."""


class MediaRefused(MediaError):
    """The file is not a film this server opens."""


class ProbeInterrupted(MediaRefused):
    """Looking into a file took too long or crashed: the file may be hostile, or the machine busy."""


class TranscodeFailed(MediaError):
    """ffmpeg ended with an error."""


class TranscodeUnavailable(TranscodeFailed):
    """ffmpeg failed again and again; `retry_after` says in how many seconds it is tried again."""

    def __init__(self, message: str, *, fix: str = "", retry_after: Seconds) -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after


class AccessRefused(WyllohError):
    """A rule said no. The message is a plain sentence for the person who asked."""


class SignInRefused(AccessRefused):
    """The signature, nonce or time does not fit."""


class PlaybackRefused(AccessRefused):
    """The viewer may not play this film now; `receipt` says why."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.sentence)
        self.receipt = receipt


class RetryLater(WyllohError):
    """It cannot be done now.

    A background task is tried again after a pause that grows; a player asks again after `retry_after`.
    """

    def __init__(self, message: str, *, fix: str = "", retry_after: Seconds | None = None) -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after


class ThemeError(WyllohError):
    """A template of the theme is broken; `detail` names its file and line, for who writes the theme."""

    def __init__(self, theme: str, detail: str) -> None:
        super().__init__(
            f"A template of the theme {theme} is broken.", fix="The server's log names its file and line."
        )
        self.detail = detail


class PluginError(WyllohError):
    """A plugin broke a rule of the plugin API."""
