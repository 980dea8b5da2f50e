"""Forms are taken apart as browsers send them; what is none gets a plain 400, never a fault of the server."""

from __future__ import annotations

import pytest

from wylloh_server.domain.plugin_pages import UploadedFile
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.form_parser import MOST_FIELDS, parse_form

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"


def part(content=b"1", head=b'name="a"', more=b""):
    return b"--b\r\nContent-Disposition: form-data; " + head + b"\r\n" + more + b"\r\n" + content + b"\r\n"


async def test_fields_come_in_their_order_and_empty_ones_too():
    form = await parse_form(FORM, b"tag=x&tag=%C3%A9+y&none=&bare\r\n")
    assert form.fields == {"tag": ["x", "é y"], "none": [""], "bare": [""]}
    assert (form.value("tag"), form.value("absent")) == ("x", "")
    assert (await parse_form(f"{FORM}; charset=iso-8859-1", b"a=%E9")).fields == {"a": ["é"]}


async def test_files_and_fields_of_a_multipart_form():
    body = part("é".encode()) + part(b"2\r\n--x", b'name="a"')
    body += part(b"\x00--b\r\n", b'name="f"; filename="\xc3\xa9 1.csv"', b"Content-Type: text/csv\r\n")
    body += part(b"", b'name="g"; filename=""', b"Content-Type: application/octet-stream\r\n")
    form = await parse_form(MULTIPART, body + b"--b--\r\n")
    assert form.fields == {"a": ["é", "2\r\n--x"]}
    assert form.files == {"f": UploadedFile("é 1.csv", b"\x00--b\r\n")}
    large = part(bytes(range(256)) * 2000, b'name="f"; filename="f"')
    assert (await parse_form(MULTIPART, large + b"--b--")).files["f"].body == bytes(range(256)) * 2000


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"\xff\xfe"),
        (f"{FORM}; charset=none-such", b"a=1"),
        ("multipart/form-data", part() + b"--b--"),
        ("multipart/form-data; boundary=" + "b" * 100, b"--" + b"b" * 100),
        (MULTIPART, b"\n" * 100_000 + part() + b"--b--"),
        (MULTIPART, b"--bb\n" + b"\n" * 100_000),
        (MULTIPART, b"--b\r\n" + b"x\r\n" * 1000),
        (MULTIPART, b"--b\r\n" + b"x: y\r\n" * 1000 + b"\r\n\r\n--b--"),
        (MULTIPART, b"--b\r\n" + b"x" * 100_000 + b"\r\n\r\n"),
        (MULTIPART, part(head=b'x="a"') + b"--b--"),
        (MULTIPART, part()),
        (MULTIPART, part()[:-3]),
        (MULTIPART, part(more=b"Content-Transfer-Encoding: none-such\r\n") + b"--b--"),
        (MULTIPART, part(more=b"Content-Type: text/plain; charset=none-such\r\n") + b"--b--"),
        (MULTIPART, part(more=b"Content-Type: multipart/mixed; boundary=c\r\n") + b"--b--"),
        (MULTIPART, part(b"\xff") + b"--b--"),
        (MULTIPART, part(b"x" * 40, b'name="_charset_"') + part() + b"--b--"),
    ],
)
async def test_what_is_no_form_is_refused(kind, body):
    with pytest.raises(BadRequest) as refused:
        await parse_form(kind, body)
    assert refused.value.status == 400 and refused.value.fix


@pytest.mark.parametrize(("kind", "one"), [(FORM, b"a&"), (MULTIPART, part())])
async def test_fields_are_counted_before_a_form_is_taken_apart(kind, one, monkeypatch):
    def never(*_, **__):
        raise SystemExit("taken apart")

    assert await parse_form(kind, one * (MOST_FIELDS - 1) + (b"a" if kind == FORM else b"--b--"))
    monkeypatch.setattr("wylloh_server.web.form_parser.parse_qsl", never)
    monkeypatch.setattr("wylloh_server.web.form_parser.MultipartReader", never)
    with pytest.raises(BadRequest, match="A form may have 200 fields") as refused:
        await parse_form(kind, one * 20_000)
    assert refused.value.status == 413
