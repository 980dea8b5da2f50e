"""What may stand on a film's card, which is itself a link: text and pictures, nothing that can be pressed."""

from __future__ import annotations

import re

from wylloh_server.domain.errors import PluginError

_PRESSED = re.compile(
    r"<(a|area|audio|button|details|embed|form|iframe|input|label|object|script|select|textarea|video)\b",
    re.IGNORECASE,
)


def check_card(text: str) -> str:
    """Return what was drawn for a card.

    Raises:
        PluginError: it holds a link, a button, a form or the like.
    """
    if found := _PRESSED.search(text):
        raise PluginError(
            f"What stands on a card may hold no <{found[1].lower()}>: the card is a link already",
            fix="Draw text, and put what can be pressed on the film's page.",
        )
    return text
