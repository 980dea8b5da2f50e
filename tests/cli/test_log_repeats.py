"""A flood of log lines is counted instead of written."""

from __future__ import annotations

import logging

import pytest

from wylloh_server.cli.log_repeats import RepeatLimiter


class Written(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@pytest.fixture
def written():
    return Written()


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def log(written, now):
    limiter = RepeatLimiter([written], lambda: now[0])
    log = logging.Logger("flooded")
    log.addHandler(limiter)
    yield log
    limiter.close()


def test_12_11_lines_of_one_kind_are_counted_after_sixty_a_minute(log, written, now):
    for number in range(1000):
        log.warning("cannot read %s", f"film {number}")
        if number % 100 == 0:
            log.info("a scan ended")
    assert len([line for line in written.lines if line.startswith("cannot read")]) == 60
    assert written.lines.count("a scan ended") == 10, "others are not held up"
    now[0] = 61.0
    log.info("a scan ended")
    assert written.lines[-2:] == [
        "940 more lines like this within a minute were not written: cannot read %s",
        "a scan ended",
    ]
    log.warning("cannot read %s", "one more")
    assert written.lines[-1] == "cannot read one more", "and a new minute begins"


def test_12_11_requests_are_counted_for_each_home(log, written):
    for number in range(5000):
        log.info({"event": "request", "path": f"/{number}", "address": "192.0.2.1"})
    log.info({"event": "request", "path": "/", "address": "192.0.2.2"})
    assert len(written.lines) == 601
    assert "192.0.2.2" in written.lines[-1]


def test_12_11_the_addresses_of_one_home_are_counted_together(log, written):
    """Who has a /64 of IPv6 may send each request from another address."""
    for number in range(5000):
        log.info({"event": "request", "path": "/", "address": f"2001:db8::{number:x}"})
    assert len(written.lines) == 600


def test_what_was_counted_is_said_at_the_end(written, now):
    limiter = RepeatLimiter([written], lambda: now[0])
    log = logging.Logger("flooded")
    log.addHandler(limiter)
    for _ in range(61):
        log.error("no")
    limiter.close()
    assert written.lines[-1] == "1 more lines like this within a minute were not written: no"


def test_kinds_are_bounded(log):
    (limiter,) = log.handlers
    for number in range(10_000):
        log.info(f"line {number}")
    assert len(limiter._kinds) <= 2000
