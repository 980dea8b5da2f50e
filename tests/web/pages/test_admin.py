"""The admin page's sentences."""

from __future__ import annotations

import pytest

from wylloh_server.hooks.records import PluginRecord, PluginStatus
from wylloh_server.services.health import Check
from wylloh_server.web.pages.admin import headline, plugin_line

FINE, ILL = Check("Disk", ok=True, sentence="Fine."), Check("Chain", ok=False, sentence="Away.", fix="Wait.")


@pytest.mark.parametrize(
    ("checks", "sentence"),
    [
        ([FINE], "Everything works."),
        ([FINE, ILL], "One thing needs you."),
        ([ILL, ILL], "Two things need you."),
        ([ILL] * 12, "12 things need you."),
    ],
)
def test_the_headline_says_whether_somebody_is_needed(checks, sentence):
    assert headline(checks) == sentence


def record(status, reason="", **rest):
    return PluginRecord("store", "1.0", status, reason, "wylloh_store", **rest)


def test_a_plugin_tells_how_it_is():
    assert plugin_line(record(PluginStatus.RUNNING)).sentence == "Running."
    failed = plugin_line(record(PluginStatus.FAILED, "It raised ImportError."))
    assert (failed.failed, failed.mark, failed.sentence) == (True, "!", "It raised ImportError.")


def test_a_plugin_that_does_not_run_needs_somebody_too():
    lines = [plugin_line(record(status)) for status in PluginStatus]
    assert headline([], lines) == "Two things need you."
    assert headline([ILL], lines) == "Three things need you."


def test_a_stopped_plugin_says_why():
    line = plugin_line(record(PluginStatus.STOPPED, "It hangs: nav_items took too long."))
    assert (line.failed, line.mark) == (True, "!")
    assert line.sentence == "It was stopped. It hangs: nav_items took too long."


def test_a_running_plugin_s_troubles_are_counted():
    line = plugin_line(record(PluginStatus.RUNNING, errors=3, last_error="hook: KeyError", dropped=2))
    assert "Errors so far: 3. The last one: hook: KeyError" in line.sentence
    assert "too slow to hear: 2" in line.sentence
