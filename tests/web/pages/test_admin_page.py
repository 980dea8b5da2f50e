"""The admin page's sentences."""

from __future__ import annotations

import pytest

from wylloh_server.domain.plugin_record import PluginRecord, PluginStatus
from wylloh_server.services.operations.health import Check
from wylloh_server.web.pages.admin_page import headline, plugin_mark, plugin_message, refused_twins

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
    assert plugin_message(record(PluginStatus.RUNNING)) == "Running."
    notices = (("another", "Look there."), (record(PluginStatus.RUNNING).name, "Look here."))
    assert plugin_message(record(PluginStatus.RUNNING), notices) == "Running. Look here."
    failed = record(PluginStatus.FAILED, "It raised ImportError.")
    assert (plugin_mark(failed), plugin_message(failed)) == ("!", "It raised ImportError.")


def test_a_plugin_that_does_not_run_needs_somebody_too():
    lines = [record(status) for status in PluginStatus]
    assert headline([], lines) == "Two things need you."
    assert headline([ILL], lines) == "Three things need you."


def test_a_stopped_plugin_says_why():
    stopped = record(PluginStatus.STOPPED, "It hangs: nav_items took too long.")
    assert plugin_mark(stopped) == "!"
    assert plugin_message(stopped) == "It was stopped. It hangs: nav_items took too long."


def test_a_running_plugin_s_troubles_are_counted():
    told = plugin_message(
        record(PluginStatus.RUNNING, errors=3, last_error="hook: KeyError", lost={"its queue was full": 2})
    )
    assert "Errors so far: 3. The last one: hook: KeyError" in told
    assert "Events it did not hear, because its queue was full: 2." in told


def test_a_plugin_of_which_something_is_closed_needs_somebody_and_says_what():
    half = record(PluginStatus.RUNNING, closed=("POST /plugins/store/buy",))
    assert plugin_mark(half) == "!"
    assert "after failing again and again: POST /plugins/store/buy." in plugin_message(half)


def test_a_plugin_whose_new_code_was_not_taken_needs_somebody_and_says_why():
    told = "store goes on as it was: its new code was not taken. NameError: oops"
    behind = record(PluginStatus.RUNNING, not_taken=told)
    assert (plugin_mark(behind), plugin_message(behind)) == ("!", f"Running. {told}")


def test_nothing_is_done_to_a_running_plugin_by_the_line_of_its_refused_twin():
    running = PluginRecord("store", "1.0", PluginStatus.RUNNING, "", "wylloh_store")
    twin = PluginRecord(
        "store", "", PluginStatus.FAILED, "A plugin of this name …", "/srv/plugins/wylloh_store"
    )
    assert refused_twins([running, twin, record(PluginStatus.RUNNING)]) == {"/srv/plugins/wylloh_store"}
