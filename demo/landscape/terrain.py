"""A landscape of heights, lit by a sun, seen from a camera that moves sideways.

Source: the drawing is voxel space, front to back with a running horizon in each column (Comanche, NovaLogic
1992), here for all columns at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from demo.landscape.noise import mix, rgb, smoothstep, spectral_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.landscape.noise import Field

SIDE = 1024
"""Cells of a terrain each way; it repeats beyond."""

_SHADOW_STEPS = 40
_WITH_ALPHA = 4


@dataclass(frozen=True, slots=True)
class Relief:
    """How a terrain is formed: its seed, how smooth and how ridged, how much detail, its height in cells."""

    seed: int
    slope: float = 4.6
    ridged: float = 0.8
    fine: float = 0.12
    height: float = 60.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of points of the ground: height, light from 0 to 1, how level it is, place."""

    height: Field
    light: Field
    level: Field
    x: Field
    z: Field


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """From where a terrain is seen, in cells, and how it lies in the picture, in pixels.

    Attributes:
        near, far: what lies between these distances is drawn.
        eye: height of the camera.
        x, z: place of the camera.
        focal: pixels of a cell at distance 1.
        horizon: row of the horizon.
        sea: height of the water; the ground below it is not drawn, the water is, as `paint` says.
    """

    near: float
    far: float
    eye: float
    x: float
    z: float
    focal: float
    horizon: float
    sea: float = -np.inf


@dataclass(frozen=True, slots=True)
class Haze:
    """The air before the ground: its colour, and the distance at which most is hidden."""

    colour: str
    distance: float


class Terrain:
    """A field of heights with the sun's light and shadows on it."""

    def __init__(self, relief: Relief, sun: tuple[float, float, float], *, shadows: bool = True) -> None:
        self._heights = _heights(relief)
        down, across = np.gradient(self._heights)
        normals = np.stack([-across, np.full_like(across, 0.9), -down], 2)
        normals /= np.linalg.norm(normals, axis=2, keepdims=True)
        towards = np.array(sun, np.float32) / np.linalg.norm(sun)
        light = np.clip(normals @ towards, 0, 1)
        if shadows:
            light = light * (1 - 0.85 * self._shadow(towards))
        self._light, self._level = light.astype(np.float32), normals[..., 1].astype(np.float32)

    def ground(self, x: Field, z: Field) -> Ground:
        """Return what lies at places of the same shape."""
        return Ground(
            height=sampled(self._heights, x, z),
            light=sampled(self._light, x, z),
            level=sampled(self._level, x, z),
            x=x,
            z=z,
        )

    def height_of(self, share: float) -> float:
        """Return the height that a share of the ground, from 0 to 1, lies below."""
        return float(np.quantile(self._heights, share))

    def _shadow(self, sun: Field) -> Field:
        """Return where higher ground stands before the sun, from 0 to 1."""
        across, up, down = (float(part) for part in sun)
        length = float(np.hypot(across, down))
        shadow = np.zeros_like(self._heights)
        for step in range(1, _SHADOW_STEPS):
            moved = (round(-down / length * step), round(-across / length * step))
            over = np.roll(self._heights, moved, (0, 1)) - step * up / length - self._heights
            shadow = np.maximum(shadow, smoothstep(0, 2, over))
        return shadow


def draw_terrain(
    terrain: Terrain,
    view: Viewpoint,
    size: tuple[int, int],
    paint: Callable[[Ground], Field],
    haze: Haze,
    *,
    shift: float = 0.0,
    slices: int = 420,
) -> Field:
    """Return the terrain as (height, width, 4), transparent above it.

    Args:
        terrain: what is drawn.
        view: from where.
        size: height and width of the plate, pixels.
        paint: gives the colour of ground as (slices, width, 3), or 4 with how much it hides.
        haze: the air before it.
        shift: pixels that the camera's place lies left of the middle of the plate.
        slices: how many distances are looked at.
    """
    height, width = size
    distance = (view.near * (view.far / view.near) ** np.linspace(0, 1, slices)).astype(np.float32)
    columns = np.arange(width, dtype=np.float32)[None] - width / 2 + shift
    x = columns * distance[:, None] / view.focal + view.x
    ground = terrain.ground(x, np.broadcast_to(distance[:, None] + view.z, x.shape))
    ground = replace(ground, height=ground.height - _sunk(view, distance)[:, None])
    heights = np.maximum(ground.height, view.sea)
    tops = np.minimum.accumulate(view.horizon - (heights - view.eye) * view.focal / distance[:, None], axis=0)
    air = 1 - np.exp(-((distance / haze.distance) ** 1.3))
    painted = paint(ground)
    colours = mix(painted[..., :3], rgb(haze.colour), air[:, None, None])
    seen = np.minimum(_first_slice(tops, height), slices - 1), np.arange(width)[None]
    alpha = np.clip(np.arange(height, dtype=np.float32)[:, None] - tops[-1][None] + 0.5, 0, 1)
    if painted.shape[2] == _WITH_ALPHA:
        alpha = alpha * painted[..., 3][seen]
    return np.dstack([np.clip(colours[seen], 0, 1), alpha]).astype(np.float32)


def _sunk(view: Viewpoint, distance: Field) -> Field:
    """Return how far the ground is lowered where it would be cut off, so that no cut is seen."""
    return np.asarray(500 * (1 - smoothstep(view.near, view.near * 1.3, distance)), np.float32)


def _first_slice(tops: Field, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return for each pixel the number of the nearest slice that reaches it."""
    slices, width = tops.shape
    rows = np.clip(np.ceil(tops), 0, height).astype(np.int64)
    places = rows * width + np.arange(width)[None]
    begun = np.bincount(places.ravel(), minlength=(height + 1) * width).reshape(height + 1, width)
    return np.asarray(slices - np.cumsum(begun, axis=0)[:height])


def _heights(relief: Relief) -> Field:
    def field(slope: float, more: int) -> Field:
        return spectral_field(SIDE, SIDE, slope, relief.seed + more)

    ridges = 1 - np.abs(field(relief.slope, 1)) / 1.2
    detail = (1 - np.abs(field(3.2, 3))) * 0.5 + field(2.6, 2) * 0.15
    shape = mix(field(relief.slope, 0), ridges, relief.ridged)
    return np.asarray(
        relief.height * (shape + relief.fine * detail * smoothstep(-1.5, 1.5, ridges)), np.float32
    )


def sampled(field: Field, x: Field, z: Field) -> Field:
    """Return the values of a square field that repeats, at places between its cells."""
    side = len(field)
    left, above = np.floor(x), np.floor(z)
    across, down = np.asarray(x - left, np.float32), np.asarray(z - above, np.float32)
    first, upper = left.astype(np.int32) % side, above.astype(np.int32) % side
    second, lower = (first + 1) % side, (upper + 1) % side
    above_them = mix(field[upper, first], field[upper, second], across)
    below_them = mix(field[lower, first], field[lower, second], across)
    return mix(above_them, below_them, down)
