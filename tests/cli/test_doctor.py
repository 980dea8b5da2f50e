"""`wylloh doctor`: one line for each thing the server needs, with the fix."""

from __future__ import annotations

import email.utils
import re
import time

from aiohttp import web

from tests.components.registry import CHAIN_ID
from tests.components.rpc_proxy import rpc_proxy
from tests.components.server import server_settings, wylloh, wylloh_async
from tests.components.serving import serving
from tests.components.small_disk import read_only_folder, small_disk
from wylloh_server.app import commands, services
from wylloh_server.config import Settings
from wylloh_server.storage import open_database
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.domain.types import FilmId

NAMES = [
    "ffmpeg",
    "Sandbox",
    "Chain",
    "Contracts",
    "History",
    "Gateways",
    "Clock",
    "Disk",
    "Folders",
    "Films",
    "Packages",
    "Keys",
    "Backup",
    "Address",
]
NOWHERE = "http://127.0.0.1:9"


class Visit:
    """What the doctor said, line by line."""

    def __init__(self, done) -> None:
        assert done.stderr == "", done.stderr
        self.code = done.returncode
        self.lines = {line.split()[1]: line for line in done.stdout.splitlines()}
        assert list(self.lines) == NAMES
        for line in self.lines.values():
            assert line.startswith(("ok  ", "FIX "))
            assert line.startswith("FIX ") == (" → " in line)

    @property
    def wrong(self) -> list[str]:
        return [name for name, line in self.lines.items() if line.startswith("FIX ")]


async def visit(settings) -> Visit:
    return Visit(await wylloh_async("doctor", "--config", settings))


async def test_all_is_well(tmp_path, chain):
    async def gateway(request):
        return web.Response()

    async with serving(gateway) as url, rpc_proxy(chain.rpc) as provider:
        settings = server_settings(
            tmp_path,
            chain={"rpc": [provider.url], "id": int(CHAIN_ID), "contract": chain.contract},
            ipfs={"gateways": [f"{url}/secretpath"]},
        )
        said = await visit(settings)
    assert said.wrong == []
    assert said.code == 0
    assert "reaches no key, no database" in said.lines["Sandbox"]
    assert "1 of 1 nodes answer" in said.lines["Chain"]
    assert "Nothing has been read yet." in said.lines["History"]
    assert f"of {url}." in said.lines["Clock"]
    assert "secret-api-key" in provider.url
    assert "secret-api-key" not in str(said.lines)
    assert "secretpath" not in str(said.lines)
    assert not (tmp_path / "data" / "wylloh.sqlite3").exists()


def test_nothing_configured_is_well_too(tmp_path):
    assert Visit(wylloh("doctor", "--config", server_settings(tmp_path))).code == 0


async def test_everything_is_wrong_at_once(tmp_path):
    async def late(request):
        return web.Response(headers={"Date": email.utils.formatdate(time.time() - 3600, usegmt=True)})

    with read_only_folder(tmp_path / "readonly") as data:
        async with serving(late) as url:
            settings = server_settings(
                tmp_path,
                server={"data": str(data)},
                chain={"rpc": [url], "contract": "0x" + "11" * 20},
                ipfs={"gateways": [NOWHERE]},
                playback={"ffmpeg": "/bin/true"},
                library={"folders": [str(tmp_path / "unplugged")]},
            )
            said = await visit(settings)
    fine = {"Films", "History", "Contracts", "Packages", "Keys", "Backup", "Sandbox", "Address"}
    assert said.wrong == [name for name in NAMES if name not in fine]
    assert said.code == 1
    assert "playback.ffmpeg" in said.lines["ffmpeg"]
    assert "0 of 1 answer" in said.lines["Gateways"]
    assert re.search(r"36\d\d s off", said.lines["Clock"])
    assert "server.data" in said.lines["Disk"]
    assert "unplugged: No such file or directory" in said.lines["Folders"]
    assert "library.folders" in said.lines["Folders"]


async def test_films_that_cannot_be_played_are_counted_and_are_no_failed_server(tmp_path):
    settings = server_settings(tmp_path)
    assert "0 films here." in Visit(wylloh("doctor", "--config", settings)).lines["Films"]
    async with open_database(tmp_path / "data" / "wylloh.sqlite3") as database:
        notes = Film(FilmId("n" * 16), Description("Notes"), FolderOrigin("/n.mp4"), FilmState.FAILED)
        await database.storage.films.save(notes)
    said = await visit(settings)
    assert said.lines["Films"].endswith("1 film cannot be played: see Library.")
    assert said.code == 0


async def test_a_chain_that_is_down(tmp_path):
    settings = server_settings(tmp_path, chain={"rpc": [NOWHERE], "contract": "0x" + "11" * 20})
    said = await visit(settings)
    assert said.wrong == ["Chain"]
    assert "cannot be reached" in said.lines["Chain"]


def test_a_chain_without_its_contract(tmp_path):
    said = Visit(wylloh("doctor", "--config", server_settings(tmp_path, chain={"rpc": [NOWHERE]})))
    assert said.wrong == ["Chain"]
    assert "chain.contract" in said.lines["Chain"]


async def test_another_chain(tmp_path, chain):
    settings = server_settings(tmp_path, chain={"rpc": [chain.rpc], "id": 5, "contract": chain.contract})
    said = await visit(settings)
    assert said.wrong == ["Chain"]
    assert f"serves chain {CHAIN_ID}, not 5" in said.lines["Chain"]


async def test_an_address_without_code(tmp_path, chain):
    nobody = "0x" + "11" * 20
    settings = server_settings(tmp_path, chain={"rpc": [chain.rpc], "id": int(CHAIN_ID), "contract": nobody})
    said = await visit(settings)
    assert said.wrong == ["Chain"]
    assert f"no contract at {nobody}" in said.lines["Chain"]


def test_a_small_disk(tmp_path):
    with small_disk(tmp_path / "data", 1000):
        said = Visit(wylloh("doctor", "--config", server_settings(tmp_path)))
    assert said.wrong == ["Disk"]
    assert " MB free" in said.lines["Disk"]


async def test_a_database_that_does_not_open_is_a_failed_check_of_each_that_reads_it(tmp_path, monkeypatch):
    opened, real = [], commands.open_database
    monkeypatch.setattr(commands, "open_database", lambda place: opened.append(place) or real(place))
    settings = Settings(server={"data": tmp_path})
    (tmp_path / "wylloh.sqlite3").write_bytes(b"no database at all" * 100)
    checks = {check.name: check for check in await commands.check_everything(settings)}
    failed = [name for name, check in checks.items() if not check.ok]
    assert failed == ["History", "Films", "Packages", "Keys"]
    assert len({checks[name].sentence for name in failed}) == len(opened) == 1
    assert all(checks[name].fix for name in failed)


async def test_a_database_elsewhere_is_not_made_by_asking_and_is_what_the_sandbox_must_not_reach(
    tmp_path, monkeypatch
):
    tried, real = [], services.try_sandbox
    monkeypatch.setattr(
        services, "try_sandbox", lambda secrets, ffmpeg: tried.extend(secrets) or real(secrets, ffmpeg)
    )
    file = tmp_path / "elsewhere.db"
    settings = Settings(server={"data": tmp_path}, database={"url": f"sqlite:///{file}"})
    checks = {check.name: check for check in await commands.check_everything(settings)}
    assert checks["Films"].ok
    assert not file.exists()
    assert tried == [tmp_path / "keys", file]
