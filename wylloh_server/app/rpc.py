"""The pool of RPCs as the settings describe it, for the server and for commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import BlockAgeLimit, NodeLimits, RpcPool
from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.domain.types import ChainId, Seconds, parse_wallet

if TYPE_CHECKING:
    from wylloh_server.config import Settings


def rpc_pool(settings: Settings, *, contract: bool = True) -> RpcPool:
    """Make the pool of RPCs; without any configured, every question to it is ChainUnavailable.

    `contract` is False for a command that deploys the contracts and does not yet need one there.
    """
    chain = settings.chain
    registry = parse_wallet(chain.contract) if contract and chain.contract else None
    most = chain.block_age_limit
    age = None if most is None else BlockAgeLimit(Seconds(most), system_clock)
    return RpcPool(chain.rpc, ChainId(chain.id), registry, limits=NodeLimits(age=age), quorum=chain.quorum)
