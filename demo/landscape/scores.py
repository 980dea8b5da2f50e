"""The music of each film of the demo."""

from __future__ import annotations

from dataclasses import replace

from demo.landscape.score import Music

_MINOR = ((0, 3, 7, 10), (-4, 0, 3, 7), (-2, 2, 5, 9), (0, 3, 7, 12))
_MAJOR = ((0, 4, 7, 11), (-3, 0, 4, 9), (-7, 0, 5, 9), (-5, 2, 7, 11))
_OPEN = ((0, 5, 7, 12), (-2, 5, 10, 12), (-5, 2, 7, 10), (0, 7, 12, 14))

_LIGHT = Music(220, _MINOR * 2, "sea", pace=0.6, seed=3)

SCORES = {
    "light": (_LIGHT, replace(_LIGHT, pace=1.1, seed=4)),
    "colony": (Music(262, _MAJOR, "sea", pace=1.4, seed=5),),
    "coastline": (Music(294, _MAJOR, "sea", pace=0.9, seed=6),),
    "row-by-row": (Music(247, _OPEN, "rain", pace=0.7, seed=7),),
    "three-corners": (Music(196, _OPEN, "wind", pace=0.5, seed=8),),
    "dusk": (Music(220, _MINOR, "wind", pace=0.8, seed=9),),
}
"""By the film's key, one for each track of sound."""
