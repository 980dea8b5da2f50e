"""A film as the library knows it, and the package in which a publisher ships it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from wylloh_server.domain.types import Cid, FilmId, Seconds, TokenReference, Wallet


def film_id_of(name: str) -> FilmId:
    """Derive a film's id from its token reference as text, or from `file:<absolute path>`."""
    digest = hashlib.sha256(name.encode()).digest()[:10]
    return FilmId(base64.b32encode(digest).decode().lower())


class FilmState(StrEnum):
    """Where a film is on its way to the sofa.

    Of an INTRODUCED film the manifest and the poster are here and verified, the film itself is not.
    The fetching of a STOPPED one was cancelled by somebody; it is not begun again by itself.
    """

    DISCOVERED = "discovered"
    INTRODUCED = "introduced"
    PULLING = "pulling"
    WAITING = "waiting"
    STOPPED = "stopped"
    READY = "ready"
    FAILED = "failed"


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
    """The film is a plain file in one of `library.folders`."""

    path: str


@dataclass(frozen=True, slots=True)
class Film:
    """One title.

    Attributes:
        progress: share of the package's bytes that are here, 0…1.
        reason: when WAITING, STOPPED or FAILED, one plain sentence; otherwise empty.
    """

    id: FilmId
    description: Description
    origin: TokenOrigin | FolderOrigin
    state: FilmState = FilmState.DISCOVERED
    progress: float = 0.0
    reason: str = ""

    @property
    def title(self) -> str:
        """The title people see."""
        return self.description.title

    @property
    def token(self) -> TokenReference | None:
        """The token that gates this film; None for a film from a folder."""
        return self.origin.token if isinstance(self.origin, TokenOrigin) else None


class FileRole(StrEnum):
    """What a file of a package is for."""

    FEATURE = "feature"
    TRAILER = "trailer"
    POSTER = "poster"
    SUBTITLES = "subtitles"


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
    """How the feature is encrypted: scheme, its parameters' name and the associated data."""

    scheme: str
    associated_data: str


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
        """Give the first file of a role."""
        return next((file for file in self.files if file.role is role), None)

    def all(self, role: FileRole) -> tuple[PackageFile, ...]:
        """Give every file of a role, in the manifest's order."""
        return tuple(file for file in self.files if file.role is role)
