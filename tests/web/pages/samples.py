"""Films in every state, and what the owner holds of them."""

from __future__ import annotations

from wylloh_server.domain.chain_events import ZERO_ADDRESS, LadderChanged, TokensTransferred
from wylloh_server.domain.film import (
    Credit,
    Description,
    Film,
    FilmState,
    FolderOrigin,
    TokenOrigin,
    film_id_for,
)
from wylloh_server.domain.license import Envelope, EnvelopeTerms
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, Cid, Seconds, Timestamp, TokenReference, parse_wallet
from wylloh_server.sdk.testing.sample_chain import SOMEWHERE
from wylloh_server.web.app_keys import SERVICES

OWNER = parse_wallet("0x" + "a" * 40)
PUBLISHER = parse_wallet("0x" + "d" * 40)
CONTRACT = parse_wallet("0x" + "9" * 40)
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
    return Film(film_id_for(str(token)), Description(title, **(about or {})), origin, state, **rest)


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
    film_id_for("file:/own.mp4"), Description("Morning Walk"), FolderOrigin("/own.mp4"), FilmState.READY
)

HELD = {BEGUN: 88, STACKED: 250, ARRIVING: 1, WAITING: 1, FAILED: 1, ELSEWHERE: 0}
EVERY = (*HELD, OWN)


async def stock(server_under_test) -> None:
    """Add them to a server's library; the owner is in the middle of one and has its envelope."""
    for film in await server_under_test.storage.films.all():
        await server_under_test.storage.films.remove(film.id)
    for film in EVERY:
        await server_under_test.storage.films.save(film)
    await server_under_test.on_chain(
        *(LadderChanged(SOMEWHERE, film.token, LADDER) for film in HELD),
        *(
            TokensTransferred(SOMEWHERE, film.token, ZERO_ADDRESS, OWNER, count)
            for film, count in HELD.items()
        ),
    )
    now = server_under_test.clock.now
    await server_under_test.storage.positions.save(
        OWNER, Position(BEGUN.id, Seconds(1200), Seconds(3840), Timestamp(now))
    )
    device = server_under_test.app[SERVICES].envelopes.server_keys.device_public
    await server_under_test.storage.envelopes.save(envelope(now, device), "")


def envelope(now, device="aa") -> Envelope:
    window = int(now) - 60, int(now) + 30 * 86400
    terms = EnvelopeTerms(ROOT, BEGUN.token, OWNER, "personal", "", device, *window)
    return Envelope(terms, "bb", "cc", "dd")
