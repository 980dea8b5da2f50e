"""What a request to a plugin holds: who sent it, texts of its form, the number of a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.plugin_pages import Redirect

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.plugin_pages import PluginRequest
    from wylloh_server.domain.transaction import Proposal
    from wylloh_server.plugins.context import PluginContext

_NUMBER = re.compile(r"[0-9]{1,78}")


def require_viewer(request: PluginRequest) -> Viewer:
    """Return who sent a request. Raises InvalidValue if nobody is signed in."""
    if request.viewer is None:
        raise InvalidValue("Please sign in first.", fix="Sign in with your wallet.")
    return request.viewer


def form_texts(request: PluginRequest, name: str) -> list[str]:
    """Return all texts that a form has under one name, in order."""
    found = request.form.get(name, ())
    return [found] if isinstance(found, str) else list(found)


def page_number(request: PluginRequest, pages: int, name: str = "page") -> int:
    """Return the page that a query asks for: from 1, the default, to the number of pages."""
    text = request.query.get(name, "")
    return max(1, min(int(text), pages)) if _NUMBER.fullmatch(text) else 1


def page_count(total: int, size: int) -> int:
    """Return how many pages of a size there are; at least 1."""
    return max(1, -(-total // size))


async def redirect_to_wallet(context: PluginContext, viewer: Viewer, proposal: Proposal) -> Redirect:
    """Propose a transaction and redirect to the page on which the wallet is asked.

    Raises as `ScopedTransactions.propose`.
    """
    return Redirect(f"/transactions/{await context.transactions.propose(viewer, proposal)}")
