"""What a call does, read from its data and not from anybody's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.chain_events import NATIVE_COIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.types import Wallet

UNLIMITED = 1 << 255
"""From here on an allowance is as good as one for everything."""


@dataclass(frozen=True, slots=True)
class DecodedArgument:
    """One argument; the value of a struct is its members, of an array its elements (name empty).

    Attributes:
        name: the parameter's name in the ABI; empty where no ABI is known.
        type: canonical ABI type.
        value: int, bool, str (addresses lower case), bytes, or a tuple of arguments.
    """

    name: str
    type: str
    value: Any

    @property
    def leaves(self) -> Iterator[DecodedArgument]:
        """This argument, or all the plain ones within it."""
        if isinstance(self.value, tuple):
            for member in self.value:
                yield from member.leaves
        else:
            yield self


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """A call as its data say. `value` is native coin sent along, in its base unit."""

    to: Wallet
    signature: str
    arguments: tuple[DecodedArgument, ...]
    value: int = 0

    @property
    def function(self) -> str:
        """The function's name."""
        return self.signature.partition("(")[0]

    @property
    def grants(self) -> tuple[Grant, ...]:
        """What others may take by themselves once this call is confirmed."""
        at = _GRANTS.get(self.signature)
        if at is None:
            return ()
        spender, amount = at
        much = True if amount is None else self.arguments[amount].value
        whole = much is True
        total = UNLIMITED if whole else int(much)
        return (
            Grant(
                self.to,
                self.arguments[spender].value,
                total,
                whole=whole,
                revokes=not total and self.signature in _REVOKING,
                may_be_id=self.signature in _AMOUNT_OR_ID,
            ),
        )

    def movements(self, artifact: str, registry: Wallet | None) -> tuple[Movement, ...]:
        """Return what leaves for an address that the call names, at once.

        Args:
            artifact: the compiled contract that is at the call's address; empty when that is unknown.
            registry: whose tokens the store holds and sells.
        """
        sent = (Movement(NATIVE_COIN, self.to, self.value),) if self.value else ()
        at = _MOVEMENTS.get(self.signature)
        if at is not None:
            receiver, amount = at
            amounts = self.arguments[amount].leaves if amount is not None else ()
            total = sum(int(one.value) for one in amounts) if amount is not None else 1
            may_be_id = self.signature in _AMOUNT_OR_ID
            return (*sent, Movement(self.to, self.arguments[receiver].value, total, may_be_id=may_be_id))
        own = _OWN_MOVEMENTS.get(f"{artifact}.{self.function}")
        return sent if own is None else (*sent, self._own_movement(*own, registry))

    def _own_movement(self, coin: str, receiver: str, amount: str, registry: Wallet | None) -> Movement:
        plain = {leaf.name: leaf.value for argument in self.arguments for leaf in argument.leaves}
        asset = plain[coin] if coin else registry or self.to
        return Movement(asset, plain[receiver] if receiver else self.to, plain[amount], at_most=bool(coin))

    def passes_control(self, artifact: str) -> bool:
        """Whether the call decides who has power over a contract of the project, or who earns by it."""
        return f"{artifact}.{self.function}" in _PASSING_CONTROL


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission for somebody to take coins or tokens later.

    Attributes:
        asset: the contract of the coin or the tokens.
        amount: at most so much, in base units.
        whole: it is about every token of that contract, now and later.
        revokes: a permission is taken back by it.
        may_be_id: if the contract is ERC-721, `amount` is the id of one token instead, also where it is 0.
    """

    asset: Wallet
    spender: Wallet
    amount: int
    whole: bool = False
    revokes: bool = False
    may_be_id: bool = False


@dataclass(frozen=True, slots=True)
class Movement:
    """So much of a coin (`NATIVE_COIN` too) or of a contract's tokens goes to somebody.

    Attributes:
        at_most: it may be less.
        may_be_id: as of a `Grant`.
    """

    asset: Wallet
    receiver: Wallet
    amount: int
    at_most: bool = False
    may_be_id: bool = False


_GRANTS: dict[str, tuple[int, int | None]] = {
    "approve(address,uint256)": (0, 1),
    "increaseAllowance(address,uint256)": (0, 1),
    "setApprovalForAll(address,bool)": (0, 1),
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)": (1, 2),
    "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)": (1, None),
    "approve(address,address,uint160,uint48)": (1, 2),
    "approveAndCall(address,uint256)": (0, 1),
    "approveAndCall(address,uint256,bytes)": (0, 1),
    "authorizeOperator(address)": (0, None),
}
"""Of ERC-20, 721, 777, 1155, 1363, 2612, DAI and Permit2: who may take, and how much; None is everything."""

_REVOKING = frozenset(
    {
        "approve(address,uint256)",
        "setApprovalForAll(address,bool)",
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
        "approve(address,address,uint160,uint48)",
    }
)
"""Of these the ones by which a permission is taken back: with 0 or false."""

_AMOUNT_OR_ID = frozenset({"approve(address,uint256)", "transferFrom(address,address,uint256)"})
"""What ERC-20 and ERC-721 have in common: an amount there, the id of a token here."""

_MOVEMENTS: dict[str, tuple[int, int | None]] = {
    "transfer(address,uint256)": (0, 1),
    "transferFrom(address,address,uint256)": (1, 2),
    "transferAndCall(address,uint256)": (0, 1),
    "transferAndCall(address,uint256,bytes)": (0, 1),
    "safeTransferFrom(address,address,uint256)": (1, None),
    "safeTransferFrom(address,address,uint256,bytes)": (1, None),
    "safeTransferFrom(address,address,uint256,uint256,bytes)": (1, 3),
    "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)": (1, 3),
}
"""Of ERC-20, 721, 1155 and 1363: who gets it, and how much; one token where none is named."""

_OWN_MOVEMENTS: dict[str, tuple[str, str, str]] = {
    "FilmRegistry.mint": ("", "to", "amount"),
    "FilmStore.stock": ("", "", "amount"),
    "FilmStore.withdrawStock": ("", "to", "amount"),
    "FilmStore.list": ("", "", "quantity"),
    "FilmStore.buy": ("coin", "", "maxTotal"),
    "FilmStore.buyWithPermit": ("coin", "", "maxTotal"),
    "FilmStore.buyListed": ("coin", "", "maxTotal"),
    "FilmStore.buyListedWithPermit": ("coin", "", "maxTotal"),
}
"""Of the project's contracts, the parameters that name the coin (film tokens if none), who gets it (the
contract itself if none), and how much."""

_PASSING_CONTROL = frozenset(
    {
        "FilmRegistry.createFilm",
        "FilmRegistry.beginDefaultAdminTransfer",
        "FilmRegistry.acceptDefaultAdminTransfer",
        "FilmRegistry.grantRole",
        "FilmRegistry.revokeRole",
        "FilmRegistry.renounceRole",
        "FilmStore.setOffer",
        "FilmStore.setFee",
        "FilmStore.transferOwnership",
        "FilmStore.acceptOwnership",
        "FilmStore.renounceOwnership",
        "RoyaltySplitter.setRecipients",
        "RoyaltySplitter.transferOwnership",
        "RoyaltySplitter.acceptOwnership",
        "RoyaltySplitter.renounceOwnership",
        "RoyaltySplitterFactory.create",
    }
)
"""Functions of the project's contracts that change roles, owners, recipients or payees."""

STANDARD_SIGNATURES = frozenset(_GRANTS) | frozenset(_MOVEMENTS)
"""What the contract of any coin or token may be asked for; a permission can also be taken back by these."""
