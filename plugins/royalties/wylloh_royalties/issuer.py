"""Who issues statements: whom the setting names, or else this server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, Setting, quote_input

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext

_MOST_LINES, _LONGEST = 8, 100
ISSUER = Setting("issuer", tuple, (), "Who issues statements: name, then address. Empty: this server.")


def check_issuer(context: PluginContext) -> None:
    """Check the setting.

    Raises:
        InvalidValue: it has too many lines, or one that is too long, empty or cannot be printed.
    """
    lines = context.settings["issuer"]
    if len(lines) > _MOST_LINES:
        raise InvalidValue(
            f"issuer has {len(lines)} lines.", fix=f"Write name and address in {_MOST_LINES} at most."
        )
    for line in lines:
        if not line.strip() or len(line) > _LONGEST or not line.isprintable():
            raise InvalidValue(
                f"issuer has the line {quote_input(line)}.",
                fix=f"Write 1 to {_LONGEST} letters into each line.",
            )


def issuer_lines(context: PluginContext, host: str) -> tuple[str, ...]:
    """Return the lines that say who issues a statement, the name first.

    Args:
        context: the plugin's; it has the setting, and the server's own name and address.
        host: by which the server was asked; said where the server's address is not in the settings.
    """
    named: tuple[str, ...] = context.settings["issuer"]
    server = context.server
    return named or tuple(filter(None, (server.name, server.url or host)))
