"""Quiet hours: the role `viewer` starts no film then. What plays already plays on."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import TYPE_CHECKING

from wylloh_server.sdk import DeviceKind, InvalidValue, Role, Verdict, Vote, quote_input

if TYPE_CHECKING:
    from wylloh_server.sdk import AccessRequest, PluginContext

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def quiet_hours(context: PluginContext) -> tuple[time, time] | None:
    """Read the setting; None if there are no quiet hours.

    Raises:
        InvalidValue: it is something else than hours.
    """
    text = context.settings["quiet_hours"]
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    if found is None:
        raise InvalidValue(
            f"quiet_hours is {quote_input(text)}.", fix='Write it as "21:00-06:30", or leave it empty.'
        )
    begin, end = (time(int(found[at]), int(found[at + 1])) for at in (1, 3))
    return begin, end


def hours_text(hours: tuple[time, time]) -> str:
    """Write hours with the server's zone, in which they are: `between 21:00 and 06:30 (CET)`."""
    begin, end = hours
    return f"between {begin:%H:%M} and {end:%H:%M} ({datetime.now().astimezone():%Z})"


def is_quiet(hours: tuple[time, time], now: time) -> bool:
    """Whether a time of day lies in hours, which may go past midnight."""
    begin, end = hours
    return begin <= now < end if begin <= end else now >= begin or now < end


def vote(context: PluginContext, request: AccessRequest, now: time | None = None) -> Vote | None:
    """Deny the start of a film in quiet hours to the role `viewer`; on TVs only if the settings say so."""
    hours = quiet_hours(context)
    if hours is None or request.renewal or request.viewer.role is not Role.VIEWER:
        return None
    if request.device is DeviceKind.TV and not context.settings["quiet_on_tvs"]:
        return None
    if not is_quiet(hours, now or datetime.now().astimezone().time()):
        return None
    return Vote(Verdict.DENY, f"No film starts here {hours_text(hours)}.")
