"""Where a stack stands on the ladder, in the order people read it: sentence, scale, proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from wylloh_server.domain.rights import PERSONAL, Stack, Tier, missing_sentence, stack_sentences, tokens
from wylloh_server.domain.types import short_address
from wylloh_server.web.template_filters import date

if TYPE_CHECKING:
    from wylloh_server.domain.film import TokenOrigin
    from wylloh_server.domain.license import Envelope
    from wylloh_server.domain.rights import RightsStatus


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One tier on the drawn scale; `fill` is how far the line after it is white, in percent."""

    name: str
    tokens: str
    terms: str
    held: bool
    fill: int


@dataclass(frozen=True, slots=True)
class RightsProof:
    """One line of small grey type; `sure` puts a tick before it."""

    text: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class RightsView:
    """The ladder section of a film's page."""

    holding: int
    given: str
    more: str
    rungs: tuple[LadderStep, ...]
    proof: tuple[RightsProof, ...]


@dataclass(frozen=True, slots=True)
class MissingTokens:
    """What stands between the viewer and the film: a sentence, who has tokens, the store if any."""

    sentence: str
    where: str
    url: str


def rights_view(status: RightsStatus, envelope: Envelope | None) -> RightsView:
    """Describe a stack and the envelope that goes with it."""
    stack = status.stack
    given, more = stack_sentences(stack)
    rungs = tuple(_rung(stack, tier) for tier in stack.ladder.tiers)
    checked = RightsProof(f"Holding checked at block {status.block:,}")
    return RightsView(stack.holding, given, more, rungs, (checked, *_key(stack, envelope)))


def missing_tokens(stack: Stack, origin: TokenOrigin, store_url: str) -> MissingTokens | None:
    """Return what is missing for watching; None when nothing is."""
    if stack.grants(PERSONAL) is not None:
        return None
    return MissingTokens(missing_sentence(stack, PERSONAL), _where(origin, store_url), store_url)


def offline_line(envelope: Envelope) -> Markup:
    """Return how long the film plays without any network."""
    return Markup("Plays offline until {}").format(date(envelope.terms.not_after))


def _rung(stack: Stack, tier: Tier) -> LadderStep:
    held = tier in stack.reached
    terms = tier.terms[:1].upper() + tier.terms[1:]
    if tier.right == PERSONAL and not terms:
        terms = "Yours for good"
    number = tokens(tier.threshold) if tier.threshold == 1 else f"{tier.threshold:,}"
    return LadderStep(tier.name, number, terms, held, round(100 * stack.fill(tier)))


def _key(stack: Stack, envelope: Envelope | None) -> tuple[RightsProof, ...]:
    if envelope is not None:
        return (RightsProof(offline_line(envelope)),)
    if stack.grants(PERSONAL) is None:
        return ()
    return (RightsProof("The key comes with the first Play", sure=False),)


def _where(origin: TokenOrigin, store_url: str) -> str:
    if store_url:
        return "You can get it in the store. It is yours until you pass it on."
    return f"Its publisher, {short_address(origin.publisher)}, can tell you where to get it."
