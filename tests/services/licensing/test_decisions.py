"""Every yes and every no, over a real chain; and what a person then reads."""

from dataclasses import replace

import pytest

from tests.components.bindings import bind
from tests.components.registry import ACCOUNTS, open_pool, transfer
from tests.fakes import FakeClock
from tests.services.server_environment import viewer_with
from tests.services.packing import film_of, published
from wylloh_server.adapters.chain import BlockAgeLimit
from wylloh_server.domain.access import Reason, Role, Verdict, Vote
from wylloh_server.domain.errors import ChainError
from wylloh_server.domain.events import LicenseChecked
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, TrailerOrigin, UploadOrigin
from wylloh_server.domain.title import TitleId, UploadId
from wylloh_server.domain.types import ChainId, FilmId, Seconds, parse_wallet
from wylloh_server.domain.access import VoteResult

HOLDER, EMPTY = ACCOUNTS[1], ACCOUNTS[2]
VIEWER = viewer_with(parse_wallet(HOLDER.address))
STRANGER = viewer_with(parse_wallet(EMPTY.address))
HOME = Film(FilmId("h" * 16), Description("Home"), FolderOrigin("/home.mp4"), FilmState.READY, 1.0)


@pytest.fixture
async def film(publisher, holder, loopback):
    """A film all here on the holder's server, of which its wallet has 88 tokens."""
    packed = await published(publisher, custodian=loopback.url, size=100_000)
    await publisher.registry.mint(packed.token, VIEWER.wallet, 88)
    await holder.packages.pull(packed.root)
    film = film_of(packed, holder.registry)
    await holder.storage.films.save(film)
    return film


async def decided(server, viewer, film, right="personal"):
    """Decide, and check that the decision was recorded and told."""
    told = len(server.events_of(LicenseChecked))
    receipt = await server.licensing.decide(viewer, film, right)
    (entry,) = await server.storage.receipts.page(1, wallet=viewer.wallet)
    assert entry.receipt == receipt
    assert server.events_of(LicenseChecked)[told:] == [LicenseChecked(receipt)]
    assert receipt.at == server.clock()
    assert (receipt.film, receipt.wallet, receipt.right) == (film.id, viewer.wallet, right)
    assert receipt.allowed or not receipt.tier
    assert receipt.sentence.endswith(".")
    return receipt


async def test_a_holder_may_watch(holder, film):
    await bind(holder)
    receipt = await decided(holder, VIEWER, film)
    assert (receipt.allowed, receipt.reason) == (True, Reason.HOLDS_ENOUGH)
    assert (receipt.balance, receipt.missing, receipt.tier) == (88, 0, "personal")
    assert receipt.contract == str(film.token)
    assert receipt.block == (await holder.chain.status()).block
    assert receipt.sentence == "You hold 88 tokens, which unlock watching at home."
    assert await holder.envelope_client.opens(film)


async def test_one_token_unlocks(holder, film):
    await bind(holder, EMPTY)
    await holder.registry.mint(film.token, STRANGER.wallet, 1)
    receipt = await decided(holder, STRANGER, film)
    assert receipt.sentence == "You hold 1 token, which unlocks watching at home."


async def test_too_few_tokens(holder, film):
    for viewer, right, missing, sentence in (
        (STRANGER, "personal", 1, "You hold no token of this film. 1 token lets you watch it."),
        (
            STRANGER,
            "small-venue",
            100,
            "You hold no token of this film. 100 tokens unlock small-venue shows.",
        ),
        (VIEWER, "small-venue", 12, "You hold 88 tokens. 12 more tokens unlock small-venue shows."),
        (VIEWER, "streaming", 412, "You hold 88 tokens. 412 more tokens unlock streaming."),
        (VIEWER, "hologram", 0, "You hold 88 tokens. No number of them unlocks hologram."),
    ):
        receipt = await decided(holder, viewer, film, right)
        assert (receipt.allowed, receipt.reason) == (False, Reason.TOO_FEW_TOKENS)
        assert (receipt.missing, receipt.sentence) == (missing, sentence)
        assert receipt.balance == (88 if viewer is VIEWER else 0)
        assert receipt.block is not None


async def test_one_more_token(holder, film):
    await holder.registry.mint(film.token, VIEWER.wallet, 11)
    receipt = await decided(holder, VIEWER, film, "small-venue")
    assert receipt.sentence == "You hold 99 tokens. 1 more token unlocks small-venue shows."


async def test_films_from_ones_own_folder_ask_no_chain(holder):
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        receipt = await decided(holder, STRANGER, HOME)
    assert (receipt.allowed, receipt.reason) == (True, Reason.OWN_FOLDER)
    assert (receipt.contract, receipt.block, receipt.balance) == ("", None, None)


async def test_an_upload_is_for_its_publisher_and_the_owner_and_plugins_hear_nothing(holder):
    origin = UploadOrigin(TitleId("t" * 16), UploadId("u" * 32), VIEWER.wallet)
    upload = Film(FilmId("u" * 16), Description("A Walk"), origin, FilmState.READY, 1.0)
    owner = replace(STRANGER, role=Role.OWNER)
    told, asked = len(holder.events_of(LicenseChecked)), len(holder.votes.asked)
    for viewer, reason in (
        (VIEWER, Reason.UPLOADED_HERE),
        (owner, Reason.UPLOADED_HERE),
        (STRANGER, Reason.NOT_THEIR_UPLOAD),
        (replace(STRANGER, role=Role.PUBLISHER), Reason.NOT_THEIR_UPLOAD),
    ):
        receipt = await holder.licensing.decide(viewer, upload)
        assert (receipt.allowed, receipt.reason) == (reason is Reason.UPLOADED_HERE, reason)
        assert (await holder.storage.receipts.page(1, wallet=viewer.wallet))[0].receipt == receipt
    assert (len(holder.events_of(LicenseChecked)), len(holder.votes.asked)) == (told, asked)


async def test_a_trailer_needs_no_right_and_leaves_no_trace(holder):
    trailer = Film(
        FilmId("v" * 16), Description("Sea: trailer"), TrailerOrigin("/sea-trailer.mkv"), FilmState.READY
    )
    told, asked = len(holder.events_of(LicenseChecked)), len(holder.votes.asked)
    kept = await holder.storage.receipts.page(1, wallet=STRANGER.wallet)
    assert (await holder.licensing.decide(STRANGER, trailer)).allowed
    assert await holder.storage.receipts.page(1, wallet=STRANGER.wallet) == kept
    assert (len(holder.events_of(LicenseChecked)), len(holder.votes.asked)) == (told, asked)


async def test_with_the_chain_down_an_envelope_still_counts_for_its_wallet_only(holder, film, clock):
    clock.now = 1_760_000_000.0
    await bind(holder)
    assert (await decided(holder, VIEWER, film)).allowed
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        receipt = await decided(holder, VIEWER, film)
        assert (receipt.allowed, receipt.reason) == (True, Reason.ENVELOPE_STILL_VALID)
        assert (receipt.tier, receipt.balance, receipt.block) == ("personal", None, None)
        assert receipt.sentence == (
            "Your tokens cannot be checked now; your licence is good until 8 November 2025, 08:53 UTC."
        )
        assert (await decided(holder, STRANGER, film)).reason is Reason.CHAIN_UNKNOWN
        assert (await decided(holder, VIEWER, film, "small-venue")).reason is Reason.CHAIN_UNKNOWN
        clock.now += 31 * 86_400
        assert (await decided(holder, VIEWER, film)).reason is Reason.CHAIN_UNKNOWN


async def test_12_2_a_definite_no_ends_an_old_yes(holder, film):
    """Grace is for who was last seen holding: not for a wallet that was refused for 0 tokens a moment before."""
    await bind(holder)
    assert (await decided(holder, VIEWER, film)).allowed
    await holder.registry.send(transfer(film.token, VIEWER.wallet, STRANGER.wallet, 88), HOLDER)
    assert (await decided(holder, VIEWER, film)).reason is Reason.TOO_FEW_TOKENS
    pool = holder.registry.pool
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        assert (await decided(holder, VIEWER, film)).reason is Reason.CHAIN_UNKNOWN
        assert await holder.envelope_client.valid(film, VIEWER.wallet) is None
        holder.build(pool)
        await holder.registry.send(transfer(film.token, STRANGER.wallet, VIEWER.wallet, 1), EMPTY)
        assert (await decided(holder, VIEWER, film)).reason is Reason.HOLDS_ENOUGH
        holder.build(dead)
        assert (await decided(holder, VIEWER, film)).reason is Reason.ENVELOPE_STILL_VALID


async def test_who_sold_and_never_pressed_play_gets_no_grace(holder, film):
    """Nor after a restore: what the chain's history says is read again, what this server saw is not."""
    await bind(holder)
    assert (await decided(holder, VIEWER, film)).allowed
    await holder.indexer.catch_up()
    pool = holder.registry.pool
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        assert (await decided(holder, VIEWER, film)).reason is Reason.ENVELOPE_STILL_VALID
        holder.build(pool)
        await holder.registry.send(transfer(film.token, VIEWER.wallet, STRANGER.wallet, 88), HOLDER)
        await holder.indexer.catch_up()
        holder.build(dead)
        receipt = await decided(holder, VIEWER, film)
        assert (receipt.allowed, receipt.reason, receipt.balance) == (False, Reason.CHAIN_UNKNOWN, 0)
        assert "you held too few for watching at home" in receipt.sentence

        holder.build(pool)
        await holder.registry.send(transfer(film.token, STRANGER.wallet, VIEWER.wallet, 1), EMPTY)
        assert (await decided(holder, VIEWER, film)).reason is Reason.HOLDS_ENOUGH
        holder.build(dead)
        assert (await decided(holder, VIEWER, film)).reason is Reason.ENVELOPE_STILL_VALID, (
            "what is read of the history is older than what the chain was asked"
        )


async def test_9_an_old_block_neither_refuses_nor_grants(holder, film, chain):
    """A running film is ended only for what a fresh block says: `chain-unknown` ends none."""
    await bind(holder)
    clock = FakeClock(0)
    async with open_pool(chain.url, age=BlockAgeLimit(Seconds(60), clock)) as stale:
        holder.build(stale)
        assert (await decided(holder, VIEWER, film)).reason is Reason.CHAIN_UNKNOWN
        assert (await decided(holder, STRANGER, film)).reason is Reason.CHAIN_UNKNOWN


async def test_with_the_chain_down_and_no_envelope_nothing_is_known(holder, film):
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        receipt = await decided(holder, VIEWER, film)
    assert (receipt.allowed, receipt.reason) == (False, Reason.CHAIN_UNKNOWN)
    assert (receipt.balance, receipt.missing) == (None, 0)
    assert receipt.sentence == (
        "Your tokens cannot be checked now: the chain cannot be reached. Try again in a minute."
    )


async def test_a_token_that_cannot_be_asked_about_is_unknown_and_never_zero(holder, film):
    for change in ({"chain_id": ChainId(1)}, {"token_id": 5}, {"contract": "0x" + "1" * 40}):
        elsewhere = replace(film, origin=replace(film.origin, token=replace(film.token, **change)))
        receipt = await decided(holder, VIEWER, elsewhere)
        assert (receipt.allowed, receipt.reason, receipt.balance) == (False, Reason.CHAIN_UNKNOWN, None)
        assert receipt.sentence == (
            "Your tokens cannot be checked: this server asks the wrong chain. Tell who looks after it."
        )


async def test_a_film_that_is_not_here_yet(holder, film):
    for state, progress, reason, sentence in (
        (FilmState.DISCOVERED, 0.0, "", "The film has been found and will be fetched soon."),
        (FilmState.PULLING, 0.42, "", "The film is arriving: 42% is here."),
        (FilmState.WAITING, 0.4, "The disk is full. Free some room.", "The disk is full. Free some room."),
        (FilmState.FAILED, 0.0, "This package was refused: no.", "This package was refused: no."),
        (FilmState.FAILED, 0.0, "", "The film is not here."),
    ):
        opened = replace(film, state=state, progress=progress, reason=reason)
        receipt = await decided(holder, VIEWER, opened)
        assert (receipt.allowed, receipt.reason, receipt.sentence) == (False, Reason.NOT_HERE_YET, sentence)


async def test_too_few_tokens_come_before_a_film_that_is_not_here(holder, film):
    receipt = await decided(holder, STRANGER, replace(film, state=FilmState.PULLING))
    assert receipt.reason is Reason.TOO_FEW_TOKENS


async def test_no_key_because_the_wallet_has_not_bound_itself(holder, film):
    receipt = await decided(holder, VIEWER, film)
    assert (receipt.allowed, receipt.reason) == (False, Reason.NO_KEY)
    assert receipt.sentence == (
        "You hold enough. Sign in once more and let this server keep the keys of your films."
    )


async def test_no_key_because_no_custodian_answers(holder, film, loopback):
    await bind(holder)
    loopback.status = 503
    receipt = await decided(holder, VIEWER, film)
    assert (receipt.allowed, receipt.reason) == (False, Reason.NO_KEY)
    assert receipt.sentence == (
        "You hold enough, but no custodian has released the key yet. Try again in a minute."
    )
    loopback.status = None
    assert (await decided(holder, VIEWER, film)).allowed


async def test_with_the_key_at_hand_nobody_waits_for_a_custodian(holder, film, loopback, clock):
    await bind(holder)
    assert (await decided(holder, VIEWER, film)).allowed
    loopback.status = 503
    clock.now += 40 * 86_400
    assert (await decided(holder, VIEWER, film)).allowed
    assert loopback.asked == 1


async def test_a_custodian_plays_its_own_films(publisher, film):
    viewer = viewer_with(VIEWER.wallet)
    assert (await decided(publisher, viewer, film)).reason is Reason.HOLDS_ENOUGH


async def test_a_plugin_may_say_no(holder, film):
    await bind(holder)
    for said, sentence in (
        ("Not after ten.", "Not after ten."),
        ("", "A plugin of this server does not allow it."),
    ):
        holder.votes.answer = VoteResult(Vote(Verdict.DENY, said), ("bedtime",))
        receipt = await decided(holder, VIEWER, film)
        assert (receipt.allowed, receipt.reason, receipt.tier) == (False, Reason.VOTED_DOWN, "")
        assert (receipt.sentence, receipt.plugins) == (sentence, ("bedtime",))
        asked = holder.votes.asked[-1]
        assert (asked.viewer, asked.film, asked.right) == (VIEWER, film, "personal")
    assert not await holder.envelope_client.opens(film)


async def test_a_vote_that_could_not_be_had_is_a_no_of_its_own(holder):
    holder.votes.answer = VoteResult(Vote(Verdict.DENY, "It does not run."), ("bedtime",), failed=True)
    receipt = await decided(holder, VIEWER, HOME)
    assert (receipt.allowed, receipt.reason) == (False, Reason.VOTE_UNKNOWN)
    assert (receipt.sentence, receipt.plugins) == ("It does not run.", ("bedtime",))


async def test_a_plugin_may_deny_films_from_folders_too(holder):
    holder.votes.answer = VoteResult(Vote(Verdict.DENY), ("bedtime",))
    assert (await decided(holder, VIEWER, HOME)).reason is Reason.VOTED_DOWN


async def test_a_plugin_cannot_give_what_the_chain_does_not(holder, film):
    holder.votes.answer = VoteResult(Vote(Verdict.ALLOW), ("friend",))
    receipt = await decided(holder, STRANGER, film)
    assert receipt.reason is Reason.TOO_FEW_TOKENS
    assert holder.votes.asked == []


async def test_every_reason_there_is_was_reached_here():
    """Keep this list and the tests above in step."""
    reached = {
        Reason.HOLDS_ENOUGH,
        Reason.OWN_FOLDER,
        Reason.ENVELOPE_STILL_VALID,
        Reason.TOO_FEW_TOKENS,
        Reason.CHAIN_UNKNOWN,
        Reason.NOT_HERE_YET,
        Reason.NO_KEY,
        Reason.VOTED_DOWN,
        Reason.VOTE_UNKNOWN,
        Reason.UPLOADED_HERE,
        Reason.NOT_THEIR_UPLOAD,
    }
    of_custodians = {Reason.TOO_MANY_SERVERS}
    assert reached == set(Reason) - of_custodians
