"""Custodian and holder together, over a real chain and real HTTP: who gets a key, and who does not."""

import json
import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest
from eth_account.messages import encode_defunct

from tests.components.registry import ACCOUNTS, CHAIN_ID, open_pool
from tests.services.house import WINDOW, house
from tests.services.packing import film_of, pack, published
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.domain.access import Reason
from wylloh_server.domain.errors import (
    AccessRefused,
    ChainUnavailable,
    InvalidValue,
    NotFound,
    SealBroken,
    SignInRefused,
)
from wylloh_server.domain.events import EnvelopeReleased
from wylloh_server.domain.film import Custodian, Description, Film, FilmState, FolderOrigin
from wylloh_server.domain.license import Envelope, EnvelopeRequest, envelope_from_json
from wylloh_server.domain.types import ChainId, TokenReference, wallet_of
from wylloh_server.services.envelopes import CLOCK_SLACK

HOLDER, EMPTY = ACCOUNTS[1], ACCOUNTS[2]
DAY = 86_400


def signed(binding, account=HOLDER):
    signature = account.sign_message(encode_defunct(text=binding.text())).signature
    return replace(binding, signature="0x" + bytes(signature).hex())


def binding_of(server, account=HOLDER, **changes):
    return signed(replace(server.desk.binding_for(wallet_of(account.address)), **changes), account)


@pytest.fixture
async def packed(publisher, door):
    """A film on the chain whose custodian answers; the holder's wallet has 88 tokens of it."""
    packed = await published(publisher, custodian=door.url, size=100_000)
    await publisher.registry.mint(packed.token, wallet_of(HOLDER.address), 88)
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
    assert (terms.token, terms.wallet) == (packed.token, wallet_of(HOLDER.address))
    assert (terms.right, terms.territory) == ("personal", "")
    assert terms.covers(clock())
    assert terms.not_after == int(clock()) + WINDOW
    assert holder.server_keys.unseal(envelope.sealed, terms.binding_bytes()) == packed.key
    assert holder.server_keys.verify(
        publisher.server_keys.custodian_public, envelope.signed_bytes(), envelope.signature
    )
    with pytest.raises(SealBroken):
        publisher.server_keys.unseal(envelope.sealed, terms.binding_bytes())
    assert publisher.told(EnvelopeReleased) == [EnvelopeReleased(packed.film_id, terms.wallet, "personal")]


async def test_who_holds_too_little_gets_nothing(publisher, holder, packed):
    for account, right, sentence in (
        (EMPTY, "personal", "The wallet holds no token of this film."),
        (HOLDER, "small-venue", "The wallet holds 88 tokens, which is not enough for small-venue shows."),
        (HOLDER, "hologram", "The wallet holds 88 tokens, which is not enough for hologram."),
    ):
        with pytest.raises(AccessRefused) as caught:
            await publisher.custody.release(asked(packed, binding_of(holder, account), right))
        assert str(caught.value) == sentence
    assert publisher.told(EnvelopeReleased) == []


async def test_every_yes_and_no_of_the_custodian_leaves_a_receipt(publisher, holder, packed):
    for account, allowed, balance, missing, tier in (
        (HOLDER, True, 88, 0, "personal"),
        (EMPTY, False, 0, 1, ""),
    ):
        with suppress(AccessRefused):
            await publisher.custody.release(asked(packed, binding_of(holder, account)))
        receipt = await publisher.storage.receipts.latest(packed.film_id, wallet_of(account.address))
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
    receipt = await publisher.storage.receipts.latest(packed.film_id, binding.wallet)
    assert (receipt.allowed, receipt.reason, receipt.balance) == (False, Reason.CHAIN_UNKNOWN, None)


async def test_who_does_not_prove_the_wallet_leaves_nothing_behind(publisher, holder, packed):
    with pytest.raises(AccessRefused):
        await publisher.custody.release(asked(packed, replace(binding_of(holder), signature="0x00")))
    assert await publisher.storage.receipts.recent(1) == ()


async def test_a_right_for_some_territories_is_not_released_for_none_in_particular(publisher, holder, packed):
    await publisher.registry.mint(packed.token, wallet_of(HOLDER.address), 500)
    with pytest.raises(InvalidValue, match="streaming is for AT, DE"):
        await publisher.custody.release(asked(packed, binding_of(holder), "streaming"))


async def test_a_right_is_released_only_where_it_counts(publisher, holder, packed):
    await publisher.registry.mint(packed.token, wallet_of(HOLDER.address), 500)
    binding = binding_of(holder)
    envelope = await publisher.custody.release(asked(packed, binding, "streaming", "AT"))
    assert envelope.terms.territory == "AT"
    with pytest.raises(AccessRefused):
        await publisher.custody.release(asked(packed, binding, "streaming", "FR"))


async def test_a_wallet_cannot_ask_with_anothers_signature(publisher, holder, packed):
    stolen = replace(binding_of(holder, EMPTY), wallet=wallet_of(HOLDER.address))
    with pytest.raises(AccessRefused, match="did not sign"):
        await publisher.custody.release(asked(packed, stolen))


async def test_what_is_no_signature_is_refused(publisher, holder, packed):
    for signature in ("", "0x", "0x00", "zz", "0x" + "00" * 65, "\ud800"):
        with pytest.raises(AccessRefused, match="did not sign"):
            await publisher.custody.release(asked(packed, replace(binding_of(holder), signature=signature)))


async def test_a_signed_binding_cannot_be_changed(publisher, holder, packed):
    for change in ({"device_key": publisher.server_keys.device_public}, {"signed_at": 1}):
        with pytest.raises(AccessRefused, match="did not sign"):
            await publisher.custody.release(asked(packed, replace(binding_of(holder), **change)))


async def test_a_binding_from_the_future_is_refused_beyond_the_slack(publisher, holder, packed, clock):
    almost = binding_of(holder, signed_at=int(clock() + CLOCK_SLACK))
    await publisher.custody.release(asked(packed, almost))
    with pytest.raises(AccessRefused, match="future"):
        await publisher.custody.release(asked(packed, binding_of(holder, signed_at=int(clock()) + DAY)))


async def test_an_old_binding_holds_as_long_as_the_tokens(publisher, holder, packed, clock):
    binding = binding_of(holder)
    clock.now += 3 * 365 * DAY
    assert await publisher.custody.release(asked(packed, binding))


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
    assert publisher.told(EnvelopeReleased) == []


async def test_without_the_chain_nothing_is_released(publisher, holder, packed):
    binding = binding_of(holder)
    async with open_pool("http://127.0.0.1:9", contract=publisher.registry.contract) as dead:
        publisher.build(dead)
        with pytest.raises(ChainUnavailable):
            await publisher.custody.release(asked(packed, binding))


# The holder's server -----------------------------------------------------------------------------------------


async def test_a_bound_wallet_fetches_its_key(holder, film, packed, door):
    wallet = wallet_of(HOLDER.address)
    assert not await holder.desk.bound(wallet)
    assert not await holder.desk.opens(film)
    await holder.desk.bind(binding_of(holder))
    assert await holder.desk.bound(wallet)
    assert await holder.desk.ensure(film, wallet)
    assert await holder.desk.content_key(film) == packed.key
    assert (await holder.desk.valid(film, wallet)).terms.wallet == wallet
    assert await holder.desk.ensure(film, wallet)
    assert door.asked == 1


async def test_an_unbound_wallet_asks_nobody(holder, film, door):
    assert not await holder.desk.ensure(film, wallet_of(HOLDER.address))
    assert door.asked == 0
    with pytest.raises(AccessRefused) as caught:
        await holder.desk.content_key(film)
    assert caught.value.fix


async def test_an_empty_wallet_gets_no_key(holder, film, door):
    await holder.desk.bind(binding_of(holder, EMPTY))
    assert not await holder.desk.ensure(film, wallet_of(EMPTY.address))
    assert door.asked == 1
    assert not await holder.desk.opens(film)


async def test_a_binding_must_be_for_this_server_and_by_its_wallet(holder, publisher, clock):
    good = binding_of(holder)
    for bad in (
        replace(good, signature="0x" + "00" * 65),
        replace(good, wallet=wallet_of(EMPTY.address)),
        binding_of(publisher),
        binding_of(holder, chain_id=ChainId(1)),
        binding_of(holder, signed_at=int(clock()) + DAY),
    ):
        with pytest.raises(SignInRefused):
            await holder.desk.bind(bad)
    assert not await holder.desk.bound(good.wallet)
    assert await holder.desk.wallets() == ()


async def test_a_binding_to_a_key_this_server_no_longer_has_does_not_count(holder, publisher):
    """As after the key store was lost and made anew."""
    foreign = binding_of(publisher)
    await holder.storage.bindings.save(foreign)
    assert not await holder.desk.bound(foreign.wallet)
    assert await holder.desk.wallets() == ()


async def test_custodians_of_a_manifest_nobody_checked_are_not_asked(holder, film, door):
    await holder.desk.bind(binding_of(holder))
    for state in (FilmState.DISCOVERED, FilmState.WAITING, FilmState.FAILED):
        assert not await holder.desk.ensure(replace(film, state=state), wallet_of(HOLDER.address))
    assert door.asked == 0


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


async def test_an_envelope_that_was_tampered_with_is_worth_nothing(holder, film, door):
    wallet = wallet_of(HOLDER.address)
    await holder.desk.bind(binding_of(holder))
    for lie, tamper in LIES.items():
        door.tamper = tamper
        assert not await holder.desk.ensure(film, wallet), lie
        assert not await holder.desk.opens(film), lie
        assert await holder.desk.valid(film, wallet) is None, lie
    assert door.asked == len(LIES)
    door.tamper = lambda answer: answer
    assert await holder.desk.ensure(film, wallet)


async def test_only_the_custodian_named_in_the_manifest_counts(holder, film, door, tmp_path, registry, clock):
    """Another server that got hold of the very key signs envelopes with its own."""
    async with house(tmp_path / "other", registry, clock) as other:

        def by_another(answer):
            envelope = Envelope(
                _terms_of(answer), answer["sealed"], other.server_keys.custodian_public, signature=""
            )
            return replace(envelope, signature=other.server_keys.sign(envelope.signed_bytes())).as_json()

        await holder.desk.bind(binding_of(holder))
        door.tamper = by_another
        assert not await holder.desk.ensure(film, wallet_of(HOLDER.address))
        assert not await holder.desk.opens(film)


async def test_an_envelope_that_is_not_valid_now_is_not_kept(holder, publisher, film, door, clock):
    """The custodian's signature is good, but its clock is not."""
    await holder.desk.bind(binding_of(holder))
    for opens, closes in ((-2 * DAY, -DAY), (DAY, 2 * DAY)):
        door.tamper = partial(
            made_for, publisher, {"not_before": int(clock() + opens), "not_after": int(clock() + closes)}
        )
        assert not await holder.desk.ensure(film, wallet_of(HOLDER.address))
        assert not await holder.desk.opens(film)


async def test_even_its_custodian_cannot_send_an_envelope_nobody_asked_for(holder, publisher, film, door):
    """Signed and sealed in order, but for other terms: it would not be found, or found for the wrong thing."""
    await holder.desk.bind(binding_of(holder))
    for name, value in TAMPERED.items():
        if name.startswith("not_"):
            continue
        door.tamper = partial(made_for, publisher, {name: _read(name, value)})
        assert not await holder.desk.ensure(film, wallet_of(HOLDER.address)), name
        assert not await holder.desk.opens(film), name
    door.tamper = partial(made_for, publisher, {})
    assert await holder.desk.ensure(film, wallet_of(HOLDER.address))


def _read(name, value):
    return TokenReference.parse(value) if name == "token" else value


def made_for(custodian, changes, answer):
    """An envelope for other terms, sealed to the server that asked."""
    device_key = _terms_of(answer).device_key
    terms = replace(_terms_of(answer), **changes)
    keys = custodian.server_keys
    sealed = keys.seal(b"k" * 32, device_key, terms.binding_bytes())
    envelope = Envelope(terms, sealed, keys.custodian_public, "")
    return replace(envelope, signature=keys.sign(envelope.signed_bytes())).as_json()


def _terms_of(answer):
    return envelope_from_json(answer).terms


async def test_a_custodian_that_answers_nonsense_is_a_custodian_that_is_away(holder, film, door):
    await holder.desk.bind(binding_of(holder))
    door.status = 502
    assert not await holder.desk.ensure(film, wallet_of(HOLDER.address))


async def test_what_a_custodian_says_cannot_command_the_terminal(holder, film, door, caplog):
    caplog.set_level(logging.INFO)
    await holder.desk.bind(binding_of(holder))
    door.says = "No.\x1b]0;owned\x07\n2026-01-01 [info] all is well"
    assert not await holder.desk.ensure(film, wallet_of(HOLDER.address))
    assert "No.]0;owned2026" in caplog.text
    assert "\x1b" not in caplog.text


async def test_the_next_custodian_is_asked_when_one_is_away(holder, publisher, door):
    def two(manifest):
        away = Custodian("http://127.0.0.1:9", manifest.custodians[0].public_key)
        return replace(manifest, custodians=(away, *manifest.custodians))

    packed = await published(publisher, custodian=door.url + "/", size=100_000, manifest=two)
    await publisher.registry.mint(packed.token, wallet_of(HOLDER.address), 1)
    await holder.packages.pull(packed.root)
    await holder.desk.bind(binding_of(holder))
    assert await holder.desk.ensure(film_of(packed, holder.registry), wallet_of(HOLDER.address))


# Renewal -------------------------------------------------------------------------------------------------------


async def test_an_envelope_is_renewed_once_half_of_it_is_gone(holder, film, door, clock):
    wallet = wallet_of(HOLDER.address)
    await holder.desk.bind(binding_of(holder))
    await holder.renewal.renew()
    first = await holder.desk.valid(film, wallet)
    clock.now += WINDOW / 2 - DAY
    await holder.renewal.renew()
    assert door.asked == 1
    clock.now += 2 * DAY
    await holder.renewal.renew()
    assert door.asked == 2
    second = await holder.desk.valid(film, wallet)
    assert second.terms.not_after > first.terms.not_after


async def test_without_its_custodian_a_film_keeps_its_envelope_to_the_end(holder, film, door, clock):
    wallet = wallet_of(HOLDER.address)
    await holder.desk.bind(binding_of(holder))
    await holder.renewal.renew()
    door.status = 503
    clock.now += WINDOW - DAY
    assert await holder.desk.ensure(film, wallet)
    assert await holder.desk.valid(film, wallet)
    clock.now += 2 * DAY
    assert not await holder.desk.ensure(film, wallet)
    assert await holder.desk.valid(film, wallet) is None


async def test_who_sold_gets_no_renewal(holder, film, door, clock):
    wallet, buyer = wallet_of(HOLDER.address), wallet_of(EMPTY.address)
    await holder.desk.bind(binding_of(holder))
    await holder.renewal.renew()
    sale = registry_calls.transfer(film.token, wallet, buyer, 88)
    await holder.registry.send(sale, HOLDER)
    clock.now += WINDOW * 0.75
    await holder.renewal.renew()
    assert door.asked == 1
    # The custodian would say no by itself, too.
    assert await holder.desk.ensure(film, wallet)
    assert door.asked == 2
    clock.now += WINDOW
    assert not await holder.desk.ensure(film, wallet)


async def test_renewal_looks_after_every_bound_wallet_and_every_film(holder, publisher, film, packed, door):
    other = await published(publisher, custodian=door.url, size=100_000)
    await publisher.registry.mint(other.token, wallet_of(EMPTY.address), 1)
    await holder.packages.pull(other.root)
    other_film = film_of(other, holder.registry)
    await holder.storage.films.save(other_film)
    for account in (HOLDER, EMPTY):
        await holder.desk.bind(binding_of(holder, account))
    await holder.renewal.renew()
    assert door.asked == 2
    assert await holder.desk.content_key(film) == packed.key
    assert await holder.desk.content_key(other_film) == other.key


async def test_renewal_of_nothing_asks_nobody(holder):
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        await holder.renewal.renew()


async def test_an_envelope_of_an_older_package_does_not_cover_a_newer_one(
    holder, publisher, film, packed, door
):
    wallet = wallet_of(HOLDER.address)
    await holder.desk.bind(binding_of(holder))
    assert await holder.desk.ensure(film, wallet)
    newer = await pack(publisher, token=packed.token, custodian=door.url, size=100_000)
    await publisher.storage.films.save(film_of(newer, publisher.registry))
    await holder.packages.pull(newer.root)
    newer_film = film_of(newer, holder.registry)
    assert await holder.desk.valid(newer_film, wallet) is None
    assert await holder.desk.ensure(newer_film, wallet)
    assert door.asked == 2
    assert await holder.desk.content_key(newer_film) == newer.key
    assert (await holder.desk.valid(newer_film, wallet)).terms.root == newer.root


async def test_a_film_from_a_folder_has_no_envelope(holder):
    film = Film("x" * 16, Description("Home"), FolderOrigin("/m.mp4"), FilmState.READY)
    assert await holder.desk.valid(film, wallet_of(HOLDER.address)) is None
    assert not await holder.desk.opens(film)
    assert not await holder.desk.ensure(film, wallet_of(HOLDER.address))


# Secrets ---------------------------------------------------------------------------------------------------------


async def test_the_key_is_nowhere_but_sealed(holder, publisher, film, packed, door, caplog):
    caplog.set_level(logging.DEBUG)
    answers = []
    door.tamper = lambda answer: answers.append(json.dumps(answer)) or answer
    await holder.desk.bind(binding_of(holder))
    assert await holder.desk.ensure(film, wallet_of(HOLDER.address))
    door.tamper = with_term("right", "theatrical")
    await holder.desk.ensure(film, wallet_of(HOLDER.address), "small-venue")
    hexed, plain = packed.key.hex(), bytes(packed.key)
    assert "no new envelope" in caplog.text
    for told in (caplog.text, *answers, repr(holder.events), repr(publisher.events), repr(packed.token)):
        assert hexed not in told.lower()
    for server in (holder, publisher):
        files = [path.read_bytes() for path in server.folder.rglob("*") if path.is_file()]
        assert not any(plain in content or hexed.encode() in content.lower() for content in files)
