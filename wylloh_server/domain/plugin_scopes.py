"""What a plugin may do with services that all plugins share: always in its own name, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.topics import may_tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.task import TaskId
    from wylloh_server.domain.transaction import Proposal, TransactionId
    from wylloh_server.domain.types import Wallet


@dataclass(frozen=True, slots=True)
class ScopedTransactions:
    """Transactions for the viewer's own wallet. The server prepares them; only the wallet signs."""

    _plugin: str
    _propose: Callable[[Viewer, Proposal, str], Awaitable[TransactionId]]

    async def propose(self, viewer: Viewer, proposal: Proposal) -> TransactionId:
        """Simulate the proposal's first call and keep the proposal; redirect to `/transactions/<id>`.

        Raises:
            InvalidValue: the contracts would revert it (with the message of `refusals`, if there is one).
            ChainError: the chain cannot be reached.
            PluginError: it names a live topic of somebody else.
        """
        _check_topics(self._plugin, proposal.topics)
        return await self._propose(viewer, proposal, self._plugin)


@dataclass(frozen=True, slots=True)
class ScopedTasks:
    """Background tasks of the kinds the plugin has declared."""

    _plugin: str
    _kinds: Collection[str]
    _start: Callable[[str, str, Mapping[str, Any], Wallet | None], Awaitable[TaskId]]

    async def start(
        self, kind: str, title: str, arguments: Mapping[str, Any], viewer: Viewer | None = None
    ) -> TaskId:
        """Start a task, shown on `/tasks`. `arguments` must be JSON and is stored with it.

        Raises:
            PluginError: the plugin has not declared this kind, or the arguments are not JSON.
        """
        if kind not in self._kinds:
            raise PluginError(
                f"{self._plugin} has not declared the task {kind!r}.",
                fix="Return it from the hook background_tasks.",
            )
        wallet = viewer.wallet if viewer else None
        return await self._start(f"{self._plugin}.{kind}", title, arguments, wallet)


@dataclass(frozen=True, slots=True)
class ScopedTopics:
    """Notify open pages of changes, so that they update without a reload.

    An element `<section id="stack" data-live="film:<id> plugin:store">` is fetched again when one of its
    topics changes.
    """

    _plugin: str
    _changed: Callable[..., None]
    _notify: Callable[..., None]

    def notify(self, wallet: Wallet, sentence: str, link: str = "") -> None:
        """Show a sentence, with an optional link, on the open pages of a wallet.

        What a form's handler tells shows on the page that its `Redirect` leads to.
        """
        self._notify(wallet, sentence, link)

    def changed(self, *topics: str, wallet: Wallet | None = None) -> None:
        """Notify every open page, or only those of one wallet. Never blocks.

        Raises:
            PluginError: a topic belongs to somebody else; then nothing is sent.
        """
        _check_topics(self._plugin, topics)
        self._changed(*topics, wallet=wallet)


def _check_topics(plugin: str, topics: Sequence[str]) -> None:
    for topic in topics:
        if not may_tell(plugin, topic):
            raise PluginError(
                f"{plugin} may not tell of the topic {topic!r}.",
                fix=f"Use plugin:{plugin}, plugin:{plugin}:<anything> or film:<id>.",
            )
