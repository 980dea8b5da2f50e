"""The six landscapes of the demo's films, each a background and the layers that move before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from demo.landscape import layers
from demo.landscape.layers import HEIGHT, WIDTH, Layer
from demo.landscape.noise import Field, mix, rgb, smoothstep, spectral_field
from demo.landscape.terrain import Ground, Haze, Relief, Terrain, Viewpoint, draw_terrain, sampled

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A background of (height, width, 3) and what moves before it, the farthest first."""

    background: Field
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """Makes layers wide enough for a film of so many frames."""

    frames: int

    def width(self, speed: int, enlarged: int = 1) -> int:
        """Return how many pixels a layer is drawn wide."""
        return -(-(WIDTH + speed * self.frames) // (2 * enlarged)) * 2

    def land(
        self,
        terrain: Terrain,
        view: Viewpoint,
        paint: Callable[[Ground], Field],
        haze: Haze,
        *,
        speed: int,
        enlarged: int = 1,
    ) -> Layer:
        """Return a terrain; one far away is drawn smaller and enlarged: the air has softened it."""
        size = (HEIGHT // enlarged, self.width(speed, enlarged))
        smaller = replace(view, focal=view.focal / enlarged, horizon=view.horizon / enlarged)
        # The picture of the first frame shows what lies before the camera, however wide the layer is.
        shift = (size[1] - WIDTH / enlarged) / 2
        picture = draw_terrain(terrain, smaller, size, paint, haze, shift=shift)
        return Layer(picture[None], speed=speed, enlarged=enlarged)

    def clouds(
        self,
        rows: tuple[int, int],
        seed: int,
        cover: float,
        colours: tuple[str, str],
        *,
        length: float = 4.0,
        speed: int = 2,
    ) -> Layer:
        """Return clouds between two rows of the picture."""
        size = ((rows[1] - rows[0]) // 2, self.width(speed, 2))
        picture = layers.clouds(size, seed, cover, colours, length=length)
        return Layer(picture[None], top=rows[0], speed=speed, enlarged=2)

    def mist(self, rows: tuple[int, int], seed: int, colour: str, strength: float, speed: int) -> Layer:
        """Return a bank of mist between two rows of the picture."""
        size = ((rows[1] - rows[0]) // 4, self.width(speed, 4))
        picture = layers.mist(size, seed, colour, strength)
        return Layer(picture[None], top=rows[0], speed=speed, enlarged=4)

    def wood(
        self,
        ground: tuple[float, float],
        trees: tuple[int, float, float],
        colours: tuple[str, str],
        seed: int,
        *,
        speed: int = 6,
    ) -> Layer:
        """Return a wood of conifers near the camera. `trees` are those of one width of the picture."""
        width = self.width(speed)
        count = trees[0] * width // WIDTH
        picture, top = layers.wood(width, ground, (count, *trees[1:]), colours, seed)
        return Layer(picture[None], top=top, speed=speed)


def three_corners(stage: Stage) -> Scene:
    """Three snowy mountains, a wood, falling snow."""
    background = layers.sky([(0, "2f5379"), (0.3, "6d96bb"), (0.55, "d5e2e8"), (1, "f3efe6")])
    terrain = Terrain(Relief(102, 4.8, 0.9, 0.13, 170), (-0.7, 0.36, -0.35))

    def paint(ground: Ground) -> Field:
        rock = mix(rgb("161f2b"), rgb("8f8b86"), (ground.light**0.8)[..., None])
        snow = mix(rgb("5f86bb"), rgb("fff6e4"), (ground.light**0.6)[..., None])
        covered = smoothstep(0.2, 0.6, ground.level + 0.001 * ground.height)
        return mix(rock, snow, covered[..., None])

    view = Viewpoint(300, 1200, 118, 900, 760, 1150, 540)
    return Scene(
        background,
        (
            stage.clouds((0, 520), 12, 0.3, ("ffffff", "9db4c9")),
            stage.land(terrain, view, paint, Haze("cdd9e4", 1100), speed=2),
            stage.mist((660, 1060), 6, "dfe8ee", 0.9, 4),
            stage.wood((1000, 40), (110, 46, 260), ("131d27", "48596a"), 31),
            Layer(layers.tiled(layers.snowfall(640, 180, 3.4, 5))[None], speed=4, fall=6, period=640),
        ),
    )


def dusk(stage: Stage) -> Scene:
    """Ridge behind ridge while the sun goes down."""
    background = layers.sky(
        [(0, "171a3d"), (0.2, "41315f"), (0.38, "9c4a66"), (0.52, "e5855a"), (0.62, "ffcb84"), (1, "ffd9a0")]
    )
    sun = (1240, 590)
    layers.add_glow(background, sun, "ff8f45", 330, 0.45)
    layers.add_glow(background, sun, "ffd9a0", 70, 0.55)
    terrain = Terrain(Relief(90, 4.6, 0.7, 0.10, 120), (0.25, 0.25, 0.9), shadows=False)

    def painted(dark: str, lit: str) -> Callable[[Ground], Field]:
        return lambda ground: mix(rgb(dark), rgb(lit), (ground.light**1.5)[..., None])

    view = Viewpoint(680, 1200, 120, 150, 40, 1300, 640)
    return Scene(
        background,
        (
            stage.clouds((40, 640), 3, 0.1, ("ffb27c", "6b3f68"), length=6),
            layers.sun(sun, "fff6dc", 40),
            stage.land(terrain, view, painted("8b4a5c", "ffab6a"), Haze("ee9468", 420), speed=2, enlarged=2),
            stage.mist((600, 900), 20, "ffb07a", 0.7, 2),
            stage.land(
                terrain,
                replace(view, near=400, far=700),
                painted("5c3558", "e8865c"),
                Haze("b8616a", 520),
                speed=2,
                enlarged=2,
            ),
            stage.mist((700, 1000), 21, "d87f6c", 0.7, 2),
            stage.land(
                terrain,
                replace(view, near=230, far=430, horizon=660),
                painted("2f2043", "9c5450"),
                Haze("70405c", 620),
                speed=4,
                enlarged=2,
            ),
            stage.mist((800, 1080), 22, "93566a", 0.75, 4),
            stage.wood((1010, 46), (90, 50, 300), ("0f0b1c", "2a1b33"), 8),
        ),
    )


def coastline(stage: Stage) -> Scene:
    """A coast of cliffs and coves from the air, surf along it."""
    background = layers.sky([(0, "3b79b8"), (0.25, "8fbfe0"), (0.36, "e2edf0"), (1, "e8efee")])
    terrain = Terrain(Relief(31, 4.5, 0.6, 0.16, 46), (-0.65, 0.42, -0.25))
    swell = spectral_field(512, 512, 2.6, 9)

    def paint(ground: Ground) -> Field:
        depth = smoothstep(0, -30, ground.height) ** 0.6
        sea = mix(rgb("62c6bf"), rgb("0c4574"), depth[..., None])
        waves = sampled(swell, ground.x * 3, ground.z * 7)
        sea = sea * (1 + 0.035 * waves[..., None])
        surf = smoothstep(-1.9, -0.3, ground.height + 0.45 * waves) * smoothstep(0.9, 0, ground.height)
        sea = mix(sea, rgb("f7fbfa"), surf[..., None] * 0.9)
        grass = mix(rgb("1f3020"), rgb("a9b45f"), (ground.light**0.9)[..., None])
        rock = mix(rgb("3f3833"), rgb("eadcc0"), (ground.light**0.8)[..., None])
        steep = smoothstep(0.80, 0.62, ground.level)
        beach = smoothstep(2.4, 0.8, ground.height)
        land = mix(mix(grass, rock, steep[..., None]), rgb("ecdcb4"), beach[..., None] * 0.8)
        return mix(sea, land, smoothstep(0.1, 0.6, ground.height)[..., None])

    view = Viewpoint(42, 1400, 62, 520, 250, 1000, 330, sea=0)
    return Scene(
        background,
        (
            stage.clouds((0, 330), 8, 0.2, ("ffffff", "b6cad8")),
            stage.land(terrain, view, paint, Haze("dde9f0", 900), speed=4),
        ),
    )


def row_by_row(stage: Stage) -> Scene:
    """Hills of vines, row by row, and rain."""
    background = layers.sky([(0, "3d4c56"), (0.3, "7d8c90"), (0.45, "d9d7c2"), (1, "d8d6c4")])
    terrain = Terrain(Relief(12, 5.0, 0.35, 0.02, 40), (-0.8, 0.3, 0.35))
    patches = spectral_field(1024, 1024, 4.4, 5)

    def paint(ground: Ground) -> Field:
        field = sampled(patches, ground.x * 3, ground.z * 3)
        kind = np.floor(field * 2.4)
        angle = kind * 1.9
        across = ground.x * np.cos(angle) + ground.z * np.sin(angle)
        row = 0.5 + 0.5 * np.sin(across * 2 * np.pi / 1.9)
        near = np.exp(-np.maximum(ground.z - 120, 0) / 260)
        light = (0.15 + 0.85 * ground.light)[..., None]
        leaf = mix(rgb("16220f"), rgb("93a64a"), light)
        gold = mix(rgb("32290f"), rgb("d8b75a"), light)
        earth = mix(rgb("221a14"), rgb("8a7350"), light)
        crop = np.where((kind % 2 == 0)[..., None], leaf, gold)
        shown = 1 - near * 0.8 * (1 - smoothstep(0.2, 0.75, row))
        hedge = smoothstep(0.05, 0.015, np.abs(field * 2.4 - np.round(field * 2.4)))
        return mix(mix(earth, crop, shown[..., None]), rgb("17210f"), hedge[..., None] * 0.85)

    view = Viewpoint(170, 900, 46, 200, 0, 1200, 440)
    return Scene(
        background,
        (
            stage.clouds((0, 470), 14, -0.9, ("b9c0c0", "46545c"), length=3),
            stage.land(terrain, view, paint, Haze("c3c8bd", 520), speed=2),
            stage.mist((420, 700), 15, "d3d6cd", 0.55, 2),
            stage.land(terrain, replace(view, near=40, far=200, z=30), paint, Haze("b3bab0", 900), speed=4),
            Layer(layers.tiled(layers.rainfall(768, 420, 44, 3))[None], speed=10, fall=54, period=768),
        ),
    )


def colony(stage: Stage) -> Scene:
    """Birds over a cold sea at sunrise."""
    background = layers.sky(
        [(0, "2c4670"), (0.22, "8087a6"), (0.38, "dba592"), (0.48, "ffd9ab"), (0.52, "ffe6c2"), (1, "ffe6c2")]
    )
    sun = (620, 500)
    layers.add_glow(background, sun, "ffb066", 330, 0.35)
    _lay_sea(background, 580, ("f6cfae", "16304e"))
    terrain = Terrain(Relief(61, 4.3, 0.9, 0.2, 120), (-0.8, 0.3, 0.5))
    sea = terrain.height_of(0.93)

    def paint(ground: Ground) -> Field:
        stone = mix(rgb("171d2b"), rgb("e0a27c"), (ground.light**0.9)[..., None])
        dry = smoothstep(sea, sea + 0.8, ground.height)
        foam = smoothstep(sea + 2.4, sea + 0.8, ground.height)[..., None]
        return np.dstack([mix(stone, rgb("f3dcc8"), foam * 0.5), dry])

    islands = Viewpoint(170, 1200, sea + 28, 930, 780, 1100, 562, sea=sea)
    return Scene(
        background,
        (
            stage.clouds((0, 480), 6, 0.3, ("ffd2a8", "6f7b99"), length=5),
            layers.sun(sun, "fffdf2", 42),
            Layer(
                layers.glitter(((HEIGHT - 580) // 2, WIDTH // 2), 3, "fff0d0", (310, 60)),
                top=580,
                enlarged=2,
                hold=3,
            ),
            stage.land(terrain, islands, paint, Haze("e6b79c", 560), speed=2),
            stage.mist((480, 700), 9, "ffdcbb", 0.7, 2),
            Layer(layers.flock((420, WIDTH), 150, 16, 2), top=90, left=420, speed=4, crosses=True),
            Layer(layers.flock((300, WIDTH), 40, 12, 9), top=380, left=900, speed=8, crosses=True),
        ),
    )


def light(stage: Stage) -> Scene:
    """A lighthouse at night, its beam turning over the sea."""
    background = layers.sky(
        [(0, "040816"), (0.3, "0b1830"), (0.5, "233c5c"), (0.58, "51677c"), (1, "4a6178")]
    )
    layers.add_stars(background, 1600, 3, 560)
    moon = (430, 200)
    layers.add_glow(background, moon, "9db7d8", 230, 0.3)
    _lay_sea(background, 630, ("3c5470", "040a14"))
    lamp = (1424, 342)
    return Scene(
        background,
        (
            layers.sun(moon, "f6f3e4", 28),
            stage.clouds((60, 600), 21, 0.5, ("6f86a3", "1a2740"), length=6),
            Layer(
                layers.glitter(((HEIGHT - 630) // 2, WIDTH // 2), 3, "d5e4f5", (215, 90)),
                top=630,
                enlarged=2,
                hold=3,
            ),
            Layer(layers.headland(lamp)[None, 280:, 640:], top=280, left=640),
            Layer(
                layers.beam((70, WIDTH // 8), (lamp[0] / 8, 35), 192, "fff2cf"), top=lamp[1] - 280, enlarged=8
            ),
        ),
    )


def _lay_sea(background: Field, horizon: int, colours: tuple[str, str]) -> None:
    """Lay water below a row: far away it has the colour of the sky, near by its own."""
    rows = np.linspace(0, 1, HEIGHT - horizon, dtype=np.float32)
    seen = ((HEIGHT - horizon) * rows / (rows + 0.18) * 1.18 * 0.999).astype(int)
    swell = spectral_field(HEIGHT - horizon, WIDTH, 2.2, 77, (1.0, 12.0))[seen][..., None]
    water = mix(rgb(colours[0]), rgb(colours[1]), (rows**0.5)[:, None, None])
    background[horizon:] = np.clip(water * (1 + 0.10 * swell), 0, 1)
