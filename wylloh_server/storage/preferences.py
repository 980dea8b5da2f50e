"""What each wallet chose in the player, stored as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from wylloh_server.domain.player_preferences import (
    PlayerPreferences,
    SubtitleBackground,
    SubtitleSize,
    TrackChoice,
)
from wylloh_server.storage.tables import player_preferences
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.connections import Connections


class PlayerPreferencesRepository:
    """What each wallet chose in the player."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def of_wallet(self, wallet: Wallet) -> PlayerPreferences:
        """Return what a wallet chose; the defaults if it never did."""
        theirs = select(player_preferences).where(player_preferences.c.wallet == wallet)
        async with self._connections.reading() as connection:
            row = (await connection.execute(theirs)).one_or_none()
        return _preferences_from_row(row) if row is not None else PlayerPreferences()

    async def save(self, wallet: Wallet, preferences: PlayerPreferences) -> None:
        """Store what a wallet chose."""
        row = {
            "wallet": wallet,
            **_track_columns("audio", preferences.audio),
            **_track_columns("subtitle", preferences.subtitles),
            "subtitles_off": preferences.subtitles_off,
            "volume": preferences.volume,
            "muted": preferences.muted,
            "subtitle_size": preferences.subtitle_size,
            "subtitle_background": preferences.subtitle_background,
        }
        async with self._connections.writing() as connection:
            await upsert(connection, player_preferences, row)


def _track_columns(kind: str, track: TrackChoice | None) -> dict[str, str | None]:
    language, name = (track.language, track.name) if track else (None, None)
    return {f"{kind}_language": language, f"{kind}_name": name}


def _track(language: str | None, name: str | None) -> TrackChoice | None:
    return None if language is None or name is None else TrackChoice(language, name)


def _preferences_from_row(row: Row[Any]) -> PlayerPreferences:
    return PlayerPreferences(
        audio=_track(row.audio_language, row.audio_name),
        subtitles=_track(row.subtitle_language, row.subtitle_name),
        subtitles_off=row.subtitles_off,
        volume=row.volume,
        muted=row.muted,
        subtitle_size=SubtitleSize(row.subtitle_size),
        subtitle_background=SubtitleBackground(row.subtitle_background),
    )
