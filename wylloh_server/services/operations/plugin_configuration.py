"""Switches plugins on and off and changes their settings: tried by a start of the plugin, written down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, NotFound, SettingsError
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.domain.plugin_settings import read_settings
from wylloh_server.domain.quotation import quote_input

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wylloh_server.domain.plugin_record import PluginRecord
    from wylloh_server.domain.plugin_settings import Setting, SettingValue
    from wylloh_server.plugins.plugin_registry import PluginRegistry
    from wylloh_server.plugins.state import Plugin


@dataclass(kw_only=True, eq=False)
class PluginConfiguration:
    """Changes settings of plugins.

    Attributes:
        check: raises SettingsError if a plugin's settings cannot be written down.
        save: writes settings of a plugin where the server finds them at its next start; last, whether one of
            them is a secret, which others may not read there.
        save_off: writes down there whether a plugin is off.
    """

    registry: PluginRegistry
    check: Callable[[str], object]
    save: Callable[[str, Mapping[str, SettingValue], bool], object]
    save_off: Callable[[str, bool], object]
    _changing: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def change(self, name: str, sent: Mapping[str, str]) -> PluginRecord:
        """Start a plugin with the settings of a form, and write down those that differ.

        Args:
            name: the plugin's name.
            sent: texts by the name of the setting. A bool that is missing is false; an empty secret, and
                everything else that is missing, stays as it is, even if it cannot be read. A secret for which
                there is a text `<name>.remove` gets its default, which is usually none.

        Raises:
            NotFound: there is no such plugin.
            InvalidValue: a value does not fit, the settings cannot be written down, or the plugin does not
                start with them. What ran before goes on.
        """
        async with self._changing:
            plugin = self._plugin(name)
            try:
                self.check(name)
                changed = _changed(plugin, sent)
                if not changed and plugin.status in {PluginStatus.RUNNING, PluginStatus.DISABLED}:
                    return plugin.record()
                return await self._try(plugin, changed)
            except SettingsError as error:
                raise InvalidValue(str(error), fix=error.fix) from error

    async def switch_on(self, name: str) -> tuple[PluginRecord, str]:
        """Start a plugin that is off, or does not run; or load one that runs again.

        Return its record, and why it will be off at the next start of the server; empty if it stays on.

        Raises:
            NotFound: there is no such plugin.
            InvalidValue: it does not start; one that was off stays off.
        """
        async with self._changing:
            was_off = self._plugin_named(name).status is PluginStatus.DISABLED
            record = await self.registry.restart(name)
            return record, await self._save_off(name, off=False) if was_off else ""

    async def switch_off(self, name: str) -> PluginRecord:
        """Stop a plugin and leave it out, also at the next start if that can be written down.

        Raises:
            NotFound: there is no such plugin.
            InvalidValue: it is off, or is being loaded.
        """
        async with self._changing:
            await self.registry.disable(name, "Switched off.")
            if why := await self._save_off(name, off=True):
                self._plugin_named(name).reason = f"Switched off until the server starts again. {why}"
            return self._plugin_named(name).record()

    async def _save_off(self, name: str, *, off: bool) -> str:
        """Write down whether a plugin is off; return why that was not possible, or nothing."""
        try:
            await asyncio.to_thread(self.save_off, name, off)
        except SettingsError as error:
            return error.explained
        except OSError as error:
            return f"The settings cannot be written: {error.strerror}."
        return ""

    async def _try(self, plugin: Plugin, changed: Mapping[str, SettingValue]) -> PluginRecord:
        before = plugin.given
        secret = any(one.secret and changed.get(one.name) for one in plugin.declared.settings)
        record = await self.registry.restart(plugin.name, {**before, **changed})
        try:
            if changed and record.status is PluginStatus.RUNNING:
                await asyncio.to_thread(self.save, plugin.name, changed, secret)
        except Exception as error:  # whatever it was: what is not written down does not stay in force
            await self.registry.restart(plugin.name, before)
            if isinstance(error, OSError):
                raise SettingsError(f"The settings cannot be written: {error.strerror}.") from error
            raise
        if record.status is not PluginStatus.RUNNING:
            await self.registry.restart(plugin.name, before)
            raise InvalidValue(f"{plugin.name} does not start with these settings. {record.reason}")
        return record

    def _plugin_named(self, name: str) -> Plugin:
        found = self.registry.plugin(name)
        if found is None:
            raise NotFound(f"There is no plugin {quote_input(name)} here.", fix="Go back to Admin.")
        return found

    def _plugin(self, name: str) -> Plugin:
        found = self._plugin_named(name)
        if not found.declared.settings:
            raise NotFound(f"There is no plugin {found.name} with settings here.", fix="Go back to Admin.")
        return found


def _changed(plugin: Plugin, sent: Mapping[str, str]) -> dict[str, SettingValue]:
    """Return the settings that a form changes. What a plugin was given counts, also if it does not run."""
    now, _ = read_settings(plugin.declared.settings, plugin.given)
    found = {one.name: _sent(one, sent) for one in plugin.declared.settings}
    return {name: value for name, value in found.items() if value is not None and value != now.get(name)}


def _sent(setting: Setting, sent: Mapping[str, str]) -> SettingValue | None:
    """Return what a form says of a setting; None if it says nothing."""
    text = sent.get(setting.name)
    if setting.secret and f"{setting.name}.remove" in sent:
        if text:
            raise InvalidValue(
                f"{setting.name} is to be removed and has a new value.", fix="Choose one of the two."
            )
        return setting.default
    if setting.type is bool:
        return setting.parse(text if text is not None else False)
    if text is None or (setting.secret and not text):
        return None
    if setting.type is tuple:
        return setting.parse([line.strip() for line in text.splitlines() if line.strip()])
    return setting.parse(text)
