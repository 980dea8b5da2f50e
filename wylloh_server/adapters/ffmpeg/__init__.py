"""ffmpeg and PyAV: finding, looking into films, making renditions, stills and subtitles."""

from __future__ import annotations

from wylloh_server.adapters.ffmpeg.child_sandbox import ChildSandbox
from wylloh_server.adapters.ffmpeg.locate import Ffmpeg, find_ffmpeg
from wylloh_server.adapters.ffmpeg.loopback import LoopbackMediaServer
from wylloh_server.adapters.ffmpeg.media_tools import FfmpegMediaTools
from wylloh_server.adapters.ffmpeg.sandbox_report import try_sandbox

__all__ = ["ChildSandbox", "Ffmpeg", "FfmpegMediaTools", "LoopbackMediaServer", "find_ffmpeg", "try_sandbox"]
