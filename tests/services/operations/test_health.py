import asyncio
import email.utils
from collections import Counter
from functools import partial

import pytest
from aiohttp import web

from tests.components.registry import open_pool
from tests.components.serving import serving
from tests.services.packing import film_of, published
from wylloh_server.adapters.chain import RegistryChain
from wylloh_server.domain.errors import ChainUnavailable, MediaError
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.domain.chain_events import IndexState
from wylloh_server.domain.ports.media import SandboxReport
from wylloh_server.domain.types import FilmId
from wylloh_server.services.operations import health
from wylloh_server.services.operations.health import (
    CHAIN,
    Check,
    CheckFailed,
    Health,
    check_chain,
    check_clock,
    check_disk,
    check_films,
    check_folders,
    check_gateways,
    check_history,
    check_packages,
    check_sandbox,
    run_checks,
)
from wylloh_server.adapters.http.client import http_client

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def http():
    async with http_client() as client:
        yield client


async def fine():
    return "All is well."


def breaking(error):
    async def check():
        raise error

    return check


async def checked(probe, *args, **given) -> Check:
    """The outcome of one check."""
    (check,) = await run_checks({"It": partial(probe, *args, **given)})
    return check


def good(sentence: str) -> Check:
    return Check("It", ok=True, sentence=sentence)


async def test_a_check_that_hangs_or_breaks_is_a_failed_check(monkeypatch, caplog):
    monkeypatch.setattr(health, "_DEADLINE", 0.05)
    probes = {
        "Fine": fine,
        "Hanging": asyncio.Event().wait,
        "Told": breaking(ChainUnavailable("No RPC answers.", fix="Start one.")),
        "Gone": breaking(OSError("gone")),
        "Broken": breaking(ZeroDivisionError("a defect")),
    }
    well, hanging, told, gone, broken = await run_checks(probes)
    assert well == Check("Fine", ok=True, sentence="All is well.")
    assert (hanging.name, hanging.ok, hanging.fix) == ("Hanging", False, "Try again.")
    assert told == Check("Told", ok=False, sentence="No RPC answers.", fix="Start one.")
    assert gone == Check("Gone", ok=False, sentence="gone", fix="See the log.")
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

    service = Health(probes={"Fine": counting}, films=storage.films, opens=None, timer=clock.timer)
    answers = await asyncio.gather(*(service.checks() for _ in range(10)))
    assert (len(asked), len(set(answers))) == (1, 1)
    clock.jump(-7200)
    clock.now += 5
    await service.checks()
    assert len(asked) == 2


async def test_the_chain(chain, registry):
    answer = await checked(check_chain, RegistryChain(registry.pool), configured=True)
    assert answer.ok
    assert answer.sentence.startswith("Block ")
    assert answer.sentence.endswith("1 of 1 nodes answer.")
    async with open_pool(chain.url, NOWHERE, contract=registry.contract, quorum=1) as half:
        answer = await checked(check_chain, RegistryChain(half), configured=True)
        assert answer.ok
        assert "1 of 2 nodes answer. http://127.0.0.1:9" in answer.sentence
    async with open_pool(chain.url, NOWHERE, contract=registry.contract) as half:
        answer = await checked(check_chain, RegistryChain(half), configured=True)
        assert not answer.ok
        assert answer.sentence.startswith(
            "1 of 2 nodes can be believed, and 2 must agree. http://127.0.0.1:9"
        )
        assert "chain.quorum" in answer.fix
    async with open_pool(NOWHERE, contract=registry.contract) as dead:
        answer = await checked(check_chain, RegistryChain(dead), configured=True)
        assert not answer.ok
        assert answer.sentence
        assert answer.fix
        assert (await checked(check_chain, RegistryChain(dead), configured=False)).ok


async def test_a_contract_that_is_not_there_is_said(chain, registry):
    nobody = "0x" + "1" * 40
    async with open_pool(chain.url, contract=nobody) as pool:
        answer = await checked(check_chain, RegistryChain(pool), configured=True)
    assert not answer.ok
    assert nobody in answer.sentence
    assert answer.fix


async def test_gateways(http):
    async def nothing_here(_request):
        return web.Response(status=404)

    async with serving(nothing_here) as url:
        assert await checked(check_gateways, http, (url,)) == good("1 of 1 answer.")
        half = await checked(check_gateways, http, (url, "http://key:secret@127.0.0.1:9/secret"))
        assert half == good("1 of 2 answer. Silent: http://127.0.0.1:9.")
    none = await checked(check_gateways, http, (NOWHERE,))
    assert (none.ok, none.sentence, none.fix) == (
        False,
        "0 of 1 answer.",
        "Check ipfs.gateways and the network.",
    )
    assert (await checked(check_gateways, http, ())).ok


async def test_ffmpeg():
    async def version():
        return "ffmpeg 5.1.9"

    async def missing():
        raise MediaError("no ffmpeg was found", fix="Install ffmpeg.")

    assert await checked(version) == good("ffmpeg 5.1.9")
    answer = await checked(missing)
    assert answer == Check("It", ok=False, sentence="no ffmpeg was found", fix="Install ffmpeg.")


async def test_disk():
    assert await checked(check_disk, lambda: 100 * 10**9) == good("100 GB free.")
    # 2^30 bytes were called 1.0 GB, where a disk of 1.07 GB is sold.
    full = await checked(check_disk, lambda: 1 << 30)
    assert (full.ok, full.sentence) == (False, "1.07 GB free.")
    assert "server.data" in full.fix


async def test_the_folders(tmp_path):
    assert (await checked(check_folders, ())).ok
    assert await checked(check_folders, (tmp_path,)) == good("1 of 1 can be read.")
    file, gone = tmp_path / "file", tmp_path / "gone"
    file.write_text("x")
    answer = await checked(check_folders, (tmp_path, file, gone))
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

    async def counts():
        return Counter(kinds[letter] for letter in states)

    assert await checked(check_films, counts) == good(sentence)


async def test_the_clock(http, clock):
    sent = {"Date": email.utils.formatdate(clock(), usegmt=True)}

    async def witness(_request):
        return web.Response(headers=sent)

    async with serving(witness) as url:
        check = partial(checked, check_clock, http, (NOWHERE, url), clock)
        answer = await check()
        assert answer == good(f"Within 1 s of {url}.")
        clock.now += 3_600
        answer = await check()
        assert answer.ok is False
        assert answer.sentence == f"3600 s off from {url}."
        assert answer.fix == "Turn on time synchronisation."
        sent["Date"] = "yesterday"
        assert (await check()).sentence == "Nobody to compare it with."
    assert (await checked(check_clock, http, (NOWHERE,), clock)).ok


async def test_what_can_be_played_now(publisher, holder, clock):
    service = Health(
        probes={}, films=holder.storage.films, opens=holder.envelope_client.opens, timer=clock.timer
    )
    assert await service.playable() == 0
    home = Film(FilmId("h" * 16), Description("Home"), FolderOrigin("/m.mp4"), FilmState.READY)
    await holder.storage.films.save(home)
    assert await service.playable() == 1
    packed = await published(publisher, size=50_000)
    await holder.storage.films.save(film_of(packed, holder.registry))
    assert await service.playable() == 1
    await holder.film_keys.receive(film_of(packed, holder.registry).origin, packed.key)
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

    check = await checked(check_history, known)
    assert (check.ok, check.sentence, bool(check.fix)) == (ok, sentence, not ok)


async def test_a_check_is_found_by_its_name_alone(holder, clock):
    """A sentence or a name that mentions a chain is not the chain's check."""

    async def chain():
        return "Block 7."

    probes = {"Blockchain explorer": breaking(CheckFailed("Down.", fix="Wait.")), CHAIN: chain}
    service = Health(
        probes=probes, films=holder.storage.films, opens=holder.envelope_client.opens, timer=clock.timer
    )
    assert await service.check(CHAIN) == Check("Chain", ok=True, sentence="Block 7.")
    assert await service.check("Weather") is None


async def test_a_newer_package_that_was_not_taken_is_a_notice():
    refused = [("Light", "Its signature does not fit.")]

    async def known():
        return refused

    check = partial(checked, check_packages, known)
    answer = await check()
    assert answer.sentence == (
        "A newer package of Light was not taken; the one that is here plays on. Its signature does not fit."
    )
    assert (answer.ok, answer.fix) == (
        False,
        "Choose on the film's page: keep the version that plays, take the newer one, or try it again.",
    )
    refused.append(("Shade", "It is too large."))
    assert (await check()).sentence.endswith(" So were those of 1 film more.")
    refused.clear()
    assert await check() == good("No newer package was held back.")


async def test_the_sandbox_says_what_holds_what_is_missing_and_what_to_do():
    async def tried(*args):
        async def report():
            return SandboxReport(*args)

        return await checked(check_sandbox, report)

    strong = await tried(("Landlock", "a network of its own"), {}, ())
    assert strong.ok
    assert "Held back by Landlock, a network of its own." in strong.sentence
    weaker = await tried(("Landlock",), {"a filter of system calls": "install libseccomp"}, ())
    assert weaker.ok, "what a film cannot reach needs no mending"
    assert weaker.sentence.endswith("Missing: a filter of system calls (install libseccomp).")
    bare = await tried((), {"Landlock": "use Linux 5.13"}, ("read /data/keys/master.key", "connect out"))
    assert not bare.ok
    assert "could read /data/keys/master.key; connect out" in bare.sentence
    assert bare.fix == "Missing: Landlock (use Linux 5.13)."
    inside = await tried(("Landlock",), {}, ("read /usr/local/wylloh/keys/master.key",))
    assert inside.fix == "Keep the data folder apart from programs and their libraries."
