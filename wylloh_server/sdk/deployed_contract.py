"""Calls of the project's contracts: a function's name is enough, types and signatures come from the ABI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.contract_answers import read_if_known
from wylloh_server.domain.transaction import ContractCall
from wylloh_server.resources import contract_function, contract_outputs

if TYPE_CHECKING:
    from wylloh_server.domain.ports.plugin_services import PluginChain
    from wylloh_server.domain.types import Wallet


@dataclass(frozen=True, slots=True)
class DeployedContract:
    """A contract at an address. Every method raises NotFound for a function that the ABI lacks.

    Attributes:
        artifact: the compiled contract: `FilmRegistry`, `FilmStore`, `RoyaltySplitter`,
            `RoyaltySplitterFactory`; `DemoDollar` for any ERC-20 coin, with ERC-2612 permits or without.
    """

    artifact: str
    address: Wallet

    async def read(self, chain: PluginChain, function: str, *arguments: Any) -> tuple[Any, ...]:
        """Call a view function and return its results; raises as `PluginChain.read`."""
        signature = contract_function(self.artifact, function)
        returns = contract_outputs(self.artifact, function)
        return await chain.read(self.address, signature, arguments, returns)

    async def read_if_known(
        self, chain: PluginChain, function: str, *arguments: Any
    ) -> tuple[Any, ...] | None:
        """Call a view function that contracts of earlier releases lack; return None where it is not answered.

        Raises:
            ChainError: the chain cannot be asked, or there is no contract.
        """
        signature = contract_function(self.artifact, function)
        returns = contract_outputs(self.artifact, function)
        return await read_if_known(chain.read, self.address, signature, arguments, returns)

    def call(self, function: str, *arguments: Any, summary: str) -> ContractCall:
        """Return a call for a wallet to send; `summary` is the sentence about it."""
        return ContractCall(
            self.address, contract_function(self.artifact, function), arguments, summary=summary
        )
