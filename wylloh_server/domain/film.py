"""A film as the library knows it, and the package in which a publisher ships it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_server.domain.types import Cid, FilmId, Seconds, TokenReference, Wallet

if TYPE_CHECKING:
    from wylloh_server.domain.title import TitleId, UploadId


_ID_BYTES = 10


def film_id_for(name: str) -> FilmId:
    """Derive a film's id from a name of it, such as its token reference as text: the same on every server."""
    return _film_id(hashlib.sha256(name.encode()).digest()[:_ID_BYTES])


def new_film_id() -> FilmId:
    """Return an id for a film that is known to this server alone: nobody can guess or recognise it."""
    return _film_id(secrets.token_bytes(_ID_BYTES))


def _film_id(value: bytes) -> FilmId:
    return FilmId(base64.b32encode(value).decode().lower())


class FilmState(StrEnum):
    """The state of a film, from discovered to ready.

    Of an INTRODUCED film the manifest and the poster are here and verified, the film itself is not.
    The fetching of a STOPPED one was cancelled by somebody; it is not begun again by itself.
    The file of an AWAY one is not in its folder now; the film keeps everything and waits for it.
    """

    DISCOVERED = "discovered"
    INTRODUCED = "introduced"
    PULLING = "pulling"
    WAITING = "waiting"
    STOPPED = "stopped"
    READY = "ready"
    FAILED = "failed"
    AWAY = "away"


class FetchConsent(StrEnum):
    """The owner's word about fetching a film whose tokens somebody here was sent, but has not bought."""

    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Credit:
    """One line of the credits."""

    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Description:
    """What people read about a film; languages are BCP 47 tags, genres are the publisher's own words."""

    title: str
    synopsis: str = ""
    year: int | None = None
    runtime: Seconds = Seconds(0)
    rating: str = ""
    credits: tuple[Credit, ...] = ()
    languages: tuple[str, ...] = ()
    subtitles: tuple[str, ...] = ()
    height: int = 0
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenOrigin:
    """The film comes from a chain: its token, and what its publisher registered of the package.

    Attributes:
        root: the package's root CID.
        manifest_sha256: digest of the package's manifest, lower-case hex.
    """

    token: TokenReference
    root: Cid
    publisher: Wallet
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class FolderOrigin:
    """The film is a plain file in one of `library.folders`.

    Attributes:
        path: where it is, or was when it was there last.
        size: of the file that was looked into, in bytes.
        modified: when that file had been written to last, in nanoseconds; 0 while nobody noted it.
        fingerprint: of that file's content, see `Folders.fingerprint`; empty while nobody noted it.
    """

    path: str
    size: int = 0
    modified: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class TrailerOrigin(FolderOrigin):
    """The film is the trailer of one from a folder, and lies beside it. It is in no library."""


@dataclass(frozen=True, slots=True)
class UploadOrigin:
    """The film is a publisher's upload, which only they and the owner may watch. It is in no library.

    Attributes:
        title: the publisher's title it belongs to.
        upload: the uploaded file.
        publisher: who uploaded it.
    """

    title: TitleId
    upload: UploadId
    publisher: Wallet


@dataclass(frozen=True, slots=True)
class Film:
    """A film in the library.

    Attributes:
        progress: share of the package's bytes that are here, 0…1; of a film from a folder, 1 if it can be
            played while its file is there.
        reason: when WAITING, STOPPED, FAILED or AWAY, or while the owner has to agree to fetch it, in plain
            sentences why; otherwise empty.
        notes: a sentence for each of its tracks that this server cannot play.
    """

    id: FilmId
    description: Description
    origin: TokenOrigin | FolderOrigin | UploadOrigin
    state: FilmState = FilmState.DISCOVERED
    progress: float = 0.0
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The title people see."""
        return self.description.title

    @property
    def in_library(self) -> bool:
        """Whether the library and plugins know it: no upload that is not published, and no trailer."""
        return not isinstance(self.origin, UploadOrigin | TrailerOrigin)

    @property
    def token(self) -> TokenReference | None:
        """The token that gates this film; None for a film from a folder."""
        return self.origin.token if isinstance(self.origin, TokenOrigin) else None


class FileRole(StrEnum):
    """What a file of a package is for."""

    FEATURE = "feature"
    TRAILER = "trailer"
    POSTER = "poster"
    BACKDROP = "backdrop"
    SUBTITLES = "subtitles"


TRAILER_FILE = "trailer.mp4"
"""The path of a trailer in its package."""

PICTURES = (FileRole.POSTER, FileRole.BACKDROP)
"""The pictures of a film: an upright one and a wide one."""


@dataclass(frozen=True, slots=True)
class PackageFile:
    """One file of a package; `sha256` is lower-case hex of the stored (encrypted) bytes."""

    path: str
    cid: Cid
    size: int
    sha256: str
    role: FileRole
    language: str = ""


@dataclass(frozen=True, slots=True)
class Custodian:
    """A server that releases a film's key: its address and its Ed25519 public key, hex."""

    url: str
    public_key: str


@dataclass(frozen=True, slots=True)
class EncryptionHeader:
    """How the feature is encrypted.

    Attributes:
        scheme: the name of the cipher's parameters.
        associated_data: what the ciphertext is bound to.
        key_commitment: fixes the content key (see the module of that name); empty in older packages.
    """

    scheme: str
    associated_data: str
    key_commitment: str = ""


ENCRYPTION_SCHEME = "AES256_GCM_HKDF_1MB"
"""Tink's name of the streaming parameters every package uses."""


def associated_data(name: str, role: FileRole) -> str:
    """Bind ciphertext to its film: `wylloh-film-v1|<token reference or local film id>|<role>`."""
    return f"wylloh-film-v1|{name}|{role}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`manifest.json` of a package."""

    description: Description
    token: TokenReference
    publisher: Wallet
    files: tuple[PackageFile, ...]
    encryption: EncryptionHeader
    custodians: tuple[Custodian, ...]

    def only(self, role: FileRole) -> PackageFile | None:
        """Return the first file of a role."""
        return next((file for file in self.files if file.role is role), None)

    def all(self, role: FileRole) -> tuple[PackageFile, ...]:
        """Return every file of a role, in the manifest's order."""
        return tuple(file for file in self.files if file.role is role)
