from __future__ import annotations

import time

from wylloh_server.adapters.system_clock import system_clock


def test_the_clock_agrees_with_the_operating_system():
    before = time.time()
    now = system_clock()
    assert before <= now <= time.time()
