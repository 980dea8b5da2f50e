"""Packets of one stream as fMP4, with PyAV's muxer: an init segment, and one fragment a segment."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from av.packet import Packet

_OPTIONS = {
    # The head is written after the first packet, which describes some codecs; each fragment begins at the
    # time of its first picture, whatever came before.
    "movflags": "frag_custom+delay_moov+default_base_moof+frag_discont+negative_cts_offsets+skip_trailer",
    "use_editlist": "0",
    "avoid_negative_ts": "disabled",
    "write_tmcd": "0",
    "fflags": "+bitexact",
    "strict": "unofficial",
}
_TAGS = {"hevc": "hvc1"}
"""Parameter sets stand in the init segment alone, as Safari wants it."""


def write_fragment(template: Any, packets: Sequence[Packet[Any]], pixels: str = "") -> tuple[bytes, bytes]:
    """Return the init segment of a stream, and a fragment of its packets.

    Args:
        template: the stream they are of.
        packets: in decoding order, with the times they shall have.
        pixels: the format of a picture's pixels, which some codecs have in the init segment, and only
            a decoder could tell.

    Raises:
        FFmpegError: they cannot be put into fMP4.
        ValueError: likewise.
    """
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options=_OPTIONS) as muxer:
        stream = muxer.add_stream_from_template(template, opaque=True)
        if tag := _TAGS.get(template.codec_context.codec.canonical_name):
            stream.codec_context.codec_tag = tag
        if pixels:
            stream.codec_context.pix_fmt = pixels
        for packet in packets:
            packet.stream = stream
            muxer.mux_one(packet)
    data = out.getvalue()
    begin = _fragment_at(data)
    return _with_sample_size(data[:begin]), data[begin:]


def set_times(packets: Sequence[Packet[Any]], shown: Sequence[int], end: int, unit: Fraction) -> None:
    """Set the times at which packets are shown, and times of decoding that rise without a hole.

    Args:
        packets: in decoding order.
        shown: when each is shown, in ticks.
        end: when the last one shown is over.
        unit: seconds a tick.
    """
    in_order = sorted(shown)
    delay = max(order - at for order, at in zip(in_order, shown, strict=True))
    until = [*in_order[1:], max(end, in_order[-1] + 1)]
    for packet, at, order, after in zip(packets, shown, in_order, until, strict=True):
        packet.time_base = unit
        packet.pts, packet.dts, packet.duration = at, order - delay, after - order


def _with_sample_size(init: bytes) -> bytes:
    """Return an init segment with the bits of a sample of FLAC, which the muxer has from a decoder alone.

    They stand in its STREAMINFO (RFC 9639, 8.2), in `dfLa`.
    """
    entry, streaminfo = init.find(b"fLaC"), init.find(b"dfLa") + 12
    if entry < 0 or streaminfo < entry:
        return init
    bits = (int.from_bytes(init[streaminfo + 12 : streaminfo + 14], "big") >> 4 & 31) + 1
    return init[: entry + 22] + bits.to_bytes(2, "big") + init[entry + 24 :]


def _fragment_at(data: bytes) -> int:
    at = 0
    while at + 8 <= len(data) and data[at + 4 : at + 8] != b"moof":
        at += max(8, int.from_bytes(data[at : at + 4], "big"))
    return at
