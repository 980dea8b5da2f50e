"""The services of one server, built over its adapters."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.adapters.clock import system_clock
from wylloh_server.adapters.crypto import made_once
from wylloh_server.adapters.ffmpeg import find_ffmpeg
from wylloh_server.app.following import index_state
from wylloh_server.app.outside import free_bytes
from wylloh_server.domain.types import BlockNumber, ChainId, Seconds
from wylloh_server.services.caretaker import Renewal
from wylloh_server.services.claim import Claim
from wylloh_server.services.custody import Custody
from wylloh_server.services.devices import Pairing
from wylloh_server.services.envelopes import EnvelopeDesk
from wylloh_server.services.film_keys import FilmKeys
from wylloh_server.services.folder_films import FolderFilms
from wylloh_server.services.health import (
    ChainCheck,
    ClockCheck,
    DiskCheck,
    FfmpegCheck,
    FilmsCheck,
    FoldersCheck,
    GatewayCheck,
    Health,
    HistoryCheck,
)
from wylloh_server.services.ingest import Discovery, Puller, PullStarter
from wylloh_server.services.introductions import Introductions
from wylloh_server.services.library import Library
from wylloh_server.services.licensing import Licensing
from wylloh_server.services.manifests import Manifests
from wylloh_server.services.playback import Leases, Planner, Playback, Texts, Tools, Workshop
from wylloh_server.services.posters import Posters
from wylloh_server.services.publishing import Publishing
from wylloh_server.services.reading import ReadingRoom
from wylloh_server.services.signin import SessionDesk, SignIn
from wylloh_server.services.sources import FilmSources

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.app.outside import Outside
    from wylloh_server.config import Settings
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.onchain import IndexState
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.http import HttpClient
    from wylloh_server.domain.ports.world import Jobs
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.health import Probe
    from wylloh_server.services.licensing import Votes

TRANSCODE = "transcode"
"""The kind of job that makes the rest of a film's segments; its key is the film's id."""

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what: services that decide and keep keys."""

    film_keys: FilmKeys
    manifests: Manifests
    envelopes: EnvelopeDesk
    custody: Custody


def build_rights(settings: Settings, outside: Outside, bus: Bus) -> Rights:
    """Build what keeps and hands out keys."""
    storage, secrets = outside.database.storage, outside.secrets
    film_keys = FilmKeys(secrets.keys)
    manifests = Manifests(packages=outside.packages, signatures=outside.signatures)
    envelopes = EnvelopeDesk(
        bindings=storage.bindings,
        envelopes=storage.envelopes,
        film_keys=film_keys,
        server_keys=secrets.server,
        manifests=manifests,
        signatures=outside.signatures,
        http=outside.http,
        clock=system_clock,
        chain_id=ChainId(settings.chain.id),
    )
    custody = Custody(
        films=storage.films,
        film_keys=film_keys,
        receipts=storage.receipts,
        server_keys=secrets.server,
        chain=outside.chain,
        signatures=outside.signatures,
        bus=bus,
        clock=system_clock,
        chain_id=ChainId(settings.chain.id),
        window=Seconds(settings.custody.home_days * _DAY),
    )
    return Rights(film_keys, manifests, envelopes, custody)


def build_licensing(outside: Outside, rights: Rights, votes: Votes, bus: Bus) -> Licensing:
    """Build what decides."""
    return Licensing(
        chain=outside.chain,
        envelopes=rights.envelopes,
        receipts=outside.database.storage.receipts,
        votes=votes,
        bus=bus,
        clock=system_clock,
    )


@dataclass(frozen=True, slots=True)
class People:
    """Sign-in, claim and devices."""

    claim: Claim
    sign_in: SignIn
    pairing: Pairing


def build_people(settings: Settings, outside: Outside, bus: Bus, show_claim: Callable[[str], None]) -> People:
    """Build what knows who is asking."""
    storage = outside.database.storage
    desk = SessionDesk(sessions=storage.sessions, accounts=storage.accounts, clock=system_clock)
    claim = Claim(storage.accounts, show_claim)
    sign_in = SignIn(
        desk=desk,
        accounts=storage.accounts,
        signatures=outside.signatures,
        claim=claim,
        bus=bus,
        clock=system_clock,
        chain_id=ChainId(settings.chain.id),
        origins=(settings.server.public_url, *settings.server.other_urls),
        admit_anyone=settings.server.admit == "anyone",
    )
    return People(claim, sign_in, Pairing(desk=desk, bus=bus, clock=system_clock))


def build_library(outside: Outside) -> Library:
    """Build what shows the films."""
    storage = outside.database.storage
    return Library(films=storage.films, positions=storage.positions, chain=outside.chain, clock=system_clock)


def build_sources(outside: Outside, rights: Rights) -> FilmSources:
    """Build what opens films."""
    return FilmSources(
        packages=outside.packages,
        folders=outside.folders,
        manifests=rights.manifests,
        cipher=outside.cipher,
        keys=rights.envelopes,
    )


def build_reading_room(outside: Outside, library: Library, sources: FilmSources) -> ReadingRoom:
    """Build the library as plugins have it."""
    return ReadingRoom(
        library=library,
        sources=sources,
        folders=outside.folders,
        door=outside.media.door,
        prober=outside.media.prober,
        encoder=outside.media.encoder,
    )


async def build_posters(outside: Outside, rights: Rights, sources: FilmSources) -> Posters:
    """Build what shows posters."""
    return Posters(
        secret=await made_once(outside.secrets.keys, "server/posters", lambda: os.urandom(32)),
        sessions=outside.database.storage.sessions,
        packages=outside.packages,
        manifests=rights.manifests,
        sources=sources,
        door=outside.media.door,
        encoder=outside.media.encoder,
        store=outside.media.segments,
    )


def build_playback(
    settings: Settings, outside: Outside, licensing: Licensing, sources: FilmSources, *, jobs: Jobs, bus: Bus
) -> Playback:
    """Build what plays films."""
    media, cipher = outside.media, outside.secrets.segments
    tools = Tools(sources, media.door, media.encoder, media.segments, cipher)
    return Playback(
        films=outside.database.storage.films,
        positions=outside.database.storage.positions,
        licensing=licensing,
        planner=Planner(sources=sources, door=media.door, prober=media.prober, encoder=media.encoder),
        workshop=Workshop(tools),
        texts=Texts(tools),
        leases=Leases(system_clock),
        cipher=cipher,
        bus=bus,
        make_rest=lambda film: jobs.start(TRANSCODE, film),
        lease_seconds=Seconds(settings.playback.lease_seconds),
    )


@dataclass(frozen=True, slots=True)
class Chores:
    """What the server does by itself."""

    discovery: Discovery
    introductions: Introductions
    starter: PullStarter
    puller: Puller
    folder_films: FolderFilms
    renewal: Renewal


def build_chores(settings: Settings, outside: Outside, rights: Rights, jobs: Jobs, bus: Bus) -> Chores:
    """Build what looks for films and renews envelopes."""
    storage = outside.database.storage
    starter = PullStarter(
        chain=outside.chain,
        films=storage.films,
        packages=outside.packages,
        accounts=storage.accounts,
        jobs=jobs,
        everything=settings.library.pull == "all",
    )
    folder_films = FolderFilms(
        paths=settings.library.folders,
        folders=outside.folders,
        door=outside.media.door,
        prober=outside.media.prober,
        films=storage.films,
        bus=bus,
    )
    puller = build_puller(outside, rights, bus)
    renewal = Renewal(films=storage.films, chain=outside.chain, envelopes=rights.envelopes)
    introductions = Introductions(
        films=storage.films,
        packages=outside.packages,
        manifests=rights.manifests,
        bus=bus,
        clock=system_clock,
    )
    discovery = build_discovery(settings, outside, bus)
    return Chores(discovery, introductions, starter, puller, folder_films, renewal)


def build_discovery(settings: Settings, outside: Outside, bus: Bus) -> Discovery:
    """Build what finds films on the chain."""
    storage = outside.database.storage
    return Discovery(
        chain=outside.chain,
        films=storage.films,
        packages=outside.packages,
        cursors=storage.cursors,
        bus=bus,
        start_block=BlockNumber(settings.chain.start_block),
    )


def build_puller(outside: Outside, rights: Rights, bus: Bus) -> Puller:
    """Build what fetches packages."""
    return Puller(
        packages=outside.packages, manifests=rights.manifests, films=outside.database.storage.films, bus=bus
    )


def build_publishing(settings: Settings, outside: Outside, rights: Rights) -> Publishing:
    """Build what makes packages; for the command line."""
    return Publishing(
        staging=settings.server.data / "staging",
        door=outside.media.door,
        prober=outside.media.prober,
        encoder=outside.media.encoder,
        cipher=outside.cipher,
        film_keys=rights.film_keys,
        server_keys=outside.secrets.server,
        packages=outside.packages,
    )


def build_probes(
    settings: Settings,
    http: HttpClient,
    chain: Chain,
    films: Callable[[], Awaitable[tuple[Film, ...]]],
    history: Callable[[], Awaitable[IndexState | None]],
) -> tuple[Probe, ...]:
    """Build the checks of what a server needs."""

    async def version() -> str:
        tool = await asyncio.to_thread(find_ffmpeg, settings.playback.ffmpeg)
        return f"{tool.version} from {tool.origin}."

    return (
        FfmpegCheck(version),
        ChainCheck(chain, configured=bool(settings.chain.rpc), contract=bool(settings.chain.contract)),
        HistoryCheck(history),
        GatewayCheck(http, settings.ipfs.gateways),
        ClockCheck(http, (*settings.ipfs.gateways, *settings.chain.rpc), system_clock),
        DiskCheck(lambda: free_bytes(settings)),
        FoldersCheck(settings.library.folders),
        FilmsCheck(films),
    )


def build_health(settings: Settings, outside: Outside, rights: Rights) -> Health:
    """Build what says whether everything is in order."""
    films, history = outside.database.storage.films, outside.database.storage.history
    state = partial(index_state, settings, history)
    return Health(
        probes=build_probes(settings, outside.http, outside.chain, films.all, state),
        films=films,
        envelopes=rights.envelopes,
        clock=system_clock,
    )
