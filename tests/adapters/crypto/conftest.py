from __future__ import annotations

import pytest


class Memory:
    """Random access over bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.closed = False
        self.reads: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        return len(self.content)

    async def read(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return self.content[offset : offset + length]

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def memory():
    return Memory
