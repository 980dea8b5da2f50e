"""What a request to one of the plugin's pages is about: who, which splitter, which lines of a form."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, InvalidValue, Refusal, Route, wallet_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from wylloh_server.sdk import PluginContext, PluginRequest, Reply, Viewer, Wallet

    Handler = Callable[[PluginContext, PluginRequest], Coroutine[Any, Any, Reply]]


def get(path: str, handler: Handler) -> Route:
    """Make a route that shows something."""
    return Route("GET", path, _patient(handler))


def post(path: str, handler: Handler) -> Route:
    """Make a route that takes a form."""
    return Route("POST", path, _patient(handler))


def viewer_of(request: PluginRequest) -> Viewer:
    """Give who asks; the routes let in nobody who is not signed in."""
    if request.viewer is None:
        raise InvalidValue("Please sign in first.", fix="Sign in with your wallet.")
    return request.viewer


def splitter_in(request: PluginRequest) -> Wallet:
    """Read the splitter in the address."""
    return wallet_of(request.params["splitter"])


def texts_in(request: PluginRequest, name: str) -> list[str]:
    """Give all texts of a form under one name, in their order."""
    found = request.form.get(name, ())
    return [found] if isinstance(found, str) else list(found)


def _patient(handler: Handler) -> Handler:
    """Answer with a sentence when the chain cannot be asked: that is nobody's mistake."""

    @wraps(handler)
    async def answer(context: PluginContext, request: PluginRequest) -> Reply:
        try:
            return await handler(context, request)
        except ChainError as error:
            return Refusal(503, f"The chain cannot be asked: {error}", error.fix or "Try again in a minute.")

    return answer
