"""The demo's chain: anvil with its well-known development accounts, and the registry on it."""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from demo.child_processes import child
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.errors import ChainError
from wylloh_server.domain.types import ChainId, TokenReference, Wallet, parse_wallet
from wylloh_server.resources import anvil_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from demo.seed_market import SeedMarket
    from wylloh_server.adapters.chain import RpcPool

CHAIN_ID = ChainId(31337)
_MNEMONIC = "test test test test test test test test test test test junk"
"""Printed in anvil's own documentation: anybody who uses these accounts on a real chain gives money away."""


@dataclass(frozen=True, slots=True)
class DemoAccounts:
    """Who plays in the demo."""

    publisher: LocalAccount
    full: LocalAccount
    empty: LocalAccount
    cinema: LocalAccount
    others: tuple[LocalAccount, ...]

    @property
    def wallets(self) -> tuple[Wallet, ...]:
        """All ten addresses, in anvil's order."""
        everybody = (self.publisher, self.full, self.empty, self.cinema, *self.others)
        return tuple(parse_wallet(account.address) for account in everybody)


def accounts() -> DemoAccounts:
    """Derive anvil's ten development accounts."""
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    publisher, full, empty, cinema, *others = (
        Account.from_mnemonic(_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}") for number in range(10)
    )
    return DemoAccounts(publisher, full, empty, cinema, tuple(others))


def named_wallets(cast: DemoAccounts) -> dict[str, Wallet]:
    """Return the demo's four wallets by the names of the plugin's settings."""
    names = ("publisher", "full", "empty", "cinema")
    return {name: parse_wallet(getattr(cast, name).address) for name in names}


def chain_settings(rpc: str, market: SeedMarket) -> dict[str, Any]:
    """Return the section `[chain]` of both servers."""
    known = asdict(Contracts(market.registry, market.store, market.splitters))
    about = {"rpc": [rpc], "id": CHAIN_ID, "poll_seconds": 2, "name": "Demo chain", "wallet_rpc": rpc}
    about["max_block_age"] = 0  # it makes a block only when there is something to put into it
    return {**about, "contract": known.pop("registry"), **known}


@contextmanager
def running_chain(folder: Path, since: int | None = None) -> Iterator[str]:
    """Run anvil until the context ends, with the state it had the last time. Gives its address.

    `since` is the time (Unix seconds) at which a new chain begins; None goes on with the one that is there.
    """
    state, log = folder / "chain.json", folder / "chain.log"
    flags = ["--port", "0", "--no-cors", "--state", str(state), "--state-interval", "5"]
    flags += ["--timestamp", str(since)] if since is not None else []
    with child("chain", [str(anvil_path()), *flags], log, stop=signal.SIGINT) as anvil:
        anvil.wait_for(lambda: re.search(r"Listening on (\S+)", anvil.said()), seconds=30)
        found = re.search(r"Listening on (\S+)", anvil.said())
        yield f"http://{found[1] if found else ''}"


def pool(rpc: str, contract: Wallet | None = None) -> RpcPool:
    """Open the chain."""
    from wylloh_server.adapters.chain import RpcPool

    return RpcPool([rpc], CHAIN_ID, contract)


async def still_there(rpc: str, contract: Wallet, block: int) -> bool:
    """Return whether the chain still has what an earlier demo put there."""
    async with pool(rpc, contract) as chain:
        try:
            return int(await chain.request("eth_blockNumber", []), 16) >= block
        except ChainError:
            return False


async def hand_out(
    rpc: str, token: TokenReference, publisher: LocalAccount, amounts: dict[Wallet, int]
) -> int:
    """Mint tokens to wallets; returns the block of the last one."""
    from wylloh_server.adapters.chain.registry_calls import mint
    from wylloh_server.adapters.chain.transaction_sender import send

    block = 0
    async with pool(rpc, token.contract) as chain:
        for wallet, amount in amounts.items():
            block = (await send(chain, mint(token, wallet, amount), publisher)).block
    return block
