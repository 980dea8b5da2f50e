"""The announcement as another process on the LAN sees it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import sys
import uuid
from pathlib import Path

import pytest

from wylloh_server.adapters.lan import zeroconf_announcer
from wylloh_server.adapters.lan.zeroconf_announcer import SERVICE_TYPES, ZeroconfAnnouncer

_BROWSER = Path(__file__).with_name("_lan_browser.py")


class Browser:
    def __init__(self, process):
        self.process = process

    async def next_two(self, what, name):
        """The next two lines about services whose names begin with `name`, by service type."""
        seen = {}
        while len(seen) < 2:
            line = json.loads(await self.process.stdout.readline())
            if line["what"] == what and line["name"].startswith(name):
                seen[line["name"]] = line
        return seen


@pytest.fixture
async def browser():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        _BROWSER,
        *SERVICE_TYPES,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert json.loads(await process.stdout.readline()) == {"what": "ready"}
    yield Browser(process)
    await process.communicate(b"")


def own_name():
    """A name no other server on this LAN has."""
    return f"Test {uuid.uuid4().hex[:8]}"


async def test_seen_with_its_properties_and_gone_after_the_stop(browser):
    name = own_name()
    properties = {"name": "Kino Zuhause", "version": "0.1.0", "path": "/"}
    async with ZeroconfAnnouncer().announced(name, 8484, properties):
        came = await browser.next_two("came", name)
    went = await browser.next_two("went", name)
    assert set(came) == set(went) == {f"{name}.{kind}" for kind in SERVICE_TYPES}
    for line in came.values():
        assert line["port"] == 8484
        assert line["properties"] == properties
        assert all(ipaddress.IPv4Address(address) for address in line["addresses"])
        assert line["addresses"]


async def test_a_name_that_is_taken_gets_a_suffix(browser):
    name = own_name()
    async with ZeroconfAnnouncer().announced(name, 1111, {}):
        await browser.next_two("came", name)
        async with ZeroconfAnnouncer().announced(name, 2222, {}):
            second = await browser.next_two("came", f"{name}-2")
        assert {line["port"] for line in second.values()} == {2222}


async def test_a_name_that_dns_cannot_hold_is_made_to_fit(browser):
    name = own_name()
    async with ZeroconfAnnouncer().announced(f"{name}. Ä\n" + "ü" * 60, 1111, {}):
        came = await browser.next_two("came", name)
    for full in came:
        label = full.partition("._")[0]
        assert len(label.encode()) <= 60
        assert label.startswith(f"{name}  Ä üü")


async def test_a_stop_right_after_the_start_leaves_nothing():
    tasks = asyncio.all_tasks()
    async with ZeroconfAnnouncer().announced(own_name(), 1111, {}):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks


@pytest.mark.parametrize("error", [OSError, RuntimeError])
async def test_a_network_that_cannot_be_used_is_only_a_warning(error, monkeypatch, caplog):
    def no_socket(*_args, **_kwargs):
        raise error("Operation not permitted")

    monkeypatch.setattr(zeroconf_announcer, "AsyncZeroconf", no_socket)
    async with ZeroconfAnnouncer().announced("Kino", 8484, {}):
        await asyncio.sleep(0)
        assert "Operation not permitted" in caplog.text


async def test_properties_too_long_are_only_a_warning(caplog):
    async with ZeroconfAnnouncer().announced(own_name(), 8484, {"name": "x" * 300}):
        while "not announced" not in caplog.text:
            await asyncio.sleep(0.01)
