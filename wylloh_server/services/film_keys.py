"""Where content keys lie in the key store: received ones for playing, kept ones for releasing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.types import ContentKey, TokenReference

if TYPE_CHECKING:
    from wylloh_server.domain.ports.crypto import KeyStore


class FilmKeys:
    """Content keys by token. A custodian's own films can be played with the key it keeps."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    async def keep_as_custodian(self, token: TokenReference, key: ContentKey) -> None:
        """Keep a published film's key, to be released to its holders. Replaces another: ask `kept` first."""
        await self._store.put(f"custody:{token}", key)

    async def kept(self, token: TokenReference) -> ContentKey | None:
        """Give the key this server keeps as custodian."""
        return _key(await self._store.get(f"custody:{token}"))

    async def receive(self, token: TokenReference, key: ContentKey) -> None:
        """Store a key that came in an envelope."""
        await self._store.put(f"film:{token}", key)

    async def for_playing(self, token: TokenReference) -> ContentKey | None:
        """Give the key that opens a film here, wherever it came from."""
        return _key(await self._store.get(f"film:{token}")) or await self.kept(token)


def _key(secret: bytes | None) -> ContentKey | None:
    return None if secret is None else ContentKey(secret)
