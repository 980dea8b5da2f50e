"""Which tables somebody without a session can write to, and what bounds each of them."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import asdict, replace

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.fakes import FakeChain
from tests.web.conftest import STRANGER, TOKEN
from wylloh_server.domain.device_binding import (
    LONGEST_BINDING,
    BindingRevocation,
    DeviceBinding,
    revocation_json,
)
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ContentKey
from wylloh_server.web.app_keys import SERVICES

BOUNDS = {
    "accounts": "server.admit alone lets strangers have one: 1,000 new ones a day, deleted when unused "
    "(tests/storage/test_repositories.py::test_accounts_that_came_by_themselves_are_bounded_and_go_when_unused)",
    "bindings": "they go with the accounts, in the same test",
    "sessions": "50 a wallet, and they end "
    "(…::test_who_signs_in_again_and_again_leaves_a_bounded_number_of_sessions)",
    "binding_revocations": "51 a wallet and 100,000 of those that hold nothing, for 90 days "
    "(…::test_a_wallets_revocations_of_servers_that_it_made_up_are_bounded, "
    "tests/services/licensing/test_custodian.py::test_a_strangers_revocations_are_bounded_by_what_is_held_today)",
    "receipts": "1,000 refused wallets a day, for 30 days "
    "(…::test_wallets_that_anybody_makes_leave_a_bounded_number_of_rows)",
}
_WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)")
BODY = {
    "wallet": STRANGER,
    "code": "ABC234",
    "name": "x",
    "signature": "0x",
    "message": "Let me in.",
    "plugin": "x",
}


def asked_for(tables):
    """Leave out what a plugin writes as it follows the chain, whether anybody asks or not."""
    return {table for table in tables if not table.startswith("plugin_analytics_")}


@contextmanager
def written_tables():
    """Collect the tables that are written to until the context ends."""
    tables: set[str] = set()

    def note(_connection, _cursor, statement, *_):
        found = _WRITES.match(statement)
        if found:
            tables.add(found[1])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield tables
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
async def browser(open_server_under_test, open_browser):
    """A stranger's browser at a server with its bundled plugins that admits anyone and keeps a film's key."""
    server = await open_server_under_test(
        bundled=("tagging", "store", "royalties", "analytics"), server={"admit": "anyone"}
    )
    await server.app[SERVICES].custodian.film_keys.keep_as_custodian(TOKEN, ContentKey(bytes(32)))
    server.chain.ladders[TOKEN] = RightsLadder((Tier(1, "personal"),))
    return open_browser(server)


async def test_every_table_that_a_stranger_can_write_to_has_a_bound(browser):
    """Every route is asked with what might be taken, and those that take something with what they take."""
    app = browser.server_under_test.app
    with written_tables() as tables:
        for route in app.router.routes():
            if route.resource.canonical == "/api/live":
                continue  # it never ends, and keeps nothing
            address = re.sub(r"\{[^}]*\}", "x", route.resource.canonical)
            method = "GET" if route.method == "*" else route.method
            options = {"json": BODY} if method in {"POST", "PATCH", "PUT"} else {}
            headers = {"Origin": browser.server_under_test.origin}
            async with browser.client.request(method, address, headers=headers, **options) as response:
                await response.read()
        for _ in range(2):
            assert (await browser.post("/api/custody/envelope", _envelope_request(app))).status == 403
        assert (await browser.post("/api/custody/revocation", _revocation(app))).status == 200
        assert (await browser.sign_in(STRANGER)).status == 200
        message = (await (await browser.post("/api/binding/request")).json())["message"]
        signature = {"signature": FakeChain.sign(STRANGER, message)}
        assert (await browser.post("/api/binding", signature)).status == 200
    assert asked_for(tables) == BOUNDS.keys()


async def test_a_refused_wallet_leaves_one_row_a_day(browser):
    """However often it asks for a key that it may not have."""
    app = browser.server_under_test.app
    for _ in range(5):
        await browser.post("/api/custody/envelope", _envelope_request(app))
    (entry,) = await browser.server_under_test.storage.receipts.page(9)
    assert (entry.receipt.wallet, entry.count) == (STRANGER, 5)


def _revocation(app):
    custodian = app[SERVICES].custodian
    now, chain = int(custodian.clock()), custodian.chain
    unsigned = BindingRevocation(
        STRANGER, "ab" * 32, custodian.chain_id, "http://home.example", "a1" * 12, now
    )
    text = unsigned.text(chain.checksummed(STRANGER))
    return revocation_json(replace(unsigned, signature=chain.sign(STRANGER, text)))


def _envelope_request(app):
    chain = app[SERVICES].custodian.chain
    custodian = app[SERVICES].custodian
    now = int(custodian.clock())
    unsigned = DeviceBinding(
        STRANGER,
        custodian.server_keys.device_public,
        custodian.chain_id,
        "http://home.example",
        "a1" * 12,
        now,
        now + LONGEST_BINDING,
    )
    return {
        "token": str(TOKEN),
        "right": "personal",
        "territory": "",
        "binding": {
            **asdict(unsigned),
            "signature": chain.sign(STRANGER, unsigned.text(chain.checksummed(STRANGER))),
        },
    }
