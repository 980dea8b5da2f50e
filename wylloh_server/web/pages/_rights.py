"""Where a stack stands on the ladder, in the order people read it: sentence, scale, proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.rights import PERSONAL, Stack, Tier, missing_sentence, stack_sentences, tokens
from wylloh_server.web.filters import date, shortened

if TYPE_CHECKING:
    from wylloh_server.domain.film import TokenOrigin
    from wylloh_server.domain.license import Envelope
    from wylloh_server.services.licensing import Standing


@dataclass(frozen=True, slots=True)
class Rung:
    """One tier on the drawn scale; `fill` is how far the line after it is white, in percent."""

    name: str
    tokens: str
    terms: str
    held: bool
    fill: int


@dataclass(frozen=True, slots=True)
class Proof:
    """One line of small grey type; `sure` puts a tick before it."""

    text: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Rights:
    """The ladder section of a film's page."""

    holding: int
    given: str
    more: str
    rungs: tuple[Rung, ...]
    proof: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands between the viewer and the film: a sentence, who has tokens, the store if any."""

    sentence: str
    where: str
    url: str


def rights_of(standing: Standing, envelope: Envelope | None) -> Rights:
    """Describe a standing and the envelope that goes with it."""
    stack = standing.stack
    given, more = stack_sentences(stack)
    rungs = tuple(_rung(stack, tier) for tier in stack.ladder.tiers)
    checked = Proof(f"Holding checked at block {standing.block:,}")
    return Rights(stack.holding, given, more, rungs, (checked, *_key(stack, envelope)))


def missing_of(stack: Stack, origin: TokenOrigin, store_url: str) -> Missing | None:
    """Say what is missing for watching; None when nothing is."""
    if stack.grants(PERSONAL) is not None:
        return None
    return Missing(missing_sentence(stack, PERSONAL), _where(origin, store_url), store_url)


def offline_line(envelope: Envelope) -> str:
    """Say how long the film plays without any network."""
    return f"Plays offline until {date(envelope.terms.not_after)}"


def _rung(stack: Stack, tier: Tier) -> Rung:
    held = tier in stack.reached
    terms = tier.terms[:1].upper() + tier.terms[1:]
    if tier.right == PERSONAL and not terms:
        terms = "Yours for good"
    number = tokens(tier.threshold) if tier.threshold == 1 else f"{tier.threshold:,}"
    return Rung(tier.name, number, terms, held, round(100 * stack.fill(tier)))


def _key(stack: Stack, envelope: Envelope | None) -> tuple[Proof, ...]:
    if envelope is not None:
        return (Proof(offline_line(envelope)),)
    if stack.grants(PERSONAL) is None:
        return ()
    return (Proof("The key comes with the first Play", sure=False),)


def _where(origin: TokenOrigin, store_url: str) -> str:
    if store_url:
        return "You can get it in the store. It is yours until you pass it on. This is the token:"
    return f"Its publisher, {shortened(origin.publisher)}, can tell you where to get it. This is the token:"
