"""Numbers of bytes as people read them."""

from __future__ import annotations

_UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def format_byte_size(count: int) -> str:
    """Write a number of bytes: `640 bytes`, `3.2 MB`, `4.4 GB`; powers of ten, as disks are sold."""
    for name, unit in _UNITS:
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} byte{'' if count == 1 else 's'}"
