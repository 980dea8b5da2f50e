"""Structured logs, with secrets for nobody: JSON in a file, lines on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import textwrap

import pytest

from wylloh_server.cli.log_setup import redact

CID = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
TOKEN = "Zk3vQ0_x-8yTn1bWq4hMsP2Lr7cUe9Ad"


def shown(**event) -> dict:
    return redact(None, "info", event)


@pytest.mark.parametrize(
    "name",
    ["password", "WYLLOH_PASSPHRASE", "cookie", "Set-Cookie", "Authorization", "private_key", "signature"]
    + ["play_token", "token", "content_key", "api_key", "sealed", "code", "claim_code", "client_secret"],
)
def test_a_value_with_the_name_of_a_secret_is_blanked(name):
    assert shown(**{name: "abc"}) == {name: "…"}
    assert shown(inner={"list": [{name: "abc"}]}) == {"inner": {"list": [{name: "…"}]}}


@pytest.mark.parametrize("name", ["status_code", "exit_code", "path", "keys_held", "tokens_held", "film"])
def test_an_ordinary_value_stays(name):
    assert shown(**{name: "abc"}) == {name: "abc"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"/play/{TOKEN}/master.m3u8", "/play/…/master.m3u8"),
        (f"GET http://127.0.0.1:5000/film/{TOKEN} failed", "GET http://127.0.0.1:5000/film/… failed"),
        (f"http://127.0.0.1:5000/made/{TOKEN}/3.m4s", "http://127.0.0.1:5000/made/…/3.m4s"),
        (f"https://eth.example/v3/{TOKEN}", "https://eth.example/v3/…"),
        (f"https://{TOKEN}.eth.example/rpc/{TOKEN}/", f"https://{TOKEN}.eth.example/rpc/…/"),
        (f"wss://eth.example/?apikey={TOKEN}&x=1", "wss://eth.example/?apikey=…&x=1"),
        ("https://me:mine@eth.example/a", "https://…@eth.example/a"),
        ("postgresql+asyncpg://me:mine@db.lan/wylloh", "postgresql+asyncpg://…@db.lan/wylloh"),
        (f"http://a.example/ipfs/{CID}?format=raw", f"http://a.example/ipfs/{CID}?format=raw"),
        ("http://a.example/sign-in?claim=ABCD2345", "http://a.example/sign-in?claim=…"),
        (f"Cookie: wylloh_session={TOKEN}; x=1", "Cookie: wylloh_session=…; x=1"),
        ("two tokens of Light, 3 left", "two tokens of Light, 3 left"),
    ],
)
def test_a_secret_inside_a_text_is_blanked_and_the_rest_stays(text, said):
    assert shown(event=text) == {"event": said}
    assert shown(event=ValueError(text)) == {"event": said}
    assert shown(event=[(text,)]) == {"event": [[said]]}


def test_bytes_are_counted_and_never_shown():
    assert shown(data=b"film key") == {"data": "<8 bytes>"}


def test_numbers_and_truths_stay_what_they_are():
    assert shown(a=1, b=2.5, c=True, d=None) == {"a": 1, "b": 2.5, "c": True, "d": None}


SPEAKER = textwrap.dedent(
    f"""
    import logging, structlog
    from wylloh_server.cli.log_setup import set_up_logs

    set_up_logs("INFO")
    logging.getLogger("foreign").warning("asked %s", "https://eth.example/v3/{TOKEN}")
    structlog.get_logger("ours").info("played", path="/play/{TOKEN}/0.m4s", password="x")
    logging.getLogger("aiohttp.access").info("never seen")
    structlog.get_logger("ours").debug("never seen")
    try:
        raise ValueError("https://eth.example/v3/{TOKEN}")
    except ValueError:
        logging.getLogger("foreign").exception("it broke")
    """
)


def test_in_a_file_every_line_is_json():
    done = subprocess.run([sys.executable, "-c", SPEAKER], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    entries = [json.loads(line) for line in done.stderr.splitlines()]
    assert [entry["event"] for entry in entries] == ["asked https://eth.example/v3/…", "played", "it broke"]
    assert [entry["level"] for entry in entries] == ["warning", "info", "error"]
    assert [entry["logger"] for entry in entries] == ["foreign", "ours", "foreign"]
    assert entries[1]["path"] == "/play/…/0.m4s"
    assert "ValueError: https://eth.example/v3/…" in entries[2]["exception"]
    assert TOKEN not in done.stderr


def test_51_the_last_lines_are_kept_without_secrets_whatever_stderr_is():
    told = (
        "import json\nkept = __import__('wylloh_server.cli.log_setup', fromlist=['x']).set_up_logs('INFO')\n"
    )
    rest = SPEAKER.partition('set_up_logs("INFO")')[2]
    shown = "print(json.dumps([line.text for line in kept.lines()]))"
    script = f"{told}import logging, structlog\n{textwrap.dedent(rest)}\n{shown}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    broke, played, asked = json.loads(done.stdout)
    assert TOKEN not in done.stdout
    assert "error foreign it broke\nTraceback" in broke
    assert "info ours played path=/play/…/0.m4s password=…" in played
    assert asked.endswith("warning foreign asked https://eth.example/v3/…")


def test_on_a_terminal_secrets_are_blanked_too():
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", SPEAKER], stderr=theirs, stdout=theirs, check=True)
    os.close(theirs)
    said = _all_of(ours)
    assert "it broke" in said
    assert "ValueError: https://eth.example/v3/…" in said
    assert TOKEN not in said
    assert "{" not in said


def _all_of(terminal: int) -> str:
    said = b""
    try:
        while piece := os.read(terminal, 65536):
            said += piece
    except OSError:  # how Linux says that nobody writes there any more
        pass
    os.close(terminal)
    return said.decode()
