"""What may be sent in a second, shared between those who fetch. The clock is the tests' own."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from wylloh_server.web.rate_limits import Payer
from wylloh_server.web.send_queue import SendQueue

RATE = 1_000
BLOCK = 1_000
HERE, OTHER = "2001:db8:1:1::1", "203.0.113.9"


class Sender:
    """A queue of 1,000 bytes a second, and what it let through: pairs of a second and an address."""

    def __init__(self):
        self.now, self.sent, self.alarms, self.tasks = 0.0, [], [], []
        self.queue = SendQueue(RATE, lambda: self.now, lambda wait, call: self.alarms.append((wait, call)))

    async def ask(self, address, size=BLOCK, gone=lambda: False):
        self.tasks.append(asyncio.create_task(self._ask(address, size, gone)))
        await asyncio.sleep(0)

    async def _ask(self, address, size, gone):
        with suppress(ConnectionResetError):
            await self.queue.turn(Payer(address), size, gone)
            self.sent.append((self.now, address))

    async def all_sent(self):
        for _ in range(1_000):
            for _ in range(3):
                await asyncio.sleep(0)
            if not self.alarms:
                return
            wait, call = self.alarms.pop()
            self.now += wait
            call()


@pytest.fixture
async def sender():
    sender = Sender()
    yield sender
    for task in sender.tasks:
        task.cancel()


async def test_all_together_are_sent_so_many_bytes_a_second(sender):
    for address in (HERE, OTHER, "198.51.100.1", HERE):
        await sender.ask(address)
    await sender.all_sent()
    assert [second for second, _ in sender.sent] == [0, 1, 2, 3]
    sender.now += 60
    sender.sent.clear()
    for _ in range(3):
        await sender.ask(OTHER, BLOCK // 2)
    await sender.all_sent()
    assert [second - 63 for second, _ in sender.sent] == [0, 0, 0], "a second of it at once"
    unlimited = SendQueue(0)
    await unlimited.turn(Payer(HERE), 1 << 40, lambda: False)
    assert unlimited.debt(Payer(HERE)) == 0


@pytest.mark.parametrize(
    "crowd", [[HERE] * 20, [f"2001:db8:1:{number:x}::1" for number in range(20)]], ids=["home", "site"]
)
async def test_one_customer_keeps_nobody_else_waiting_for_more_than_one_turn(sender, crowd):
    for address in crowd:
        await sender.ask(address)
    for _ in range(2):
        await sender.ask(OTHER)
    await sender.all_sent()
    turns = [number for number, (_, address) in enumerate(sender.sent) if address == OTHER]
    assert turns[0] <= 2
    assert turns[1] <= 4
    assert len(sender.sent) == 22


@pytest.mark.parametrize("newcomer", ["2001:db8:{:x}::1", "2001:db8:1:{:x}::1"], ids=["sites", "homes"])
async def test_those_who_come_new_all_the_time_starve_nobody(sender, newcomer):
    for _ in range(3):
        await sender.ask(HERE)
    for number in range(2, 20):
        await sender.ask(newcomer.format(number))
        wait, call = sender.alarms.pop()
        sender.now += wait
        call()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [address for _, address in sender.sent[:8]].count(HERE) == 3


async def test_homes_of_one_site_take_turns_and_small_pieces_do_not_cost_a_turn_each(sender):
    neighbour = "2001:db8:1:2::1"
    for _ in range(5):
        await sender.ask(HERE)
    for _ in range(20):
        await sender.ask(neighbour, BLOCK // 10)
    await sender.all_sent()
    seconds = [second for second, address in sender.sent if address == neighbour]
    assert max(seconds) <= 5, "two blocks' worth of small pieces, beside two blocks"
    assert sender.now >= 5, "the others went on after that"


async def test_requests_that_hung_up_cost_those_who_come_after_nothing(sender):
    here = [False]
    await sender.ask(HERE)
    for number in range(500):
        await sender.ask(f"2001:db8:{number:x}::1", 1 << 20, lambda: here[0])
    here[0] = True
    await sender.ask(OTHER)
    await sender.all_sent()
    assert sender.sent == [(0, HERE), (1, OTHER)]
    assert sender.queue._sites == {}, "nothing is kept of them"


async def test_who_is_cancelled_leaves_the_queue(sender):
    await sender.ask(HERE)
    await sender.ask(HERE)
    assert sender.queue.debt(Payer(HERE)) > 0
    sender.tasks[-1].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sender.queue.debt(Payer(HERE)) == 0
    await sender.all_sent()
    assert sender.sent == [(0, HERE)]


async def test_the_debt_of_a_home_is_the_time_until_its_turn(sender):
    await sender.ask(HERE)
    assert sender.queue.debt(Payer(HERE)) == 0, "it has been sent"
    for _ in range(3):
        await sender.ask(HERE)
    assert sender.queue.debt(Payer(HERE)) == pytest.approx(3 + sender.queue._free_at)
    assert sender.queue.debt(Payer(OTHER)) == 0
    for _ in range(9):
        await sender.ask(OTHER)
    assert sender.queue.debt(Payer(HERE)) == pytest.approx(6 + sender.queue._free_at), (
        "as much goes to others"
    )
    assert sender.queue.debt(Payer("2001:db8:1:2::1")) == 0, "a neighbour has a queue of its own"
