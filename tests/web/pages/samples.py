"""Films in every state, and what the owner holds of them."""

from __future__ import annotations

from wylloh_server.domain.film import (
    Credit,
    Description,
    Film,
    FilmState,
    FolderOrigin,
    TokenOrigin,
    film_id_of,
)
from wylloh_server.domain.license import Envelope, EnvelopeTerms
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, Cid, Seconds, Timestamp, TokenReference, wallet_of

OWNER = wallet_of("0x" + "a" * 40)
PUBLISHER = wallet_of("0x" + "d" * 40)
CONTRACT = wallet_of("0x" + "9" * 40)
ROOT = Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")

LADDER = RightsLadder(
    (
        Tier(1, "personal"),
        Tier(100, "small-venue", seats=50),
        Tier(5000, "streaming", ("DE", "AT", "CH")),
        Tier(10000, "theatrical"),
    )
)


def gated(number: int, title: str, state: FilmState = FilmState.READY, about=None, **rest) -> Film:
    token = TokenReference(ChainId(31337), CONTRACT, number)
    origin = TokenOrigin(token, ROOT, PUBLISHER, "ab" * 32)
    return Film(film_id_of(str(token)), Description(title, **(about or {})), origin, state, **rest)


BEGUN = gated(
    101,
    "Frank and the Acorn",
    about={
        "synopsis": "One acorn too many.",
        "year": 2008,
        "runtime": Seconds(3840),
        "rating": "6+",
        "credits": (Credit("Director", "A. Maker"),),
        "languages": ("en", "de"),
        "subtitles": ("fr",),
        "height": 1080,
        "genres": ("Animation", "Comedy"),
    },
)
STACKED = gated(102, "The Meadow")
ARRIVING = gated(103, "Butterfly Weather", FilmState.PULLING, progress=0.64)
WAITING = gated(104, "Three <b>Bullies</b>", FilmState.WAITING, reason="The disk is full.")
FAILED = gated(105, "Broken Light", FilmState.FAILED, reason="The manifest is not signed.")
ELSEWHERE = gated(106, "Winter Light")
OWN = Film(
    film_id_of("file:/own.mp4"), Description("Morning Walk"), FolderOrigin("/own.mp4"), FilmState.READY
)

HELD = {BEGUN: 88, STACKED: 250, ARRIVING: 1, WAITING: 1, FAILED: 1, ELSEWHERE: 0}
EVERY = (*HELD, OWN)


async def stock(house) -> None:
    """Put them on a house's shelves; the owner is in the middle of one and has its envelope."""
    for film in await house.storage.films.all():
        await house.storage.films.remove(film.id)
    for film in EVERY:
        await house.storage.films.save(film)
    for film, count in HELD.items():
        house.chain.ladders[film.token] = LADDER
        house.chain.held[OWNER, film.token] = count
    now = house.clock.now
    await house.storage.positions.save(
        OWNER, Position(BEGUN.id, Seconds(1200), Seconds(3840), Timestamp(now))
    )
    await house.storage.envelopes.save(envelope(now))


def envelope(now: float) -> Envelope:
    window = int(now) - 60, int(now) + 30 * 86400
    terms = EnvelopeTerms(ROOT, BEGUN.token, OWNER, "personal", "", "aa", *window)
    return Envelope(terms, "bb", "cc", "dd")
