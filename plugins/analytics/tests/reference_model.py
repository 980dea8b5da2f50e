"""What the sums must be, computed from the beginning by plain and slow means: the other opinion.

It shares no code with the plugin. It plays the contracts' own bookkeeping: what the registry says a wallet has,
and what the store keeps for its seller. A block changes things at once, whatever happens in the middle of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from itertools import groupby

from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    FilmCreated,
    LadderChanged,
    ListingCancelled,
    TokensListed,
    TokensTransferred,
    TokensSold,
)

DAY = 86400


class ReferenceModel:
    """The truth about a list of facts that hold. `scope` is a token, a publisher's wallet, or None for all."""

    def __init__(self, facts, store):
        self.facts = list(facts)
        self.store = store
        self.publisher = {fact.token: fact.publisher for fact in self.facts if isinstance(fact, FilmCreated)}
        self.moments = self._moments()

    def within(self, token, scope):
        return scope is None or scope == token or self.publisher.get(token) == scope

    def _is_holder(self, token, wallet):
        return wallet not in (ZERO_ADDRESS, self.store, self.publisher.get(token))

    def _moments(self):
        """(time, what everybody holds of each film after the block), one for each block."""
        registry, escrow, moments = Counter(), Counter(), []
        for _, block in groupby(self.facts, key=lambda fact: fact.mark.block):
            for fact in block:
                if isinstance(fact, TokensTransferred):
                    registry[fact.token, fact.sender] -= fact.amount
                    registry[fact.token, fact.receiver] += fact.amount
                elif isinstance(fact, TokensListed):
                    escrow[fact.token, fact.seller] += fact.quantity
                elif isinstance(fact, ListingCancelled):
                    escrow[fact.token, fact.seller] -= fact.quantity
                elif isinstance(fact, TokensSold) and fact.listing:
                    escrow[fact.token, fact.seller] -= fact.quantity
                at = fact.mark.at
            theirs = {
                (token, wallet): registry[token, wallet] + escrow[token, wallet]
                for token, wallet in {**registry, **escrow}
                if self._is_holder(token, wallet)
            }
            moments.append((at, {key: held for key, held in theirs.items() if held}))
        return moments

    def _in_scope(self, held, scope):
        theirs = Counter()
        for (token, wallet), tokens in held.items():
            if self.within(token, scope):
                theirs[wallet] += tokens
        return theirs

    @cache
    def held_at_end_of(self, day, scope):
        """Wallet → tokens."""
        last = {}
        for at, held in self.moments:
            if at // DAY <= day:
                last = held
        return self._in_scope(last, scope)

    @cache
    def sizes(self, day, scope):
        return dict(Counter(self.held_at_end_of(day, scope).values()))

    def steps(self, scope):
        """(time, wallet, before, after) wherever a block changed what a wallet has."""
        before = Counter()
        for at, held in self.moments:
            after = self._in_scope(held, scope)
            for wallet in sorted({*before, *after}):
                if before[wallet] != after[wallet]:
                    yield at, wallet, before[wallet], after[wallet]
            before = after

    @cache
    def flow(self, scope, seconds):
        """Counts by hour (`seconds` 3600) or day: the same names as in the plugin's table."""
        found, got = defaultdict(Counter), {}
        for at, wallet, before, after in self.steps(scope):
            row, start = found[int(at // seconds)], int(at // seconds)
            row["held"] += after - before
            row["came"] += before == 0
            row["left"] += after == 0
            if after > before:
                if wallet not in got:
                    row["fresh"] += 1
                elif int(got[wallet] // seconds) != start:
                    row["again"] += 1
                got[wallet] = at
        for fact in self.facts:
            if isinstance(fact, TokensTransferred | TokensSold) and self.within(fact.token, scope):
                self._trade(found[int(fact.mark.at // seconds)], fact)
        return {start: +row for start, row in found.items() if +row or -row}

    def _trade(self, row, fact):
        if isinstance(fact, TokensTransferred):
            sides, tokens = {fact.sender, fact.receiver}, fact.amount
        else:
            row["resold" if fact.listing else "presold" if fact.presale else "sold"] += fact.quantity
            sides, tokens = ({fact.seller, fact.buyer}, fact.quantity) if fact.listing else ((), 0)
        if len(sides) == 2 and all(self._is_holder(fact.token, wallet) for wallet in sides):
            row["moved"] += tokens

    @cache
    def money(self, scope, seconds):
        """(start, kind, coin) → amount."""
        found = Counter()
        for fact in self.facts:
            if isinstance(fact, TokensSold) and self.within(fact.token, scope):
                start = int(fact.mark.at // seconds)
                kind = "resale" if fact.listing else "presale" if fact.presale else "release"
                found[start, kind, fact.coin] += fact.total
                found[start, "royalty", fact.coin] += fact.royalty
                if not fact.listing:
                    found[start, "fee", fact.coin] += fact.fee
        return {key: amount for key, amount in found.items() if amount}

    @cache
    def spans(self, scope):
        """(day tokens came, day they left or None) → tokens: the oldest tokens of a film leave first."""
        found = Counter()
        for token in self.publisher:
            if self.within(token, scope):
                queues = defaultdict(list)
                for at, wallet, before, after in self.steps(token):
                    queue = queues[wallet]
                    queue += [int(at // DAY)] * max(0, after - before)
                    for _ in range(before - after):
                        found[queue.pop(0), int(at // DAY)] += 1
                found.update((came, None) for queue in queues.values() for came in queue)
        return dict(found)

    def ladder(self, token, day):
        """The ladder in force at the end of a day."""
        known = [
            fact.ladder
            for fact in self.facts
            if isinstance(fact, LadderChanged) and fact.token == token and fact.mark.at // DAY <= day
        ]
        return known[-1] if known else None
