"""The chain as plugins and pages see it: its history as kept here, and questions to contracts."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import ChainError, ChainUnavailable
from wylloh_server.domain.onchain import NATIVE_COIN, NOBODY, Coin

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from wylloh_server.domain.onchain import ChainEvent, Changes, Contracts, Holder, IndexState
    from wylloh_server.domain.ports.chain import ContractReader
    from wylloh_server.domain.ports.history import Coins, History
    from wylloh_server.domain.types import ChainId, TokenReference, Wallet

_MOST_STEPS = 10_000
_LONGEST_SYMBOL = 12
_MOST_DECIMALS = 77
_NATIVE_DECIMALS = 18
_NATIVE_SYMBOLS = {1: "ETH", 56: "BNB", 100: "xDAI", 137: "POL", 43114: "AVAX"}
"""What chains call their own coin, by EIP-155 id; most that are built on Ethereum say ETH."""


def native_symbol(chain_id: ChainId) -> str:
    """Say what a chain calls its own coin."""
    return _NATIVE_SYMBOLS.get(chain_id, "ETH")


class OnChain:
    """Implements `hooks.context.PluginChain`."""

    def __init__(
        self,
        *,
        contracts: Contracts,
        history: History,
        coins: Coins,
        reader: ContractReader,
        chain_id: ChainId,
        explorer: str = "",
    ) -> None:
        self.contracts = contracts
        self.explorer = explorer
        self._history = history
        self._coins = coins
        self._reader = reader
        self._chain_id = chain_id

    async def state(self) -> IndexState:
        """Say how far the chain has been read."""
        return await self._history.state()

    async def changes(
        self, after: int, *, kinds: Collection[type[ChainEvent]] = (), limit: int = 1000
    ) -> Changes:
        """Give what became known, or was taken back, after a cursor (0 from the beginning)."""
        return await self._history.changes(after, kinds=kinds, limit=max(1, min(limit, _MOST_STEPS)))

    async def history(
        self,
        *,
        kinds: Collection[type[ChainEvent]] = (),
        token: TokenReference | None = None,
        wallet: Wallet | None = None,
        contract: Wallet | None = None,
        newest_first: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[ChainEvent, ...]:
        """Give facts that hold now, by place on the chain."""
        return await self._history.history(
            kinds=kinds,
            token=token,
            wallet=wallet,
            contract=contract,
            newest_first=newest_first,
            limit=limit,
            offset=offset,
        )

    async def count(
        self,
        *,
        kinds: Collection[type[ChainEvent]] = (),
        token: TokenReference | None = None,
        wallet: Wallet | None = None,
        contract: Wallet | None = None,
    ) -> int:
        """Count what `history` would give without limit."""
        return await self._history.count(kinds=kinds, token=token, wallet=wallet, contract=contract)

    async def holders(
        self, token: TokenReference, *, limit: int = 100, offset: int = 0
    ) -> tuple[Holder, ...]:
        """Give who holds tokens of a film, most first."""
        return await self._history.holders(token, limit=limit, offset=offset)

    async def holder_count(self, token: TokenReference) -> int:
        """Count the wallets that hold tokens of a film."""
        return await self._history.holder_count(token)

    async def read(
        self, contract: Wallet, function: str, arguments: Sequence[Any], returns: Sequence[str]
    ) -> tuple[Any, ...]:
        """Ask a contract; raises ChainError."""
        return await self._reader.read(contract, function, arguments, returns)

    async def is_contract(self, address: Wallet) -> bool:
        """Say whether there is a contract at an address, not just a wallet; raises ChainError."""
        return await self._reader.has_code(address)

    async def coin(self, address: Wallet) -> Coin:
        """Give a coin's symbol and decimals; kept after the first time.

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
        """Give what a wallet has of a coin, `NATIVE_COIN` included."""
        if coin == NATIVE_COIN:
            return await self._reader.native_balance(wallet)
        (amount,) = await self._reader.read(coin, "balanceOf(address)", (wallet,), ("uint256",))
        return int(amount)

    async def _read_coin(self, address: Wallet) -> Coin:
        (decimals,) = await self._reader.read(address, "decimals()", (), ("uint8",))
        if decimals > _MOST_DECIMALS:
            raise ChainError(
                f"The coin {address} claims {decimals} decimals.", fix="Use a coin that people use."
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
        """Say whether a coin answers the two questions that only ERC-2612 coins know."""
        try:
            await self._reader.read(address, "nonces(address)", (NOBODY,), ("uint256",))
            await self._reader.read(address, "DOMAIN_SEPARATOR()", (), ("bytes32",))
        except ChainUnavailable:
            raise
        except ChainError:
            return False
        return True


def _readable(symbol: str) -> str:
    """Give a symbol without what could make a sentence read otherwise: anybody can write one."""
    kept = "".join(letter for letter in symbol if unicodedata.category(letter)[0] in "LNSP")
    return kept[:_LONGEST_SYMBOL] or "?"
