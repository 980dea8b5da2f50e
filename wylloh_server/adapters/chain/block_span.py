"""How many blocks one question for logs should cover, learned from the answers."""

from __future__ import annotations

_START = 1024
_WIDEST = 1 << 20
_MANY = 4_000
"""Logs in one answer: more would take long to read and to store in one go."""

_CALM = 8
"""Answers after a refusal before a wider question is tried."""


class BlockSpan:
    """Halves when a question was too wide, grows when answers are small."""

    def __init__(self) -> None:
        """Begin with a width that nearly every provider accepts or refuses at once."""
        self.width = _START
        self._answers = _CALM

    def halve(self, asked: int) -> None:
        """Record that a question about so many blocks was refused, or not answered in time."""
        self.width = max(1, min(self.width, asked) // 2)
        self._answers = 0

    def learn(self, asked: int, logs: int) -> None:
        """Record that a question about so many blocks was answered with so many logs."""
        self._answers += 1
        if logs > _MANY:
            self.width = max(1, asked * _MANY // logs)
        elif asked == self.width and logs < _MANY // 2 and self._answers >= _CALM:
            self.width = min(2 * self.width, _WIDEST)
