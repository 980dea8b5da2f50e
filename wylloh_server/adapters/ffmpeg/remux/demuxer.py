"""A film that is open in this process: its packets, from any place on."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.stream import Discard

from wylloh_server.adapters.ffmpeg.remux.source_file import PIECE_BYTES
from wylloh_server.domain import media_formats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.packet import Packet

    from wylloh_server.adapters.ffmpeg.remux.source_file import SourceFile

CONTAINERS = tuple(
    container for container in media_formats.CONTAINERS if container.name in {"MP4", "Matroska"}
)
"""What films are cut in: those whose packets have times, and whose tables tell where key frames are."""
_OPTIONS = {
    # Nothing is decoded in this process: what strangers put into a film meets the two demuxers alone.
    "codec_whitelist": "none",
    "format_whitelist": ",".join(name for container in CONTAINERS for name in container.demuxers),
    "protocol_whitelist": "none",
}
_OPEN_SECONDS = 60.0


class Demuxer:
    """An open film, for one thread at a time.

    Raises:
        FFmpegError: when it is made: the film cannot be opened.
    """

    def __init__(self, file: SourceFile) -> None:
        self._container: Any = av.open(
            file,
            options=_OPTIONS,
            buffer_size=PIECE_BYTES,
            metadata_errors="replace",
            timeout=_OPEN_SECONDS,
        )
        self.close = self._container.close
        self._chosen: int | None = None

    @property
    def container(self) -> str:
        """The name of what reads it, such as matroska or mov."""
        return str(self._container.format.name).partition(",")[0]

    @property
    def origin(self) -> Fraction:
        """When the film begins in its own time, in seconds."""
        return Fraction(self._container.start_time or 0, av.time_base)

    @property
    def duration(self) -> Fraction:
        """How long it is, in seconds."""
        return Fraction(self._container.duration or 0, av.time_base)

    def stream(self, number: int) -> Any:
        """Return a stream by its number in the file."""
        return self._container.streams[number]

    def kind(self, kind: str) -> list[Any]:
        """Return the streams of a kind: video or audio."""
        return list(getattr(self._container.streams, kind))

    def packets(self, number: int, at: Fraction) -> Iterator[Packet[Any]]:
        """Yield the packets of a stream that have a time, from a key frame at or before `at` (seconds) on."""
        stream = self.stream(number)
        self._choose(number)
        guide = stream if self.container == "mov" else next(iter(self.kind("video")), stream)
        self._container.seek(int((at + self.origin) / guide.time_base), stream=guide, backward=True)
        return (packet for packet in self._container.demux(stream) if packet.pts is not None)

    def shown(self, packet: Packet[Any]) -> int:
        """Return when a packet is shown, in ticks of its stream, counted from the beginning of the film."""
        assert packet.pts is not None  # noqa: S101 - for the type checker: `packets` leaves others out
        return packet.pts - round(self.origin / Fraction(packet.time_base))

    def _choose(self, number: int) -> None:
        """Have no packets of other streams read where the container does not make that necessary."""
        if self._chosen != number:
            for stream in self._container.streams:
                stream.discard = Discard.default if stream.index == number else Discard.all
            self._chosen = number
