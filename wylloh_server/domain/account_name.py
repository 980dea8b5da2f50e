"""What an account is called: a name that people chose, beside the address of its wallet."""

from __future__ import annotations

from wylloh_server.domain.errors import InvalidValue

LONGEST_ACCOUNT_NAME = 40
"""Characters."""


def checked_account_name(text: str) -> str:
    """Return a name as it is kept, without spaces around it; an empty one takes the name away.

    Raises:
        InvalidValue: it is too long, or has characters that cannot be seen.
    """
    name = " ".join(text.split())
    if len(name) > LONGEST_ACCOUNT_NAME:
        raise InvalidValue("This name is too long.", fix=f"Use {LONGEST_ACCOUNT_NAME} characters at most.")
    if not name.isprintable():
        raise InvalidValue("This name has characters that cannot be seen.", fix="Type it with letters.")
    return name
