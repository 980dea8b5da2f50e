"""Under which addresses a server is reached, and what its terminal shows."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys

import pytest

from wylloh_server.cli.listen_addresses import lan_address, listen, with_addresses
from wylloh_server.config import ServerSettings, Settings
from wylloh_server.domain.errors import SettingsError


def settings(**server) -> Settings:
    return Settings(server=ServerSettings(**server))


def test_the_public_address_is_the_one_on_the_lan_unless_it_is_set():
    found = with_addresses(settings(), 9000).server
    assert found.public_url == f"http://{lan_address()}:9000"
    assert found.port == 9000
    assert with_addresses(settings(public_url="https://films.example"), 9000).server.public_url == (
        "https://films.example"
    )


def test_a_server_that_keeps_to_its_machine_has_no_lan_address():
    for host in ("127.0.0.1", "localhost", "::1"):
        assert with_addresses(settings(host=host), 9000).server.public_url == "http://127.0.0.1:9000"


def test_what_people_type_at_home_is_known_and_nothing_twice():
    set_by_hand = settings(host="127.0.0.1", other_urls=("http://attic.lan", "http://localhost:9000"))
    others = with_addresses(set_by_hand, 9000).server.other_urls
    assert others[0] == "http://attic.lan"
    assert {"http://127.0.0.1:9000", f"http://{socket.gethostname().lower()}.local:9000"} <= set(others)
    assert len(others) == len(set(others))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_listens_where_it_is_told(host):
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"cannot be installed: the address {host}")
    with listen(settings(host=host, port=0)) as bound, socket.create_connection(bound.getsockname()[:2]):
        assert bound.getsockname()[1] > 0


def test_a_port_that_is_taken_is_named():
    with listen(settings(host="127.0.0.1", port=0)) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port}"):
            listen(settings(host="127.0.0.1", port=port))


SPEAKER = "from wylloh_server.cli.banner import show_address; show_address('Attic', 'http://attic.lan:8484')"


def test_the_qr_code_is_for_a_terminal_only():
    plain = subprocess.run([sys.executable, "-c", SPEAKER], capture_output=True, text=True, check=True).stdout
    assert plain == "\nAttic is at http://attic.lan:8484\n"
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", SPEAKER], stdout=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "█" in shown or "▄" in shown
    assert "/tv" in shown
