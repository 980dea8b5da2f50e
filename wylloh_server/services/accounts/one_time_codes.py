"""Short codes that people read off one screen and type on another."""

from __future__ import annotations

import secrets

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs; none of 0 O 1 I, which look alike from three metres."""


def new_code(length: int) -> str:
    """Make a code of 5 bits a sign."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def normal(code: str) -> str:
    """Bring a typed code to the form it was made in: upper case, no spaces or hyphens."""
    return "".join(sign for sign in code.upper() if sign.isalnum())


def matches(typed: str, code: str) -> bool:
    """Compare in constant time."""
    return secrets.compare_digest(normal(typed).encode(), code.encode())
