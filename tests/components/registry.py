"""A FilmRegistry on a real development chain, with films made through the product's own calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from wylloh_server.adapters.chain import RpcPool, registry_calls
from wylloh_server.adapters.chain.registry_calls import NewFilm, UnsignedTransaction
from wylloh_server.adapters.chain.rpc_node import BlockAgeLimit, NodeLimits
from wylloh_server.adapters.chain.transaction_sender import Mined, send
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference, Wallet, parse_wallet
from wylloh_server.resources import contract_artifact

CHAIN_ID = ChainId(31337)
"""Anvil's default."""

EARLIER_REGISTRY = Path(__file__).parent / "earlier_contracts/EarlierFilmRegistry.json"
"""The registry of a release that let publishers change ladders as they liked."""

_MNEMONIC = "test test test test test test test test test test test junk"

Account.enable_unaudited_hdwallet_features()
ACCOUNTS: list[LocalAccount] = [
    Account.from_mnemonic(_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}") for index in range(4)
]
"""Anvil's first funded accounts."""

ROOT = Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
OTHER_ROOT = Cid("bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
SHA256 = "ab" * 32
LADDER = RightsLadder(
    (Tier(1, "personal"), Tier(100, "small-venue", ("AT", "DE"), 50), Tier(5_000, "theatrical", (), None))
)


def set_ladder(token: TokenReference, ladder: RightsLadder) -> UnsignedTransaction:
    """Replace a film's ladder. Only its publisher can."""
    rows = registry_calls.ladder_rows(ladder)
    return registry_calls.call_registry(token.contract, "setLadder", token.token_id, rows)


def set_package(token: TokenReference, root: Cid, sha256: str) -> UnsignedTransaction:
    """Point a film at a new version of its package. Only its publisher can."""
    digest = bytes.fromhex(sha256)
    return registry_calls.call_registry(token.contract, "setPackage", token.token_id, root, digest)


def transfer(token: TokenReference, sender: Wallet, to: Wallet, amount: int) -> UnsignedTransaction:
    """Move tokens. Only their holder, or an operator the holder approved, can."""
    values = (sender, to, token.token_id, amount, b"")
    return registry_calls.call_registry(token.contract, "safeTransferFrom", *values)


@dataclass(frozen=True, slots=True)
class Registry:
    """A deployed registry whose publisher is the first account."""

    pool: RpcPool
    contract: Wallet
    publisher: LocalAccount = ACCOUNTS[0]

    def new_token(self) -> TokenReference:
        """Choose a token for a film that is still to be registered."""
        token_id = registry_calls.new_token_id(parse_wallet(self.publisher.address))
        return TokenReference(self.pool.chain_id, self.contract, token_id)

    async def film(
        self, token: TokenReference | None = None, *, root: Cid = ROOT, ladder: RightsLadder = LADDER
    ) -> TokenReference:
        """Register a film of at most 10,000 tokens."""
        token = token or self.new_token()
        receiver = parse_wallet(self.publisher.address)
        await self.send(
            registry_calls.create_film(NewFilm(token, root, SHA256, 10_000, receiver, 500, ladder))
        )
        return token

    async def mint(self, token: TokenReference, to: Wallet, amount: int) -> Mined:
        """Give somebody new tokens."""
        return await self.send(registry_calls.mint(token, to, amount))

    async def send(self, transaction: UnsignedTransaction, account: LocalAccount | None = None) -> Mined:
        """Sign as the publisher, or as `account`, and wait for the receipt."""
        return await send(self.pool, transaction, account or self.publisher)


@asynccontextmanager
async def open_pool(
    *urls: str,
    contract: Wallet | None = None,
    deadline: float = 10,
    cool_down: float = 0,
    age: BlockAgeLimit | None = None,
    quorum: int = 2,
) -> AsyncIterator[RpcPool]:
    """A pool that gives a failed node hardly any rest, so that tests need not wait."""
    limits = NodeLimits(Seconds(deadline), Seconds(cool_down), age)
    async with RpcPool(urls, CHAIN_ID, contract, limits=limits, quorum=quorum) as pool:
        yield pool


@asynccontextmanager
async def deployed(url: str, artifact: Path | None = None) -> AsyncIterator[Registry]:
    """Deploy a registry, or another one. On a fresh chain its address is always the same."""
    admin = ACCOUNTS[0]
    async with open_pool(url) as pool:
        creation = registry_calls.deploy(
            artifact or contract_artifact("FilmRegistry"), [parse_wallet(admin.address)]
        )
        mined = await send(pool, creation, admin)
        assert mined.contract is not None
        yield Registry(pool, mined.contract)
