"""The settings of one plugin, as a form for the owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.plugin_settings import read_settings
from wylloh_server.web.app_keys import PLUGINS
from wylloh_server.web.session import require_role
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.plugin_settings import Setting

_KINDS: dict[type, str] = {bool: "flag", int: "number", float: "number", str: "text", tuple: "lines"}


@dataclass(frozen=True, slots=True)
class SettingField:
    """A field of the form.

    Attributes:
        kind: how it is filled in: `flag`, `choice`, `secret`, `number`, `text` or `lines`.
        text: what it is now; empty for a secret, which is shown to nobody.
        is_set: whether it is anything but empty.
        wrong: why the value that was given for it cannot be taken; empty if it can.
    """

    setting: Setting
    kind: str
    text: str
    is_set: bool
    wrong: str = ""


async def plugin_settings(request: web.Request) -> web.Response:
    """Show what a plugin can be set to. Only the owner may."""
    require_role(request, Role.OWNER)
    plugin = request.app[PLUGINS].plugin(request.match_info["plugin"])
    if plugin is None or not plugin.declared.settings:
        raise NotFound("There is no plugin with settings of that name.", fix="Go back to Admin.")
    values, wrong = read_settings(plugin.declared.settings, plugin.given)
    fields = [
        _field(one, values.get(one.name, plugin.given.get(one.name)), wrong.get(one.name, ""))
        for one in plugin.declared.settings
    ]
    return await render(request, "plugin_settings.html", plugin=plugin.record(), fields=fields)


def _field(setting: Setting, value: object, wrong: str) -> SettingField:
    """Return the field of a setting with the value that it has, or that it was given if that is wrong."""
    kind = "secret" if setting.secret else "choice" if setting.choices else _KINDS[setting.type]
    text = "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return SettingField(
        setting, kind, "" if setting.secret else text, bool(setting.default if wrong else value), wrong
    )
