from __future__ import annotations

import pytest

from wylloh_server.app.plugin_processes import isolation_of
from wylloh_server.config import Settings
from wylloh_server.plugins.loading import Candidate

STORE = ("store", "wylloh_store")
SETTINGS = {"store": "process", "mine": "thread"}


@pytest.mark.parametrize(
    ("plugin", "isolation", "expected"),
    [
        (STORE, {}, "thread"),
        (STORE, SETTINGS, "process"),
        (("store", "somebody_elses_store"), {}, "process"),
        (("mine", "wylloh_store"), {}, "process"),
        (("mine", "wylloh_mine"), {}, "process"),
        (("mine", "wylloh_mine"), SETTINGS, "thread"),
    ],
)
def test_12_10_what_does_not_come_with_the_server_runs_apart_unless_the_settings_say_otherwise(
    plugin, isolation, expected
):
    name, module = plugin
    candidate = Candidate(name, "1", module, module, None, lambda: pytest.fail("imported"))
    assert isolation_of(Settings(plugins={"isolation": isolation}), candidate) == expected
