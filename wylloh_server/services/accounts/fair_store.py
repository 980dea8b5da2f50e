"""What strangers leave here for a while, such that none of them can crowd out another."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from wylloh_server.domain.network_address import home_of, is_local, site_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.types import Seconds

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[_Value]):
    value: _Value
    home: str
    site: str
    local: bool
    until: float


class FairStore(Generic[_Value]):
    """Values by secret, each for a while and from a network address.

    When one home has left `most_each`, its oldest goes. When there are `most` of all, the oldest of the site
    (`network_address.site_of`) that has left most of them goes; of local networks only when nobody else has
    left any. `timer` counts seconds, whatever is done to the clock.
    """

    def __init__(self, *, seconds: Seconds, most_each: int, most: int, timer: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most_each = most_each
        self._most = most
        self._timer = timer
        self._kept: dict[str, _Kept[_Value]] = {}  # oldest first

    def put(self, secret: str, value: _Value, address: str) -> None:
        """Keep a value under a secret, in place of an older one."""
        self._drop_expired()
        self._kept.pop(secret, None)
        home = home_of(address)
        theirs = [name for name, one in self._kept.items() if one.home == home]
        if len(theirs) >= self._most_each:
            del self._kept[theirs[0]]
        elif len(self._kept) >= self._most:
            del self._kept[self._most_crowded()]
        until = self._timer() + self._seconds
        self._kept[secret] = _Kept(value, home, site_of(address), is_local(address), until)

    def get(self, secret: str) -> _Value | None:
        """Return what is kept under a secret."""
        self._drop_expired()
        kept = self._kept.get(secret)
        return None if kept is None else kept.value

    def replace(self, secret: str, value: _Value) -> None:
        """Change what is kept under a secret; when it expires stays. Nothing happens if it has."""
        kept = self._kept.get(secret)
        if kept is not None:
            self._kept[secret] = replace(kept, value=value)

    def pop(self, secret: str) -> _Value | None:
        """Return what is kept under a secret, and forget it."""
        value = self.get(secret)
        self._kept.pop(secret, None)
        return value

    def items(self) -> tuple[tuple[str, _Value], ...]:
        """Return everything with its secret, oldest first."""
        self._drop_expired()
        return tuple((secret, one.value) for secret, one in self._kept.items())

    def _most_crowded(self) -> str:
        far = {name: one.site for name, one in self._kept.items() if not one.local}
        sites = far or {name: one.site for name, one in self._kept.items()}
        crowds = Counter(sites.values())
        return max(sites, key=lambda name: crowds[sites[name]])  # the first, so the oldest, of the most

    def _drop_expired(self) -> None:
        now = self._timer()
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest].until > now:
                return
            del self._kept[oldest]
