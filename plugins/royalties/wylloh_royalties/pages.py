"""The plugin's addresses, below `/plugins/royalties/`."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING

from wylloh_royalties.editing import change_recipients, make_splitter, new_splitter, recipients
from wylloh_royalties.film_income import own_films
from wylloh_royalties.overview import overview
from wylloh_royalties.payouts import distribute, withdraw
from wylloh_royalties.splitter_page import recipients_csv, splitter
from wylloh_royalties.statement_pages import statement, statement_csv, statement_pdf
from wylloh_server.sdk import ChainError, ErrorReply, PluginRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from wylloh_server.sdk import PluginContext, PluginRequest, Reply

    Handler = Callable[[PluginContext, PluginRequest], Coroutine[Any, Any, Reply]]


def _explain_chain_errors(handler: Handler) -> Handler:
    @wraps(handler)
    async def answer(context: PluginContext, request: PluginRequest) -> Reply:
        try:
            return await handler(context, request)
        except ChainError as error:
            return ErrorReply(
                503, f"The chain cannot be asked: {error}", error.fix or "Try again in a minute."
            )

    return answer


_ONE = "splitter/{splitter}"
_ROUTES = (
    PluginRoute("GET", "", overview),
    PluginRoute("GET", "films", own_films),
    PluginRoute("GET", "new", new_splitter),
    PluginRoute("POST", "new", make_splitter),
    PluginRoute("GET", _ONE, splitter),
    PluginRoute("GET", f"{_ONE}/recipients", recipients),
    PluginRoute("POST", f"{_ONE}/recipients", change_recipients),
    PluginRoute("GET", f"{_ONE}/recipients.csv", recipients_csv),
    PluginRoute("POST", f"{_ONE}/distribute", distribute),
    PluginRoute("POST", f"{_ONE}/withdraw", withdraw),
    PluginRoute("GET", f"{_ONE}/statement", statement),
    PluginRoute("GET", f"{_ONE}/statement.csv", statement_csv),
    PluginRoute("GET", f"{_ONE}/statement.pdf", statement_pdf),
)
ROUTES = tuple(replace(route, handler=_explain_chain_errors(route.handler)) for route in _ROUTES)
