"""Takes the body of a posted form apart, after counting how many fields it has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, StreamReader, hdrs
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError

from wylloh_server.domain.plugin_pages import UploadedFile
from wylloh_server.web.error_responses import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_FIELDS = 200
"""Fields and files of one form. The largest form of the product has some 150."""
MULTIPART = "multipart/form-data"
FORM_KINDS = frozenset({"application/x-www-form-urlencoded", MULTIPART})

_MOST_HEADERS = 16
"""Header lines of one part; browsers send two."""
_PIECE = 4096
"""Bytes. aiohttp's reader copies what is left of a piece at the end of each part."""
_UNREADABLE = (ValueError, LookupError, RuntimeError, AssertionError, HttpProcessingError)
"""What aiohttp's reader raises about parts that are none."""


@dataclass(frozen=True, slots=True)
class SentForm:
    """A posted form.

    Attributes:
        fields: the values of each field, in the order of the form.
        files: by field name.
    """

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, UploadedFile] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """Return the first value of a field, or an empty text if it was not sent."""
        return next(iter(self.fields.get(name, ())), "")


async def parse_form(content_type: str, body: bytes) -> SentForm:
    """Return the form that a body holds. `content_type` is the whole header, with its parameters.

    Raises:
        BadRequest: it has too many fields, or cannot be read.
    """
    header = Message()
    header[hdrs.CONTENT_TYPE] = content_type
    try:
        if header.get_content_type() == MULTIPART:
            return await _parse_multipart(content_type, _boundary(header), body)
        return _parse_urlencoded(body, header.get_content_charset("utf-8"))
    except _UNREADABLE:
        raise BadRequest(400, "This form cannot be read.", fix="Reload the page and send it again.") from None


def _parse_urlencoded(body: bytes, charset: str) -> SentForm:
    _refuse_many(body.count(b"&") + 1)
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.rstrip().decode(charset), keep_blank_values=True, encoding=charset):
        fields.setdefault(name, []).append(value)
    return SentForm(fields)


def _boundary(header: Message) -> bytes:
    boundary = header.get_boundary()
    if not boundary:
        raise ValueError("no boundary")
    return b"--" + boundary.encode("ascii")


async def _parse_multipart(content_type: str, boundary: bytes, body: bytes) -> SentForm:
    """Parse parts. The event loop goes on between two of them.

    Nothing may stand before the first part: aiohttp's reader would look at each line of it.
    """
    if not body.startswith(boundary):
        raise ValueError("something before the first part")
    _refuse_many(body.count(b"\n" + boundary))
    fields: dict[str, list[str]] = {}
    files: dict[str, UploadedFile] = {}
    reader = MultipartReader({hdrs.CONTENT_TYPE: content_type}, _stream(body), max_headers=_MOST_HEADERS)
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise ValueError("not a field")
        content = bytes(await part.read(decode=True))
        if part.filename:
            files[part.name] = UploadedFile(part.filename, content)
        elif part.headers.get(hdrs.CONTENT_TYPE, "text/plain").startswith("text/"):
            fields.setdefault(part.name, []).append(content.decode(part.get_charset(default="utf-8")))
        await asyncio.sleep(0)
    return SentForm(fields, files)


def _stream(body: bytes) -> StreamReader:
    """Return a body that is here as the stream that aiohttp's reader takes."""
    loop = asyncio.get_running_loop()
    # Twice the limit would make a stream ask its connection, which there is none of, to wait.
    stream = StreamReader(BaseProtocol(loop), len(body) + 1, loop=loop)
    for start in range(0, len(body), _PIECE):
        stream.feed_data(body[start : start + _PIECE])
    stream.feed_eof()
    return stream


def _refuse_many(fields: int) -> None:
    if fields > MOST_FIELDS:
        raise BadRequest(413, f"A form may have {MOST_FIELDS} fields.", fix="Send the rest in a second form.")
