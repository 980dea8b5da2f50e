"""How many tokens of each film a wallet holds, read at one block in as few calls as possible."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import _wire
from wylloh_server.domain.errors import NoContract
from wylloh_server.domain.ports.chain import Holdings
from wylloh_server.domain.types import BlockNumber, TokenReference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.adapters.chain._node import Ask
    from wylloh_server.adapters.chain.rpc import RpcPool
    from wylloh_server.domain.types import Wallet

CHUNK = 500
"""Ids in one call: 64 kB of request, small next to the 2 MB that providers accept."""


async def read_holdings(pool: RpcPool, wallet: Wallet, tokens: Sequence[TokenReference]) -> Holdings:
    """Count a wallet's tokens of all these films, all at the same block.

    One `balanceOfBatch` for each contract and `CHUNK` ids. Packing and decoding a chunk takes a few
    milliseconds, and the event loop gets its turn between chunks. Tokens of another chain than the pool's
    cannot be read here and are left out of the counts: unknown, not zero.

    Raises:
        ChainUnavailable, WrongChain: no RPC could be used.
        NoContract: a token's contract has no code, so nothing is known of its balances.
    """
    return await pool.run(
        partial(_read, wallet=wallet, tokens=[t for t in tokens if t.chain_id == pool.chain_id])
    )


async def _read(ask: Ask, wallet: Wallet, tokens: list[TokenReference]) -> Holdings:
    block = BlockNumber(_wire.quantity(await ask("eth_blockNumber", [])))
    counts: dict[TokenReference, int] = {}
    for chunk in _chunks(tokens):
        counts |= await _read_chunk(ask, wallet, chunk, block)
    return Holdings(wallet, block, counts)


async def _read_chunk(
    ask: Ask, wallet: Wallet, chunk: list[TokenReference], block: BlockNumber
) -> dict[TokenReference, int]:
    query = {
        "to": chunk[0].contract,
        "data": _wire.balance_query(wallet, [token.token_id for token in chunk]),
    }
    answer = _wire.data(await ask("eth_call", [query, hex(block)]))
    if not answer:
        raise NoContract(
            f"there is no contract at {chunk[0].contract}",
            fix="Check the configured contract address, and that it is on this chain.",
        )
    return dict(zip(chunk, _wire.balances(answer, len(chunk)), strict=True))


def _chunks(tokens: list[TokenReference]) -> list[list[TokenReference]]:
    by_contract: defaultdict[Wallet, list[TokenReference]] = defaultdict(list)
    for token in tokens:
        by_contract[token.contract].append(token)
    return [group[at : at + CHUNK] for group in by_contract.values() for at in range(0, len(group), CHUNK)]
