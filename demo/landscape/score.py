"""Music for a film: slow chords, bells, and the sound of wind, sea or rain, in a large room."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from demo.landscape.noise import Field

SAMPLES = 48_000
"""A second."""

_ROOM_SECONDS = 2.4
_BELL_SECONDS = 3.0
_LOWEST = 60.0
"""Hertz; weather below it is not heard."""
_PARTIALS = ((1.0, 1.0), (2.0, 0.45), (2.76, 0.22), (5.4, 0.07))
"""Of a bell: times its note, and how loud."""


@dataclass(frozen=True, slots=True)
class Music:
    """What is played.

    Attributes:
        root: of the key, hertz.
        chords: one after another, each in semitones above the root.
        weather: what is heard beneath.
        pace: bells a second.
        seed: another one has other bells.
    """

    root: float
    chords: tuple[tuple[int, ...], ...]
    weather: Literal["wind", "sea", "rain"]
    pace: float = 0.8
    seed: int = 1


def write_score(music: Music, seconds: int, target: Path) -> None:
    """Write the music of a film as a stereo WAV file."""
    dry = _pad(music, seconds) + _bells(music, seconds)
    wet = np.stack([_in_a_room(dry[:, side], music.seed + side) for side in (0, 1)], 1)
    sound = 0.6 * _level(dry) + 0.9 * _level(wet) + 0.28 * _level(_weather(music, seconds))
    sound = 0.5 * _level(sound) * _fades(len(sound))[:, None]
    with wave.open(str(target), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLES)
        file.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())


def _pad(music: Music, seconds: int) -> Field:
    """Return the chords of (samples, 2), each swelling into the next."""
    sound = np.zeros((seconds * SAMPLES, 2), np.float32)
    each = len(sound) // len(music.chords)
    for number, chord in enumerate(music.chords):
        first, last = max(0, number * each - each // 4), min(len(sound), (number + 1) * each + each // 4)
        time = np.arange(last - first, dtype=np.float32) / SAMPLES
        swell = np.clip(np.sin(np.pi * np.linspace(0, 1, len(time), dtype=np.float32)), 0, 1) ** 0.7
        for semitones in chord:
            for side, detune in ((0, -0.35), (1, 0.35)):
                pitch = _pitch(music, semitones) / 2 + detune
                sound[first:last, side] += swell * sum(
                    np.sin(2 * np.pi * pitch * part * time + side) / part**1.7 for part in (1, 2, 3, 4)
                )
    return sound / 6


def _bells(music: Music, seconds: int) -> Field:
    chance = np.random.default_rng(music.seed)
    sound = np.zeros((seconds * SAMPLES, 2), np.float32)
    ring = np.arange(int(_BELL_SECONDS * SAMPLES), dtype=np.float32) / SAMPLES
    for number in range(int(seconds * music.pace)):
        at = (number + float(chance.uniform(0, 0.35))) / music.pace
        chord = music.chords[min(int(at / seconds * len(music.chords)), len(music.chords) - 1)]
        pitch = _pitch(music, int(chance.choice(chord)) + 12 * int(chance.integers(0, 2)))
        struck = np.zeros_like(ring)
        for part, loud in _PARTIALS:
            struck += loud * np.sin(2 * np.pi * pitch * part * ring) * np.exp(-ring * (1.1 + part))
        first = int(at * SAMPLES)
        last = min(len(sound), first + len(ring))
        place = float(chance.uniform(0.25, 0.75))
        loudness = float(chance.uniform(0.35, 0.8))
        sound[first:last] += loudness * np.outer(struck[: last - first], (1 - place, place))
    return sound


def _weather(music: Music, seconds: int) -> Field:
    """Return coloured noise that comes and goes: rain is bright and steady, wind and sea dark and slow."""
    slope, period, depth = {"wind": (1.6, 7.0, 0.6), "sea": (1.3, 9.0, 0.85), "rain": (0.4, 20.0, 0.15)}[
        music.weather
    ]
    length = seconds * SAMPLES
    time = np.arange(length, dtype=np.float32) / SAMPLES
    swell = 1 - depth * (0.5 + 0.5 * np.cos(2 * np.pi * time / period)) ** 2
    sides = [_coloured(length, slope, music.seed + side) * swell for side in (10, 11)]
    return np.stack(sides, 1).astype(np.float32)


def _coloured(length: int, slope: float, seed: int) -> Field:
    frequency = np.fft.rfftfreq(length, 1 / SAMPLES)
    loud = np.where(frequency > _LOWEST, np.maximum(frequency, _LOWEST) ** -slope, 0)
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(frequency))
    return np.fft.irfft(loud * np.exp(1j * phase), length).astype(np.float32)


def _in_a_room(sound: Field, seed: int) -> Field:
    """Return the echoes of a sound: noise that dies away, folded with it."""
    time = np.arange(int(_ROOM_SECONDS * SAMPLES)) / SAMPLES
    room = np.random.default_rng(seed).normal(0, 1, len(time)) * np.exp(-time * 2.6)
    length = 1 << (len(sound) + len(room) - 1).bit_length()
    folded = np.fft.irfft(np.fft.rfft(sound, length) * np.fft.rfft(room, length), length)
    return folded[: len(sound)].astype(np.float32)


def _level(sound: Field) -> Field:
    return np.asarray(sound / (np.abs(sound).max() + 1e-9), np.float32)


def _fades(length: int) -> Field:
    """Return a second of fading in and three of fading out."""
    into = np.clip(np.arange(length) / SAMPLES, 0, 1)
    out = np.clip((length - np.arange(length)) / (3 * SAMPLES), 0, 1)
    return np.asarray(into * out, np.float32)


def _pitch(music: Music, semitones: int) -> float:
    return float(music.root * 2 ** (semitones / 12))
