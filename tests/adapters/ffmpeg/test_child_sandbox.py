"""A hostile child in the place of ffmpeg: what it must not reach, and which part of the sandbox keeps it from there."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.components.films import FFMPEGS
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.adapters.ffmpeg.child_sandbox import (
    ChildSandbox,
    SandboxPart,
    child_environment,
    find_parts,
)
from wylloh_server.adapters.ffmpeg.process import running
from wylloh_server.adapters.ffmpeg.sandbox_launcher import _NEWER_CALLS, _number_of
from wylloh_server.adapters.ffmpeg.sandbox_report import attempt, try_sandbox, ways_out
from wylloh_server.domain.errors import TranscodeFailed
from wylloh_server.domain.playback import audio_timeline, video_timeline
from wylloh_server.domain.ports.media import AudioEncodeJob, VideoEncodeJob
from wylloh_server.domain.rendition import bitrate_ladder
from wylloh_server.domain.types import Seconds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of what Linux offers")

USER, NETWORK, FILES, CALLS = SandboxPart
PYTHON = "/usr/bin/python3"
"""One that another user can run; the tests' own may lie in root's home."""


@pytest.fixture(scope="module")
def whole():
    """Every part. All of them exist where these tests run; a machine that lacks one would prove nothing."""
    sandbox = ChildSandbox.with_network()
    assert sandbox.parts >= {NETWORK, FILES, CALLS}
    yield sandbox
    sandbox.close()


@pytest.fixture
def secrets(tmp_path):
    """A data folder as the server makes it."""
    tmp_path.chmod(0o755)
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / "master.key").write_bytes(bytes(32))
    (tmp_path / "wylloh.sqlite3").write_bytes(b"SQLite format 3\0")
    for file in (tmp_path / "keys" / "master.key", tmp_path / "wylloh.sqlite3"):
        file.chmod(0o600)
    (tmp_path / "readable").write_bytes(b"content")
    return tmp_path


@pytest.fixture
def other_program():
    """A program that listens on loopback, by TCP and by UDP, and an address that is no loopback of ours."""
    with (
        socket.create_server(("127.0.0.1", 0)) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(("127.0.0.1", 0))
        yield stream.getsockname(), datagrams.getsockname()


@pytest.fixture
def targets(secrets, other_program):
    stream, datagrams = other_program
    files = [str(secrets / "keys" / "master.key"), str(secrets / "wylloh.sqlite3")]
    return {
        "variable": ["WYLLOH_PASSPHRASE", "WYLLOH_CHAIN__RPC"],
        "read": [*files, "/etc/passwd"],
        "list": [str(secrets), "/", "/proc"],
        "write": [*files, str(secrets / "new")],
        "empty": [str(secrets / "readable")],
        "create": [str(secrets / "made")],
        "create unnamed": [str(secrets)],
        "look into": [os.getpid()],
        "signal": [os.getpid()],
        **ways_out(stream, datagrams),
    }


FAST_OPEN = {"connect by sendto", "connect by sendmsg", "connect by sendmmsg", "set option"}
"""TCP Fast Open."""
UNSEEN_BY_LANDLOCK = {"send", "connect by MPTCP", "open socket", "open pair", "open ring", *FAST_OPEN}


async def test_a_hostile_child_reaches_nothing_of_the_server(whole, targets, monkeypatch):
    monkeypatch.setenv("WYLLOH_PASSPHRASE", "correct horse")
    monkeypatch.setenv("WYLLOH_CHAIN__RPC", '["https://rpc.example/key"]')
    assert await attempt(targets, whole) == []
    assert await attempt(targets, ChildSandbox(whole.parts - {NETWORK})) == [], "nor without its own network"
    without = {tried for tried, _ in await attempt(targets, ChildSandbox(frozenset()))}
    assert without >= set(targets) - {"variable"} - switched_off(), "each is one that works without a sandbox"


def switched_off():
    """Return the attempts that this machine's kernel does not offer to anybody."""
    needs = {
        "net/mptcp/enabled": {"connect by MPTCP"},
        "net/ipv4/tcp_fastopen": FAST_OPEN,
        "kernel/io_uring_disabled": {"open ring"},
    }
    off = set()
    for name, attempts in needs.items():
        file, wanted = Path("/proc/sys", name), "0" if name.endswith("disabled") else "1"
        off |= set() if file.exists() and file.read_text().strip() == wanted else attempts
    return off


async def test_children_see_no_variable_but_what_they_need(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert set(child_environment()) <= {
        "PATH",
        "LANG",
        "LANGUAGE",
        "TZ",
        "LD_LIBRARY_PATH",
        "LC_ALL",
        "LC_CTYPE",
    }
    async with running(
        [sys.executable, "-c", "import os; print(dict(os.environ))"], reads=PYTHON_READS
    ) as child:
        seen = (await child.output(10_000)).decode()
    assert "secret" not in seen
    assert "C.UTF-8" in seen


PYTHON_READS = (sys.prefix, sys.base_prefix)


async def test_landlock_is_what_keeps_files_ports_and_signals_apart(targets):
    alone = await attempt(targets, ChildSandbox(frozenset({FILES})))
    assert {tried for tried, _ in alone} <= UNSEEN_BY_LANDLOCK, "that is the filter's business"
    assert "connect" not in {tried for tried, _ in alone}


async def test_landlock_lets_a_child_connect_to_its_source_only(other_program):
    (host, port), _ = other_program
    sandbox = ChildSandbox(frozenset({FILES}))
    with socket.create_server(("127.0.0.1", 0)) as source:
        addresses = {"connect": [(host, port), source.getsockname()]}
        url = f"http://127.0.0.1:{source.getsockname()[1]}/film"
        assert await attempt(addresses, sandbox, url) == [["connect", list(source.getsockname())]]


async def test_the_filter_is_what_refuses_other_sockets_and_changed_files(targets, secrets):
    alone = await attempt({**targets, "write": [str(secrets / "new")]}, ChildSandbox(frozenset({CALLS})))
    assert {tried for tried, _ in alone} == {"read", "list", "look into", "connect"}
    assert not (secrets / "new").exists()
    assert not (secrets / "made").exists()
    assert (secrets / "readable").read_bytes() == b"content", "not even by opening it for reading"


@pytest.mark.parametrize(
    "call",
    [
        "ctypes.CDLL(None).unshare(0x10000000)",
        "ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)",
        "ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
        "ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(256))",  # io_uring_setup
        "os.chmod('/tmp', 0o777) or 0",
        "socket.socket(socket.AF_UNIX) and 0",
        "socket.socket(socket.AF_INET6) and 0",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) and 0",
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, 262) and 0",  # MPTCP
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM).setsockopt(6, 31, b'smc') or 0",  # TCP_ULP
    ],
)
async def test_the_filter_refuses_system_calls_that_no_decoder_needs(call):
    program = f"import ctypes, os, socket\ntry:\n    print({call})\nexcept PermissionError:\n    print(-1)"
    async with running([PYTHON, "-c", program], sandbox=ChildSandbox(frozenset({CALLS}))) as child:
        assert await child.output(100) == b"-1\n"


async def test_a_stream_over_tcp_is_what_the_filter_leaves(whole):
    """By its number and by 0, with the flags that the C library adds, and with the options of a client."""
    program = (
        "import socket as s\n"
        "for number in (0, 6):\n"
        "    s.socket(s.AF_INET, s.SOCK_STREAM | s.SOCK_NONBLOCK | s.SOCK_CLOEXEC, number)"
        ".setsockopt(s.IPPROTO_TCP, s.TCP_NODELAY, 1)\n"
        "one, other = s.socketpair()\n"
        "one.send(b'?', s.MSG_NOSIGNAL)\n"
        "print('open')"
    )
    async with running([PYTHON, "-c", program], sandbox=whole) as child:
        assert await child.output(100) == b"open\n"


def test_calls_that_an_older_libseccomp_does_not_know_are_refused_by_number():
    """Else io_uring, which needs no `connect`, would be open on a machine with a new kernel and an old library."""
    assert _number_of("io_uring_setup", lambda name: -1) == 425
    assert _number_of("creat", lambda name: -10_077) < 0, "one that this architecture does not have"
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
    for name, number in _NEWER_CALLS.items():
        assert resolve(name.encode()) in {number, -1}, name


async def test_a_network_of_its_own_is_what_keeps_the_sources_port_elsewhere_out_of_reach(whole):
    """Landlock knows ports, not addresses: without a network of its own, a child reaches that port of any machine."""
    with socket.create_server(("127.0.0.2", 0)) as elsewhere:
        there = elsewhere.getsockname()
        url = f"http://127.0.0.1:{there[1]}/film"
        parts = frozenset({FILES, CALLS})
        assert await attempt({"connect": [there]}, ChildSandbox(parts), url) == [["connect", list(there)]]
        assert await attempt({"connect": [there]}, ChildSandbox(parts | {NETWORK}, whole.network), url) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_a_user_of_its_own_is_what_keeps_files_apart_without_landlock(secrets):
    program = [PYTHON, "-c", f"print(open({str(secrets / 'keys' / 'master.key')!r}, 'rb').read())"]
    async with running(program, sandbox=ChildSandbox(frozenset({USER}))) as child:
        with pytest.raises(TranscodeFailed, match="Permission denied"):
            await child.wait()
    async with running(program, sandbox=ChildSandbox(frozenset())) as child:
        await child.wait()
    async with running([PYTHON, "-c", "import os; print(os.getuid(), os.getgroups())"]) as child:
        uid, _, groups = (await child.output(100)).decode().strip().partition(" ")
    assert int(uid) != 0
    assert groups == "[]"


async def test_a_program_that_only_root_reaches_keeps_its_user(tmp_path):
    """Rather than not start at all; files are kept apart by the other parts."""
    (tmp_path / "private").mkdir(mode=0o700)
    program = tmp_path / "private" / "program"
    program.write_text("#!/bin/sh\nid -u\n")
    program.chmod(0o755)
    async with running([str(program)]) as child:
        assert int(await child.output(100)) == os.getuid()


async def test_a_part_that_fails_ends_the_child_before_it_begins(monkeypatch):
    """What was found to work and then does not is no reason to go on without."""
    sandbox = ChildSandbox(frozenset({NETWORK, FILES}))
    monkeypatch.setattr(ChildSandbox, "entrances", (0,))  # no namespace
    async with running([PYTHON, "-c", "print('here')"], sandbox=sandbox) as child:
        with pytest.raises(TranscodeFailed, match="sandbox: network"):
            await child.output(100)


@pytest.mark.parametrize("ffmpeg", FFMPEGS)
async def test_films_are_probed_and_encoded_in_the_whole_sandbox(whole, film, opened, ffmpeg):
    made = {}

    async def sink(name, data):
        made[name] = data

    async with LoopbackMediaServer(network=whole.network) as loopback, opened(film) as source:
        media = FfmpegMediaTools(loopback, find_ffmpeg(ffmpeg), threads=1, sandbox=whole)
        probe = await media.probe(source)
        assert probe.video.width == 640
        assert await media.still(source, probe, 160)
        sound = AudioEncodeJob(probe.audio[0], audio_timeline(probe.duration), 0)
        picture = VideoEncodeJob(
            bitrate_ladder(probe.video)[-1], video_timeline(probe.duration, probe.video.frame_rate), 0
        )
        for job in (sound, picture):
            made.clear()
            async with media.encode(source, sink, probe, job) as wait:
                await wait()
                while len(made) < 1 + job.timeline.count:
                    await asyncio.sleep(0.01)
            assert made["init.mp4"][4:8] == b"ftyp"
        assert await media.subtitles(source, probe.subtitles[0])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give privileges up")
async def test_root_without_cap_sys_admin_keeps_what_goes_together():
    """A network then needs a user namespace, in which nobody becomes another user."""
    setpriv = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", sys.executable, "-c"]
    process = await asyncio.create_subprocess_exec(*setpriv, NARROWED, stdout=asyncio.subprocess.PIPE)
    answer, _ = await process.communicate()
    entrances, parts, code = json.loads(answer)
    assert entrances == 2, "a user namespace was needed; otherwise this shows nothing"
    assert code == 0
    assert set(parts) == {NETWORK, FILES, CALLS}


NARROWED = """
import json, subprocess
from wylloh_server.adapters.ffmpeg.child_sandbox import ChildSandbox
sandbox = ChildSandbox.with_network()
done = subprocess.run(sandbox.command(["/bin/true"]), pass_fds=sandbox.entrances)
print(json.dumps([len(sandbox.entrances), sorted(sandbox.parts), done.returncode]))
"""


async def test_the_report_names_what_holds_and_what_a_film_could_reach(secrets, monkeypatch):
    found = await try_sandbox([secrets / "keys", secrets / "wylloh.sqlite3"], "/bin/true")
    assert found.reached == ()
    assert "Landlock" in found.parts
    parts = find_parts()
    monkeypatch.setattr(ChildSandbox, "with_network", classmethod(lambda cls: cls(parts)))
    found = await try_sandbox([], "/bin/true")
    assert found.reached == (), "by no other way than the one port that Landlock leaves"
    assert "any address by one port" in found.missing["a network of its own"]
    monkeypatch.setattr(ChildSandbox, "with_network", classmethod(lambda cls: cls(frozenset())))
    found = await try_sandbox([secrets / "keys", secrets / "wylloh.sqlite3"], "/bin/true")
    assert found.parts == ()
    assert any("read" in phrase and "master.key" in phrase for phrase in found.reached)
    assert any("empty" in phrase for phrase in found.reached)
    assert any("other programs" in phrase for phrase in found.reached)
    assert len(found.reached) == len(set(found.reached))
    assert "any address by any port" in found.missing["a network of its own"]
    assert (secrets / "wylloh.sqlite3").read_bytes() == b"SQLite format 3\0", (
        "only what was made for it is emptied"
    )
    assert set(found.missing) == {
        "a user of its own",
        "a network of its own",
        "Landlock",
        "a filter of system calls",
    }


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_the_report_claims_no_user_for_programs_that_keep_the_servers(tmp_path, monkeypatch):
    (tmp_path / "private").mkdir(mode=0o700)
    ffmpeg = tmp_path / "private" / "ffmpeg"
    ffmpeg.touch(mode=0o755)
    name = "a user of its own"
    monkeypatch.setattr("wylloh_server.adapters.ffmpeg.sandbox_report.WORKER_READS", ())
    monkeypatch.setattr("sys.executable", PYTHON)
    assert name in (await try_sandbox([], "/bin/true")).parts
    report = await try_sandbox([], str(ffmpeg))
    assert name not in report.parts
    assert "every user" in report.missing[name]


async def test_the_parts_are_tried_once(monkeypatch):
    known = find_parts()
    monkeypatch.setattr("subprocess.run", None)
    assert find_parts() is known


async def test_children_that_start_side_by_side_share_the_network(whole):
    async with LoopbackMediaServer(network=whole.network) as loopback, loopback.serve(Words()) as url:
        program = f"import urllib.request; print(urllib.request.urlopen({url!r}).read())"

        async def fetched():
            async with running([PYTHON, "-c", program], sandbox=whole, source=url) as child:
                return await child.output(100)

        assert set(await asyncio.gather(*(fetched() for _ in range(3)))) == {b"b'plain'\n"}


class Words:
    size = 5

    async def read(self, offset, length):
        return b"plain"[offset : offset + length]
