"""The steps of a proposal in words and figures that the server itself has read from their data."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.chain_events import NATIVE_COIN
from wylloh_server.domain.decoded_call import UNLIMITED
from wylloh_server.domain.errors import ChainError, WyllohError
from wylloh_server.domain.moments import utc_minute
from wylloh_server.domain.percentage import format_percent
from wylloh_server.domain.types import TokenReference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wylloh_server.domain.chain_events import Coin
    from wylloh_server.domain.decoded_call import DecodedArgument, DecodedCall, Grant, Movement
    from wylloh_server.domain.ports.plugin_services import PluginChain
    from wylloh_server.domain.transaction import Proposal
    from wylloh_server.domain.types import Wallet
    from wylloh_server.services.transactions.call_review import CallReview, ReadStep
    from wylloh_server.storage.films import FilmRepository

_MONEY = re.compile(r"(?i).*(?:total|price|proceeds|payment)")
_TOKEN = re.compile(r"(?i)(?:token)?ids?")
_MOMENT = re.compile(r"(?i).*(?:deadline|from|until|expiry)")
_SHARE = re.compile(r"(?i).*(?:basispoints|fee)")
_ZEROS = {"seats": "no limit", "presalePrice": "none"}
"""What 0 means where it is no number."""
_SIGNATURE = frozenset({"v", "r", "s"})
_FIRST_MOMENT, _LAST_MOMENT = 1 << 30, 1 << 35
_LONGEST, _SHOWN_BYTES = 200, 16
_CONTROL = "Decides who has a say there, or who is paid: look at the addresses below."


@dataclass(frozen=True, slots=True)
class StepSummary:
    """What one step does.

    Attributes:
        contract: the contract's name; empty where it is not known.
        address: its address, with checksum.
        function: the function's name; empty for a signature.
        facts: each argument by name, written in its unit.
        effects: sentences: what is sent, and what others may take afterwards.
    """

    contract: str
    address: str
    function: str
    facts: tuple[tuple[str, str], ...]
    effects: tuple[str, ...]

    @property
    def action(self) -> str:
        """The function's name in words."""
        return _label(self.function)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A plain parameter, or a list of plain values, and the name of the struct that holds it, if any."""

    struct: str
    name: str
    values: tuple[DecodedArgument, ...]

    @property
    def label(self) -> str:
        """Its name in words, without its unit."""
        return _label(self.name).removesuffix(" basis points") or self.values[0].type


@dataclass(kw_only=True, eq=False)
class CallSummaries:
    """Describes proposals. Names and units come from settings, chain and library, never from plugins."""

    review: CallReview
    chain: PluginChain
    films: FilmRepository
    checksummed: Callable[[Wallet], str]

    async def describe(self, wallet: Wallet, proposal: Proposal) -> tuple[StepSummary, ...]:
        """Return what each step does; nothing if the steps cannot be read."""
        try:
            steps = await self.review.read(wallet, proposal)
        except WyllohError:
            return ()
        return tuple([await self._described(wallet, step, steps) for step in steps])

    async def _described(
        self, wallet: Wallet, step: ReadStep, all_steps: tuple[ReadStep, ...]
    ) -> StepSummary:
        effects = [await self._granted(grant) for grant in step.grants]
        if step.call is None:
            asset = step.grants[0].asset
            coin = await self._coin(asset)
            return StepSummary(coin.symbol if coin else "", self.checksummed(asset), "", (), tuple(effects))
        call = step.call
        effects += [await self._moved(wallet, movement) for movement in step.movements]
        if step.contract and call.passes_control(step.contract.artifact):
            effects.append(_CONTROL)
        money = await self._money(call, all_steps)
        facts = await self._facts(wallet, call, money)
        name = step.contract.name if step.contract else ""
        if not name:
            coin = await self._coin(call.to)
            name = coin.symbol if coin else ""
        return StepSummary(name, self.checksummed(call.to), call.function, tuple(facts), tuple(effects))

    async def _money(self, call: DecodedCall, steps: tuple[ReadStep, ...]) -> Coin | None:
        """Return the coin in which a call counts: the one it names, else the one it may take."""
        named = [
            leaf.value
            for leaf in _leaves(call)
            if leaf.type == "address" and leaf.name.lower().endswith("coin")
        ]
        allowed = [grant.asset for step in steps for grant in step.grants if grant.spender == call.to]
        found = dict.fromkeys(named or allowed)
        return await self._coin(next(iter(found))) if len(found) == 1 else None

    async def _facts(self, wallet: Wallet, call: DecodedCall, money: Coin | None) -> list[tuple[str, str]]:
        """Write each parameter; those of two structs that have the same name with the struct's name."""
        parameters = [one for argument in call.arguments for one in _parameters(argument)]
        structs = defaultdict(set)
        for one in parameters:
            structs[one.label].add(one.struct)
        facts = []
        for one in parameters:
            values = [await self._value(wallet, one.name, value, call, money) for value in one.values]
            twice = len(structs[one.label]) > 1 and one.struct
            label = f"{_label(one.struct)} {one.label.lower()}" if twice else one.label
            facts.append((label, ", ".join(values)))
        return facts

    async def _value(
        self, wallet: Wallet, name: str, leaf: DecodedArgument, call: DecodedCall, money: Coin | None
    ) -> str:
        if leaf.type == "address":
            return await self._address(wallet, leaf.value)
        if leaf.value == 0 and name in _ZEROS:
            return _ZEROS[name]
        if _TOKEN.fullmatch(name) and leaf.type == "uint256":
            return await self._token(call, leaf.value)
        if _MONEY.fullmatch(name) and isinstance(leaf.value, int):
            return _amount(leaf.value, money)
        return _plain(name, leaf)

    async def _address(self, wallet: Wallet, address: Wallet) -> str:
        known = await self.review.known(address)
        coin = None if known or address in (wallet, NATIVE_COIN) else await self._coin(address)
        name = known.name if known else coin.symbol if coin else ""
        if address == wallet:
            name = "your wallet"
        return f"{name} ({self.checksummed(address)})" if name else self.checksummed(address)

    async def _token(self, call: DecodedCall, token_id: int) -> str:
        registry = self.review.contracts.registry
        film = None
        if registry is not None and call.to in (registry, self.review.contracts.store):
            film = await self.films.by_token(TokenReference(self.review.chain_id, registry, token_id))
        short = f"{token_id:#x}" if token_id < 1 << 64 else f"{token_id:#x}"[:10] + "…"
        return f"{film.title} ({short})" if film else short

    async def _granted(self, grant: Grant) -> str:
        coin = await self._coin(grant.asset)
        known = await self.review.known(grant.spender)
        who = (
            f"{known.name} ({self.checksummed(grant.spender)})" if known else self.checksummed(grant.spender)
        )
        if grant.revokes and (coin is not None or not grant.may_be_id):
            return f"Takes back what {who} was allowed to take."
        if grant.whole:
            return f"Allows {who} to take all your tokens of {self.checksummed(grant.asset)}."
        much = self._much(grant, coin, "units")
        if coin is not None:
            unlimited = grant.amount >= UNLIMITED
            much = f"any amount of your {coin.symbol}" if unlimited else coin.written(grant.amount)
        return f"Allows {who} to take {much}."

    async def _moved(self, wallet: Wallet, movement: Movement) -> str:
        coin = await self._coin(movement.asset)
        kind = "tokens" if movement.asset == self.review.contracts.registry else "units"
        much = self._much(movement, coin, kind)
        verb = "Pays at most" if movement.at_most else "Sends"
        return f"{verb} {much} to {await self._address(wallet, movement.receiver)}."

    def _much(self, one: Grant | Movement, coin: Coin | None, kind: str) -> str:
        if coin is not None:
            return coin.written(one.amount)
        if one.asset == self.review.contracts.registry:
            return f"{one.amount:,} {kind}"
        either = f", or the one token {one.amount:,}," if one.may_be_id else ""
        return f"{one.amount:,} {kind}{either} of {self.checksummed(one.asset)}"

    async def _coin(self, address: Wallet) -> Coin | None:
        if await self.review.known(address) is not None:
            return None
        with suppress(ChainError):
            return await self.chain.coin(address)
        return None


def _leaves(call: DecodedCall) -> Iterator[DecodedArgument]:
    for argument in call.arguments:
        yield from (leaf for leaf in argument.leaves if leaf.name not in _SIGNATURE)


def _parameters(argument: DecodedArgument, struct: str = "", name: str = "") -> Iterator[_Parameter]:
    """Return the plain parameters within an argument; a list of plain values is one."""
    name = argument.name or name
    if not isinstance(argument.value, tuple):
        if name not in _SIGNATURE:
            yield _Parameter(struct, name, (argument,))
    elif argument.value and argument.type.endswith("]") and not isinstance(argument.value[0].value, tuple):
        yield _Parameter(struct, name, argument.value)
    else:
        for member in argument.value:
            yield from _parameters(member, name, name)


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower().strip("_ ")
    return words[:1].upper() + words[1:]


def _amount(value: int, coin: Coin | None) -> str:
    if value >= UNLIMITED:
        return "without limit"
    return coin.written(value) if coin else f"{value:,} units of its coin"


def _plain(name: str, leaf: DecodedArgument) -> str:
    value = leaf.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return "0x" + value[:_SHOWN_BYTES].hex() + ("…" if len(value) > _SHOWN_BYTES else "")
    if isinstance(value, str):
        return "".join(sign for sign in value if sign.isprintable())[:_LONGEST]
    if _MOMENT.fullmatch(name) and _FIRST_MOMENT < value < _LAST_MOMENT:
        return utc_minute(value)
    if _SHARE.fullmatch(name) and leaf.type != "uint256":
        return format_percent(value)
    return f"{value:,}"
