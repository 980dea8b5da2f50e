"""The live channel as one plugin has it: its own topics, and those of films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.topics import may_tell

if TYPE_CHECKING:
    from wylloh_server.domain.types import Wallet
    from wylloh_server.hooks.context import PluginLive


class OwnTopics:
    """Implements `hooks.context.PluginLive` for one plugin, over the server's channel."""

    def __init__(self, plugin: str, channel: PluginLive) -> None:
        self._plugin = plugin
        self._channel = channel

    def changed(self, *topics: str, wallet: Wallet | None = None) -> None:
        """Tell every open page, or only those of one wallet. Never blocks.

        Raises:
            PluginError: a topic belongs to somebody else; then nothing is told.
        """
        for topic in topics:
            if not may_tell(self._plugin, topic):
                own = f"plugin:{self._plugin}"
                raise PluginError(
                    f"{self._plugin} may not tell of the topic {topic!r}.",
                    fix=f"Use {own}, {own}:<anything> or film:<id>.",
                )
        self._channel.changed(*topics, wallet=wallet)

    def notify(self, wallet: Wallet, sentence: str, link: str = "") -> None:
        """Show a sentence on the open pages of a wallet."""
        self._channel.notify(wallet, sentence, link)
