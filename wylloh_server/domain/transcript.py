"""What is said in a film, as plain text out of its subtitles."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from wylloh_server.domain.webvtt import is_substation, webvtt_from

_ARROW = "-->"
_MARKUP = re.compile(r"<[^>\n]{0,200}>|\{[^}\n]{0,200}\}")
"""Tags of WebVTT and SubRip such as `<i>`, and codes of SubStation that stray into both: `{\\an8}`."""


@dataclass(frozen=True, slots=True)
class SubtitleText:
    """The text of one subtitle track, without times and markup, a line for each cue.

    `language` is a BCP 47 tag, or 'und'.
    """

    language: str
    text: str


def subtitle_text(subtitles: str) -> str:
    """Take the text out of WebVTT (W3C), SubRip or SubStation Alpha: a line for each cue, none twice running.

    What is in no format's form of a cue (a block with a line of times) is left out, such as headers, notes
    and styles.

    Raises:
        InvalidValue: it begins as SubStation Alpha and is not.
    """
    said: list[str] = []
    if is_substation(subtitles):
        subtitles = webvtt_from(subtitles)
    for block in re.split(r"\n[ \t]*\n", subtitles.replace("\r\n", "\n").replace("\r", "\n")):
        line = _cue(block)
        if line and line != (said[-1] if said else ""):
            said.append(line)
    return "\n".join(said)


def _cue(block: str) -> str:
    lines = block.splitlines()
    times = next((number for number, line in enumerate(lines) if _ARROW in line), None)
    if times is None:
        return ""
    return " ".join(html.unescape(_MARKUP.sub("", " ".join(lines[times + 1 :]))).split())
