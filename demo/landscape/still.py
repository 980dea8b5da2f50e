"""One moment of a scene as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demo.landscape.layers import HEIGHT, WIDTH, Layer
from demo.landscape.noise import Field, mix

if TYPE_CHECKING:
    from demo.landscape.scenes import Scene


def still(scene: Scene, frame: int) -> Field:
    """Return a frame of a scene as (height, width, 3)."""
    picture = scene.background.copy()
    for layer in scene.layers:
        shown = _shown(layer, frame)
        left = max(0, layer.left - frame * layer.speed) if layer.crosses else layer.left
        window = picture[layer.top : layer.top + shown.shape[0], left : left + shown.shape[1]]
        window[:] = mix(window, shown[..., :3], shown[..., 3:])
    return picture


def _shown(layer: Layer, frame: int) -> Field:
    """Return what of a layer is seen at a frame."""
    drawn = layer.frames[frame // layer.hold % len(layer.frames)]
    if layer.enlarged > 1:
        drawn = _enlarged(_enlarged(drawn, layer.enlarged, 0), layer.enlarged, 1)
    if layer.crosses:
        left = layer.left - frame * layer.speed
        return np.asarray(drawn[:, max(0, -left) : max(0, WIDTH - left)])
    left, down = frame * layer.speed, frame * layer.fall
    if layer.period:
        left, down = left % layer.period, -down % layer.period
    return np.asarray(drawn[down : down + HEIGHT - layer.top, left : left + WIDTH - layer.left])


def _enlarged(picture: Field, times: int, axis: int) -> Field:
    """Return a picture so many times longer along an axis, with smooth steps between its pixels."""
    last = picture.shape[axis] - 1
    places = np.clip((np.arange((last + 1) * times) + 0.5) / times - 0.5, 0, last)
    before = places.astype(int)
    share = (places - before).astype(np.float32).reshape([-1 if at == axis else 1 for at in range(3)])
    after = np.minimum(before + 1, last)
    return mix(np.take(picture, before, axis), np.take(picture, after, axis), share)
