"""Starts a real PostgreSQL with an empty data folder for a test and stops it afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DEBIAN = Path("/usr/lib/postgresql")


@contextmanager
def postgres(*, tls: bool = False) -> Iterator[str]:
    """Run a PostgreSQL cluster on loopback and give the URL of its empty database; with TLS, by nothing else.

    PostgreSQL refuses to run as root, so there it runs as `nobody`. Without its programs the test is skipped.
    """
    programs = _programs()
    # Not pytest's folder: only its owner may enter that.
    folder = Path(tempfile.mkdtemp(prefix="wylloh-pg-"))
    try:
        user = _hand_over(folder)
        data = folder / "data"
        _run(user, programs / "initdb", "--auth=trust", "--username=wylloh", "--no-sync", "-D", data)
        port = _free_port()
        options = f"-p {port} -k {folder} -h 127.0.0.1 -c fsync=off"
        if tls:
            options += _only_tls(data, user)
        start = ("-w", "-t", "30", "-l", folder / "log", "-o", options, "start")
        _run(user, programs / "pg_ctl", "-D", data, *start)
        try:
            yield f"postgresql://wylloh@127.0.0.1:{port}/postgres" + ("?sslmode=require" if tls else "")
        finally:
            _run(user, programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _only_tls(data: Path, user: str | None) -> str:
    """Give the server a certificate of its own, and let nobody in without TLS."""
    certificate, key = data / "server.crt", data / "server.key"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names)
    _run(user, *new, "-keyout", key, "-out", certificate)
    key.chmod(0o600)
    (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
    return f" -c ssl=on -c ssl_cert_file={certificate} -c ssl_key_file={key}"


def _programs() -> Path:
    on_path = shutil.which("initdb")
    places = [Path(on_path).parent] if on_path else sorted(_DEBIAN.glob("*/bin"), reverse=True)
    if not places:
        pytest.skip("PostgreSQL is not here; type: apt-get install postgresql")
    return places[0]


def _hand_over(folder: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_name


def _run(user: str | None, *command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
