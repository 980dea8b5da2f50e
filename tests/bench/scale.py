"""How much is measured: everything for `make bench`, next to nothing for the test of the bench itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes and counts.

    `wrk_seconds` is how long `wrk` asks in one round, `settle_seconds` how long at most a server is waited for to
    have nothing to do before it is measured.
    """

    rounds: int
    film_size: str
    film_seconds: float
    bulk_bytes: int
    hot_segments: int
    segment_bytes: int
    playlist_segments: int
    wrk_seconds: int
    wrk_rounds: int
    tokens: int
    shelves: tuple[int, ...]
    gated_films: int
    titles: int
    chain_events: int
    transfers: int
    writes: int
    settle_seconds: float


FULL = Scale(
    rounds=5,
    film_size="1280x720",
    film_seconds=30,
    bulk_bytes=256 << 20,
    hot_segments=16,
    segment_bytes=2_000_000,
    playlist_segments=160,
    wrk_seconds=3,
    wrk_rounds=3,
    tokens=500,
    shelves=(1_000, 100_000),
    gated_films=500,
    titles=10_000,
    chain_events=100_000,
    transfers=1_000_000,
    writes=500,
    settle_seconds=15,
)

TINY = Scale(
    rounds=1,
    film_size="320x180",
    film_seconds=4,
    bulk_bytes=3 << 20,
    hot_segments=2,
    segment_bytes=20_000,
    playlist_segments=3,
    wrk_seconds=1,
    wrk_rounds=1,
    tokens=3,
    shelves=(5, 70),
    gated_films=4,
    titles=60,
    chain_events=1_200,
    transfers=400,
    writes=100,
    settle_seconds=0,
)
