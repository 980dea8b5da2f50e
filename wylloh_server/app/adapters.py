"""The adapters of one server, opened together and closed in reverse order."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import RegistryChain
from wylloh_server.adapters.crypto import (
    TinkFilmCipher,
    get_or_create,
    load_segment_cipher,
    load_server_keys,
    open_key_store,
)
from wylloh_server.adapters.ffmpeg import ChildSandbox, FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.adapters.ffmpeg.remux.remuxer import PacketRemuxer
from wylloh_server.adapters.files.local_files import LocalFolders
from wylloh_server.adapters.files.segment_files import DiskSegmentStore
from wylloh_server.adapters.files.upload_files import EncryptedUploads
from wylloh_server.adapters.http.client import http_client
from wylloh_server.adapters.ipfs import GatewayPool, IpfsPackages, open_block_store
from wylloh_server.app.rpc import rpc_pool
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.errors import SettingsError
from wylloh_server.domain.types import Wallet, parse_wallet
from wylloh_server.passphrase import take_passphrase
from wylloh_server.storage import open_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wylloh_server.adapters.chain import RpcPool
    from wylloh_server.adapters.crypto import EncryptedKeyStore, HlsSegmentCipher, StoredServerKeys
    from wylloh_server.adapters.http.client import AiohttpClient
    from wylloh_server.config import Settings
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.storage import Database

UPLOADS = "uploads"
"""The folder of uploaded files in the data folder."""
_GB = 1_000_000_000
_ANOTHER_FOLDER = "Set server.data to a folder you own."
_NOBODY = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Secrets:
    """What this server keeps to itself."""

    keys: EncryptedKeyStore
    server: StoredServerKeys
    segments: HlsSegmentCipher


@dataclass(frozen=True, slots=True)
class Adapters:
    """Every adapter, seen by the composition root only."""

    database: Database
    http: AiohttpClient
    pool: RpcPool
    chain: Chain
    packages: IpfsPackages
    folders: LocalFolders
    cipher: TinkFilmCipher
    secrets: Secrets
    media: FfmpegMediaTools
    remuxer: PacketRemuxer
    segments: DiskSegmentStore
    uploads: EncryptedUploads


@asynccontextmanager
async def open_adapters(settings: Settings) -> AsyncIterator[Adapters]:
    """Open all adapters until the context ends. Nothing is asked over the network yet.

    Raises:
        SettingsError: a setting cannot be used, such as an ffmpeg that is none.
        WyllohError: the data folder, its database or its key store cannot be used.
    """
    data = data_folder(settings)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.database_url))
        http = await stack.enter_async_context(http_client(ask_local=settings.custody.ask_local))
        pool = await stack.enter_async_context(rpc_pool(settings))
        blocks = await open_block_store(data / "blocks", int(settings.ipfs.store_gb * _GB))
        stack.push_async_callback(blocks.close)
        keys = await open_key_store(data / "keys", take_passphrase())
        remuxer = PacketRemuxer()
        stack.push_async_callback(remuxer.close)
        yield Adapters(
            database=database,
            http=http,
            pool=pool,
            chain=RegistryChain(pool, earlier_ladder=database.storage.stacks.ladder),
            packages=IpfsPackages(blocks, GatewayPool(http, settings.ipfs.gateways)),
            folders=LocalFolders(),
            cipher=TinkFilmCipher(),
            secrets=Secrets(keys, await load_server_keys(keys), await load_segment_cipher(keys)),
            media=await _media(settings, stack),
            remuxer=remuxer,
            segments=await asyncio.to_thread(
                partial(DiskSegmentStore, data / "segments", limit=int(settings.playback.cache_gb * _GB))
            ),
            uploads=EncryptedUploads(
                data / UPLOADS, await get_or_create(keys, "server/uploads", lambda: os.urandom(32))
            ),
        )


async def _media(settings: Settings, stack: AsyncExitStack) -> FfmpegMediaTools:
    tool, sandbox = await asyncio.gather(
        asyncio.to_thread(find_ffmpeg, settings.playback.ffmpeg), asyncio.to_thread(ChildSandbox.with_network)
    )
    stack.callback(sandbox.close)
    loopback = await stack.enter_async_context(LoopbackMediaServer(network=sandbox.network))
    return FfmpegMediaTools(loopback, tool, sandbox=sandbox)


def registry_address(settings: Settings) -> Wallet:
    """Return the registry's address; nobody's where no chain is configured."""
    return parse_wallet(settings.chain.contract or _NOBODY)


def configured_contracts(settings: Settings) -> Contracts:
    """Return the contracts that the settings name."""
    chain = settings.chain
    registry, store, splitters = (
        parse_wallet(address) if address else None
        for address in (chain.contract, chain.store, chain.splitters)
    )
    return Contracts(registry, store, splitters)


def data_folder(settings: Settings) -> Path:
    """Make the data folder, for this user's eyes only.

    Raises:
        SettingsError: it cannot be made or written.
    """
    folder = settings.server.data
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(
            f"cannot make the data folder {folder}: {error.strerror}",
            fix=_ANOTHER_FOLDER,
        ) from None
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"cannot write to the data folder {folder}", fix=_ANOTHER_FOLDER)
    return folder


def free_bytes(settings: Settings) -> int:
    """Return the room left on the data folder's file system."""
    return disk_space(settings)[1]


def disk_space(settings: Settings) -> tuple[int, int]:
    """Return the size of the data folder's file system, and the room left on it, in bytes."""
    disk = shutil.disk_usage(data_folder(settings))
    return disk.total, disk.free
