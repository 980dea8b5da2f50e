"""What each wallet chose in the player: languages, volume, and how subtitles look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "player_preferences",
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("audio_language", sa.String()),
        sa.Column("audio_name", sa.String()),
        sa.Column("subtitle_language", sa.String()),
        sa.Column("subtitle_name", sa.String()),
        sa.Column("subtitles_off", sa.Boolean(), nullable=False),
        sa.Column("volume", sa.Double(), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("subtitle_size", sa.String(), nullable=False),
        sa.Column("subtitle_background", sa.String(), nullable=False),
    )
