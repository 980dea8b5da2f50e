"""The chain for plugins and pages: its history from the database, and calls to contracts."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from wylloh_server.domain.chain_events import NATIVE_COIN, ZERO_ADDRESS, Coin
from wylloh_server.domain.errors import ChainError, ChainUnavailable

if TYPE_CHECKING:
    from wylloh_server.domain.chain_events import (
        Contracts,
    )
    from wylloh_server.domain.ports.chain import ContractReader
    from wylloh_server.domain.types import ChainId, Wallet
    from wylloh_server.storage.chain_history import ChainHistoryRepository
    from wylloh_server.storage.coin_metadata import CoinRepository

_LONGEST_SYMBOL = 12
_MOST_DECIMALS = 77
_NATIVE_DECIMALS = 18
_NATIVE_SYMBOLS = {1: "ETH", 56: "BNB", 100: "xDAI", 137: "POL", 43114: "AVAX"}
"""What chains call their own coin, by EIP-155 id; most that are built on Ethereum say ETH."""


def native_symbol(chain_id: ChainId) -> str:
    """Return what a chain calls its own coin."""
    return _NATIVE_SYMBOLS.get(chain_id, "ETH")


class ChainQueries:
    """The chain's history from the database, and calls to contracts: the port `PluginChain`.

    The methods of the history and of the reader are offered as they are.
    """

    def __init__(
        self,
        *,
        contracts: Contracts,
        history: ChainHistoryRepository,
        coins: CoinRepository,
        reader: ContractReader,
        chain_id: ChainId,
        explorer: str = "",
    ) -> None:
        self.contracts = contracts
        self.explorer = explorer
        self.state, self.changes = history.state, history.changes
        self.history, self.count = history.history, history.count
        self.holders, self.holder_count = history.holders, history.holder_count
        self.read, self.is_contract = reader.read, reader.has_code
        self._coins = coins
        self._reader = reader
        self._chain_id = chain_id

    async def coin(self, address: Wallet) -> Coin:
        """Return a coin's symbol and decimals; kept after the first time.

        Raises:
            ChainError: it is no coin, or the chain cannot be asked and it was not read before.
        """
        if address == NATIVE_COIN:
            return Coin(address, native_symbol(self._chain_id), _NATIVE_DECIMALS, permits=False)
        known = await self._coins.get(address)
        if known is None:
            known = await self._read_coin(address)
            await self._coins.keep(known)
        return known

    async def balance(self, wallet: Wallet, coin: Wallet) -> int:
        """Return what a wallet has of a coin, `NATIVE_COIN` included."""
        if coin == NATIVE_COIN:
            return await self._reader.native_balance(wallet)
        (amount,) = await self._reader.read(coin, "balanceOf(address)", (wallet,), ("uint256",))
        return int(amount)

    async def _read_coin(self, address: Wallet) -> Coin:
        (decimals,) = await self._reader.read(address, "decimals()", (), ("uint8",))
        if decimals > _MOST_DECIMALS:
            raise ChainError(
                f"The coin {address} claims {decimals} decimals.", fix="Use a standard ERC-20 coin."
            )
        return Coin(address, await self._symbol(address), decimals, await self._permits(address))

    async def _symbol(self, address: Wallet) -> str:
        try:
            (symbol,) = await self._reader.read(address, "symbol()", (), ("string",))
        except ChainUnavailable:
            raise
        except ChainError:  # the oldest coins answer with a word instead of a text
            (word,) = await self._reader.read(address, "symbol()", (), ("bytes32",))
            symbol = word.rstrip(b"\0").decode("utf-8", "replace")
        return _readable(symbol)

    async def _permits(self, address: Wallet) -> bool:
        """Return whether a coin answers the two questions that only ERC-2612 coins know."""
        try:
            await self._reader.read(address, "nonces(address)", (ZERO_ADDRESS,), ("uint256",))
            await self._reader.read(address, "DOMAIN_SEPARATOR()", (), ("bytes32",))
        except ChainUnavailable:
            raise
        except ChainError:
            return False
        return True


def _readable(symbol: str) -> str:
    """Return a symbol without what could make a sentence read otherwise: anybody can write one."""
    kept = "".join(letter for letter in symbol if unicodedata.category(letter)[0] in "LNSP")
    return kept[:_LONGEST_SYMBOL] or "?"
