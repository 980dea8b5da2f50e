"""RoyaltySplitter and its factory: what they divide, pay, announce and refuse, on a real chain."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from tests.components.evm import UINT256_MAX, ZERO
from tests.components.shares import divided, split_hash

ETHER = 10**18
SHARES = [5_000, 3_000, 2_000]
ROLES = ["director", "composer", ""]


def recipients_of(accounts, shares=SHARES, roles=ROLES):
    return list(zip(accounts, shares, roles, strict=True))


@pytest.fixture(scope="session")
def made(evm):
    """A coin and a factory."""
    evm.at("RoyaltySplitter", ZERO)  # so that what splitters announce at their creation can be read
    return evm.deploy("DemoDollar"), evm.deploy("RoyaltySplitterFactory")


@pytest.fixture
def coin(made, clean):
    return made[0]


@pytest.fixture
def factory(made, clean):
    return made[1]


@pytest.fixture
def people(evm):
    return evm.accounts[1:4]


@pytest.fixture
def stranger(evm):
    return evm.accounts[8]


@pytest.fixture
def owner(evm):
    return evm.accounts[0]


@pytest.fixture
def splitter(evm, factory, coin, people, owner):
    """Half, three tenths and two tenths; the coin is known."""
    return created(evm, factory.create(owner, recipients_of(people), [coin.address]))


def created(evm, receipt):
    (address,) = [event.values["splitter"] for event in receipt.events if event.name == "SplitterCreated"]
    return evm.at("RoyaltySplitter", address)


class TestCreating:
    def test_it_reads_back_and_is_announced(self, evm, factory, coin, people, owner, stranger):
        receipt = factory.create(owner, recipients_of(people), [coin.address], by=stranger)
        splitter = created(evm, receipt)
        assert [event.name for event in receipt.events if event.address != factory.address] == [
            "OwnershipTransferred",
            "SplitUpdated",
            "RolesChanged",
        ]
        assert receipt.events[0].values == {"splitter": splitter.address, "owner": owner}
        assert splitter.owner() == owner
        assert splitter.recipients() == tuple(recipients_of(people))
        assert splitter.coins() == (coin.address,)
        (updated,) = [event for event in receipt.events if event.name == "SplitUpdated"]
        assert updated.values["split"] == (tuple(people), tuple(SHARES), 10_000, 0)
        (roles,) = [event for event in receipt.events if event.name == "RolesChanged"]
        assert roles.values["roles"] == tuple(ROLES)

    def test_tools_for_0xsplits_can_read_it(self, evm, splitter, people):
        assert splitter.splitHash() == split_hash(people, SHARES)
        topic = keccak(text="SplitUpdated((address[],uint256[],uint256,uint16))")
        logs = evm.rpc(
            "eth_getLogs",
            {"address": splitter.address, "topics": ["0x" + topic.hex()], "fromBlock": "0x0"},
        )
        assert keccak(bytes.fromhex(logs[-1]["data"][2:])) == splitter.splitHash()

    def test_the_same_twice_are_two(self, evm, factory, coin, people, owner):
        first, second = (
            created(evm, factory.create(owner, recipients_of(people), [coin.address])) for _ in range(2)
        )
        assert first.address != second.address

    def test_the_address_depends_on_the_contents_alone(self, evm, factory, people, owner, stranger):
        snapshot = evm.snapshot()
        first = created(evm, factory.create(owner, recipients_of(people), []))
        evm.revert(snapshot)
        other = created(evm, factory.create(stranger, recipients_of(people), [], by=stranger))
        again = created(evm, factory.create(owner, recipients_of(people), [], by=stranger))
        assert again.address == first.address != other.address

    def test_fifty_recipients_fit_and_fifty_one_do_not(self, evm, factory, coin, owner, refuses):
        crowd = [("0x" + f"{n:040x}", 200, "r" * 64) for n in range(1, 51)]
        splitter = created(evm, factory.create(owner, crowd, [coin.address]))
        assert splitter.recipients() == tuple(crowd)
        with refuses("TooManyRecipients", 51):
            factory.create(owner, [*crowd, (owner, 1, "")], [])

    def test_recipients_that_make_no_sense(self, factory, people, owner, refuses):
        one, two, _ = people
        for recipients, *error in [
            ([], "NoRecipients"),
            ([(one, 9_999, "")], "SharesNotWhole", 9_999),
            ([(one, 10_001, "")], "SharesNotWhole", 10_001),
            ([(one, 65_535, ""), (two, 65_535, "")], "SharesNotWhole", 131_070),
            ([(one, 10_000, ""), (two, 0, "")], "BadRecipient", 1),
            ([(ZERO, 5_000, ""), (two, 5_000, "")], "BadRecipient", 0),
            ([(one, 10_000, "r" * 65)], "BadRecipient", 0),
            ([(one, 5_000, ""), (two, 1, ""), (one, 4_999, "")], "DuplicateRecipient", one),
        ]:
            with refuses(*error):
                factory.create(owner, recipients, [])

    def test_coins_that_make_no_sense(self, evm, factory, coin, people, owner, stranger, refuses):
        for nothing in (stranger, factory.address):
            with refuses("BadCoin", nothing):
                factory.create(owner, recipients_of(people), [nothing])
        with refuses("TooManyCoins", 9):
            factory.create(owner, recipients_of(people), [coin.address] * 9)
        with refuses("OwnableInvalidOwner", ZERO):
            factory.create(ZERO, recipients_of(people), [])
        repeated = [coin.address, ZERO, coin.address]
        assert created(evm, factory.create(owner, recipients_of(people), repeated)).coins() == (coin.address,)


class TestDistributing:
    def test_what_came_in_is_set_aside_to_the_last_unit(self, splitter, coin, people, stranger):
        coin.mint(splitter, 1_003)
        assert splitter.pending(coin) == 1_003
        receipt = splitter.distribute(coin, by=stranger)
        parts = [501, 301, 201]
        assert [splitter.owed(person, coin) for person in people] == parts
        assert receipt.of(splitter) == [
            ("Distributed", {"coin": coin.address, "amount": 1_003}),
            *(
                ("Credited", {"recipient": person, "coin": coin.address, "amount": part})
                for person, part in zip(people, parts, strict=True)
            ),
        ]
        assert (splitter.pending(coin), coin.balanceOf(splitter)) == (0, 1_003)

    @pytest.mark.parametrize(
        ("amount", "shares", "parts"),
        [
            (1, [5_000, 3_000, 2_000], [1, 0, 0]),
            (1, [3_333, 3_334, 3_333], [0, 1, 0]),
            (2, [3_333, 3_334, 3_333], [1, 1, 0]),
            (100, [3_333, 3_333, 3_334], [33, 33, 34]),
            (7, [2_500, 2_500, 5_000], [2, 2, 3]),
            (3, [1, 1, 9_998], [0, 0, 3]),
            (UINT256_MAX, [3_333, 3_333, 3_334], divided(UINT256_MAX, [3_333, 3_333, 3_334])),
            (UINT256_MAX, [1, 9_998, 1], divided(UINT256_MAX, [1, 9_998, 1])),
        ],
    )
    def test_left_over_units_go_to_the_largest_remainders(
        self, evm, factory, people, owner, amount, shares, parts
    ):
        recipients = recipients_of(people, shares)
        coin = evm.deploy("DemoDollar")
        splitter = created(evm, factory.create(owner, recipients, [coin.address]))
        coin.mint(splitter, amount)
        splitter.distribute(coin)
        owed = [splitter.owed(person, coin) for person in people]
        assert owed == divided(amount, shares) == parts
        assert sum(owed) == amount

    def test_the_native_coin_too(self, evm, splitter, people, stranger):
        evm.send(splitter.address, value=7, by=stranger)
        assert splitter.pending(ZERO) == 7
        splitter.distribute(ZERO, by=stranger)
        assert [splitter.owed(person, ZERO) for person in people] == [4, 2, 1]
        assert ZERO not in splitter.coins()
        evm.send(splitter.address, value=5, by=stranger)
        assert splitter.pending(ZERO) == 5

    def test_a_payment_with_the_smallest_gas_allowance_arrives(self, evm, splitter, stranger):
        """Contracts that pay with `transfer` leave 2,300 gas for the receiver."""
        receipt = evm.send(splitter.address, value=1, by=stranger)
        assert receipt.gas <= 21_000 + 2_300

    def test_nothing_is_nothing(self, splitter, coin, stranger):
        assert splitter.distribute(coin, by=stranger).of(splitter) == []

    def test_a_coin_becomes_known_by_insiders_only(self, evm, splitter, people, owner, stranger):
        coins = [evm.deploy("NoPermitCoin") for _ in range(3)]
        for coin, who in zip(coins, (stranger, owner, people[2]), strict=True):
            coin.mint(splitter, 10)
            splitter.distribute(coin, by=who)
            assert splitter.owed(people[0], coin) == 5
        assert splitter.coins()[1:] == (coins[1].address, coins[2].address)

    def test_the_list_of_coins_is_bounded_and_can_be_cleaned(self, evm, splitter, coin, owner, people):
        coins = [evm.deploy("NoPermitCoin") for _ in range(8)]
        for one in coins:
            one.mint(splitter, 10)
            splitter.distribute(one)
            assert splitter.owed(people[0], one) == 5
        known = splitter.coins()
        assert (len(known), coins[-1].address in known) == (8, False)
        splitter.forget(coins[3])
        splitter.forget(coins[3])
        splitter.forget(coins[-1])
        assert set(splitter.coins()) == set(known) - {coins[3].address}
        assert len(splitter.coins()) == 7
        coins[3].mint(splitter, 10)
        splitter.distribute(coins[3])
        assert set(splitter.coins()) == set(known)
        assert splitter.owed(people[0], coins[3]) == 10

    def test_only_the_owner_forgets(self, splitter, coin, people, refuses):
        with refuses("OwnableUnauthorizedAccount", people[0]):
            splitter.forget(coin, by=people[0])

    def test_what_is_no_coin_cannot_be_distributed(self, splitter, stranger, refuses):
        for ask in (splitter.pending, splitter.distribute):
            with refuses("BadCoin", stranger):
                ask(stranger)


class TestWithdrawing:
    def test_anybody_triggers_and_the_recipient_gets(self, splitter, coin, people, stranger, refuses):
        coin.mint(splitter, 100)
        splitter.distribute(coin)
        receipt = splitter.withdraw(people[1], coin, by=stranger)
        values = {"recipient": people[1], "coin": coin.address, "amount": 30}
        assert receipt.of(splitter) == [("Withdrawn", values)]
        assert [coin.balanceOf(one) for one in (people[1], stranger)] == [30, 0]
        assert [splitter.owed(person, coin) for person in people] == [50, 0, 20]
        assert splitter.pending(coin) == 0
        for nobody in (people[1], stranger):
            with refuses("NothingOwed", nobody, coin.address):
                splitter.withdraw(nobody, coin)

    def test_the_native_coin_too(self, evm, splitter, people, stranger):
        evm.send(splitter.address, value=10, by=stranger)
        splitter.distribute(ZERO)
        before = evm.balance(people[0])
        splitter.withdraw(people[0], ZERO, by=stranger)
        assert evm.balance(people[0]) == before + 5
        assert (evm.balance(splitter.address), splitter.pending(ZERO)) == (5, 0)

    def test_one_who_refuses_keeps_nobody_waiting(self, evm, factory, people, owner, refuses):
        refusing = evm.deploy("RefusingReceiver")
        recipients = [(refusing.address, 5_000, ""), (people[0], 5_000, "")]
        splitter = created(evm, factory.create(owner, recipients, []))
        evm.send(splitter.address, value=10)
        splitter.distribute(ZERO)
        with refuses("TransferFailed", refusing.address):
            splitter.withdraw(refusing, ZERO)
        assert splitter.owed(refusing, ZERO) == 5
        splitter.withdraw(people[0], ZERO)
        assert evm.balance(splitter.address) == 5

    def test_one_who_calls_back_is_paid_once(self, evm, factory, people, owner, refuses):
        crook = evm.deploy("ReentrantBuyer")
        recipients = [(crook.address, 5_000, ""), (people[0], 5_000, "")]
        splitter = created(evm, factory.create(owner, recipients, []))
        for again in ("withdraw", "distribute"):
            evm.send(splitter.address, value=10)
            splitter.distribute(ZERO)
            arguments = (crook, ZERO) if again == "withdraw" else (ZERO,)
            crook.aim(splitter, splitter.data(again, *arguments), False)
            held = evm.balance(crook.address)
            splitter.withdraw(crook, ZERO)
            assert evm.balance(crook.address) == held + 5
            assert evm.reason(crook.reason()).name == "ReentrancyGuardReentrantCall"
            assert crook.refusals() == 1 + (again == "distribute")
        assert splitter.owed(people[0], ZERO) == evm.balance(splitter.address) == 10

    @pytest.mark.parametrize("kind", ["FalseCoin", "BreakingCoin"])
    def test_a_coin_that_does_not_pay_leaves_the_debt(self, evm, splitter, people, kind, refuses):
        coin = evm.deploy(kind)
        coin.mint(splitter, 100)
        splitter.distribute(coin)
        if kind == "BreakingCoin":
            coin.setFault(1)
        with refuses("TransferFailed", people[0]):
            splitter.withdraw(people[0], coin)
        assert splitter.owed(people[0], coin) == 50


class TestChangingRecipients:
    def test_it_touches_only_later_income(self, evm, splitter, coin, people, owner, stranger):
        coin.mint(splitter, 100)
        evm.send(splitter.address, value=10)
        receipt = splitter.setRecipients([(stranger, 10_000, "heir")])
        assert [name for name, _ in receipt.of(splitter)] == [
            *["Distributed", *["Credited"] * 3] * 2,
            "SplitUpdated",
            "RolesChanged",
        ]
        assert [splitter.owed(person, coin) for person in people] == [50, 30, 20]
        assert [splitter.owed(person, ZERO) for person in people] == [5, 3, 2]
        assert splitter.recipients() == ((stranger, 10_000, "heir"),)
        assert splitter.splitHash() == split_hash([stranger], [10_000])
        coin.mint(splitter, 100)
        splitter.distribute(coin)
        assert splitter.owed(stranger, coin) == 100
        splitter.withdraw(people[0], coin)
        assert coin.balanceOf(people[0]) == 50

    def test_forgetting_a_coin_takes_no_income_from_anybody(self, splitter, coin, people, owner):
        """The owner makes a known coin unknown, takes all shares, and divides what had come before."""
        coin.mint(splitter, 10_000)
        splitter.forget(coin)
        splitter.setRecipients([(owner, 10_000, "")])
        assert splitter.sharesOf(coin) == tuple(zip(people, SHARES, strict=True))
        splitter.distribute(coin)
        assert [splitter.owed(one, coin) for one in (*people, owner)] == [5_000, 3_000, 2_000, 0]
        coin.mint(splitter, 10_000)
        splitter.distribute(coin)
        assert splitter.owed(owner, coin) == 10_000

    def test_an_unknown_coin_is_divided_as_when_it_came(self, evm, splitter, people, owner, stranger):
        """Also a ninth, for which the owner has left no place."""
        ninth = evm.deploy("NoPermitCoin")
        for _ in range(7):
            splitter.distribute(evm.deploy("NoPermitCoin"))
        ninth.mint(splitter, 100)
        splitter.setRecipients([(owner, 10_000, "")])
        splitter.distribute(ninth)
        assert len(splitter.coins()) == 8
        assert [splitter.owed(one, ninth) for one in (*people, owner)] == [50, 30, 20, 0]

    def test_a_coin_that_was_looked_at_empty_follows_the_newest_shares(self, evm, splitter, owner, stranger):
        """Anybody can do that for a new recipient, also before any of the coin comes in."""
        later = evm.deploy("NoPermitCoin")
        splitter.setRecipients([(owner, 10_000, "")])
        splitter.distribute(later, by=stranger)
        assert later.address not in splitter.coins()
        later.mint(splitter, 100)
        splitter.distribute(later)
        assert splitter.owed(owner, later) == 100

    def test_what_a_coin_hides_for_a_while_stays_whose_it_is(self, evm, splitter, people, owner):
        coin = evm.deploy("BreakingCoin")
        coin.mint(splitter, 1_000)
        splitter.distribute(coin)
        coin.mint(splitter, 100)
        coin.setFault(6)
        splitter.setRecipients([(owner, 10_000, "")])
        splitter.distribute(coin)
        coin.setFault(0)
        splitter.distribute(coin)
        assert [splitter.owed(one, coin) for one in (*people, owner)] == [550, 330, 220, 0]

    def test_only_the_owner_may(self, splitter, people, stranger, refuses):
        for who in (people[0], stranger):
            with refuses("OwnableUnauthorizedAccount", who):
                splitter.setRecipients([(stranger, 10_000, "")], by=who)

    def test_a_refused_change_changes_nothing(self, splitter, coin, people, refuses):
        coin.mint(splitter, 100)
        with refuses("SharesNotWhole", 1):
            splitter.setRecipients([(people[0], 1, "")])
        with refuses("BadRecipient", 0):
            splitter.setRecipients([(splitter.address, 10_000, "")])
        assert splitter.recipients() == tuple(recipients_of(people))
        assert splitter.pending(coin) == 100

    def test_without_owner_the_shares_are_final(self, splitter, people, owner, refuses):
        splitter.renounceOwnership()
        with refuses("OwnableUnauthorizedAccount", owner):
            splitter.setRecipients([(people[0], 10_000, "")])

    def test_a_new_owner_must_accept(self, splitter, stranger, owner):
        splitter.transferOwnership(stranger)
        assert (splitter.owner(), splitter.pendingOwner()) == (owner, stranger)
        splitter.acceptOwnership(by=stranger)
        assert splitter.owner() == stranger

    @pytest.mark.parametrize("fault", range(1, 7))
    def test_a_broken_coin_does_not_stand_in_the_way(self, evm, factory, coin, people, owner, fault):
        broken = evm.deploy("BreakingCoin")
        splitter = created(evm, factory.create(owner, recipients_of(people), [broken.address, coin.address]))
        broken.mint(splitter, 1_000)
        splitter.distribute(broken)
        broken.mint(splitter, 100)
        coin.mint(splitter, 100)
        broken.setFault(fault)
        receipt = splitter.setRecipients([(people[0], 10_000, "")])
        assert receipt.gas < 1_000_000
        assert [splitter.owed(person, coin) for person in people] == [50, 30, 20]
        assert splitter.recipients() == ((people[0], 10_000, ""),)
        broken.setFault(0)
        assert splitter.owed(people[1], broken) >= 300
        splitter.withdraw(people[1], coin)

    def test_a_coin_that_shrinks_has_nothing_pending(self, evm, splitter, people):
        coin = evm.deploy("BreakingCoin")
        coin.mint(splitter, 1_000)
        splitter.distribute(coin)
        coin.setFault(6)
        assert splitter.pending(coin) == 0
        coin.mint(splitter, 100)
        assert splitter.pending(coin) == 0
        coin.setFault(0)
        assert splitter.pending(coin) == 100

    def test_the_largest_change_fits_into_a_transaction(self, evm, factory, owner):
        """Fifty recipients and every coin with income: below 2^24 gas (EIP-7825)."""
        crowd = [("0x" + f"{n:040x}", 200, "r" * 64) for n in range(101, 151)]
        others = [("0x" + f"{n:040x}", 200, "s" * 64) for n in range(201, 251)]
        coins = [evm.deploy("NoPermitCoin") for _ in range(8)]
        splitter = created(evm, factory.create(owner, crowd, [coin.address for coin in coins]))
        for coin in coins:
            coin.mint(splitter, 10_001)
        evm.send(splitter.address, value=10_001)
        data = splitter.data("setRecipients", others)
        gas = int(evm.rpc("eth_estimateGas", {"from": owner, "to": splitter.address, "data": data}), 16)
        assert gas < 2**24
