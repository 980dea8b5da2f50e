"""ffmpeg and PyAV: finding, looking into films, making renditions, stills and subtitles."""

from __future__ import annotations

from wylloh_server.adapters.ffmpeg.encoder import FfmpegEncoder
from wylloh_server.adapters.ffmpeg.probe import AvProber
from wylloh_server.adapters.ffmpeg.resolve import Ffmpeg, find_ffmpeg

__all__ = ["AvProber", "Ffmpeg", "FfmpegEncoder", "find_ffmpeg"]
