"""A chain, a registry, and a publisher's server with one published film: what a holder's server meets."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from tests.components.anvil import anvil
from tests.components.films import make_film
from tests.components.registry import ACCOUNTS, CHAIN_ID, deployed, open_pool
from tests.components.server import Server, server_settings, wylloh
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.adapters.chain.transaction_sender import send
from wylloh_server.domain.types import Cid, TokenReference, Wallet, parse_wallet

PUBLISHER, HOLDER = ACCOUNTS[0], ACCOUNTS[1]
PASSWORD = "open sesame"
TIERS = ("--tier", "1:personal", "--tier", "100:small-venue:50 seats")
STEADY = "8M", "nal-hrd=cbr:force-cfr=1"
"""A bit rate the encoder fills up with nothing: how many blocks a film has is known beforehand."""


@dataclass(frozen=True, slots=True)
class Published:
    """What `film publish` said."""

    token: TokenReference
    root: Cid


@dataclass(frozen=True, slots=True)
class Signing:
    """A key store file and the file with its password."""

    keystore: Path
    password: Path

    @property
    def words(self) -> list[str]:
        """Options of a command that signs."""
        return ["--keystore", str(self.keystore), "--password-file", str(self.password)]


@dataclass(frozen=True, slots=True)
class Chain:
    """A registry on a chain."""

    rpc: str
    contract: Wallet

    @property
    def settings(self) -> dict:
        """The section `chain` of a server's settings."""
        return {"rpc": [self.rpc], "id": int(CHAIN_ID), "contract": self.contract, "poll_seconds": 0.5}

    def give(self, token: TokenReference, to: LocalAccount, amount: int = 1) -> None:
        """Mint tokens to a wallet."""
        asyncio.run(self._send(registry_calls.mint(token, parse_wallet(to.address), amount)))

    async def _send(self, transaction) -> None:
        async with open_pool(self.rpc, contract=self.contract) as pool:
            await send(pool, transaction, PUBLISHER)


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything at once; the publisher's server runs."""

    chain: Chain
    publisher: Server
    film: Path
    published: Published

    @property
    def gateway(self) -> str:
        """The publisher's server, which serves the blocks of its packages."""
        return self.publisher.url


@contextmanager
def chain_with_registry() -> Iterator[Chain]:
    """Run a chain until the context ends."""

    async def deploy(url: str) -> Wallet:
        async with deployed(url) as registry:
            return registry.contract

    with anvil() as running:
        yield Chain(running.url, asyncio.run(deploy(running.url)))


def signing_files(folder: Path, account: LocalAccount = PUBLISHER) -> Signing:
    """Write a key store file as a wallet exports it, with a key derivation that is quick."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Signing(folder / "key.json", folder / "password.txt")
    files.keystore.write_text(json.dumps(Account.encrypt(account.key, PASSWORD, kdf="pbkdf2", iterations=10)))
    files.password.write_text(f"{PASSWORD}\n")
    return files


def publisher_settings(folder: Path, chain: Chain, **sections: dict) -> Path:
    """Write the settings of a publisher's server on a port of its own."""
    from tests.components.demo import free_port

    port = free_port()
    server = {"public_url": f"http://127.0.0.1:{port}"}
    return server_settings(folder, port=port, server=server, chain=chain.settings, **sections)


def publish(settings: Path, film: Path, signing: Signing, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `film publish` with a key store file."""
    said = ["--title", "A Long Evening", "--supply", "1000", *TIERS, *words]
    return wylloh("film", "publish", film, "--config", settings, *signing.words, *said)


def published(done: subprocess.CompletedProcess[str]) -> Published:
    """Read what the command said."""
    assert done.returncode == 0, done
    token = re.search(r"token\s+(\S+)", done.stdout)[1]
    return Published(TokenReference.parse(token), Cid(re.search(r"root\s+(\S+)", done.stdout)[1]))


@contextmanager
def environment(folder: Path, *, seconds: int = 24) -> Iterator[Environment]:
    """Publish a film of about a megabyte a second, of which the holder has one token."""
    rate, way = STEADY
    steady = ("-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", "1M", "-x264-params", way)
    film = make_film(folder / "evening.mp4", seconds, picture=steady, title="PLAINTEXT-MARKER")
    with chain_with_registry() as chain:
        settings = publisher_settings(folder / "publisher", chain)
        done = published(publish(settings, film, signing_files(folder / "keys")))
        chain.give(done.token, HOLDER)
        server = Server(settings)
        try:
            asyncio.run(server.start())
            yield Environment(chain, server, film, done)
        finally:
            server.kill()
