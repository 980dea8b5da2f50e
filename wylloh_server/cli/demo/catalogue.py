"""The demo's six films: what they are called, how ffmpeg draws them, what their tokens unlock and cost.

All are made on the spot from mathematics: light, cellular automata, fractals. Prices are in cents of the demo
dollar; `days` is how long before today a film was published.
"""

from __future__ import annotations

from dataclasses import dataclass

_RATE = 24


@dataclass(frozen=True, slots=True)
class DemoFilm:
    """One film of the catalogue.

    Attributes:
        picture: an ffmpeg filter source; empty for the one that `film.make_film` draws.
        pitch: of its tone, hertz.
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
    picture: str = ""
    pitch: int = 220
    seconds: int = 20
    supply: int = 100_000
    tiers: tuple[str, ...] = ("1:personal", "100:small-venue:50 seats", "1000:theatrical")


LIGHT = DemoFilm(
    "light",
    "Light",
    "A minute and a half of turning light. Made on this machine, published, bought and played on it.",
    ("experimental", "short"),
    days=91,
    price=499,
    presale=399,
    stock=2_000,
    seconds=90,
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
        "Dots are born, meet and die by three rules. Nobody directs them, and still there is a plot.",
        ("documentary", "nature"),
        days=84,
        price=299,
        presale=199,
        stock=1_500,
        picture=f"life=s=160x90:r={_RATE}:ratio=.18:seed=7:mold=24:life_color=0xf2e9dc:death_color=0x38506b",
        pitch=262,
    ),
    DemoFilm(
        "coastline",
        "Coastline",
        "How long is a coast? The camera goes closer, and the answer goes away.",
        ("experimental", "travel"),
        days=70,
        price=799,
        presale=599,
        stock=1_200,
        picture=f"mandelbrot=s=640x360:r={_RATE}:start_scale=2.4:end_scale=0.004:end_pts=480:inner=black"
        ",hue=s=0.4:h=30,gblur=sigma=1.2",
        pitch=196,
    ),
    DemoFilm(
        "row-by-row",
        "Row by Row",
        "One line of cells, rule 110, and time running down the screen like rain.",
        ("animation", "short"),
        days=56,
        price=149,
        presale=0,
        stock=800,
        picture=f"cellauto=s=320x180:r={_RATE}:rule=110:seed=11:scroll=1",
        pitch=294,
    ),
    DemoFilm(
        "three-corners",
        "Three Corners",
        "A triangle in a triangle in a triangle. For patient eyes and late hours.",
        ("animation", "experimental"),
        days=35,
        price=349,
        presale=249,
        stock=600,
        picture=f"sierpinski=s=640x360:r={_RATE}:type=triangle:jump=60:seed=5",
        pitch=330,
    ),
    DemoFilm(
        "dusk",
        "Dusk",
        "The last light of a day that was drawn by a formula. No clouds, no hurry.",
        ("nature", "short"),
        days=21,
        price=599,
        presale=449,
        stock=900,
        picture=f"gradients=s=480x270:r={_RATE}:speed=0.01:n=4:type=linear:seed=21"
        ":c0=0x1a1530:c1=0x6b2d4a:c2=0xe07a4f:c3=0xf6d28b",
        pitch=175,
        tiers=("1:personal", "50:small-venue:80 seats", "400:streaming:FR,BE", "2000:theatrical"),
    ),
)

CATALOGUE = (LIGHT, *SHORTS)
