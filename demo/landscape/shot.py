"""A scene as a film: ffmpeg moves the layers past each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.landscape.layers import HEIGHT, WIDTH, Layer

if TYPE_CHECKING:
    from pathlib import Path

    from demo.landscape.noise import Field
    from demo.landscape.scenes import Scene

RATE = 24
"""Frames a second."""
_KEPT_ENLARGED = 60
"""The frames of a layer with at most as many are enlarged once and kept; others each time they are shown."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The inputs and the filter graph of a scene for ffmpeg; its picture is called `[picture]`."""

    inputs: list[str]
    graph: str


def prepare_shot(scene: Scene, folder: Path) -> Shot:
    """Write a scene's layers as raw pictures into a folder, and return how ffmpeg puts them together."""
    inputs = raw_picture(folder / "background.raw", scene.background[None], "rgb24")
    chains = [f"[0:v]format=yuv420p,{_again(1)}[on0]"]
    for number, layer in enumerate(scene.layers, 1):
        frames = np.repeat(layer.frames, layer.hold, 0)
        inputs += raw_picture(folder / f"{number}.raw", frames, "rgba")
        chains.append(f"[{number}:v]{_chain(layer, len(frames))}[layer{number}]")
        across = f"{layer.left}-n*{layer.speed}" if layer.crosses else str(layer.left)
        place = f"overlay=x={across}:y={layer.top}:format=yuv420"
        chains.append(f"[on{number - 1}][layer{number}]{place}[on{number}]")
    chains.append(f"[on{len(scene.layers)}]format=yuv420p[picture]")
    return Shot(inputs, ";".join(chains))


def raw_picture(file: Path, frames: Field, pixels: str) -> list[str]:
    """Write frames from 0 to 1 as bytes, and return the input for ffmpeg."""
    file.write_bytes((np.clip(frames, 0, 1) * 255 + 0.5).astype(np.uint8).tobytes())
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    return ["-f", "rawvideo", "-pix_fmt", pixels, "-s", size, "-r", str(RATE), "-i", f"file:{file}"]


def _chain(layer: Layer, count: int) -> str:
    """Return what is done to a layer: converted, enlarged, repeated, and seen through a window that moves."""
    enlarged = [f"scale=iw*{layer.enlarged}:ih*{layer.enlarged}:flags=bilinear"] * (layer.enlarged > 1)
    again = [_again(count)]
    steps = enlarged + again if count <= _KEPT_ENLARGED else again + enlarged
    return ",".join(["format=yuva420p", *steps, *_window(layer)])


def _again(count: int) -> str:
    return f"loop=loop=-1:size={count}:start=0,setpts=N/{RATE}/TB"


def _window(layer: Layer) -> list[str]:
    if layer.crosses or not (layer.speed or layer.fall):
        return []
    if not layer.period:
        return [f"crop={WIDTH}:ih:n*{layer.speed}:0"]
    across, down = (
        f"mod(n*{layer.speed},{layer.period})",
        f"{layer.period}-mod(n*{layer.fall},{layer.period})",
    )
    return [f"crop={WIDTH}:{HEIGHT}:'{across}':'mod({down},{layer.period})'"]
