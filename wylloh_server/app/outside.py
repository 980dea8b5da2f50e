"""The adapters of one server, opened together and closed in reverse order."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import RegistryChain, RpcPool, WalletSignatures
from wylloh_server.adapters.crypto import (
    TinkFilmCipher,
    load_segment_cipher,
    load_server_keys,
    open_key_store,
)
from wylloh_server.adapters.database import open_database
from wylloh_server.adapters.ffmpeg import AvProber, FfmpegEncoder, find_ffmpeg
from wylloh_server.adapters.folders import LocalFolders
from wylloh_server.adapters.ipfs import GatewayPool, IpfsPackages, open_block_store
from wylloh_server.adapters.segments import DiskSegmentStore
from wylloh_server.domain.errors import SettingsError
from wylloh_server.domain.onchain import Contracts
from wylloh_server.domain.types import ChainId, Wallet, wallet_of
from wylloh_server.web.client import http_client
from wylloh_server.web.door import LoopbackDoor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wylloh_server.adapters.crypto import EncryptedKeyStore, HeldServerKeys, HlsSegmentCipher
    from wylloh_server.adapters.database import Database
    from wylloh_server.config import Settings
    from wylloh_server.domain.ports.chain import Chain, Signatures
    from wylloh_server.web.client import AiohttpClient

_GB = 1_000_000_000
_ANOTHER_FOLDER = "Set server.data to a folder you own."
_NOBODY = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Media:
    """How films are read and made."""

    door: LoopbackDoor
    prober: AvProber
    encoder: FfmpegEncoder
    segments: DiskSegmentStore


@dataclass(frozen=True, slots=True)
class Secrets:
    """What this server keeps to itself."""

    keys: EncryptedKeyStore
    server: HeldServerKeys
    segments: HlsSegmentCipher


@dataclass(frozen=True, slots=True)
class Outside:
    """Every adapter, seen by the composition root only."""

    database: Database
    http: AiohttpClient
    pool: RpcPool
    chain: Chain
    signatures: Signatures
    packages: IpfsPackages
    folders: LocalFolders
    cipher: TinkFilmCipher
    secrets: Secrets
    media: Media


@asynccontextmanager
async def open_outside(settings: Settings) -> AsyncIterator[Outside]:
    """Open all adapters until the context ends. Nothing is asked over the network yet.

    Raises:
        SettingsError: a setting cannot be used, such as an ffmpeg that is none.
        WyllohError: the data folder, its database or its key store cannot be used.
    """
    data = data_folder(settings)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.database_url))
        http = await stack.enter_async_context(http_client())
        pool = await stack.enter_async_context(rpc_pool(settings))
        blocks = await open_block_store(data / "blocks", int(settings.ipfs.store_gb * _GB))
        stack.push_async_callback(blocks.close)
        keys = await open_key_store(data / "keys", os.environ.get("WYLLOH_PASSPHRASE"))
        yield Outside(
            database=database,
            http=http,
            pool=pool,
            chain=RegistryChain(pool, contract_of(settings)),
            signatures=WalletSignatures(pool),
            packages=IpfsPackages(blocks, GatewayPool(http, settings.ipfs.gateways)),
            folders=LocalFolders(),
            cipher=TinkFilmCipher(),
            secrets=Secrets(keys, await load_server_keys(keys), await load_segment_cipher(keys)),
            media=await _media(settings, data, stack),
        )


async def _media(settings: Settings, data: Path, stack: AsyncExitStack) -> Media:
    tool = await asyncio.to_thread(find_ffmpeg, settings.playback.ffmpeg)
    segments = await asyncio.to_thread(
        lambda: DiskSegmentStore(data / "segments", limit=int(settings.playback.cache_gb * _GB))
    )
    door = await stack.enter_async_context(LoopbackDoor())
    return Media(door, AvProber(), FfmpegEncoder(tool), segments)


def rpc_pool(settings: Settings) -> RpcPool:
    """Make the pool of RPCs; without any configured, every question to it is ChainUnavailable."""
    contract = wallet_of(settings.chain.contract) if settings.chain.contract else None
    return RpcPool(settings.chain.rpc, ChainId(settings.chain.id), contract)


def contract_of(settings: Settings) -> Wallet:
    """Give the registry's address; nobody's where no chain is configured."""
    return wallet_of(settings.chain.contract or _NOBODY)


def contracts_of(settings: Settings) -> Contracts:
    """Give the contracts that the settings name."""
    chain = settings.chain
    registry, store, splitters = (
        wallet_of(address) if address else None for address in (chain.contract, chain.store, chain.splitters)
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
    """Give the room left on the data folder's file system."""
    return shutil.disk_usage(data_folder(settings)).free
