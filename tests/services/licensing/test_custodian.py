"""Custodian and holder together, over a real chain and real HTTP: who gets a key, and who does not."""

import json
import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from tests.components.bindings import HOLDER, bind, binding_of, revocation_of, signed
from tests.components.registry import ACCOUNTS, CHAIN_ID, open_pool, transfer
from tests.components.rpc_proxy import rpc_proxy
from tests.fakes import FakeClock
from tests.services.server_environment import WINDOW, server_environment
from tests.services.packing import film_of, pack, published
from wylloh_server.adapters.chain import BlockAgeLimit
from wylloh_server.domain.access import Reason, Role
from wylloh_server.domain.errors import (
    AccessRefused,
    ChainUnavailable,
    InvalidValue,
    NotFound,
    SealBroken,
)
from wylloh_server.domain.events import EnvelopeReleased
from wylloh_server.domain.film import Custodian, Description, Film, FilmState, FolderOrigin
from wylloh_server.domain.license import Envelope, EnvelopeRequest, envelope_from_json
from wylloh_server.domain.types import ChainId, Seconds, TokenReference, parse_wallet
from wylloh_server.services.licensing import revocation_intake
from wylloh_server.domain.device_binding import CLOCK_SLACK, LONGEST_BINDING

EMPTY = ACCOUNTS[2]
DAY = 86_400


async def renewed(server):
    """Renew as after the server has read the chain."""
    await server.indexer.catch_up()
    await server.renewal.renew()


@pytest.fixture
async def packed(publisher, loopback):
    """A film on the chain whose custodian answers; the holder's wallet has 88 tokens of it."""
    packed = await published(publisher, custodian=loopback.url, size=100_000)
    await publisher.registry.mint(packed.token, parse_wallet(HOLDER.address), 88)
    return packed


@pytest.fixture
async def film(holder, packed):
    """The film as the holder's server has it: all here, and no key."""
    await holder.packages.pull(packed.root)
    film = film_of(packed, holder.registry)
    await holder.storage.films.save(film)
    return film


def asked(packed, binding, right="personal", territory=""):
    return EnvelopeRequest(packed.token, right, territory, binding)


# The custodian ---------------------------------------------------------------------------------------------


async def test_a_holder_gets_the_key_sealed_to_its_server(publisher, holder, packed, clock):
    envelope = await publisher.custody.release(asked(packed, binding_of(holder)))
    terms = envelope.terms
    assert terms.root == packed.root
    assert (terms.token, terms.wallet) == (packed.token, parse_wallet(HOLDER.address))
    assert (terms.right, terms.territory) == ("personal", "")
    assert terms.covers(clock())
    assert terms.not_after == int(clock()) + WINDOW
    assert holder.server_keys.unseal(envelope.sealed, terms.binding_bytes()) == packed.key
    assert holder.server_keys.verify(
        publisher.server_keys.custodian_public, envelope.signed_bytes(), envelope.signature
    )
    with pytest.raises(SealBroken):
        publisher.server_keys.unseal(envelope.sealed, terms.binding_bytes())
    assert publisher.events_of(EnvelopeReleased) == [
        EnvelopeReleased(packed.film_id, terms.wallet, "personal")
    ]


async def test_who_holds_too_little_gets_nothing(publisher, holder, packed):
    for account, right, sentence in (
        (EMPTY, "personal", "The wallet holds no token of this film."),
        (HOLDER, "small-venue", "The wallet holds 88 tokens, which is not enough for small-venue shows."),
        (HOLDER, "hologram", "The wallet holds 88 tokens, which is not enough for hologram."),
    ):
        with pytest.raises(AccessRefused) as caught:
            await publisher.custody.release(asked(packed, binding_of(holder, account), right))
        assert str(caught.value) == sentence
    assert publisher.events_of(EnvelopeReleased) == []


async def test_strangers_cannot_close_the_list_of_revocations_to_a_holder(
    publisher, holder, packed, monkeypatch
):
    """A server that tricked a holder got the key: self-made wallets without any token had filled the list."""
    monkeypatch.setattr(revocation_intake, "_MOST_OF_STRANGERS", 1)
    await publisher.follow_chain()
    phished = binding_of(holder)
    await publisher.custody.revoke(revocation_of(holder, EMPTY))
    with pytest.raises(AccessRefused, match="Too many wallets without tokens"):
        await publisher.custody.revoke(revocation_of(holder, EMPTY, device_key="ab" * 32))
    await publisher.custody.revoke(revocation_of(holder))
    with pytest.raises(AccessRefused, match="revoked"):
        await publisher.custody.release(asked(packed, phished))


async def test_who_has_a_server_here_or_an_account_is_no_stranger(publisher, holder, packed, monkeypatch):
    monkeypatch.setattr(revocation_intake, "_MOST_OF_STRANGERS", 0)
    await publisher.follow_chain()
    await publisher.custody.release(asked(packed, binding_of(holder)))
    sale = transfer(packed.token, parse_wallet(HOLDER.address), parse_wallet(ACCOUNTS[3].address), 88)
    await publisher.registry.send(sale, HOLDER)
    await publisher.follow_chain()
    await publisher.custody.revoke(revocation_of(holder))
    with pytest.raises(AccessRefused, match="Too many"):
        await publisher.custody.revoke(revocation_of(holder, EMPTY))
    await publisher.storage.accounts.save(parse_wallet(EMPTY.address), Role.VIEWER)
    await publisher.custody.revoke(revocation_of(holder, EMPTY))


async def test_a_strangers_revocations_are_bounded_by_what_is_held_today(
    publisher, holder, packed, monkeypatch
):
    """Of who bought meanwhile they stay; of tokens passed from wallet to wallet only the last one counts."""
    monkeypatch.setattr(revocation_intake, "_MOST_OF_STRANGERS", 1)
    now, passed = int(publisher.clock()), ACCOUNTS[3]
    for account, age in ((EMPTY, 5), (HOLDER, 9), (passed, 1)):  # nobody's holdings are known yet
        await publisher.custody.revoke(revocation_of(holder, account, issued_at=now - age))
    await publisher.follow_chain()
    await publisher.custody.forget_expired()
    revocations = publisher.storage.revocations
    kept = [await revocations.of_wallet(parse_wallet(one.address)) for one in (EMPTY, HOLDER, passed)]
    assert [bool(one) for one in kept] == [False, True, True]
    assert await revocations.count_strangers() == 1


async def test_every_yes_and_no_of_the_custodian_leaves_a_receipt(publisher, holder, packed):
    for account, allowed, balance, missing, tier in (
        (HOLDER, True, 88, 0, "personal"),
        (EMPTY, False, 0, 1, ""),
    ):
        with suppress(AccessRefused):
            await publisher.custody.release(asked(packed, binding_of(holder, account)))
        receipt = (await publisher.storage.receipts.page(1, wallet=parse_wallet(account.address)))[0].receipt
        assert (receipt.allowed, receipt.balance, receipt.missing, receipt.tier) == (
            allowed,
            balance,
            missing,
            tier,
        )
        assert receipt.contract == str(packed.token)
        assert receipt.block == (await publisher.chain.status()).block
        assert receipt.reason is (Reason.HOLDS_ENOUGH if allowed else Reason.TOO_FEW_TOKENS)
        assert receipt.sentence.endswith(".")


async def test_a_holding_that_cannot_be_checked_leaves_a_receipt_too(publisher, holder, packed):
    binding = binding_of(holder)
    async with open_pool("http://127.0.0.1:9", contract=publisher.registry.contract) as dead:
        publisher.build(dead)
        with pytest.raises(ChainUnavailable):
            await publisher.custody.release(asked(packed, binding))
    receipt = (await publisher.storage.receipts.page(1, wallet=binding.wallet))[0].receipt
    assert (receipt.allowed, receipt.reason, receipt.balance) == (False, Reason.CHAIN_UNKNOWN, None)


async def test_9_no_key_is_released_on_the_word_of_a_node_that_stopped_following(
    publisher, holder, packed, chain
):
    """The wallet sold its tokens an hour ago; the node that is asked first has not heard of it."""
    node, token = publisher.registry.pool, packed.token
    async with rpc_proxy(chain.url) as stuck, rpc_proxy(chain.url) as third:
        stuck.pinned = int(await node.request("eth_blockNumber", []), 16)
        sale = transfer(token, parse_wallet(HOLDER.address), parse_wallet(EMPTY.address), 88)
        await publisher.registry.send(sale, HOLDER)
        await node.request("evm_increaseTime", [3600])
        await node.request("evm_mine", [])
        async with open_pool(stuck.url) as believing:
            publisher.build(believing)
            assert await publisher.custody.release(asked(packed, binding_of(holder))), "an age limit is due"
        age = BlockAgeLimit(Seconds(60), FakeClock(await _time(node)))
        for urls, quorum, error in (
            ((stuck.url, chain.url), 2, ChainUnavailable),
            ((stuck.url, chain.url), 1, AccessRefused),
            ((stuck.url, chain.url, third.url), 2, AccessRefused),
            ((stuck.url,), 2, ChainUnavailable),
        ):
            async with open_pool(*urls, age=age, quorum=quorum) as pool:
                publisher.build(pool)
                with pytest.raises(error):
                    await publisher.custody.release(asked(packed, binding_of(holder)))


async def _time(pool):
    return int((await pool.request("eth_getBlockByNumber", ["latest", False]))["timestamp"], 16)


async def test_9_tokens_that_were_held_for_a_moment_give_no_key(publisher, holder, packed):
    """Also not those of a block that a reorganisation may take back."""
    publisher.confirmations = 5
    publisher.build(publisher.registry.pool)
    borrower = parse_wallet(EMPTY.address)
    await publisher.registry.mint(packed.token, borrower, 1)
    with pytest.raises(AccessRefused, match="too new to count"):
        await publisher.custody.release(asked(packed, binding_of(holder, EMPTY)))
    receipt = (await publisher.storage.receipts.page(1, wallet=borrower))[0].receipt
    assert (receipt.balance, receipt.reason) == (0, Reason.TOO_FEW_TOKENS)
    await publisher.registry.pool.request("anvil_mine", ["0x5"])
    assert await publisher.custody.release(asked(packed, binding_of(holder, EMPTY)))


async def test_who_does_not_prove_the_wallet_leaves_nothing_behind(publisher, holder, packed):
    with pytest.raises(AccessRefused):
        await publisher.custody.release(asked(packed, replace(binding_of(holder), signature="0x00")))
    assert await publisher.storage.receipts.page(1) == ()


async def test_a_right_for_some_territories_is_not_released_for_none_in_particular(publisher, holder, packed):
    await publisher.registry.mint(packed.token, parse_wallet(HOLDER.address), 500)
    with pytest.raises(InvalidValue, match="streaming is for AT, DE"):
        await publisher.custody.release(asked(packed, binding_of(holder), "streaming"))


async def test_a_right_is_released_only_where_it_counts(publisher, holder, packed):
    await publisher.registry.mint(packed.token, parse_wallet(HOLDER.address), 500)
    binding = binding_of(holder)
    envelope = await publisher.custody.release(asked(packed, binding, "streaming", "AT"))
    assert envelope.terms.territory == "AT"
    with pytest.raises(AccessRefused):
        await publisher.custody.release(asked(packed, binding, "streaming", "FR"))


async def test_a_wallet_cannot_ask_with_anothers_signature(publisher, holder, packed):
    stolen = replace(binding_of(holder, EMPTY), wallet=parse_wallet(HOLDER.address))
    with pytest.raises(AccessRefused, match="did not sign"):
        await publisher.custody.release(asked(packed, stolen))


async def test_what_is_no_signature_is_refused(publisher, holder, packed):
    for signature in ("", "0x", "0x00", "zz", "0x" + "00" * 65, "\ud800"):
        with pytest.raises(AccessRefused, match="did not sign"):
            await publisher.custody.release(asked(packed, replace(binding_of(holder), signature=signature)))


async def test_a_signed_binding_cannot_be_changed(publisher, holder, packed):
    for change in (
        {"device_key": publisher.server_keys.device_public},
        {"issued_at": 1_760_000_001},
        {"uri": "https://x"},
    ):
        with pytest.raises(AccessRefused, match="did not sign"):
            await publisher.custody.release(asked(packed, replace(binding_of(holder), **change)))


async def test_a_binding_from_the_future_is_refused_beyond_the_slack(publisher, holder, packed, clock):
    almost = binding_of(holder, issued_at=int(clock() + CLOCK_SLACK))
    await publisher.custody.release(asked(packed, almost))
    with pytest.raises(AccessRefused, match="future"):
        await publisher.custody.release(asked(packed, binding_of(holder, issued_at=int(clock()) + DAY)))


async def test_a_binding_for_another_chain_is_refused(publisher, holder, packed):
    with pytest.raises(AccessRefused, match="another chain"):
        await publisher.custody.release(asked(packed, binding_of(holder, chain_id=ChainId(1))))


async def test_no_key_is_kept_of_another_film(publisher, holder, packed):
    for change in ({"chain_id": ChainId(1)}, {"token_id": 5}, {"contract": "0x" + "1" * 40}):
        other = replace(packed, token=replace(packed.token, **change))
        with pytest.raises(NotFound):
            await publisher.custody.release(asked(other, binding_of(holder)))


async def test_a_key_kept_for_a_film_of_another_chain_is_not_released_unchecked(publisher, holder, packed):
    other = TokenReference(ChainId(1), packed.token.contract, packed.token.token_id)
    await publisher.film_keys.keep_as_custodian(other, packed.key)
    await publisher.storage.films.save(film_of(replace(packed, token=other), publisher.registry))
    with pytest.raises(NotFound):
        await publisher.custody.release(asked(replace(packed, token=other), binding_of(holder)))


async def test_a_device_key_that_is_none_is_refused_and_nothing_was_released(publisher, holder, packed):
    with pytest.raises(InvalidValue):
        await publisher.custody.release(asked(packed, binding_of(holder, device_key="00" * 31)))
    assert publisher.events_of(EnvelopeReleased) == []


async def test_without_the_chain_nothing_is_released(publisher, holder, packed):
    binding = binding_of(holder)
    async with open_pool("http://127.0.0.1:9", contract=publisher.registry.contract) as dead:
        publisher.build(dead)
        with pytest.raises(ChainUnavailable):
            await publisher.custody.release(asked(packed, binding))


# The holder's server -----------------------------------------------------------------------------------------


async def test_a_bound_wallet_fetches_its_key(holder, film, packed, loopback):
    wallet = parse_wallet(HOLDER.address)
    assert not await holder.bindings.current(wallet)
    assert not await holder.envelope_client.opens(film)
    await bind(holder)
    assert await holder.bindings.current(wallet)
    assert await holder.envelope_client.ensure(film, wallet)
    assert await holder.envelope_client.content_key(film) == packed.key
    assert (await holder.envelope_client.valid(film, wallet)).terms.wallet == wallet
    assert await holder.envelope_client.ensure(film, wallet)
    assert loopback.asked == 1


async def test_an_unbound_wallet_asks_nobody(holder, film, loopback):
    assert not await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address))
    assert loopback.asked == 0
    with pytest.raises(AccessRefused) as caught:
        await holder.envelope_client.content_key(film)
    assert caught.value.fix


async def test_an_empty_wallet_gets_no_key(holder, film, loopback):
    await bind(holder, EMPTY)
    assert not await holder.envelope_client.ensure(film, parse_wallet(EMPTY.address))
    assert loopback.asked == 1
    assert not await holder.envelope_client.opens(film)


async def test_custodians_of_a_manifest_nobody_checked_are_not_asked(holder, film, loopback):
    await bind(holder)
    for state in (FilmState.DISCOVERED, FilmState.WAITING, FilmState.FAILED):
        assert not await holder.envelope_client.ensure(
            replace(film, state=state), parse_wallet(HOLDER.address)
        )
    assert loopback.asked == 0


TAMPERED = {
    "root": "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    "token": f"eip155:{CHAIN_ID}/erc1155:0x{'1' * 40}/7",
    "wallet": "0x" + "1" * 40,
    "right": "theatrical",
    "territory": "AT",
    "device_key": "11" * 32,
    "not_before": 1,
    "not_after": 1 << 40,
}


def with_term(name, value):
    return lambda answer: {**answer, "terms": {**answer["terms"], name: value}}


def flipped(name):
    return lambda answer: {**answer, name: answer[name][:-1] + ("0" if answer[name][-1] != "0" else "1")}


LIES = {name: with_term(name, value) for name, value in TAMPERED.items()}
LIES |= {name: flipped(name) for name in ("sealed", "signature", "custodian_key")}
LIES |= {
    "no JSON object": lambda answer: [answer],
    "nothing": lambda answer: None,
    "a term too many": with_term("unlimited", True),
    "a number for hex": lambda answer: {**answer, "sealed": 7},
    "no number": with_term("not_after", "never"),
    "infinity": with_term("not_after", float("inf")),
}


async def test_an_envelope_that_was_tampered_with_is_worth_nothing(holder, film, loopback):
    wallet = parse_wallet(HOLDER.address)
    await bind(holder)
    for lie, tamper in LIES.items():
        loopback.tamper = tamper
        assert not await holder.envelope_client.ensure(film, wallet), lie
        assert not await holder.envelope_client.opens(film), lie
        assert await holder.envelope_client.valid(film, wallet) is None, lie
    assert loopback.asked == len(LIES)
    loopback.tamper = lambda answer: answer
    assert await holder.envelope_client.ensure(film, wallet)


async def test_only_the_custodian_named_in_the_manifest_counts(
    holder, film, loopback, tmp_path, registry, clock
):
    """Another server that got hold of the very key signs envelopes with its own."""
    async with server_environment(tmp_path / "other", registry, clock) as other:

        def by_another(answer):
            envelope = Envelope(
                _terms_of(answer), answer["sealed"], other.server_keys.custodian_public, signature=""
            )
            return replace(envelope, signature=other.server_keys.sign(envelope.signed_bytes())).as_json()

        await bind(holder)
        loopback.tamper = by_another
        assert not await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address))
        assert not await holder.envelope_client.opens(film)


async def test_an_envelope_that_is_not_valid_now_is_not_kept(holder, publisher, film, loopback, clock):
    """The custodian's signature is good, but its clock is not."""
    await bind(holder)
    for opens, closes in ((-2 * DAY, -DAY), (DAY, 2 * DAY)):
        loopback.tamper = partial(
            made_for, publisher, {"not_before": int(clock() + opens), "not_after": int(clock() + closes)}
        )
        assert not await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address))
        assert not await holder.envelope_client.opens(film)


async def test_even_its_custodian_cannot_send_an_envelope_nobody_asked_for(
    holder, publisher, film, packed, loopback
):
    """Signed and sealed in order, but for other terms: it would not be found, or found for the wrong thing."""
    await bind(holder)
    for name, value in TAMPERED.items():
        if name.startswith("not_"):
            continue
        loopback.tamper = partial(made_for, publisher, {name: _read(name, value)})
        assert not await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address)), name
        assert not await holder.envelope_client.opens(film), name
    loopback.tamper = partial(made_for, publisher, {}, key=packed.key)
    assert await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address))


def _read(name, value):
    return TokenReference.parse(value) if name == "token" else value


def made_for(custodian, changes, answer, key=b"k" * 32):
    """An envelope for other terms, sealed to the server that asked."""
    device_key = _terms_of(answer).device_key
    terms = replace(_terms_of(answer), **changes)
    keys = custodian.server_keys
    sealed = keys.seal(key, device_key, terms.binding_bytes())
    envelope = Envelope(terms, sealed, keys.custodian_public, "")
    return replace(envelope, signature=keys.sign(envelope.signed_bytes())).as_json()


def _terms_of(answer):
    return envelope_from_json(answer).terms


async def test_a_custodian_that_answers_nonsense_is_a_custodian_that_is_away(holder, film, loopback):
    await bind(holder)
    loopback.status = 502
    assert not await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address))


async def test_what_a_custodian_says_cannot_command_the_terminal(holder, film, loopback, caplog):
    caplog.set_level(logging.INFO)
    await bind(holder)
    loopback.says = "No.\x1b]0;owned\x07\n2026-01-01 [info] all is well"
    assert not await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address))
    assert "No.]0;owned2026" in caplog.text
    assert "\x1b" not in caplog.text


async def test_the_next_custodian_is_asked_when_one_is_away(holder, publisher, loopback):
    def two(manifest):
        away = Custodian("http://127.0.0.1:9", manifest.custodians[0].public_key)
        return replace(manifest, custodians=(away, *manifest.custodians))

    packed = await published(publisher, custodian=loopback.url + "/", size=100_000, manifest=two)
    await publisher.registry.mint(packed.token, parse_wallet(HOLDER.address), 1)
    await holder.packages.pull(packed.root)
    await bind(holder)
    assert await holder.envelope_client.ensure(film_of(packed, holder.registry), parse_wallet(HOLDER.address))


# Renewal -------------------------------------------------------------------------------------------------------


async def test_an_envelope_is_renewed_once_half_of_it_is_gone(holder, film, loopback, clock):
    wallet = parse_wallet(HOLDER.address)
    await bind(holder)
    await renewed(holder)
    first = await holder.envelope_client.valid(film, wallet)
    clock.now += WINDOW / 2 - DAY
    await renewed(holder)
    assert loopback.asked == 1
    clock.now += 2 * DAY
    await renewed(holder)
    assert loopback.asked == 2
    second = await holder.envelope_client.valid(film, wallet)
    assert second.terms.not_after > first.terms.not_after


async def test_without_its_custodian_a_film_keeps_its_envelope_to_the_end(holder, film, loopback, clock):
    wallet = parse_wallet(HOLDER.address)
    await bind(holder)
    await renewed(holder)
    loopback.status = 503
    clock.now += WINDOW - DAY
    assert await holder.envelope_client.ensure(film, wallet)
    assert await holder.envelope_client.valid(film, wallet)
    clock.now += 2 * DAY
    assert not await holder.envelope_client.ensure(film, wallet)
    assert await holder.envelope_client.valid(film, wallet) is None


async def test_a_custodian_that_is_down_is_asked_with_growing_pauses(
    holder, publisher, film, loopback, clock
):
    """Not once for every film and wallet, each time with ten seconds of waiting."""
    wallet = parse_wallet(HOLDER.address)
    await bind(holder)
    await publisher.registry.mint(film.token, parse_wallet(EMPTY.address), 1)
    await bind(holder, EMPTY)
    loopback.status = 503
    asked = []
    for _ in range(60):
        await renewed(holder)
        asked.append(loopback.asked)
        clock.now += 12
    assert asked[:2] == [1, 1], "it was asked for every wallet, or at every round"
    assert 4 <= asked[-1] <= 6, "30, 60, 120, 240 seconds, give or take a quarter"
    assert not await holder.envelope_client.ensure(film, wallet)
    assert loopback.asked == asked[-1] + 1, "somebody waits for it"
    loopback.status = None
    assert await holder.envelope_client.ensure(film, wallet)
    loopback.status = 503
    clock.now += WINDOW
    before = loopback.asked
    await renewed(holder)
    assert loopback.asked == before + 1, "an answer did not end the pauses"


async def test_who_sold_gets_no_renewal(holder, film, loopback, clock):
    wallet, buyer = parse_wallet(HOLDER.address), parse_wallet(EMPTY.address)
    await bind(holder)
    await renewed(holder)
    sale = transfer(film.token, wallet, buyer, 88)
    await holder.registry.send(sale, HOLDER)
    clock.now += WINDOW * 0.75
    await renewed(holder)
    assert loopback.asked == 1
    # The custodian would say no by itself, too.
    assert await holder.envelope_client.ensure(film, wallet)
    assert loopback.asked == 2
    clock.now += WINDOW
    assert not await holder.envelope_client.ensure(film, wallet)


async def test_a_key_that_is_awaited_is_logged_once_for_each_answer(holder, film, loopback, caplog):
    caplog.set_level(logging.INFO)
    await bind(holder, EMPTY)
    wallet = parse_wallet(EMPTY.address)
    for _ in range(5):
        assert not await holder.envelope_client.ensure(film, wallet, waited_for=False)
    assert loopback.asked == 1
    for _ in range(5):
        assert not await holder.envelope_client.ensure(film, wallet)
    assert caplog.text.count("no new envelope") == 1


async def test_renewal_looks_after_every_bound_wallet_and_every_film(
    holder, publisher, film, packed, loopback
):
    other = await published(publisher, custodian=loopback.url, size=100_000)
    await publisher.registry.mint(other.token, parse_wallet(EMPTY.address), 1)
    await holder.packages.pull(other.root)
    other_film = film_of(other, holder.registry)
    await holder.storage.films.save(other_film)
    for account in (HOLDER, EMPTY):
        await bind(holder, account)
    await renewed(holder)
    assert loopback.asked == 2
    assert await holder.envelope_client.content_key(film) == packed.key
    assert await holder.envelope_client.content_key(other_film) == other.key


async def test_renewal_of_nothing_asks_nobody(holder):
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        await holder.renewal.renew()


async def test_an_envelope_of_an_older_package_does_not_cover_a_newer_one(
    holder, publisher, film, packed, loopback
):
    wallet = parse_wallet(HOLDER.address)
    await bind(holder)
    assert await holder.envelope_client.ensure(film, wallet)
    newer = await pack(publisher, token=packed.token, custodian=loopback.url, size=100_000)
    await publisher.storage.films.save(film_of(newer, publisher.registry))
    await holder.packages.pull(newer.root)
    newer_film = film_of(newer, holder.registry)
    assert await holder.envelope_client.valid(newer_film, wallet) is None
    assert await holder.envelope_client.ensure(newer_film, wallet)
    assert loopback.asked == 2
    assert await holder.envelope_client.content_key(newer_film) == newer.key
    assert (await holder.envelope_client.valid(newer_film, wallet)).terms.root == newer.root


async def test_who_keeps_an_older_package_goes_on_getting_envelopes_for_it(
    holder, publisher, film, packed, loopback, monkeypatch
):
    """The custodian plays from the newer one. A film has one key for good, and the holder's right is the same."""
    monkeypatch.setattr(publisher.cipher, "new_key", lambda: packed.key)
    newer = await pack(publisher, token=packed.token, size=150_000, custodian=loopback.url)
    await publisher.storage.films.save(film_of(newer, publisher.registry))
    await bind(holder)
    wallet = parse_wallet(HOLDER.address)
    assert await holder.envelope_client.ensure(film, wallet)
    envelope = await holder.envelope_client.valid(film, wallet)
    assert envelope.terms.root == packed.root
    without = asked(packed, binding_of(holder))
    assert (await publisher.custody.release(without)).terms.root == newer.root, "as earlier versions ask"


async def test_a_film_from_a_folder_has_no_envelope(holder):
    film = Film("x" * 16, Description("Home"), FolderOrigin("/m.mp4"), FilmState.READY)
    assert await holder.envelope_client.valid(film, parse_wallet(HOLDER.address)) is None
    assert not await holder.envelope_client.opens(film)
    assert not await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address))


# Secrets ---------------------------------------------------------------------------------------------------------


async def test_the_key_is_nowhere_but_sealed(holder, publisher, film, packed, loopback, caplog):
    caplog.set_level(logging.DEBUG)
    answers = []
    loopback.tamper = lambda answer: answers.append(json.dumps(answer)) or answer
    await bind(holder)
    assert await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address))
    loopback.tamper = with_term("right", "theatrical")
    await holder.envelope_client.ensure(film, parse_wallet(HOLDER.address), "small-venue")
    hexed, plain = packed.key.hex(), bytes(packed.key)
    assert "no new envelope" in caplog.text
    for told in (caplog.text, *answers, repr(holder.events), repr(publisher.events), repr(packed.token)):
        assert hexed not in told.lower()
    for server in (holder, publisher):
        files = [path.read_bytes() for path in server.folder.rglob("*") if path.is_file()]
        assert not any(plain in content or hexed.encode() in content.lower() for content in files)
