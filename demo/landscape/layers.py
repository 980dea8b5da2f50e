"""Layers of a picture: skies, clouds, mist, trees, water, rain, snow, birds, the beam of a lighthouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.landscape.noise import Field, mix, ramp, rgb, smoothstep, spectral_field, spectral_line

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 1920, 1080


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Something that moves as one before what lies behind it.

    Attributes:
        frames: (count, height, width, 4) from 0 to 1, shown one after another, again and again.
        top: row of the picture where it begins.
        left: column of the picture where it begins; one that is seen through the picture begins at 0.
        speed: pixels it goes to the left with each frame of the film; even, or colours would jump.
        fall: pixels it goes down with each frame; even.
        period: if not 0, it repeats after as many pixels both ways, and never ends.
        enlarged: how many times larger it is shown than it was drawn.
        hold: for how many frames of the film each of its own is shown.
        crosses: it goes through the picture as a whole, from `left` on. Others that move are wider than the
            picture, which is their window.
    """

    frames: Field
    top: int = 0
    left: int = 0
    speed: int = 0
    fall: int = 0
    period: int = 0
    enlarged: int = 1
    hold: int = 1
    crosses: bool = False


def sky(stops: Sequence[tuple[float, str]], width: int = WIDTH, height: int = HEIGHT) -> Field:
    """Return an opaque picture of (height, width, 3)."""
    return np.repeat(ramp(height, stops)[:, None], width, 1)


def add_glow(picture: Field, place: tuple[float, float], colour: str, radius: float, strength: float) -> None:
    """Lighten a picture around a place (x, y), most in the middle."""
    away = _distance(picture.shape[:2], place) / radius
    picture += rgb(colour) * (strength * np.exp(-away))[..., None]


def sun(place: tuple[int, int], colour: str, radius: int) -> Layer:
    """Return the sun or the moon by itself, to be laid over clouds."""
    side = 2 * radius + 4
    middle = (side / 2, side / 2)
    alpha = np.clip(radius - _distance((side, side), middle) + 0.5, 0, 1)
    return Layer(_coloured(alpha, colour)[None], top=place[1] - side // 2, left=place[0] - side // 2)


def add_stars(picture: Field, count: int, seed: int, above: int) -> None:
    """Draw stars into the rows above one."""
    chance = np.random.default_rng(seed)
    rows, columns = chance.integers(0, above, count), chance.integers(0, picture.shape[1], count)
    light = (chance.uniform(0.1, 1, count) ** 3)[:, None] * (1 - rows / above)[:, None]
    picture[rows, columns] = np.clip(picture[rows, columns] + light, 0, 1)


def clouds(
    size: tuple[int, int], seed: int, cover: float, colours: tuple[str, str], *, length: float = 3.0
) -> Field:
    """Return clouds as (height, width, 4): lit from above, thinner at the upper and lower edge.

    Args:
        size: height and width, pixels.
        seed: another one gives other clouds.
        cover: 1 is a clear sky, -1 a closed one.
        colours: of their light and their dark side.
        length: how much longer than high they are.
    """
    height, width = size
    density = spectral_field(height, width, 3.4, seed, (1.0, length))
    fine = spectral_field(height, width, 2.4, seed + 1, (1.0, length))
    density = density + 0.25 * fine
    lit = smoothstep(-0.25, 0.35, density - np.roll(density, -max(3, height // 40), axis=0))
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    edge = smoothstep(0, 0.25, rows) * smoothstep(1, 0.55, rows)
    alpha = smoothstep(cover, cover + 1.8, density) * edge
    return np.dstack([mix(rgb(colours[1]), rgb(colours[0]), lit[..., None]), alpha])


def mist(size: tuple[int, int], seed: int, colour: str, strength: float) -> Field:
    """Return a bank of mist as (height, width, 4), densest in its middle."""
    height, width = size
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    wisps = smoothstep(-1.6, 1.8, spectral_field(height, width, 3.2, seed, (1.0, 4.0)))
    return _coloured(strength * wisps * smoothstep(0, 0.5, rows) * smoothstep(1, 0.6, rows), colour)


def wood(
    width: int,
    ground: tuple[float, float],
    trees: tuple[int, float, float],
    colours: tuple[str, str],
    seed: int,
) -> tuple[Field, int]:
    """Return a wood of conifers on a rolling ground, and the row where it begins.

    Args:
        width: of the plate.
        ground: its row in the middle, and how far it rises and falls, pixels.
        trees: how many, the smallest and the largest height.
        colours: of the tops, and of the ground where mist lies.
        seed: another one gives another wood.
    """
    floor = ground[0] + ground[1] * spectral_line(width, 2.8, seed, 2)
    tops = _conifers(floor, trees, seed)
    top = max(0, int(tops.min()) - 2)
    rows = np.arange(top, HEIGHT, dtype=np.float32)[:, None]
    depth = smoothstep(-trees[2] * 0.6, trees[2] * 0.9, rows - floor[None])
    grain = 1 + 0.05 * spectral_field(HEIGHT - top, width, 1.8, seed + 1)
    colour = mix(rgb(colours[0]), rgb(colours[1]), depth[..., None]) * grain[..., None]
    alpha = np.clip(rows - tops[None] + 0.5, 0, 1)
    return np.dstack([np.clip(colour, 0, 1), alpha]), top


def _conifers(ground: Field, trees: tuple[int, float, float], seed: int) -> Field:
    """Return the upper edge of trees on a ground: a trunk's point, and branches that hang in steps."""
    count, smallest, largest = trees
    chance, tops, width = np.random.default_rng(seed), ground.copy(), len(ground)
    for _ in range(count):
        middle, tall = int(chance.integers(0, width)), float(chance.uniform(0, 1)) ** 2
        size = smallest * (largest / smallest) ** tall
        half = size * float(chance.uniform(0.13, 0.19))
        columns = np.arange(max(0, int(middle - half)), min(width, int(middle + half) + 1))
        out = np.abs(columns - middle + 0.5) / half
        steps = out * 9 + float(chance.uniform(0, 1))
        branch = out + 0.13 * (steps - np.floor(steps) - 0.5) * (0.25 + out)
        up = size * np.clip(1 - branch, 0, 1) ** 0.92
        tops[columns] = np.minimum(tops[columns], ground[middle] + 3 - up)
    return tops


def glitter(
    size: tuple[int, int], seed: int, colour: str, path: tuple[float, float], frames: int = 12
) -> Field:
    """Return light on water as (frames, height, width, 4): it comes round to where it began.

    Args:
        size: height and width, pixels.
        seed: another one gives other waves.
        colour: of the light.
        path: column below the light, and how wide its mirror is, pixels.
        frames: how many until it repeats.
    """
    height, width = size
    rows = np.linspace(0, 1, height, dtype=np.float32)
    # Waves are seen at a slant: the first rows hold most of the water.
    seen = (height * 4 * rows / (rows + 0.18) / (1 / 1.18) * 0.999 / 4).astype(int)
    swell = [spectral_field(height, width, 1.7, seed + part, (1.0, 14.0))[seen] for part in (0, 1)]
    columns = (np.arange(width, dtype=np.float32)[None] - path[0]) / (path[1] * (0.35 + 1.8 * rows[:, None]))
    lit = np.exp(-(columns**2)) * smoothstep(1.02, 0.6, rows[:, None])
    turns = np.linspace(0, 2 * np.pi, frames, endpoint=False)
    waves = np.stack([swell[0] * np.cos(turn) + swell[1] * np.sin(turn) for turn in turns])
    alpha = smoothstep(0.2, 2.4, waves + 1.1 * lit - 0.9) * np.clip(lit * 2.2, 0, 1)
    return _coloured(alpha, colour)


def _coloured(alpha: Field, colour: str) -> Field:
    """Return (…, 4) of one colour."""
    return np.concatenate([np.broadcast_to(rgb(colour), (*alpha.shape, 3)), alpha[..., None]], -1)


def snowfall(period: int, count: int, radius: float, seed: int) -> Field:
    """Return one square of flakes of (period, period, 4) that fits itself on all sides."""
    chance = np.random.default_rng(seed)
    alpha = np.zeros((period, period), np.float32)
    reach = int(radius * 2) + 1
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    for _ in range(count):
        y, x, size = chance.uniform(0, period), chance.uniform(0, period), radius * chance.uniform(0.5, 1)
        away = np.hypot(rows - (y % 1), columns - (x % 1))
        flake = np.clip(1.3 - away / size, 0, 1) * chance.uniform(0.4, 0.95)
        place = np.ix_((rows[:, 0] + int(y)) % period, (columns[0] + int(x)) % period)
        alpha[place] = np.maximum(alpha[place], flake)
    return _coloured(alpha, "ffffff")


def rainfall(period: int, count: int, length: int, seed: int) -> Field:
    """Return one square of slanting rain of (period, period, 4) that fits itself on all sides."""
    chance = np.random.default_rng(seed)
    alpha = np.zeros((period, period), np.float32)
    along = np.arange(length)
    for _ in range(count):
        y, x = chance.integers(0, period, 2)
        drop = np.sin(np.pi * (along + 0.5) / length) * chance.uniform(0.12, 0.34)
        place = ((y + along) % period, (x - along // 6) % period)
        alpha[place] = np.maximum(alpha[place], drop)
    return _coloured(alpha, "dfe8ee")


def tiled(square: Field, height: int = HEIGHT, width: int = WIDTH) -> Field:
    """Return a square repeated until a window of (height, width) fits into it wherever it begins."""
    period = square.shape[0]
    times = (-(-height // period) + 1, -(-width // period) + 1, 1)
    return np.tile(square, times)


def flock(size: tuple[int, int], count: int, beats: int, seed: int) -> Field:
    """Return birds that fly as (beats, height, width, 4): their wings go up and down once."""
    height, width = size
    chance = np.random.default_rng(seed)
    alpha = np.zeros((beats, height, width), np.float32)
    for _ in range(count):
        near = chance.uniform(0, 1) ** 2
        span = 5 + 17 * near
        middle = chance.normal(0.5, 0.2), chance.normal(0.5, 0.17)
        x, y = np.clip(middle[0], 0.06, 0.94) * width, np.clip(middle[1], 0.1, 0.9) * height
        start, slow = chance.integers(0, beats), chance.choice([1, 1, 2])
        for frame in range(beats):
            phase = 2 * np.pi * (frame * slow + start) / beats
            _draw_bird(alpha[frame], x, y, span, float(np.sin(phase)))
    return _coloured(alpha, "11141b")


def _draw_bird(alpha: Field, x: float, y: float, span: float, wings: float) -> None:
    along = np.linspace(-1, 1, int(span * 4))
    out = np.abs(along)
    lift = span * (0.55 * wings * out - 0.32 * out * out + 0.1)
    thick = 0.6 + span * 0.085 * (1 - out)
    for offset in (-1.0, -0.5, 0.0, 0.5, 1.0):
        rows = (y - lift + offset * thick).astype(int)
        columns = (x + along * span).astype(int)
        inside = (rows >= 0) & (rows < alpha.shape[0]) & (columns >= 0) & (columns < alpha.shape[1])
        alpha[rows[inside], columns[inside]] = np.maximum(
            alpha[rows[inside], columns[inside]], 0.9 - 0.35 * abs(offset)
        )


def headland(lamp: tuple[int, int]) -> Field:
    """Return a dark headland with a lighthouse as (height, width, 4), its lamp at a place (x, y)."""
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None]
    columns = np.arange(WIDTH, dtype=np.float32)[None]
    rise = smoothstep(820, 1260, columns[0]) * 190 + smoothstep(1500, 1920, columns[0]) * 60
    ground = 800 - rise + 16 * spectral_line(WIDTH, 1.9, 4, 3) + 60 * smoothstep(1050, 760, columns[0])
    ground = ground + 600 * smoothstep(960, 660, columns[0])
    picture = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    texture = spectral_field(HEIGHT, WIDTH, 2.2, 8)
    edge = np.exp(-np.maximum(rows - ground[None], 0) / 26)
    stone = rgb("0a1019") * (1 + 0.22 * texture[..., None]) + rgb("33445c") * edge[..., None] * 0.55
    _lay(picture, stone, np.clip(rows - ground[None] + 0.5, 0, 1))
    _draw_lighthouse(picture, rows, columns, lamp, float(ground[lamp[0]]) + 8)
    return np.clip(picture, 0, 1)


def _draw_lighthouse(picture: Field, rows: Field, columns: Field, lamp: tuple[int, int], foot: float) -> None:
    """Draw a tower that narrows, its gallery, its lantern, and a cottage with a lit window beside it."""
    x, y = lamp
    up = (foot - rows) / (foot - y - 26)
    side = (columns - x) / (33 - 14 * np.clip(up, 0, 1))
    round_ = np.sqrt(np.clip(1 - side * side, 0, 1))
    moonlit = np.clip(0.55 - 0.75 * side, 0, 1) * round_
    bands = np.where((np.floor(np.clip(up, 0, 0.999) * 5) % 2 == 0)[..., None], rgb("aab4c2"), rgb("5b2a2c"))
    tower = bands * (0.16 + 0.75 * moonlit[..., None])
    inside = np.clip((1 - np.abs(side)) * 24, 0, 1) * ((rows <= foot) & (rows >= y + 24))
    _lay(picture, tower, inside)
    for top, bottom, half, colour in (
        (y + 18, y + 26, 30, "1d2633"),
        (y - 15, y + 18, 15, "ffe9b0"),
        (y - 21, y - 15, 19, "1d2633"),
        (y - 34, y - 21, 10, "141b26"),
    ):
        _lay(picture, rgb(colour), _box(rows, columns, (top, bottom), (x - half, x + half)))
    house, roof = (foot - 34, foot + 8), x + 96
    _lay(picture, rgb("121a26"), _box(rows, columns, house, (roof - 52, roof + 52)))
    gable = np.clip(1 - np.abs(columns - roof) / 64 - (house[0] - rows) / 34, 0, 1) * (rows < house[0])
    _lay(picture, rgb("0c121b"), np.clip(gable * 20, 0, 1) * (rows > house[0] - 34))
    _lay(picture, rgb("ffc76a"), _box(rows, columns, (foot - 24, foot - 10), (roof - 22, roof - 8)))


def _box(rows: Field, columns: Field, between: tuple[float, float], sides: tuple[float, float]) -> Field:
    inside = (rows >= between[0]) & (rows < between[1]) & (columns >= sides[0]) & (columns < sides[1])
    return inside.astype(np.float32)


def _lay(picture: Field, colour: Field, alpha: Field) -> None:
    """Paint over a picture with transparency where `alpha` is not 0."""
    shown = alpha[..., None]
    picture[..., :3] = mix(picture[..., :3], np.broadcast_to(colour, (*alpha.shape, 3)), shown)
    picture[..., 3] = np.maximum(picture[..., 3], alpha)


def beam(size: tuple[int, int], place: tuple[float, float], turns: int, colour: str) -> Field:
    """Return the light of a lighthouse that turns once as (turns, height, width, 4).

    Args:
        size: height and width, pixels.
        place: of the lamp, (x, y).
        turns: frames of one turn.
        colour: of the light.
    """
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    dx, dy = x - place[0], y - place[1]
    away = np.hypot(dx, dy) + 1
    alpha = np.zeros((turns, height, width), np.float32)
    for frame, angle in enumerate(np.linspace(0, 2 * np.pi, turns, endpoint=False)):
        across, facing = float(np.cos(angle)), max(float(np.sin(angle)) - 0.55, 0) / 0.45
        lamp = (0.9 * facing**3 + 0.3) * np.exp(-away / (width * (0.008 + 0.05 * facing**2)))
        alpha[frame] = lamp + _ray(dx, dy, across, width) + _ray(dx, dy, -across, width)
    alpha *= smoothstep(height / 2, height / 4, np.abs(dy))
    return _coloured(np.clip(alpha, 0, 1), colour)


def _ray(dx: Field, dy: Field, across: float, width: int) -> Field:
    """Return one arm of the beam: long when it points sideways, short when it points at the camera."""
    length = width * 0.75 * abs(across) + 1
    ahead = dx * np.sign(across)
    spread = np.exp(-((dy + 0.04 * ahead) ** 2) / (2 * (1.2 + 0.035 * np.maximum(ahead, 0)) ** 2))
    fade = np.exp(-np.maximum(ahead, 0) / (length * 0.55)) * (ahead > 0)
    return np.asarray(0.62 * abs(across) ** 0.5 * spread * fade, np.float32)


def _distance(shape: tuple[int, ...], place: tuple[float, float]) -> Field:
    rows = np.arange(shape[0], dtype=np.float32)[:, None] - place[1]
    columns = np.arange(shape[1], dtype=np.float32)[None] - place[0]
    return np.asarray(np.hypot(rows, columns), np.float32)
