"""A chain for tests: they add blocks of events and set the answers of contracts."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.chain_events import NATIVE_COIN, Coin, Contracts, LogPosition
from wylloh_server.domain.errors import ChainError, ChainUnavailable
from wylloh_server.domain.ports.chain import BlockHeader, BlockRange, ChainHead
from wylloh_server.domain.types import BlockNumber, ChainId, Timestamp, Wallet
from wylloh_server.services.chain.chain_queries import ChainQueries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wylloh_server.domain.chain_events import ChainEvent
    from wylloh_server.storage.database import Storage

    Answer = tuple[Any, ...] | ChainError | Callable[..., tuple[Any, ...]]

_NO_HASH = "0x" + "00" * 32
_BLOCK_SECONDS = 12
_FINAL_AFTER = 64
_BEGINNING = BlockHeader(BlockNumber(0), _NO_HASH, Timestamp(1_760_000_000))

SOMEWHERE = LogPosition(_BEGINNING.number, _NO_HASH, _NO_HASH, 0, _BEGINNING.at)
"""Stands in a fact for the place on the chain that `PluginApp.happened` gives it."""

CHAIN_ID = ChainId(1)
"""The number of a test's chain."""

CONTRACTS = Contracts(
    registry=Wallet("0x" + "c0" * 20), store=Wallet("0x" + "c1" * 20), splitters=Wallet("0x" + "c2" * 20)
)
"""The contracts that the server of a test reads, unless the test names others."""

DOLLAR = Coin(Wallet("0x" + "d0" * 20), "dUSD", 6, permits=True)
"""A stablecoin that a test's chain knows from the start."""


class SampleChain:
    """A test's chain. `ChainQueries` over it is what the plugin gets as `context.chain`.

    Attributes:
        silent: whether nobody can ask contracts anything; what was read before stays.
        balances: what wallets have of coins, `NATIVE_COIN` included; (wallet, coin) → amount, else 0.
        asked: every question to a contract so far: contract, function, arguments.
    """

    def __init__(self, storage: Storage, contracts: Contracts) -> None:
        self.silent = False
        self.balances: dict[tuple[Wallet, Wallet], int] = {}
        self.asked: list[tuple[Wallet, str, tuple[Any, ...]]] = []
        self._answers: dict[tuple[Wallet, str], Answer] = {}
        self._storage = storage
        self._reorgs = 0
        self.coin(DOLLAR)
        self.view = ChainQueries(
            contracts=contracts,
            history=storage.history,
            coins=storage.coins,
            reader=self,
            chain_id=CHAIN_ID,
            explorer="https://explorer.example/block/{block}",
        )

    def answer(self, contract: Wallet, function: str, answer: Answer) -> None:
        """Set the answer of a contract: a tuple, an error to raise, or a function of the arguments."""
        self._answers[contract, function] = answer

    def coin(self, coin: Coin) -> None:
        """Add a coin."""
        self.answer(coin.address, "symbol()", (coin.symbol,))
        self.answer(coin.address, "decimals()", (coin.decimals,))
        self.answer(coin.address, "allowance(address,address)", (0,))
        self.answer(coin.address, "balanceOf(address)", lambda who: (self._balance(who, coin.address),))
        if coin.permits:
            self.answer(coin.address, "nonces(address)", (0,))
            self.answer(coin.address, "DOMAIN_SEPARATOR()", (bytes(32),))

    async def happen(self, facts: Sequence[ChainEvent], at: float | None) -> BlockNumber:
        """Make a block in which facts happened, all in one transaction."""
        last = next(iter(await self._storage.chain_index.newest(1)), _BEGINNING)
        block = self._after(last, at)
        mark = LogPosition(block.number, block.hash, _hash("transaction", block.hash), 0, block.at)
        placed = tuple(replace(fact, mark=replace(mark, index=index)) for index, fact in enumerate(facts))
        final = BlockNumber(max(0, block.number - _FINAL_AFTER))
        named = {fact.splitter for fact in facts if hasattr(fact, "splitter")}
        new = dict.fromkeys(named - await self._storage.chain_index.splitters(), block.number)
        stretch = BlockRange(block.number, last.hash, (block,), placed, new)
        await self._storage.chain_index.extend(stretch, ChainHead(block, final))
        return block.number

    async def take_back(self, count: int) -> BlockNumber:
        """Take back the newest blocks that have not been taken back yet."""
        kept = await self._storage.chain_index.newest(count + 1)
        to = kept[count].number if len(kept) > count else None
        await self._storage.chain_index.roll_back(to)
        self._reorgs += 1
        return to if to is not None else _BEGINNING.number

    async def read(
        self,
        contract: Wallet,
        function: str,
        arguments: Sequence[Any],
        returns: Sequence[str],  # noqa: ARG002 - the port asks for it
    ) -> tuple[Any, ...]:
        """Return the answer that the test set. See `domain.ports.chain.ContractReader`."""
        self._speak()
        self.asked.append((contract, function, tuple(arguments)))
        answer = self._answers.get((contract, function))
        if answer is None:
            raise ChainError(f"{contract} answers no {function}", fix="Tell it with app.chain.answer(…).")
        if isinstance(answer, ChainError):
            raise answer
        return answer(*arguments) if callable(answer) else answer

    async def has_code(self, address: Wallet) -> bool:
        """Return whether the test set an answer for this address."""
        self._speak()
        return any(contract == address for contract, _ in self._answers)

    async def native_balance(self, wallet: Wallet) -> int:
        """Return what a wallet has of the chain's own coin."""
        self._speak()
        return self._balance(wallet, NATIVE_COIN)

    def _balance(self, wallet: Wallet, coin: Wallet) -> int:
        return self.balances.get((wallet, coin), 0)

    def _speak(self) -> None:
        if self.silent:
            raise ChainUnavailable("the chain cannot be reached", fix="Wait.")

    def _after(self, last: BlockHeader, at: float | None) -> BlockHeader:
        number = BlockNumber(last.number + 1)
        when = Timestamp(last.at + _BLOCK_SECONDS if at is None else at)
        return BlockHeader(number, _hash(last.hash, number, self._reorgs, when), when)


def _hash(*parts: object) -> str:
    return "0x" + hashlib.sha256(repr(parts).encode()).hexdigest()
