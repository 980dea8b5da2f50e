"""Noise, ramps and colours that layers are made of. Noise repeats at its edges and is the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Field: TypeAlias = NDArray[np.floating[Any]]
"""Numbers in a grid: (width,), (height, width) or (height, width, channels)."""


def spectral_line(length: int, slope: float, seed: int, lowest: int = 1) -> Field:
    """Return periodic noise of (length,) within ±1, whose power falls with frequency to the `slope`.

    Args:
        length: how many numbers.
        slope: 1 is rough, 3 smooth.
        seed: another one gives another line.
        lowest: cycles per length of the slowest wave.
    """
    frequency = np.fft.rfftfreq(length, 1 / length)
    frequency[0] = 1
    amplitude = frequency ** (-slope / 2)
    amplitude[:lowest] = 0
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(frequency))
    line = np.fft.irfft(amplitude * np.exp(1j * phase), length)
    return np.asarray(line / np.abs(line).max(), np.float32)


def spectral_field(
    height: int, width: int, slope: float, seed: int, stretch: tuple[float, float] = (1.0, 1.0)
) -> Field:
    """Return periodic noise of (height, width), mean 0 and deviation 1.

    Source: filtering white noise by a power of frequency, R. Voss, Random fractal forgeries, 1985.

    Args:
        height: rows.
        width: columns.
        slope: 2 is rough, 5 smooth.
        seed: another one gives another field.
        stretch: how much longer features are (down, across) than round ones.
    """
    down = np.fft.fftfreq(height, 1 / height)[:, None] * (width / height) * stretch[0]
    across = np.fft.rfftfreq(width, 1 / width)[None, :] * stretch[1]
    frequency = np.sqrt(down * down + across * across)
    frequency[0, 0] = 1
    amplitude = frequency ** (-slope / 2)
    amplitude[0, 0] = 0
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, amplitude.shape)
    field = np.fft.irfft2(amplitude * np.exp(1j * phase), (height, width))
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def smoothstep(low: float, high: float, value: Field) -> Field:
    """Return 0 below `low`, 1 above `high`, and a smooth ramp between; `high` may be the smaller one."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def rgb(code: str) -> Field:
    """Return `rrggbb` as three numbers from 0 to 1."""
    return np.array([int(code[at : at + 2], 16) / 255 for at in (0, 2, 4)], np.float32)


def mix(first: Field, second: Field, share: Field | float) -> Field:
    """Return `first` where `share` is 0 and `second` where it is 1."""
    return np.asarray(first + (second - first) * share, np.float32)


def ramp(height: int, stops: Sequence[tuple[float, str]]) -> Field:
    """Return a gradient of (height, 3) through colours at places from 0 (top) to 1."""
    places = np.linspace(0, 1, height)
    colours = np.array([rgb(code) for _, code in stops])
    at = [place for place, _ in stops]
    return np.stack([np.interp(places, at, colours[:, channel]) for channel in range(3)], 1).astype(
        np.float32
    )
