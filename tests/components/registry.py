"""A FilmRegistry on a real development chain, with films made through the product's own calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from eth_account import Account
from eth_account.signers.local import LocalAccount

from wylloh_server.adapters.chain import RpcPool, registry_calls
from wylloh_server.adapters.chain.registry_calls import NewFilm, Transaction
from wylloh_server.adapters.chain.transactions import Mined, send
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference, Wallet, wallet_of
from wylloh_server.resources import contract_artifact

CHAIN_ID = ChainId(31337)
"""Anvil's default."""

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


@dataclass(frozen=True, slots=True)
class Registry:
    """A deployed registry whose publisher is the first account."""

    pool: RpcPool
    contract: Wallet
    publisher: LocalAccount = ACCOUNTS[0]

    def new_token(self) -> TokenReference:
        """Choose a token for a film that is still to be registered."""
        token_id = registry_calls.new_token_id(wallet_of(self.publisher.address))
        return TokenReference(self.pool.chain_id, self.contract, token_id)

    async def film(
        self, token: TokenReference | None = None, *, root: Cid = ROOT, ladder: RightsLadder = LADDER
    ) -> TokenReference:
        """Register a film of at most 10,000 tokens."""
        token = token or self.new_token()
        receiver = wallet_of(self.publisher.address)
        await self.send(
            registry_calls.create_film(NewFilm(token, root, SHA256, 10_000, receiver, 500, ladder))
        )
        return token

    async def mint(self, token: TokenReference, to: Wallet, amount: int) -> Mined:
        """Give somebody new tokens."""
        return await self.send(registry_calls.mint(token, to, amount))

    async def send(self, transaction: Transaction, account: LocalAccount | None = None) -> Mined:
        """Sign as the publisher, or as `account`, and wait for the receipt."""
        return await send(self.pool, transaction, account or self.publisher)


@asynccontextmanager
async def open_pool(*urls: str, contract: Wallet | None = None, **options: float) -> AsyncIterator[RpcPool]:
    """A pool that gives a failed node hardly any rest, so that tests need not wait."""
    settings = {"cool_down": 0.0, "deadline": 10.0, **options}
    async with RpcPool(
        urls,
        CHAIN_ID,
        contract,
        deadline=Seconds(settings["deadline"]),
        cool_down=Seconds(settings["cool_down"]),
    ) as pool:
        yield pool


@asynccontextmanager
async def deployed(url: str) -> AsyncIterator[Registry]:
    """Deploy a registry. On a fresh chain its address is always the same."""
    admin = ACCOUNTS[0]
    async with open_pool(url) as pool:
        creation = registry_calls.deploy_registry(contract_artifact("FilmRegistry"), wallet_of(admin.address))
        mined = await send(pool, creation, admin)
        assert mined.contract is not None
        yield Registry(pool, mined.contract)
