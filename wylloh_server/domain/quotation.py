"""What somebody typed, as an error repeats it."""

from __future__ import annotations


def quote_input(text: str, longest: int = 60) -> str:
    """Return typed text in quotation marks, cut to some characters and without unprintable ones."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text.strip())
    return f"“{plain[: longest - 1]}…”" if len(plain) > longest else f"“{plain}”"
