from __future__ import annotations

import json
import logging

from wylloh_server.services.operations.recent_log import RecentLog


def write(log, **fields):
    log.handle(logging.makeLogRecord({"msg": json.dumps(fields)}))


def test_51_the_log_keeps_the_last_lines_the_newest_first():
    log = RecentLog(most=3)
    for number in range(5):
        write(log, event=f"line {number}", level="info")
    assert [line.event for line in log.lines()] == ["line 4", "line 3", "line 2"]


def test_requests_do_not_push_warnings_and_errors_out():
    log = RecentLog(most=3)
    write(log, event="disk full", level="error")
    for number in range(3):
        write(log, event=f"request {number}", level="info")
    write(log, event="slow node", level="warning")
    write(log, event="request 3", level="info")
    assert [line.event for line in log.lines()] == [
        "request 3",
        "slow node",
        "request 2",
        "request 1",
        "disk full",
    ]


def test_51_lines_are_filtered_by_level_and_words():
    log = RecentLog()
    write(log, event="Fetched Light", level="info", logger="films")
    write(log, event="cannot fetch", level="warning", film="Light")
    write(log, event="it broke", level="error", exception="Traceback: LIGHT went out")
    write(log, event="strange", level="notice")

    def events(*which):
        return [line.event for line in log.lines(*which)]

    assert events("warning") == ["it broke", "cannot fetch"]
    assert events("error") == ["it broke"]
    assert events("debug", "light") == ["it broke", "cannot fetch", "Fetched Light"]
    assert events("debug", "fetch light") == ["cannot fetch", "Fetched Light"]
    assert events("warning", "nothing") == []
    assert events()[0] == "strange", "a level of somebody else's stands with the ordinary ones"


def test_51_a_line_takes_no_more_than_it_may_and_a_broken_one_breaks_nothing(monkeypatch):
    log = RecentLog()
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.handle(logging.makeLogRecord({"msg": "no JSON"}))
    write(log, event="x" * 50_000, level="info", more="y" * 50_000, exception="z" * 50_000)
    (line,) = log.lines()
    assert len(line.text) < 13_000
