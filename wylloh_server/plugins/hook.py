"""A plugin's implementation of a hook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Hook:
    """An implementation of a hook, here or in the plugin's process.

    Attributes:
        name: the hook's name.
        takes: the arguments that it takes, of those that the hook offers.
        first: called before those of other plugins; `last` after them.
    """

    name: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    first: bool = False
    last: bool = False

    def __call__(self, **given: object) -> Any:
        """Call it with those of the given arguments that it takes."""
        return self.function(*(given[name] for name in self.takes))
