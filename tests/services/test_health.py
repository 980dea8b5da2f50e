import asyncio
import email.utils

import pytest
from aiohttp import web

from tests.components.registry import open_pool
from tests.components.serving import serving
from tests.services.packing import film_of, published
from wylloh_server.adapters.chain import RegistryChain
from wylloh_server.domain.errors import ChainUnavailable, MediaError
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.domain.onchain import IndexState
from wylloh_server.domain.types import FilmId
from wylloh_server.services import health
from wylloh_server.services.health import (
    ChainCheck,
    Check,
    ClockCheck,
    DiskCheck,
    FfmpegCheck,
    FilmsCheck,
    FoldersCheck,
    GatewayCheck,
    Health,
    HistoryCheck,
    run_checks,
)
from wylloh_server.web.client import http_client

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def http():
    async with http_client() as client:
        yield client


async def fine():
    return Check("Fine", ok=True, sentence="All is well.")


class Breaking:
    name = "Breaking"

    def __init__(self, error):
        self.error = error

    async def __call__(self):
        raise self.error


class Hanging:
    name = "Hanging"

    async def __call__(self):
        await asyncio.Event().wait()


async def test_a_check_that_hangs_or_breaks_is_a_failed_check(monkeypatch, caplog):
    monkeypatch.setattr(health, "_DEADLINE", 0.05)
    probes = (
        fine,
        Hanging(),
        Breaking(ChainUnavailable("No RPC answers.", fix="Start one.")),
        Breaking(OSError("gone")),
        Breaking(ZeroDivisionError("a defect")),
    )
    good, hanging, told, gone, broken = await run_checks(probes)
    assert good == Check("Fine", ok=True, sentence="All is well.")
    assert (hanging.name, hanging.ok, hanging.fix) == ("Hanging", False, "Try again.")
    assert told == Check("Breaking", ok=False, sentence="No RPC answers.", fix="Start one.")
    assert gone == Check("Breaking", ok=False, sentence="gone", fix="See the log.")
    assert (broken.ok, broken.sentence, broken.fix) == (
        False,
        "The check failed: ZeroDivisionError.",
        "See the log.",
    )
    assert "a defect" in caplog.text


async def test_often_asked_it_answers_from_memory_for_a_moment(storage, clock):
    asked = []

    async def counting():
        asked.append(1)
        return await fine()

    service = Health(probes=(counting,), films=storage.films, envelopes=None, clock=clock)
    answers = await asyncio.gather(*(service.checks() for _ in range(10)))
    assert (len(asked), len(set(answers))) == (1, 1)
    clock.now += 5
    await service.checks()
    assert len(asked) == 2


async def test_the_chain(chain, registry):
    good = ChainCheck(RegistryChain(registry.pool, registry.contract), configured=True)
    answer = await good()
    assert answer.ok
    assert answer.sentence.startswith("Block ")
    assert answer.sentence.endswith("1 of 1 nodes answer.")
    async with open_pool(chain.url, NOWHERE, contract=registry.contract) as half:
        answer = await ChainCheck(RegistryChain(half, registry.contract), configured=True)()
        assert answer.ok
        assert "1 of 2 nodes answer. http://127.0.0.1:9" in answer.sentence
    async with open_pool(NOWHERE, contract=registry.contract) as dead:
        answer = await ChainCheck(RegistryChain(dead, registry.contract), configured=True)()
        assert not answer.ok
        assert answer.sentence
        assert answer.fix
        assert (await ChainCheck(RegistryChain(dead, registry.contract), configured=False)()).ok


async def test_a_contract_that_is_not_there_is_said(chain, registry):
    nobody = "0x" + "1" * 40
    async with open_pool(chain.url, contract=nobody) as pool:
        answer = await ChainCheck(RegistryChain(pool, nobody), configured=True)()
    assert not answer.ok
    assert nobody in answer.sentence
    assert answer.fix


async def test_gateways(http):
    async def nothing_here(_request):
        return web.Response(status=404)

    async with serving(nothing_here) as url:
        assert await GatewayCheck(http, (url,))() == Check("Gateways", ok=True, sentence="1 of 1 answer.")
        half = await GatewayCheck(http, (url, "http://key:secret@127.0.0.1:9/secret"))()
        assert half == Check("Gateways", ok=True, sentence="1 of 2 answer. Silent: http://127.0.0.1:9.")
    none = await GatewayCheck(http, (NOWHERE,))()
    assert (none.ok, none.sentence, none.fix) == (
        False,
        "0 of 1 answer.",
        "Check ipfs.gateways and the network.",
    )
    assert (await GatewayCheck(http, ())()).ok


async def test_ffmpeg():
    async def version():
        return "ffmpeg 5.1.9"

    async def missing():
        raise MediaError("no ffmpeg was found", fix="Install ffmpeg.")

    assert await FfmpegCheck(version)() == Check("ffmpeg", ok=True, sentence="ffmpeg 5.1.9")
    (answer,) = await run_checks((FfmpegCheck(missing),))
    assert answer == Check("ffmpeg", ok=False, sentence="no ffmpeg was found", fix="Install ffmpeg.")


async def test_disk():
    assert await DiskCheck(lambda: 100 << 30)() == Check("Disk", ok=True, sentence="100.0 GB free.")
    full = await DiskCheck(lambda: 1 << 30)()
    assert (full.ok, full.sentence) == (False, "1.0 GB free.")
    assert "server.data" in full.fix


async def test_the_folders(tmp_path):
    assert (await FoldersCheck(())()).ok
    assert await FoldersCheck((tmp_path,))() == Check("Folders", ok=True, sentence="1 of 1 can be read.")
    file, gone = tmp_path / "file", tmp_path / "gone"
    file.write_text("x")
    answer = await FoldersCheck((tmp_path, file, gone))()
    assert not answer.ok
    assert answer.sentence == (
        f"1 of 3 can be read. {file}: Not a directory; {gone}: No such file or directory."
    )
    assert "library.folders" in answer.fix


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ("", "0 films here."),
        ("r", "1 film here."),
        ("ffff", "4 films cannot be played: see Library."),
        ("rrfpwd", "2 films here, 3 films waiting or on the way, 1 film cannot be played: see Library."),
    ],
)
async def test_films_that_cannot_be_played_are_counted_and_are_no_fault(states, sentence):
    kinds = {state[0]: state for state in FilmState}

    async def films():
        return tuple(
            Film(FilmId(str(number)), Description("x"), FolderOrigin("/x"), kinds[letter])
            for number, letter in enumerate(states)
        )

    assert await FilmsCheck(films)() == Check("Films", ok=True, sentence=sentence)


async def test_the_clock(http, clock):
    sent = {"Date": email.utils.formatdate(clock(), usegmt=True)}

    async def witness(_request):
        return web.Response(headers=sent)

    async with serving(witness) as url:
        check = ClockCheck(http, (NOWHERE, url), clock)
        answer = await check()
        assert answer == Check("Clock", ok=True, sentence=f"Within 1 s of {url}.")
        clock.now += 3_600
        answer = await check()
        assert answer.ok is False
        assert answer.sentence == f"3600 s off from {url}."
        assert answer.fix == "Turn on time synchronisation."
        sent["Date"] = "yesterday"
        assert (await check()).sentence == "Nobody to compare it with."
    assert (await ClockCheck(http, (NOWHERE,), clock)()).ok


async def test_what_can_be_played_now(publisher, holder, clock):
    service = Health(probes=(), films=holder.storage.films, envelopes=holder.desk, clock=clock)
    assert await service.playable() == 0
    home = Film(FilmId("h" * 16), Description("Home"), FolderOrigin("/m.mp4"), FilmState.READY)
    await holder.storage.films.save(home)
    assert await service.playable() == 1
    packed = await published(publisher, size=50_000)
    await holder.storage.films.save(film_of(packed, holder.registry))
    assert await service.playable() == 1
    await holder.film_keys.receive(packed.token, packed.key)
    assert await service.playable() == 2
    await holder.storage.films.save(film_of(packed, holder.registry, FilmState.WAITING))
    assert await service.playable() == 1


@pytest.mark.parametrize(
    ("state", "ok", "sentence"),
    [
        (None, True, "No chain is followed."),
        (IndexState(None, None, None, None), True, "Nothing has been read yet."),
        (IndexState(None, None, None, 5_000), False, "Nothing has been read yet."),
        (IndexState(1_234, 0, 0, 1_234), True, "Read up to block 1,234, the newest."),
        (IndexState(1_234, 0, 0, 1_230), True, "Read up to block 1,234, the newest."),
        (IndexState(1_233, 0, 0, 1_234), True, "Read up to block 1,233, 1 block behind the newest."),
        (IndexState(80, 0, 0, 100), True, "Read up to block 80, 20 blocks behind the newest."),
        (IndexState(79, 0, 0, 100), False, "Read up to block 79, 21 blocks behind the newest."),
    ],
)
async def test_the_history_check_says_how_far_behind_it_is(state, ok, sentence):
    async def known():
        return state

    check = await HistoryCheck(known)()
    assert (check.name, check.ok, check.sentence, bool(check.fix)) == ("History", ok, sentence, not ok)
