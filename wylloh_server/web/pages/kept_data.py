"""What this server keeps about people, as the page About says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.services.operations.recent_log import MOST_LINES

if TYPE_CHECKING:
    from wylloh_server.config import Settings


@dataclass(frozen=True, slots=True)
class KeptData:
    """Something this server keeps about people."""

    what: str
    where: str
    how_long: str


def kept_data(settings: Settings) -> tuple[KeptData, ...]:
    """Return what is kept about people, as it follows from the settings."""
    here, sessions = "In this server's database.", settings.sessions
    receipts = settings.playback.receipt_days
    devices = (
        f"Until you sign out; a browser {sessions.browser_days:g} days at most, a TV {sessions.tv_days:g}."
    )
    return (
        KeptData("The address, role and name of your account", here, "Until the owner removes your account."),
        KeptData("Your devices: name, network address, when last used", here, devices),
        KeptData("How far you have watched", here, "Until the owner removes your account."),
        KeptData("What you chose in the player", here, "Until the owner removes your account."),
        KeptData(
            "What you noted yourself: groups of tokens, names of addresses, own collections, and your "
            "history where the household keeps one",
            here,
            "Until you delete it, or the owner removes your account.",
        ),
        KeptData("Receipts of who was let in to which film, and why", here, f"{receipts:g} days."),
        KeptData(
            "The log: which network address asked for which page",
            "In this server's memory, and wherever its owner sends its output.",
            f"The last {MOST_LINES} lines, and as many warnings, until the server starts again.",
        ),
        KeptData(
            "Keys of your films and the licences for them",
            "Sealed, in this server's data folder.",
            "Until 30 days after the last licence ran out, longer only while somebody here holds the film.",
        ),
        KeptData(
            "What you hold, bought and sold",
            "On a public chain, for everybody to read; this server keeps a copy.",
            "For good: nobody can delete it there.",
        ),
        KeptData(
            "What leaves this server",
            "Nodes of the chain are asked about your wallet, custodians for your keys, gateways for films.",
            "Those who run them may note it.",
        ),
    )
