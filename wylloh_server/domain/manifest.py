"""`manifest.json` of a film package: written, read, and checked for contradictions.

Format: DESIGN §4 "Film package". The bytes are canonical JSON (see `license.canonical`), because the
publisher signs their SHA-256. Version 2 has one thing that version 1 has not: `encryption.key_commitment`
fixes the content key. Manifests of version 1 are still read; no new ones are written.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from wylloh_server.domain.errors import InvalidValue, PackageInvalid, PackageUnknown
from wylloh_server.domain.film import (
    ENCRYPTION_SCHEME,
    Credit,
    Custodian,
    Description,
    EncryptionHeader,
    FileRole,
    Manifest,
    PackageFile,
    associated_data,
)
from wylloh_server.domain.json_values import line, matching, prose, record, rows, text, whole
from wylloh_server.domain.license import canonical
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.types import Cid, Seconds, TokenReference, parse_wallet

FORMAT = "wylloh-film-v2"
FORMAT_WITHOUT_COMMITMENT = "wylloh-film-v1"
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
MANIFEST_LIMIT = 1 << 20
"""A manifest of more bytes than this is refused unread."""

LANGUAGE_TAG = re.compile(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}")
"""The form of a BCP 47 tag (RFC 5646), without its registry."""
HEX_32 = re.compile(r"[0-9a-f]{64}")
"""32 bytes in lower-case hex."""

_CID = re.compile(r"b[a-z2-7]{8,128}")
_URL = re.compile(r"https?://[!-~]{1,500}")
_MOST_FILES = 2_000
_MOST_CUSTODIANS = 20
MOST_GENRES = 50
LONGEST_GENRE, LONGEST_CREDIT = 60, 300
"""Characters of one genre, of a role and of a name."""
_LONGEST_FILM = 1_000_000


def manifest_bytes(manifest: Manifest) -> bytes:
    """Write a manifest. Two equal manifests give equal bytes; the version follows from the key commitment."""
    encryption = asdict(manifest.encryption)
    if not manifest.encryption.key_commitment:
        del encryption["key_commitment"]
    return canonical(
        {
            "format": FORMAT if manifest.encryption.key_commitment else FORMAT_WITHOUT_COMMITMENT,
            **asdict(manifest.description),
            "runtime": round(manifest.description.runtime),
            "token": str(manifest.token),
            "publisher": manifest.publisher,
            "files": [asdict(file) for file in manifest.files],
            "encryption": encryption,
            "custodians": [asdict(custodian) for custodian in manifest.custodians],
        }
    )


def manifest_from(data: Any) -> Manifest:
    """Read the JSON value of a manifest.

    Raises:
        PackageInvalid: a format or an encryption this server does not know, or a field missing or malformed.
    """
    try:
        manifest = _read(data, _format(data))
    except KeyError as error:
        raise _malformed(f"the field {error} is missing") from None
    except (TypeError, ValueError, InvalidValue) as error:
        raise _malformed(str(error)) from None
    _check_encryption(manifest)
    return manifest


def _malformed(why: str) -> PackageInvalid:
    return PackageInvalid(
        f"The package's manifest is malformed: {why}.", fix="Ask the publisher to publish it again."
    )


def _format(data: Any) -> str:
    found = text(record(data)["format"], 100)
    if found not in {FORMAT, FORMAT_WITHOUT_COMMITMENT}:
        raise PackageUnknown(f"The package's format {found!r} is unknown here.", fix="Update this server.")
    return found


def _check_encryption(manifest: Manifest) -> None:
    header = manifest.encryption
    bound_to = associated_data(str(manifest.token), FileRole.FEATURE)
    if (header.scheme, header.associated_data) != (ENCRYPTION_SCHEME, bound_to):
        raise PackageUnknown(
            "The film is encrypted in a way this server does not know.", fix="Update this server."
        )
    if manifest.only(FileRole.FEATURE) is None:
        raise PackageInvalid("The package holds no film.", fix="Ask the publisher to publish it again.")


def _read(data: Any, version: str) -> Manifest:
    manifest = Manifest(
        description=_description(data),
        token=TokenReference.parse(text(data["token"], 250)),
        publisher=parse_wallet(text(data["publisher"], 42)),
        files=tuple(_file(record(item)) for item in rows(data["files"], _MOST_FILES)),
        encryption=_encryption(record(data["encryption"]), version),
        custodians=tuple(_custodian(record(one)) for one in rows(data["custodians"], _MOST_CUSTODIANS)),
    )
    paths = [file.path for file in manifest.files]
    if len(set(paths)) < len(paths):
        raise InvalidValue("two of its files have the same path")
    return manifest


def _encryption(header: dict[str, Any], version: str) -> EncryptionHeader:
    committed = version != FORMAT_WITHOUT_COMMITMENT
    return EncryptionHeader(
        text(header["scheme"], 100),
        text(header["associated_data"], 500),
        matching(header["key_commitment"], HEX_32, "a key commitment") if committed else "",
    )


def _description(data: Any) -> Description:
    return Description(
        title=line(data["title"], 300).strip() or "Untitled",
        synopsis=prose(data["synopsis"], 20_000),
        year=None if data["year"] is None else whole(data["year"], 9999),
        runtime=Seconds(whole(data["runtime"], _LONGEST_FILM)),
        rating=line(data["rating"], 40),
        credits=tuple(_credit(record(item)) for item in rows(data["credits"], 5_000)),
        languages=tuple(_language(item) for item in rows(data["languages"], 200)),
        subtitles=tuple(_language(item) for item in rows(data["subtitles"], 200)),
        height=whole(data["height"], 100_000),
        genres=_genres(data.get("genres", [])),
    )


def _credit(item: dict[str, Any]) -> Credit:
    return Credit(line(item["role"], LONGEST_CREDIT), line(item["name"], LONGEST_CREDIT))


def _genres(data: Any) -> tuple[str, ...]:
    """Read genres. Manifests written before there were any have no such field."""
    named = (line(item, LONGEST_GENRE).strip() for item in rows(data, MOST_GENRES))
    return tuple(dict.fromkeys(name for name in named if name))


def _language(item: Any) -> str:
    return matching(item, LANGUAGE_TAG, "a language tag")


def _file(item: dict[str, Any]) -> PackageFile:
    path = text(item["path"], 500)
    if not path.isprintable() or any(part in ("", ".", "..") for part in path.split("/")):
        raise InvalidValue(f"{quote_input(path)} is not a path inside a package")
    return PackageFile(
        path=path,
        cid=Cid(matching(item["cid"], _CID, "a CIDv1 in base32")),
        size=whole(item["size"], 1 << 53),
        sha256=matching(item["sha256"], HEX_32, "a SHA-256 in lower-case hex"),
        role=FileRole(item["role"]),
        language=_language(item["language"]) if item["language"] else "",
    )


def _custodian(one: dict[str, Any]) -> Custodian:
    """Read a custodian. Holders' servers will post to its address, which a stranger chose.

    So it is a plain HTTP one, and names a server but no place on it: what is posted there is then read by
    custodians only, and not by a router that takes its orders in the path of a request.
    """
    url = matching(one["url"], _URL, "the address of a custodian")
    parts = urlsplit(url)
    more = parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment
    if not parts.hostname or parts.port == 0 or more:
        raise InvalidValue(f"{quote_input(url)} is not the address of a custodian")
    return Custodian(url, matching(one["public_key"], HEX_32, "an Ed25519 key in lower-case hex"))
