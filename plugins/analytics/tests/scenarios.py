"""Made-up histories of a chain that could have happened: every token that moves was there before.

A story is a list of `Act`s, plain numbers that are read modulo what is possible at that point, so that Hypothesis
may make and shrink them as it likes. `Teller` plays one and gives the facts of each block.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from wylloh_server.domain.access import Role
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, TokenOrigin, film_id_for
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    FilmCreated,
    LadderChanged,
    ListingCancelled,
    TokensListed,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, TokenReference, Wallet
from wylloh_server.sdk.testing import CONTRACTS, DOLLAR, SOMEWHERE
from wylloh_server.sdk.testing.samples import sample_viewer

STORE, REGISTRY = CONTRACTS.store, CONTRACTS.registry
EURO = Wallet("0x" + "e0" * 20)
COINS = (DOLLAR.address, EURO)
PUBLISHERS = (sample_viewer(Role.PUBLISHER).wallet, Wallet(f"0x{0xAA02:040x}"))
PEOPLE = tuple(Wallet(f"0x{number:040x}") for number in range(0xBB00, 0xBB06))
LADDERS = (
    RightsLadder((Tier(1, "personal"),)),
    RightsLadder((Tier(1, "personal"), Tier(3, "small-venue", ("DE", "AT")), Tier(8, "theatrical", ("FR",)))),
    RightsLadder((Tier(2, "personal"), Tier(5, "streaming", ("DE",)))),
)


def film_token(number):
    publisher = PUBLISHERS[number % 2]
    return TokenReference(ChainId(1), REGISTRY, (int(publisher, 16) << 96) + number)


def story_films():
    """The films of stories as a library has them, and one without a token."""
    films = [
        Film(
            film_id_for(str(film_token(number))),
            Description(f"Film {number}"),
            TokenOrigin(film_token(number), "bafy", PUBLISHERS[number % 2], "5a" * 32),
            FilmState.READY,
        )
        for number in range(4)
    ]
    home = Film(
        film_id_for("file:/home.mkv"), Description("Home"), FolderOrigin("/home.mkv"), FilmState.READY
    )
    return [*films, home]


@dataclass
class TotalsStore:
    """What the contracts know."""

    films: dict = field(default_factory=dict)
    holds: dict = field(default_factory=lambda: defaultdict(Counter))
    listings: dict = field(default_factory=dict)
    stock: Counter = field(default_factory=Counter)
    last_listing: int = 0

    def move(self, token, sender, receiver, amount):
        if sender != ZERO_ADDRESS:
            self.holds[token][sender] -= amount
        self.holds[token][receiver] += amount
        return TokensTransferred(SOMEWHERE, token, sender, receiver, amount)


class Teller:
    """Plays acts; `play` gives the facts of one. `copy.deepcopy` of it is a chain that may go another way."""

    def __init__(self):
        self.ledger = TotalsStore()

    def fork(self):
        return copy.deepcopy(self)

    def play(self, act):
        kind, a, b, c = act
        acts = (
            self._create, self._mint_to_store, self._mint_to_publisher, self._buy, self._buy, self._buy, self._give,
            self._give, self._list, self._list, self._cancel, self._buy_listed, self._buy_listed, self._buy_listed,
            self._gift_of_publisher, self._stock, self._withdraw, self._ladder, self._batch_to_oneself,
        )  # fmt: skip
        return (
            acts[kind % len(acts)](a, b, c)
            if self.ledger.films or kind % len(acts) == 0
            else self._create(a, b, c)
        )

    def _film(self, number):
        return list(self.ledger.films)[number % len(self.ledger.films)]

    def _create(self, a, b, _):
        token = film_token(len(self.ledger.films))
        if len(self.ledger.films) >= 4:
            return []
        publisher = PUBLISHERS[len(self.ledger.films) % 2]
        self.ledger.films[token] = publisher
        return [
            FilmCreated(SOMEWHERE, token, publisher, 10**9, publisher, 500),
            LadderChanged(SOMEWHERE, token, LADDERS[b % len(LADDERS)]),
        ]

    def _ladder(self, a, b, _):
        return [LadderChanged(SOMEWHERE, self._film(a), LADDERS[b % len(LADDERS)])]

    def _mint_to_store(self, a, b, _):
        token, amount = self._film(a), b % 50 + 1
        self.ledger.stock[token] += amount
        return [self.ledger.move(token, ZERO_ADDRESS, STORE, amount)]

    def _mint_to_publisher(self, a, b, _):
        token = self._film(a)
        return [self.ledger.move(token, ZERO_ADDRESS, self.ledger.films[token], b % 50 + 1)]

    def _stock(self, a, b, _):
        token = self._film(a)
        publisher = self.ledger.films[token]
        amount = self.ledger.holds[token][publisher] and b % self.ledger.holds[token][publisher] + 1
        if not amount:
            return []
        self.ledger.stock[token] += amount
        return [self.ledger.move(token, publisher, STORE, amount)]

    def _withdraw(self, a, b, c):
        token = self._film(a)
        if not self.ledger.stock[token]:
            return []
        amount = b % self.ledger.stock[token] + 1
        self.ledger.stock[token] -= amount
        to = (*PEOPLE, self.ledger.films[token])[c % (len(PEOPLE) + 1)]
        return [self.ledger.move(token, STORE, to, amount)]

    def _buy(self, a, b, c):
        token, buyer = self._film(a), (*PEOPLE, *PUBLISHERS)[c % (len(PEOPLE) + 2)]
        if not self.ledger.stock[token]:
            return []
        amount = b % self.ledger.stock[token] % 12 + 1
        self.ledger.stock[token] -= amount
        total = amount * (4_990_000 + b)
        sold = TokensSold(
            SOMEWHERE, token, buyer, self.ledger.films[token], 0, amount, COINS[b % 2], total, total // 20, ZERO_ADDRESS, 0,
            bool(c % 3 == 0),
        )  # fmt: skip
        return [self.ledger.move(token, STORE, buyer, amount), sold]

    def _owner(self, token, number):
        owners = [wallet for wallet, held in self.ledger.holds[token].items() if held > 0 and wallet != STORE]
        return owners[number % len(owners)] if owners else None

    def _give(self, a, b, c):
        token = self._film(a)
        giver = self._owner(token, b)
        if giver is None:
            return []
        amount = c % self.ledger.holds[token][giver] + 1
        return [self.ledger.move(token, giver, PEOPLE[(b + c) % len(PEOPLE)], amount)]

    def _gift_of_publisher(self, a, b, c):
        token = self._film(a)
        return [
            self.ledger.move(token, ZERO_ADDRESS, PEOPLE[b % len(PEOPLE)], c % 9 + 1),
            self.ledger.move(token, ZERO_ADDRESS, PEOPLE[c % len(PEOPLE)], b % 3 + 1),
        ]

    def _batch_to_oneself(self, a, b, _):
        token = self._film(a)
        owner = self._owner(token, b)
        return (
            [self.ledger.move(token, owner, owner, 1), self.ledger.move(token, owner, owner, 1)]
            if owner
            else []
        )

    def _list(self, a, b, c):
        token = self._film(a)
        seller = self._owner(token, b)
        if seller is None:
            return []
        amount = c % self.ledger.holds[token][seller] + 1
        self.ledger.last_listing += 1
        self.ledger.listings[self.ledger.last_listing] = [token, seller, amount, COINS[c % 2], 1_000_000 + b]
        listed = TokensListed(
            SOMEWHERE, token, self.ledger.last_listing, seller, amount, COINS[c % 2], 1_000_000 + b
        )
        # The contract says so first and moves the tokens then.
        return [listed, self.ledger.move(token, seller, STORE, amount)]

    def _listing(self, number):
        left = [listing for listing, it in self.ledger.listings.items() if it[2]]
        return left[number % len(left)] if left else None

    def _cancel(self, a, *_):
        listing = self._listing(a)
        if listing is None:
            return []
        token, seller, left, *_ = self.ledger.listings[listing]
        self.ledger.listings[listing][2] = 0
        cancelled = ListingCancelled(SOMEWHERE, token, listing, seller, left)
        return [cancelled, self.ledger.move(token, STORE, seller, left)]

    def _buy_listed(self, a, b, c):
        listing = self._listing(a)
        if listing is None:
            return []
        token, seller, left, coin, price = self.ledger.listings[listing]
        amount, buyer = b % left + 1, (*PEOPLE, *PUBLISHERS)[c % (len(PEOPLE) + 2)]
        self.ledger.listings[listing][2] -= amount
        total = amount * price
        sold = TokensSold(
            SOMEWHERE, token, buyer, seller, listing, amount, coin, total, total // 20,
            self.ledger.films[token], total // 10, False,
        )  # fmt: skip
        return [self.ledger.move(token, STORE, buyer, amount), sold]
