"""The demo's six films: what they are called, what their tokens unlock and cost.

All are landscapes made on the spot, see `demo.landscape`. Prices are in cents of the demo dollar; `days` is
how long before today a film was published.
"""

from __future__ import annotations

from dataclasses import dataclass

ROYALTY_PERCENT = 5
"""Of every resale, for the makers."""


@dataclass(frozen=True, slots=True)
class DemoFilm:
    """One film of the catalogue.

    Attributes:
        tiers: as `wylloh film publish --tier` takes them.
        price: of one token; `presale` of one in its first week, 0 if it had no presale.
        supply: most tokens there will ever be; `stock` of them go on sale.
    """

    key: str
    title: str
    synopsis: str
    genres: tuple[str, ...]
    days: int
    price: int
    presale: int
    stock: int
    seconds: int = 15
    supply: int = 100_000
    tiers: tuple[str, ...] = ("1:personal", "100:small-venue:50 seats", "1000:theatrical")


LIGHT = DemoFilm(
    "light",
    "Light",
    "A lighthouse, the moon, and most of a minute in which nothing else happens. "
    "Made on this machine, published, bought and played on it.",
    ("night", "short"),
    days=91,
    price=499,
    presale=399,
    stock=2_000,
    seconds=48,
    tiers=(
        "1:personal",
        "100:small-venue:50 seats",
        "5000:streaming:DE,AT,CH",
        "10000:theatrical",
        "50000:national",
    ),
)

SHORTS = (
    DemoFilm(
        "colony",
        "Colony",
        "Birds leave their islands at sunrise. Nobody directs them, and still there is a plot.",
        ("documentary", "nature"),
        days=84,
        price=299,
        presale=199,
        stock=1_500,
    ),
    DemoFilm(
        "coastline",
        "Coastline",
        "How long is a coast? The camera goes closer, and the answer goes away.",
        ("travel", "nature"),
        days=70,
        price=799,
        presale=599,
        stock=1_200,
    ),
    DemoFilm(
        "row-by-row",
        "Row by Row",
        "Hills of vines and corn, and time running down the screen like rain.",
        ("nature", "short"),
        days=56,
        price=149,
        presale=0,
        stock=800,
    ),
    DemoFilm(
        "three-corners",
        "Three Corners",
        "Snow, a wood, and mountains that are mountains all the way down. For patient eyes and late hours.",
        ("nature", "winter"),
        days=35,
        price=349,
        presale=249,
        stock=600,
    ),
    DemoFilm(
        "dusk",
        "Dusk",
        "The last light of a day that was drawn by a formula. Few clouds, no hurry.",
        ("nature", "short"),
        days=21,
        price=599,
        presale=449,
        stock=900,
        tiers=("1:personal", "50:small-venue:80 seats", "400:streaming:FR,BE", "2000:theatrical"),
    ),
)

CATALOGUE = (LIGHT, *SHORTS)
