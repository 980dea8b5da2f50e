"""The rights ladder of a film and where a stack of its tokens stands on it.

Thresholds, rights, territories and seats come from the film's contract; nothing here knows a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.quotation import quote_input

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.domain.types import BlockNumber

PERSONAL = "personal"
"""The right to watch at home. The other rights are named by the publisher."""

_FIX = (
    "Begin with Personal viewing for 1 token, without seats and countries; let each tier after it need more "
    "tokens than the one before."
)

_MOST_TIERS = 256
"""Of one ladder that is made of several: pages and answers must not grow with a publisher's whims."""

RIGHT_NAMES = {
    PERSONAL: "Personal viewing",
    "small-venue": "Small venue",
    "streaming": "Streaming",
    "theatrical": "Theatrical",
    "national": "National distribution",
}

_SPOKEN = {
    PERSONAL: "watching at home",
    "small-venue": "small-venue shows",
    "streaming": "streaming",
    "theatrical": "theatrical shows",
    "national": "national distribution",
}


def right_name(right: str) -> str:
    """Return a right as people read it; a publisher's own right is its identifier in words."""
    return RIGHT_NAMES.get(right) or right.replace("-", " ").replace("_", " ").capitalize()


def spoken_right(right: str) -> str:
    """Return a right as it stands within a sentence: `12 more tokens unlock small-venue shows`."""
    return _SPOKEN.get(right) or right_name(right).lower()


def parse_right(typed: str) -> str:
    """Return the identifier of a right that was typed: by its name, as it is spoken of, or by identifier."""
    plain = " ".join(typed.lower().split())
    for names in (RIGHT_NAMES, _SPOKEN):
        for right, name in names.items():
            if plain == name.lower():
                return right
    return plain.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Tier:
    """One rung: at `threshold` tokens the stack unlocks `right`.

    Attributes:
        threshold: tokens needed, at least 1.
        right: identifier, as written in the contract.
        territories: ISO 3166-1 alpha-2 codes; empty means everywhere.
        seats: most people in one show; None means no limit.
    """

    threshold: int
    right: str
    territories: tuple[str, ...] = ()
    seats: int | None = None

    @property
    def name(self) -> str:
        """The right as people read it."""
        return right_name(self.right)

    @property
    def terms(self) -> str:
        """What bounds the right, in a few words; empty when nothing does."""
        parts = []
        if self.seats is not None:
            parts.append(f"up to {self.seats:,} seat{'' if self.seats == 1 else 's'}")
        if self.territories:
            parts.append(", ".join(self.territories))
        return " · ".join(parts)

    @property
    def audience(self) -> float:
        """The seats as a number: infinity where nothing limits them."""
        return inf if self.seats is None else self.seats


@dataclass(frozen=True, slots=True)
class RightsLadder:
    """The tiers of a film, lowest threshold first. Only one made of several ladders has two of the same."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        """Raise InvalidValue if there are no tiers, or thresholds fall."""
        thresholds = [tier.threshold for tier in self.tiers]
        if not thresholds or thresholds[0] < 1 or thresholds != sorted(thresholds):
            raise InvalidValue("The tiers of a film need 1 token or more, and rise.", fix=_FIX)

    def with_earlier(self, earlier: Iterable[RightsLadder]) -> RightsLadder:
        """Return this ladder with whatever earlier ones of the film gave and it does not.

        Right for right and territory for territory, as registries let ladders change. Those of an earlier
        release let publishers change them at will; holders keep what their tokens unlocked all the same. Of
        very many changes the first count.
        """
        tiers = list(self.tiers)
        for ladder in earlier:
            missing = [tier for tier in ladder.tiers if not _covered(tier, tiers)]
            tiers += missing[: max(0, _MOST_TIERS - len(tiers))]
        return RightsLadder(tuple(sorted(tiers, key=lambda tier: tier.threshold)))


def new_ladder(tiers: tuple[Tier, ...]) -> RightsLadder:
    """Return a ladder for a new film.

    Raises:
        InvalidValue: the registry would refuse it; a sentence for each tier says why. Thresholds rise, and
            one token lets its holder watch.
    """
    if not tiers:
        raise InvalidValue("There is no tier.", fix=_FIX)
    problems = [*_wrong_in_first(tiers[0])]
    for number, (before, tier) in enumerate(pairwise(tiers), 2):
        if tier.threshold <= before.threshold:
            problems.append(
                f"Tier {number} ({tier.name}) is for {tokens(tier.threshold)}, but the one before it is for "
                f"{before.threshold:,} already."
            )
    if problems:
        raise InvalidValue(" ".join(problems), fix=_FIX)
    return RightsLadder(tiers)


def _wrong_in_first(tier: Tier) -> Iterable[str]:
    if tier.right != PERSONAL:
        yield f"Tier 1 is {quote_input(tier.name)}, but one token always lets its holder watch."
    if tier.threshold != 1:
        yield f"Tier 1 is for {tokens(tier.threshold)}, but the first is always for 1 token."
    if tier.right == PERSONAL and tier.seats is not None:
        yield f"Tier 1 ({tier.name}) cannot have a number of seats."
    if tier.right == PERSONAL and tier.territories:
        yield f"Tier 1 ({tier.name}) holds in every country."


def _covered(tier: Tier, by: Iterable[Tier]) -> bool:
    """Whether other tiers give all that a tier gives, for no more tokens."""
    cheap = [other for other in by if other.threshold <= tier.threshold]
    if tier.right == PERSONAL:
        return bool(cheap)  # every tier includes watching at home
    fitting = [other for other in cheap if other.right == tier.right and other.audience >= tier.audience]
    if any(not other.territories for other in fitting):
        return True
    return bool(tier.territories) and set(tier.territories) <= {
        territory for other in fitting for territory in other.territories
    }


@dataclass(frozen=True, slots=True)
class Stack:
    """A holding seen against a ladder."""

    holding: int
    ladder: RightsLadder

    @property
    def reached(self) -> tuple[Tier, ...]:
        """The tiers this holding unlocks, lowest first."""
        return tuple(tier for tier in self.ladder.tiers if tier.threshold <= self.holding)

    @property
    def top(self) -> Tier | None:
        """The highest tier reached."""
        return self.reached[-1] if self.reached else None

    @property
    def next(self) -> Tier | None:
        """The first tier not reached."""
        return next((tier for tier in self.ladder.tiers if tier.threshold > self.holding), None)

    @property
    def missing(self) -> int:
        """How many more tokens the next tier needs; 0 when every tier is reached."""
        return self.next.threshold - self.holding if self.next else 0

    def grants(self, right: str, territory: str = "") -> Tier | None:
        """Return the tier by which this stack grants `right` in `territory` ('' means not asked), or None.

        Every tier includes watching at home; no other right implies another. Of several it is the one with
        the largest audience: more tokens never mean fewer seats.
        """
        fitting = [tier for tier in reversed(self.reached) if _fits(tier, right, territory)]
        if right == PERSONAL:
            return fitting[0] if fitting else None
        return max(fitting, key=lambda tier: tier.audience, default=None)

    def short_of(self, right: str) -> int:
        """How many more tokens `right` needs; 0 when it is reached or not on the ladder."""
        fitting = [tier.threshold for tier in self.ladder.tiers if _fits(tier, right, "")]
        return max(0, min(fitting) - self.holding) if fitting else 0

    def fill(self, tier: Tier) -> float:
        """How far, 0…1, the holding has come from `tier` to the one after it (for the drawn scale)."""
        if self.holding < tier.threshold:
            return 0.0
        above = [other.threshold for other in self.ladder.tiers if other.threshold > tier.threshold]
        if not above or self.holding >= above[0]:
            return 1.0
        return (self.holding - tier.threshold) / (above[0] - tier.threshold)


@dataclass(frozen=True, slots=True)
class RightsStatus:
    """A wallet's stack of a film, and the block as of which it holds.

    Attributes:
        unsettled: further tokens at that block, which came too short before it to be counted.
    """

    stack: Stack
    block: BlockNumber
    unsettled: int = 0


def _fits(tier: Tier, right: str, territory: str) -> bool:
    if right == PERSONAL:
        return True
    return tier.right == right and (not territory or not tier.territories or territory in tier.territories)


def tokens(count: int) -> str:
    """Write a number of tokens: `1 token`, `12 tokens`, `5,000 tokens`."""
    return f"{count:,} token" + ("" if count == 1 else "s")


def more_tokens(missing: int, holding: int) -> str:
    """Write how many tokens are missing: `12 more tokens`, or `12 tokens` to who holds none."""
    return tokens(missing).replace(" token", " more token") if holding else tokens(missing)


def stack_sentences(stack: Stack) -> tuple[str, str]:
    """Return what the stack gives, then what more would give. The second may be empty."""
    return _given(stack), _within_reach(stack)


def missing_sentence(stack: Stack, right: str) -> str:
    """Return what a stack that does not grant `right` lacks, and what the lacking tokens would give."""
    missing = stack.short_of(right)
    if not missing:
        return f"{_held(stack)} No number of them unlocks {spoken_right(right)}."
    more = more_tokens(missing, stack.holding)
    if right == PERSONAL:
        return f"{_held(stack)} {more} {_verb('let', missing)} you watch it."
    return f"{_held(stack)} {more} {_verb('unlock', missing)} {spoken_right(right)}."


def _held(stack: Stack) -> str:
    return f"You hold {tokens(stack.holding)}." if stack.holding else "You hold no token of this film."


def _given(stack: Stack) -> str:
    top = stack.top
    if top is None:
        return _held(stack)
    if top.right == PERSONAL:
        return "You can watch this film for as long as you hold it."
    unlocks = _verb("unlock", stack.holding)
    return f"You hold {tokens(stack.holding)}, which {unlocks} {spoken_right(top.right)}{_bounded(top)}."


def _within_reach(stack: Stack) -> str:
    tier = stack.next
    if tier is None:
        return ""
    more, unlocks = more_tokens(stack.missing, stack.holding), _verb("unlock", stack.missing)
    return f"{more} {unlocks} {spoken_right(tier.right)}{_bounded(tier)}."


def _verb(verb: str, count: int) -> str:
    return f"{verb}s" if count == 1 else verb


def _bounded(tier: Tier) -> str:
    seats = "" if tier.seats is None else f" for up to {tier.seats:,} seat{'' if tier.seats == 1 else 's'}"
    return seats + (f" in {_listed(tier.territories)}" if tier.territories else "")


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
