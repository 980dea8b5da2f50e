"""Where content keys lie in the key store: received ones for playing, kept ones for releasing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, SealBroken
from wylloh_server.domain.types import ContentKey, TokenReference

if TYPE_CHECKING:
    from wylloh_server.domain.film import TokenOrigin
    from wylloh_server.domain.ports.crypto import KeyStore

_log = logging.getLogger(__name__)

_RECEIVED, _KEPT = "film:", "custody:"


@dataclass(frozen=True, slots=True)
class ReceivedKey:
    """The name under which a key that came in an envelope is stored, and its film."""

    name: str
    token: TokenReference


class FilmKeys:
    """Content keys. Received ones lie by package, so that another package's key never takes a key's place.

    A custodian's own films can be played with the key it keeps.
    """

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._damaged: set[str] = set()

    async def keep_as_custodian(self, token: TokenReference, key: ContentKey) -> ContentKey:
        """Keep a published film's key for its holders, and return the key that is kept.

        A film has one key for good: where one is kept already, it stays and is returned.
        """
        return ContentKey(await self._store.put_once(f"{_KEPT}{token}", key))

    async def in_custody(self, token: TokenReference) -> ContentKey | None:
        """Return the key this server keeps as custodian.

        Raises:
            SealBroken: it is damaged.
        """
        return _key(await self._store.get(f"{_KEPT}{token}"))

    async def keeps(self, token: TokenReference) -> bool:
        """Return whether this server keeps a film's key as custodian, also a damaged one."""
        try:
            return await self.in_custody(token) is not None
        except SealBroken:
            return True

    async def receive(self, origin: TokenOrigin, key: ContentKey) -> None:
        """Store a key that came in an envelope and was proved. It replaces only one of the same package."""
        await self._store.put(_slot(origin), key)

    async def candidates(self, origin: TokenOrigin) -> tuple[ContentKey, ...]:
        """Return the keys that may open a package, the likeliest first; a damaged entry is none."""
        names = (_slot(origin), _older_slot(origin), f"{_KEPT}{origin.token}")
        found = [await self._readable(name) for name in names]
        return tuple(dict.fromkeys(key for key in found if key is not None))

    async def discard(self, origin: TokenOrigin, key: ContentKey) -> None:
        """Delete a received key of a package. What is kept as custodian stays."""
        for name in (_slot(origin), _older_slot(origin)):
            if await self._readable(name) == key:
                await self._store.remove(name)

    async def _readable(self, name: str) -> ContentKey | None:
        try:
            return _key(await self._store.get(name))
        except SealBroken as error:
            if name not in self._damaged:
                self._damaged.add(name)
                _log.error("%s %s", error, error.fix)
            return None

    async def received(self) -> tuple[ReceivedKey, ...]:
        """List the keys that came in envelopes."""
        found = [name for name in await self._store.names() if name.startswith(_RECEIVED)]
        return tuple(key for name in found if (key := _received(name)) is not None)

    async def delete(self, key: ReceivedKey) -> None:
        """Delete a received key."""
        await self._store.remove(key.name)


def _slot(origin: TokenOrigin) -> str:
    return f"{_RECEIVED}{origin.token}@{origin.root}"


def _older_slot(origin: TokenOrigin) -> str:
    """Return where keys lay before they were stored by package."""
    return f"{_RECEIVED}{origin.token}"


def _received(name: str) -> ReceivedKey | None:
    try:
        return ReceivedKey(name, TokenReference.parse(name.removeprefix(_RECEIVED).partition("@")[0]))
    except InvalidValue:
        return None


def _key(secret: bytes | None) -> ContentKey | None:
    return None if secret is None else ContentKey(secret)
