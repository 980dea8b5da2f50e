"""`manifest.json` of a film package: written, read, and checked for contradictions.

Format: DESIGN §4 "Film package". The bytes are canonical JSON (see `license.canonical`), because the
publisher signs their SHA-256.
"""

from __future__ import annotations

from typing import Any

from wylloh_server.domain.errors import InvalidValue, PackageInvalid
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
from wylloh_server.domain.license import canonical
from wylloh_server.domain.types import Cid, Seconds, TokenReference, wallet_of

FORMAT = "wylloh-film-v1"
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
MANIFEST_LIMIT = 1 << 20
"""A manifest of more bytes than this is refused unread."""


def manifest_bytes(manifest: Manifest) -> bytes:
    """Write a manifest. Two equal manifests give equal bytes."""
    return canonical(
        {
            "format": FORMAT,
            **_described(manifest.description),
            "token": str(manifest.token),
            "publisher": manifest.publisher,
            "files": [_file_json(file) for file in manifest.files],
            "encryption": {
                "scheme": manifest.encryption.scheme,
                "associated_data": manifest.encryption.associated_data,
            },
            "custodians": [{"url": one.url, "public_key": one.public_key} for one in manifest.custodians],
        }
    )


def manifest_from(data: Any) -> Manifest:
    """Read the JSON value of a manifest.

    Raises:
        PackageInvalid: another format, a field missing or malformed, or an encryption this server
            does not know.
    """
    try:
        _check_format(data)
        manifest = _read(data)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidValue) as error:
        raise PackageInvalid(
            f"the manifest is malformed: {error}", fix="Ask the publisher to publish it again."
        ) from None
    _check_encryption(manifest)
    return manifest


def _check_format(data: Any) -> None:
    if data["format"] != FORMAT:
        raise InvalidValue(f"format {str(data['format'])[:40]!r} is not {FORMAT!r}")


def _check_encryption(manifest: Manifest) -> None:
    expected = EncryptionHeader(ENCRYPTION_SCHEME, associated_data(str(manifest.token), FileRole.FEATURE))
    if manifest.encryption != expected:
        raise PackageInvalid(
            "the manifest's encryption is not the one this server knows", fix="Update this server."
        )
    if manifest.only(FileRole.FEATURE) is None:
        raise PackageInvalid("the package holds no film", fix="Ask the publisher to publish it again.")


def _described(description: Description) -> dict[str, Any]:
    return {
        "title": description.title,
        "synopsis": description.synopsis,
        "year": description.year,
        "runtime": round(description.runtime),
        "rating": description.rating,
        "credits": [{"role": credit.role, "name": credit.name} for credit in description.credits],
        "languages": list(description.languages),
        "subtitles": list(description.subtitles),
        "height": description.height,
    }


def _file_json(file: PackageFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "cid": file.cid,
        "size": file.size,
        "sha256": file.sha256,
        "role": str(file.role),
        "language": file.language,
    }


def _read(data: Any) -> Manifest:
    header = data["encryption"]
    return Manifest(
        description=_description(data),
        token=TokenReference.parse(str(data["token"])),
        publisher=wallet_of(str(data["publisher"])),
        files=tuple(_file(item) for item in data["files"]),
        encryption=EncryptionHeader(str(header["scheme"]), str(header["associated_data"])),
        custodians=tuple(Custodian(str(one["url"]), str(one["public_key"])) for one in data["custodians"]),
    )


def _description(data: Any) -> Description:
    return Description(
        title=str(data["title"]).strip()[:300] or "Untitled",
        synopsis=str(data["synopsis"])[:20_000],
        year=None if data["year"] is None else int(data["year"]),
        runtime=Seconds(float(data["runtime"])),
        rating=str(data["rating"])[:40],
        credits=tuple(Credit(str(item["role"]), str(item["name"])) for item in data["credits"]),
        languages=tuple(str(item) for item in data["languages"]),
        subtitles=tuple(str(item) for item in data["subtitles"]),
        height=int(data["height"]),
    )


def _file(item: Any) -> PackageFile:
    return PackageFile(
        path=str(item["path"]),
        cid=Cid(str(item["cid"])),
        size=int(item["size"]),
        sha256=str(item["sha256"]),
        role=FileRole(item["role"]),
        language=str(item["language"]),
    )
