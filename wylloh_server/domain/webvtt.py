"""Subtitles of other formats as WebVTT (W3C), and the character sets that old ones are written in."""

from __future__ import annotations

import codecs
import html
import re
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pysubs2 import SSAEvent, SSAFile

_OVERRIDES = re.compile(r"\{([^}\n]*)\}")
_TAG = re.compile(r"\\(?:an([1-9])|(p)(\d+)(?![\d.(])|([ibu])([01])(?!\d))")
"""Of SubStation Alpha: alignment, drawing, and italic, bold or underlined."""
_TOP, _MIDDLE = range(7, 10), range(4, 7)

_CODE_PAGES = {
    **dict.fromkeys(("ru", "uk", "bg", "sr", "mk", "be"), "cp1251"),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "hr", "sl", "ro"), "cp1250"),
    **dict.fromkeys(("et", "lv", "lt"), "cp1257"),
    "el": "cp1253",
    "tr": "cp1254",
    "he": "cp1255",
    "ar": "cp1256",
    "vi": "cp1258",
    "th": "cp874",
    "ja": "cp932",
    "ko": "cp949",
    "zh": "gb18030",
}
"""What programs for Windows wrote before Unicode, by language; Western languages are in cp1252."""


def decoded_subtitles(raw: bytes, language: str = "") -> str:
    """Decode a subtitle file: Unicode as it says itself, else UTF-8, else what its language was written in.

    Args:
        raw: the file.
        language: BCP 47 tag, if it is known; otherwise the character set is guessed.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", _CODE_PAGES.get(language.partition("-")[0].lower(), "")):
        try:
            return raw.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return _guessed(raw) if language in {"", "und"} else raw.decode("cp1252", errors="replace")


_FEW, _RARE = 32, 0.5


def _guessed(raw: bytes) -> str:
    high = sum(byte > 0x7F for byte in raw)  # noqa: PLR2004 - the end of ASCII
    letters = high + sum(chr(byte).isalpha() for byte in raw if byte < 0x80)  # noqa: PLR2004
    if high < _FEW and high < letters * _RARE:
        # A few accents tell no Latin character set from another; this one is the commonest.
        return raw.decode("cp1252", errors="replace")
    # It takes long to load and is rarely needed.
    from charset_normalizer import from_bytes  # noqa: PLC0415

    usual = [
        "cp1252",
        "cp1250",
        "cp1251",
        "cp1253",
        "cp1254",
        "cp932",
        "gb18030",
        "big5",
        "euc_kr",
        "utf_16_le",
    ]
    best = from_bytes(raw, cp_isolation=usual).best()
    return raw.decode("cp1252", errors="replace") if best is None else str(best)


def webvtt_from(text: str, name: str = "these subtitles") -> str:
    """Return WebVTT, SubRip or SubStation Alpha as WebVTT.

    Drawings are left out, and so are comments; what stands at the top stays there.

    Raises:
        InvalidValue: it is in none of these formats.
    """
    text = text.removeprefix("\N{BYTE ORDER MARK}")
    if text.startswith("WEBVTT"):
        return text
    cues = dict.fromkeys(_cues(_parsed(text, name)))
    return "\n\n".join(["WEBVTT", *cues]) + "\n"


def is_substation(text: str) -> bool:
    """Return whether subtitles are in the format of SubStation Alpha."""
    return re.search(r"(?m)^\s*\[(?:Script Info|Events)\]", text) is not None


def _parsed(text: str, name: str) -> SSAFile:
    import pysubs2  # noqa: PLC0415 - only where there are subtitles

    substation = "ssa" if re.search(r"(?m)^(?:\[V4 Styles\]|Dialogue: ?Marked=)", text) else "ass"
    kind = substation if is_substation(text) else "srt"
    try:
        parsed = pysubs2.SSAFile.from_string(text, format_=kind)
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError) as error:
        raise _not_subtitles(name) from error
    if not parsed.events and text.strip():
        raise _not_subtitles(name)
    parsed.sort()
    return parsed


def _not_subtitles(name: str) -> InvalidValue:
    return InvalidValue(
        f"{name} are neither WebVTT, SubRip nor SubStation Alpha", fix="Convert them to WebVTT in UTF-8."
    )


def _cues(subtitles: SSAFile) -> Iterator[str]:
    for event in subtitles:
        words = _words(event.text)
        if words and not event.is_comment and event.end > event.start:
            place = _place(subtitles, event)
            yield f"{_time(event.start)} --> {_time(event.end)}{place}\n{words}"


def _words(text: str) -> str:
    """Return the text of a cue with the tags of WebVTT, without drawings and empty lines."""
    drawing, styles, parts = False, dict.fromkeys("biu", False), []
    for number, piece in enumerate(_OVERRIDES.split(text)):
        if number % 2 == 0:
            parts += [] if drawing else [_styled(piece, styles)]
            continue
        for tag in _TAG.finditer(piece):
            if tag[2]:
                drawing = tag[3] != "0"
            elif tag[4]:
                styles[tag[4]] = tag[5] == "1"
    lines = (line.strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _styled(piece: str, styles: dict[str, bool]) -> str:
    plain = piece.replace("\\N", "\n").replace("\\n", " ").replace("\\h", "\N{NO-BREAK SPACE}")
    escaped = html.escape(plain, quote=False)
    if not plain.strip():
        return escaped
    for name in (name for name, on in styles.items() if on):
        escaped = f"<{name}>{escaped}</{name}>"
    return escaped


def _place(subtitles: SSAFile, event: SSAEvent) -> str:
    """Return the settings of a cue that does not stand at the bottom in the middle."""
    said = [tag[1] for tag in _TAG.finditer(event.text) if tag[1]]
    style = subtitles.styles.get(event.style)
    alignment = int(said[0]) if said else int(style.alignment) if style else 2
    line = " line:5%" if alignment in _TOP else " line:50%" if alignment in _MIDDLE else ""
    return line + (" align:start", "", " align:end")[(alignment - 1) % 3]


def _time(milliseconds: int) -> str:
    seconds, rest = divmod(max(0, milliseconds), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
