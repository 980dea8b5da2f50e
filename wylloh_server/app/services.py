"""The services of one server, built over its adapters."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import PoolContractReader
from wylloh_server.adapters.crypto import get_or_create
from wylloh_server.adapters.crypto.backup_record import backup_status
from wylloh_server.adapters.ffmpeg import find_ffmpeg, try_sandbox
from wylloh_server.adapters.ipfs import NodeRpc
from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.app.adapters import configured_contracts, disk_space, free_bytes
from wylloh_server.app.chain_sync import index_state
from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.play_decision import PlaybackLimits
from wylloh_server.domain.types import ChainId, Seconds
from wylloh_server.services.accounts.access_removal import AccessRemoval
from wylloh_server.services.accounts.device_pairing import DevicePairing
from wylloh_server.services.accounts.owner_setup import OwnerSetup
from wylloh_server.services.accounts.session_service import SessionService
from wylloh_server.services.accounts.sign_in import SignIn
from wylloh_server.services.library.film_contents import MediaIndexes
from wylloh_server.services.library.film_library import Library
from wylloh_server.services.library.film_search import FilmSearch
from wylloh_server.services.library.film_sources import FilmSources
from wylloh_server.services.library.folder_films import FolderFilms
from wylloh_server.services.library.folder_scans import FolderScans
from wylloh_server.services.library.plugin_library import LibraryForPlugins
from wylloh_server.services.library.posters import Posters
from wylloh_server.services.library.trailers import Trailers
from wylloh_server.services.licensing.custodian import CustodianService
from wylloh_server.services.licensing.decisions import Licensing
from wylloh_server.services.licensing.device_bindings import DeviceBindings
from wylloh_server.services.licensing.envelope_client import EnvelopeClient
from wylloh_server.services.licensing.envelope_renewal import EnvelopeRenewal
from wylloh_server.services.licensing.film_keys import FilmKeys
from wylloh_server.services.licensing.key_fault_retention import KeyFaultRetention
from wylloh_server.services.licensing.key_retention import KeyRetention
from wylloh_server.services.licensing.key_verifier import KeyVerifier
from wylloh_server.services.licensing.package_switch import PackageSwitch
from wylloh_server.services.licensing.package_trial import PackageTrial
from wylloh_server.services.licensing.revocation_intake import RevocationIntake
from wylloh_server.services.operations import health
from wylloh_server.services.operations.contract_releases import check_contracts
from wylloh_server.services.operations.film_tasks import TRANSCODE
from wylloh_server.services.playback.direct_segments import DirectSegments
from wylloh_server.services.playback.film_storage import FilmStorage
from wylloh_server.services.playback.leases import Leases
from wylloh_server.services.playback.planner import Planner
from wylloh_server.services.playback.playback_service import PlaybackService
from wylloh_server.services.playback.subtitles import SubtitleService
from wylloh_server.services.playback.transcode_manager import TranscodeManager
from wylloh_server.services.playback.transcode_session import TranscodeDependencies
from wylloh_server.services.publishing.film_packaging import FilmPackaging
from wylloh_server.services.retrieval.fetch_consents import FetchConsents
from wylloh_server.services.retrieval.film_sync import FilmSync
from wylloh_server.services.retrieval.ingest import Downloader, DownloadScheduler
from wylloh_server.services.retrieval.manifests import Manifests
from wylloh_server.services.retrieval.metadata_fetch import MetadataFetch
from wylloh_server.services.retrieval.package_retention import PackageRetention
from wylloh_server.storage.engine import sqlite_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from wylloh_server.app.adapters import Adapters
    from wylloh_server.config import Settings
    from wylloh_server.domain.chain_events import IndexState
    from wylloh_server.domain.film import FilmState
    from wylloh_server.domain.license import KeyFault
    from wylloh_server.domain.ports.chain import Chain, ContractReader
    from wylloh_server.domain.ports.http import HttpClient
    from wylloh_server.domain.ports.media import SandboxReport
    from wylloh_server.plugins.dispatch import Dispatch
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.film_tasks import FilmTasks
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.operations.unlisted_proxies import UnlistedProxies
    from wylloh_server.services.publishing.publisher_removal import PublisherRemoval
    from wylloh_server.storage.database import Storage

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class RightsServices:
    """The services of keys and envelopes."""

    film_keys: FilmKeys
    manifests: Manifests
    verifier: KeyVerifier
    bindings: DeviceBindings
    envelopes: EnvelopeClient
    custodian: CustodianService


def build_rights(settings: Settings, adapters: Adapters, bus: EventBus) -> RightsServices:
    """Build the services of keys: `FilmKeys`, `EnvelopeClient`, `CustodianService`."""
    storage, secrets = adapters.database.storage, adapters.secrets
    film_keys = FilmKeys(secrets.keys)
    manifests = Manifests(packages=adapters.packages, chain=adapters.chain)
    verifier = KeyVerifier(packages=adapters.packages, manifests=manifests, cipher=adapters.cipher)
    bindings = _bindings(settings, adapters)
    envelopes = EnvelopeClient(
        bindings=bindings,
        envelopes=storage.envelopes,
        faults=storage.key_faults,
        film_keys=film_keys,
        verifier=verifier,
        server_keys=secrets.server,
        manifests=manifests,
        http=adapters.http,
        clock=system_clock,
    )
    revocation_intake = RevocationIntake(
        revocations=storage.revocations,
        holder_servers=storage.holder_servers,
        accounts=storage.accounts,
        stacks=storage.stacks,
    )
    custodian = CustodianService(
        films=storage.films,
        film_keys=film_keys,
        verifier=verifier,
        faults=storage.key_faults,
        revocations=storage.revocations,
        revocation_intake=revocation_intake,
        holder_servers=storage.holder_servers,
        receipts=storage.receipts,
        server_keys=secrets.server,
        chain=adapters.chain,
        bus=bus,
        clock=system_clock,
        chain_id=ChainId(settings.chain.id),
        window=Seconds(settings.custody.home_days * _DAY),
        most_servers=settings.custody.servers,
        confirmations=settings.custody.confirmations,
    )
    return RightsServices(film_keys, manifests, verifier, bindings, envelopes, custodian)


def _bindings(settings: Settings, adapters: Adapters) -> DeviceBindings:
    storage = adapters.database.storage
    return DeviceBindings(
        stored=storage.bindings,
        revocations=storage.revocations,
        holder_servers=storage.holder_servers,
        accounts=storage.accounts,
        server_keys=adapters.secrets.server,
        chain=adapters.chain,
        clock=system_clock,
        chain_id=ChainId(settings.chain.id),
        origins=_origins(settings),
    )


def _origins(settings: Settings) -> tuple[str, ...]:
    """Return the addresses of this server that wallets may read in what they sign."""
    return (settings.server.public_url, *settings.server.other_urls)


def build_licensing(adapters: Adapters, rights: RightsServices, votes: Dispatch, bus: EventBus) -> Licensing:
    """Build `Licensing`, which decides about the right to play."""
    storage = adapters.database.storage
    return Licensing(
        chain=adapters.chain,
        envelopes=rights.envelopes,
        stored_envelopes=storage.envelopes,
        receipts=storage.receipts,
        stacks=storage.stacks,
        votes=votes,
        bus=bus,
        clock=system_clock,
    )


@dataclass(frozen=True, slots=True)
class AccountServices:
    """Sign-in, claim and devices."""

    claim: OwnerSetup
    sign_in: SignIn
    pairing: DevicePairing


def build_accounts(
    settings: Settings,
    adapters: Adapters,
    *,
    bus: EventBus,
    live: LiveUpdates,
    show_claim: Callable[[str], None],
) -> AccountServices:
    """Build the services of accounts: sessions, sign-in, claiming the server, devices."""
    storage = adapters.database.storage
    sessions = SessionService(
        sessions=storage.sessions,
        accounts=storage.accounts,
        clock=system_clock,
        lifetimes={
            DeviceKind.BROWSER: Seconds(settings.sessions.browser_days * _DAY),
            DeviceKind.TV: Seconds(settings.sessions.tv_days * _DAY),
        },
    )
    pairing = DevicePairing(
        sessions=sessions,
        bus=bus,
        live=live,
        local_only=settings.sessions.tvs == "local",
    )
    claim = OwnerSetup(storage.accounts, show_claim)
    sign_in = SignIn(
        sessions=sessions,
        accounts=storage.accounts,
        chain=adapters.chain,
        claim=claim,
        bus=bus,
        clock=system_clock,
        chain_id=ChainId(settings.chain.id),
        origins=_origins(settings),
        admit_anyone=settings.server.admit == "anyone",
    )
    return AccountServices(claim, sign_in, pairing)


def build_removal(
    adapters: Adapters,
    accounts: AccountServices,
    bus: EventBus,
    live: LiveUpdates,
    *,
    playback: PlaybackService,
    publishers: PublisherRemoval,
) -> AccessRemoval:
    """Build what ends sessions and accounts, with all that hangs on them."""
    storage = adapters.database.storage
    return AccessRemoval(
        accounts=storage.accounts,
        sessions=storage.sessions,
        personal_data=storage.personal_data,
        pairing=accounts.pairing,
        live=live,
        bus=bus,
        end_playback=playback.end_device,
        drop_titles=publishers.forget,
    )


def build_library(adapters: Adapters) -> Library:
    """Build the `Library`."""
    storage = adapters.database.storage
    return Library(
        films=storage.films, positions=storage.positions, stacks=storage.stacks, clock=system_clock
    )


def build_search(adapters: Adapters, library: Library) -> FilmSearch:
    """Build `FilmSearch`."""
    storage = adapters.database.storage
    return FilmSearch(library=library, films=storage.films, positions=storage.positions)


def build_sources(adapters: Adapters, rights: RightsServices) -> FilmSources:
    """Build `FilmSources`."""
    return FilmSources(
        packages=adapters.packages,
        folders=adapters.folders,
        manifests=rights.manifests,
        verifier=rights.verifier,
        keys=rights.envelopes,
        uploads=adapters.uploads,
    )


def build_plugin_library(adapters: Adapters, library: Library, sources: FilmSources) -> LibraryForPlugins:
    """Build the library as plugins have it."""
    return LibraryForPlugins(
        library=library,
        sources=sources,
        media=adapters.media,
    )


async def build_posters(adapters: Adapters, rights: RightsServices, sources: FilmSources) -> Posters:
    """Build `Posters`."""
    return Posters(
        secret=await get_or_create(adapters.secrets.keys, "server/posters", lambda: os.urandom(32)),
        sessions=adapters.database.storage.sessions,
        packages=adapters.packages,
        manifests=rights.manifests,
        sources=sources,
        media=adapters.media,
        store=adapters.segments,
    )


def build_trailers(adapters: Adapters, rights: RightsServices) -> Trailers:
    """Build `Trailers`."""
    return Trailers(folders=adapters.folders, packages=adapters.packages, manifests=rights.manifests)


def build_indexes(adapters: Adapters, sources: FilmSources) -> MediaIndexes:
    """Build what looks into films."""
    storage = adapters.database.storage
    return MediaIndexes(
        sources=sources,
        media=adapters.media,
        remuxer=adapters.remuxer,
        kept=storage.media_indexes,
        films=storage.films,
    )


def build_playback(
    settings: Settings,
    adapters: Adapters,
    licensing: Licensing,
    sources: FilmSources,
    *,
    indexes: MediaIndexes,
    tasks: FilmTasks,
    bus: EventBus,
    sessions: SessionService,
) -> PlaybackService:
    """Build the `PlaybackService`."""
    media, cipher = adapters.media, adapters.secrets.segments
    dependencies = TranscodeDependencies(sources, media, adapters.segments, cipher)
    return PlaybackService(
        films=adapters.database.storage.films,
        positions=adapters.database.storage.positions,
        licensing=licensing,
        planner=Planner(sources=sources, indexes=indexes),
        transcodes=TranscodeManager(dependencies, processes=settings.playback.encoders),
        subtitle_service=SubtitleService(dependencies),
        leases=Leases(system_clock),
        direct=DirectSegments(remuxer=adapters.remuxer, sources=sources, cipher=cipher),
        cipher=cipher,
        bus=bus,
        current_viewer=sessions.current,
        make_rest=partial(tasks.start, TRANSCODE),
        make_ahead=settings.playback.make_ahead,
        remote_limits=PlaybackLimits(
            round(settings.playback.remote_mbit * 1_000_000), settings.playback.remote_height
        ),
        lease_seconds=Seconds(settings.playback.lease_seconds),
    )


@dataclass(frozen=True, slots=True)
class BackgroundServices:
    """The services of periodic work."""

    film_sync: FilmSync
    metadata_fetch: MetadataFetch
    download_scheduler: DownloadScheduler
    downloader: Downloader
    renewal: EnvelopeRenewal
    key_retention: KeyRetention
    key_fault_retention: KeyFaultRetention


def build_folder_scans(
    settings: Settings, adapters: Adapters, *, trailers: Trailers, bus: EventBus, live: LiveUpdates
) -> FolderScans:
    """Build what scans the folders with films."""
    folder_films = FolderFilms(
        paths=settings.library.folders,
        folders=adapters.folders,
        media=adapters.media,
        films=adapters.database.storage.films,
        bus=bus,
        note_trailers=trailers.note_folders,
    )
    every = Seconds(settings.library.scan_seconds)
    return FolderScans(folder_films=folder_films, live=live, clock=system_clock, every=every)


def build_background_services(
    settings: Settings,
    adapters: Adapters,
    rights: RightsServices,
    *,
    tasks: FilmTasks,
    bus: EventBus,
) -> BackgroundServices:
    """Build the services that find and download films and renew envelopes."""
    storage = adapters.database.storage
    download_scheduler = DownloadScheduler(
        stacks=storage.stacks,
        films=storage.films,
        versions=storage.versions,
        packages=adapters.packages,
        accounts=storage.accounts,
        consents=build_fetch_consents(settings, adapters),
        tasks=tasks,
        everything=settings.library.pull == "all",
        keeps_key=rights.film_keys.keeps,
    )
    downloader = build_downloader(adapters, rights, bus)
    renewal = EnvelopeRenewal(films=storage.films, stacks=storage.stacks, envelopes=rights.envelopes)
    metadata_fetch = MetadataFetch(
        films=storage.films,
        packages=adapters.packages,
        manifests=rights.manifests,
        retention=build_retention(adapters),
        bus=bus,
        budget=int(settings.ipfs.introduction_gb * 10**9),
    )
    film_sync = build_film_sync(adapters, bus)
    return BackgroundServices(
        film_sync,
        metadata_fetch,
        download_scheduler,
        downloader,
        renewal,
        _build_key_retention(adapters, rights),
        _build_key_fault_retention(adapters, rights),
    )


def _build_key_retention(adapters: Adapters, rights: RightsServices) -> KeyRetention:
    storage = adapters.database.storage
    return KeyRetention(
        film_keys=rights.film_keys,
        envelopes=storage.envelopes,
        bindings=storage.bindings,
        accounts=storage.accounts,
        stacks=storage.stacks,
        clock=system_clock,
    )


def _build_key_fault_retention(adapters: Adapters, rights: RightsServices) -> KeyFaultRetention:
    storage = adapters.database.storage
    return KeyFaultRetention(
        faults=storage.key_faults,
        films=storage.films,
        film_keys=rights.film_keys,
        verifier=rights.verifier,
        clock=system_clock,
    )


def build_film_sync(adapters: Adapters, bus: EventBus) -> FilmSync:
    """Build `FilmSync`, which adds the films of the chain to the library."""
    storage = adapters.database.storage
    return FilmSync(
        registered=storage.chain_films,
        films=storage.films,
        versions=storage.versions,
        retention=build_retention(adapters),
        bus=bus,
    )


def build_retention(adapters: Adapters) -> PackageRetention:
    """Build `PackageRetention`, which lets packages go."""
    return PackageRetention(packages=adapters.packages, versions=adapters.database.storage.versions)


def build_film_storage(
    settings: Settings, adapters: Adapters, rights: RightsServices, leases: Leases
) -> FilmStorage:
    """Build `FilmStorage`, which tells what films take on the disk."""
    storage = adapters.database.storage
    return FilmStorage(
        films=storage.films,
        versions=storage.versions,
        packages=adapters.packages,
        retention=build_retention(adapters),
        segments=adapters.segments,
        leases=leases,
        tasks=storage.tasks,
        keeps_key=rights.film_keys.keeps,
        disk=partial(disk_space, settings),
    )


def build_fetch_consents(settings: Settings, adapters: Adapters) -> FetchConsents:
    """Build `FetchConsents`, which asks the owner about films whose tokens were sent."""
    storage = adapters.database.storage
    ask = settings.library.given == "ask"
    return FetchConsents(films=storage.films, versions=storage.versions, stacks=storage.stacks, ask=ask)


def build_downloader(adapters: Adapters, rights: RightsServices, bus: EventBus) -> Downloader:
    """Build the `Downloader` of packages."""
    storage = adapters.database.storage
    return Downloader(
        packages=adapters.packages,
        manifests=rights.manifests,
        films=storage.films,
        versions=storage.versions,
        retention=build_retention(adapters),
        bus=bus,
    )


def build_package_switch(
    settings: Settings, adapters: Adapters, rights: RightsServices, bus: EventBus
) -> PackageSwitch:
    """Build `PackageSwitch`, which lets films play from newer packages."""
    storage = adapters.database.storage
    return PackageSwitch(
        films=storage.films,
        versions=storage.versions,
        packages=adapters.packages,
        manifests=rights.manifests,
        retention=build_retention(adapters),
        trial=PackageTrial(
            packages=adapters.packages,
            stacks=storage.stacks,
            envelopes=rights.envelopes,
            film_keys=rights.film_keys,
            verifier=rights.verifier,
            media=adapters.media,
        ),
        bus=bus,
        clock=system_clock,
        keep_former=Seconds(settings.library.former_days * _DAY),
    )


def build_publishing(settings: Settings, adapters: Adapters, rights: RightsServices) -> FilmPackaging:
    """Build `FilmPackaging`."""
    return FilmPackaging(
        staging=settings.server.data / "staging",
        media=adapters.media,
        cipher=adapters.cipher,
        film_keys=rights.film_keys,
        server_keys=adapters.secrets.server,
        packages=adapters.packages,
        add_to_node=NodeRpc(settings.ipfs.node_rpc).add_folder if settings.ipfs.node_rpc else None,
    )


@dataclass(frozen=True, slots=True)
class HealthSources:
    """What database and chain tell of a server's health."""

    film_counts: Callable[[], Awaitable[Mapping[FilmState, int]]]
    history: Callable[[], Awaitable[IndexState | None]]
    held_back: Callable[[], Awaitable[Sequence[tuple[str, str]]]]
    wrong_keys: Callable[[], Awaitable[Sequence[tuple[str, KeyFault]]]]
    reader: ContractReader


def build_probes(
    settings: Settings,
    http: HttpClient,
    chain: Chain,
    known: HealthSources,
) -> health.Probes:
    """Build the checks of what a server needs."""

    async def version() -> str:
        tool = await asyncio.to_thread(find_ffmpeg, settings.playback.ffmpeg)
        return f"{tool.version} from {tool.origin}."

    async def sandbox() -> SandboxReport:
        if not tried:
            database, ffmpeg = sqlite_file(settings.database_url), ""
            with suppress(WyllohError):  # told by its own check
                ffmpeg = (await asyncio.to_thread(find_ffmpeg, settings.playback.ffmpeg)).path
            secrets = [settings.server.data / "keys", *([database] if database else [])]
            tried.append(await try_sandbox(secrets, ffmpeg))
        return tried[0]

    tried: list[SandboxReport] = []
    configured, contract = bool(settings.chain.rpc), bool(settings.chain.contract)
    witnesses = (*settings.ipfs.gateways, *settings.chain.rpc)
    return {
        "ffmpeg": version,
        "Sandbox": partial(health.check_sandbox, sandbox),
        health.CHAIN: partial(health.check_chain, chain, configured=configured, contract=contract),
        "Contracts": partial(check_contracts, known.reader, configured_contracts(settings)),
        "History": partial(health.check_history, known.history),
        "Gateways": partial(health.check_gateways, http, settings.ipfs.gateways),
        "Clock": partial(health.check_clock, http, witnesses, system_clock),
        "Disk": partial(health.check_disk, partial(free_bytes, settings)),
        "Folders": partial(health.check_folders, settings.library.folders),
        "Films": partial(health.check_films, known.film_counts),
        "Packages": partial(health.check_packages, known.held_back),
        "Keys": partial(health.check_keys, known.wrong_keys),
        "Backup": partial(health.check_backup, partial(backup_status, settings.server.data)),
    }


async def named_key_faults(storage: Storage) -> Sequence[tuple[str, KeyFault]]:
    """Return the wrong keys that are known, each with its film's title."""
    found = []
    for fault in await storage.key_faults.all():
        film = await storage.films.by_token(fault.token)
        found.append((film.title if film else "a film that is gone", fault))
    return found


def build_health_sources(settings: Settings, storage: Storage, reader: ContractReader) -> HealthSources:
    """Build the `HealthSources` of an open database."""
    return HealthSources(
        film_counts=storage.films.count_by_state,
        history=partial(index_state, settings, storage.history),
        held_back=storage.versions.held_back,
        wrong_keys=partial(named_key_faults, storage),
        reader=reader,
    )


def build_health(
    settings: Settings, adapters: Adapters, rights: RightsServices, proxies: UnlistedProxies
) -> health.Health:
    """Build the `Health` service."""
    storage = adapters.database.storage
    known = build_health_sources(settings, storage, PoolContractReader(adapters.pool))
    return health.Health(
        probes={**build_probes(settings, adapters.http, adapters.chain, known), "Proxy": proxies.check},
        films=storage.films,
        opens=rights.envelopes.opens,
    )
