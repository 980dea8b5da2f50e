"""Which scene each film of the demo shows, and the moment that is its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.landscape import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.landscape.scenes import Scene, Stage


@dataclass(frozen=True, slots=True)
class Take:
    """A scene, the number of the frame that makes its picture, and the column in the middle of its poster."""

    scene: Callable[[Stage], Scene]
    frame: int
    column: int


TAKES = {
    "light": Take(scenes.light, 12, 1330),
    "colony": Take(scenes.colony, 90, 720),
    "coastline": Take(scenes.coastline, 60, 640),
    "row-by-row": Take(scenes.row_by_row, 40, 760),
    "three-corners": Take(scenes.three_corners, 60, 1060),
    "dusk": Take(scenes.dusk, 100, 1140),
}
"""By the film's key."""
