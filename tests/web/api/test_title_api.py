"""A publisher's interface: drafts, uploads by tus, and what the owner answers."""

import base64
import io
import re
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.web.conftest import COLLECTOR, GATED, OWNER, STRANGER, TOKEN
from tests.web.publishers import NO_FILM
from wylloh_server.adapters.files.upload_files import PIECE
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.film import Description, Film, TokenOrigin
from wylloh_server.domain.package_version import Successor
from wylloh_server.domain.rendition import AudioTrack, Probe, VideoTrack
from wylloh_server.domain.rights import Tier
from wylloh_server.domain.title import Title, TitleId, TitleState
from wylloh_server.domain.types import Cid, FilmId, Seconds
from wylloh_server.sdk.testing.sample_chain import CONTRACTS, DOLLAR
from wylloh_server.web import app_keys

FORM = {
    "title": "Light",
    "synopsis": "Of light.",
    "year": "2026",
    "genres": "short, experimental, short",
    "rating": "6+",
    "credits": "Director: Nobody\n\nMusic: No One\n",
    "supply": "1,000",
    "royalty": "7.5 %",
    "royalty_receiver": "",
    "tiers": [
        {"threshold": "1", "right": "personal", "seats": "", "territories": ""},
        {"threshold": "100", "right": "Small Venue", "seats": "50", "territories": "de, at"},
    ],
}
WALK = Probe(
    "matroska",
    Seconds(724),
    VideoTrack("h264", 1920, 1080, Fraction(24)),
    (AudioTrack(0, "aac", "en", 2), AudioTrack(1, "ac3", "de", 6, commentary=True)),
    notes=("A track of pictures is left out.",),
)
FILM = bytes(range(256)) * (PIECE // 256) + b"and a bit more"


@pytest.fixture
async def maker(server_under_test, browsers):
    """The signed-in browser of a publisher."""
    await server_under_test.storage.accounts.save(COLLECTOR, Role.PUBLISHER)
    browser = browsers()
    assert (await browser.sign_in(COLLECTOR)).status == 200
    return browser


async def draft(browser, title="Light"):
    answer = await browser.post("/api/titles", {"title": title})
    assert answer.status == 200
    return (await answer.json())["id"]


def metadata(title, kind="feature", **more):
    pairs = {"filename": "film.mkv", "title": title, "kind": kind, **more}
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


async def begin(browser, title, size=len(FILM), kind="feature", **more):
    headers = {"Upload-Length": str(size), "Upload-Metadata": metadata(title, kind, **more)}
    return await browser.post("/api/uploads", headers=headers)


async def send(browser, place, offset, content):
    headers = {
        "Origin": browser.server_under_test.origin,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    return await browser.client.patch(place, data=io.BytesIO(content), headers=headers)


async def stored(browser, place):
    answer = await browser.client.head(place)
    assert (answer.status, answer.headers["Tus-Resumable"]) == (200, "1.0.0")
    return int(answer.headers["Upload-Offset"])


async def complete(browser):
    title = await draft(browser)
    place = (await begin(browser, title)).headers["Location"]
    assert (await send(browser, place, 0, FILM)).status == 204
    answer = await browser.post(f"/api/titles/{title}", FORM)
    assert await answer.json() == {"missing": [], "elsewhere": False}
    return title


async def test_a_form_is_kept_as_it_was_meant(maker, server_under_test):
    title = await draft(maker)
    await maker.post(f"/api/titles/{title}", FORM)
    (kept,) = await server_under_test.storage.titles.all(COLLECTOR)
    about, terms = kept.description, kept.terms
    assert (about.year, about.genres) == (2026, ("short", "experimental"))
    assert [(credit.role, credit.name) for credit in about.credits] == [
        ("Director", "Nobody"),
        ("Music", "No One"),
    ]
    assert (terms.supply, terms.royalty_basis_points, terms.royalty_receiver) == (1000, 750, None)
    assert [(tier.threshold, tier.right, tier.territories, tier.seats) for tier in terms.tiers] == [
        (1, "personal", (), None),
        (100, "small-venue", ("DE", "AT"), 50),
    ]
    page = await (await maker.get(f"/titles/{title}")).text()
    assert 'value="7.5"' in page and 'value="Small venue"' in page


@pytest.mark.parametrize(
    "field, value, sentence",
    [
        ("title", "x" * 301, "301 characters"),
        ("title", "x" * 20_001, "field title has 20,001 characters"),
        ("credits", "x" * 20_001, "field credits has 20,001 characters"),
        ("credits", "Director: " + "x" * 301, "301 characters"),
        ("genres", "x" * 61, "61 characters"),
        ("genres", ",".join(map(str, range(51))), "51 genres"),
        ("year", "soon", "not a year"),
        ("year", "9" * 400, "9…” is not a year"),
        ("year", "1066", "not a year"),
        ("year", "٢٠٢٦", "not a year"),
        ("credits", "somebody", "no credit"),
        ("supply", "-1", "cannot be the number"),
        ("supply", "0", "be the number of tokens"),
        ("supply", "99", "tier of 100 tokens can never be reached"),
        ("supply", "1e9", "cannot be the number"),
        ("supply", str(2**256), "cannot be the number"),
        ("royalty", "26", "quarter"),
        ("royalty", "-5", "percentage"),
        ("royalty", "5.123", "percentage"),
        ("royalty_receiver", "0x12", "not an address"),
        ("royalty_receiver", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "is mistyped: its capitals"),
        ("royalty_receiver", "0x" + "0" * 40, "zero address"),
        ("royalty_receiver", CONTRACTS.store, "is a contract that films are traded with"),
        ("royalty_receiver", DOLLAR.address, "is a coin"),
        ("tiers", [{"threshold": "0", "right": "personal"}], "cannot be the number"),
        (
            "tiers",
            [{"threshold": "5", "right": "a"}, {"threshold": "5", "right": "b"}],
            "Tier 2 (B) is for 5 tokens, but",
        ),
        ("tiers", [{"threshold": "2", "right": "personal"}], "the first is always for 1 token"),
        ("tiers", [{"threshold": "1", "right": "theatrical"}], "Tier 1 is “Theatrical”, but one token"),
        ("tiers", [{"threshold": "1", "right": "personal", "seats": "50"}], "cannot have a number of seats"),
        ("tiers", [{"threshold": "1", "right": "personal", "territories": "DE"}], "holds in every country"),
        (
            "tiers",
            [{"threshold": "1", "right": "personal", "territories": "Germany"}],
            "Tier 1: “GERMANY” is no country",
        ),
        ("tiers", [{"threshold": "1", "right": "!!"}], "no right"),
        ("tiers", ["personal"], "cannot be read"),
        ("tiers", [{"threshold": "1", "right": "personal"}] * 33, "cannot be read"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_kept(
    maker, server_under_test, field, value, sentence
):
    title = await draft(maker)
    await server_under_test.storage.coins.keep(DOLLAR)
    answer = await maker.post(f"/api/titles/{title}", FORM | {field: value})
    told = await answer.json()
    assert answer.status == 400 and sentence in told["error"] and told["fix"]
    assert len(told["error"]) < 200, "what was typed is cut"
    assert told["error"].endswith(".") and told["fix"].endswith(".")
    (kept,) = await server_under_test.storage.titles.all(COLLECTOR)
    assert kept.terms.supply == 0


async def test_a_right_is_taken_by_the_name_that_the_form_offers(maker, server_under_test):
    title = await draft(maker)
    page = await (await maker.get(f"/titles/{title}")).text()
    assert '<option value="Personal viewing">' in page and 'value="personal"' not in page
    rights = ("Watching at home", "personal"), ("Small venue", "small-venue"), ("My own", "my-own")
    tiers = [{"threshold": str(10**at), "right": typed} for at, (typed, _) in enumerate(rights)]
    assert (await maker.post(f"/api/titles/{title}", FORM | {"tiers": tiers})).status == 200
    (kept,) = await server_under_test.storage.titles.all(COLLECTOR)
    assert [tier.right for tier in kept.terms.tiers] == [right for _, right in rights]


async def test_the_tier_that_a_new_draft_shows_is_kept(maker, server_under_test):
    title = await draft(maker)
    (kept,) = await server_under_test.storage.titles.all(COLLECTOR)
    assert kept.terms.tiers == (Tier(1, "personal"),)
    page = await (await maker.get(f"/titles/{title}")).text()
    assert page.partition('<div id="tiers">')[2].partition("<template")[0].count('class="tier"') == 1
    assert "Set at least one tier" not in page


async def test_a_publisher_sees_the_films_that_are_on_chain_already(owner, server_under_test):
    page = await (await owner.get("/titles")).text()
    assert "On chain already" in page and f'href="/films/{GATED.id}"' in page and "Nothing yet" not in page
    about = Title(TitleId("0123456789abcdef"), OWNER, GATED.description, 1.0, 1.0, token=GATED.token)
    await server_under_test.storage.titles.save(replace(about, state=TitleState.TOKENISED))
    page = await (await owner.get("/titles")).text()
    assert "On chain already" not in page and 'href="/titles/0123456789abcdef"' in page
    page = await (await owner.get("/titles/0123456789abcdef")).text()
    assert f'href="/films/{GATED.id}"' in page and "Open the film" in page


async def test_a_draft_may_leave_open_how_many_tokens_there_will_be(maker, server_under_test):
    title = await draft(maker)
    answer = await maker.post(f"/api/titles/{title}", FORM | {"supply": ""})
    assert "Say how many tokens there will be." in (await answer.json())["missing"]


async def test_other_open_pages_hear_that_a_draft_was_saved(maker, server_under_test):
    title = await draft(maker)
    with server_under_test.app[app_keys.LIVE].listening(COLLECTOR) as page:
        await maker.post(f"/api/titles/{title}", FORM)
        assert (await page.next(Seconds(5))).topics == {"titles"}


async def test_a_form_with_what_it_was_before_changes_only_what_differs(maker, server_under_test):
    title = await draft(maker)
    assert (await maker.post(f"/api/titles/{title}", FORM)).status == 200
    mine = {**FORM, "synopsis": "Of much light.", "before": FORM}
    assert (await (await maker.post(f"/api/titles/{title}", mine)).json())["elsewhere"] is False
    other = {**FORM, "rating": "12+", "before": FORM}
    assert (await (await maker.post(f"/api/titles/{title}", other)).json())["elsewhere"] is True
    late = await maker.post(f"/api/titles/{title}", {**FORM, "synopsis": "Of none.", "before": FORM})
    told = await late.json()
    assert (late.status, told["error"]) == (403, "The synopsis was changed elsewhere meanwhile.")
    (kept,) = await server_under_test.storage.titles.all(COLLECTOR)
    assert (kept.description.synopsis, kept.description.rating) == ("Of much light.", "12+")


async def test_other_open_pages_hear_of_files(maker, server_under_test):
    title = await draft(maker)
    with server_under_test.app[app_keys.LIVE].listening(COLLECTOR) as page:
        place = (await begin(maker, title)).headers["Location"]
        assert (await page.next(Seconds(5))).topics == {"titles"}
        await send(maker, place, 0, FILM)
        assert (await page.next(Seconds(5))).topics == {"titles"}
        await maker.client.delete(place, headers={"Origin": maker.server_under_test.origin})
        assert (await page.next(Seconds(5))).topics == {"titles"}


async def test_a_replacement_stands_in_the_row_of_the_file_that_stays_until_it_is_here(maker):
    title = await draft(maker)
    for name, content in (("plain.mkv", FILM), ("diary.mkv", FILM), ("half.mkv", FILM[:PIECE])):
        place = (await begin(maker, title, filename=name)).headers["Location"]
        await send(maker, place, 0, content)
        row = (await (await maker.get(f"/titles/{title}")).text()).partition('id="file-feature"')[2]
        row = row.partition('id="file-trailer"')[0]
        assert f'data-name="{name}"' in row and (NO_FILM in row) == (name == "diary.mkv")
        assert ("plain.mkv · 1.05 MB stays" in row) == (name != "plain.mkv")
    assert "half.mkv · 1.05 MB of 1.05 MB are here. Choose the same file again" in row


async def test_a_file_that_is_not_what_it_should_be_is_said_on_the_page(maker):
    title = await draft(maker)
    place = (await begin(maker, title, filename="diary.mkv")).headers["Location"]
    assert (await send(maker, place, 0, FILM)).status == 204
    page = await (await maker.get(f"/titles/{title}")).text()
    assert f"Replace diary.mkv. {NO_FILM}" in page and page.count(NO_FILM) == 2
    assert "Ready to submit" not in page


async def test_an_approved_title_is_taken_back_by_its_page(maker, owner, server_under_test):
    title = await complete(maker)
    await maker.post(f"/api/titles/{title}/submit")
    (asked,) = await server_under_test.storage.requests.waiting()
    await owner.post(f"/api/approvals/{asked.id}", {"approve": True, "note": ""})
    assert 'data-act="withdraw"' in await (await maker.get(f"/titles/{title}")).text()
    assert 'data-act="withdraw"' in await (await owner.get(f"/titles/{title}")).text()
    assert await (await owner.post(f"/api/titles/{title}/withdraw")).json() == {"state": "draft"}
    page = await (await maker.get(f"/titles/{title}")).text()
    assert "Ready to submit" in page and "After it was approved." in page
    assert (await maker.post(f"/api/titles/{title}", FORM)).status == 200


async def test_a_film_arrives_in_pieces_and_goes_on_after_a_break(maker):
    title = await draft(maker)
    begun = await begin(maker, title)
    place = begun.headers["Location"]
    assert begun.status == 201 and await stored(maker, place) == 0
    first = await send(maker, place, 0, FILM[: PIECE + 5])
    assert (first.status, first.headers["Upload-Offset"]) == (204, str(PIECE))
    wrong = await send(maker, place, 0, FILM)
    assert (wrong.status, wrong.headers["Upload-Offset"]) == (409, str(PIECE))
    assert "go on" in (await wrong.json())["fix"].lower()
    last = await send(maker, place, PIECE, FILM[PIECE:])
    assert last.headers["Upload-Offset"] == str(len(FILM)) == str(await stored(maker, place))
    page = await (await maker.get(f"/titles/{title}")).text()
    assert "film.mkv · 1.05 MB" in page
    gone = await maker.client.delete(place, headers={"Origin": maker.server_under_test.origin})
    assert gone.status == 204
    assert (await maker.client.head(place)).status == 404


async def test_what_the_server_speaks_of_tus(maker):
    answer = await maker.client.options("/api/uploads", headers={"Origin": maker.server_under_test.origin})
    assert (answer.status, answer.headers["Tus-Version"]) == (204, "1.0.0")
    assert answer.headers["Tus-Extension"] == "creation,termination"


@pytest.mark.parametrize(
    "headers, sentence",
    [
        ({"Upload-Length": "5"}, "kind of upload"),
        ({"Upload-Length": "5", "Upload-Metadata": "kind !!!"}, "cannot be read"),
        ({"Upload-Length": "-5"}, "number of bytes"),
        ({"Upload-Length": "9" * 40}, "number of bytes"),
        ({}, "number of bytes"),
    ],
)
async def test_an_upload_nobody_can_read_is_refused(maker, headers, sentence):
    title = await draft(maker)
    known = {"Upload-Metadata": metadata(title)} if "number" in sentence else {}
    answer = await maker.post("/api/uploads", headers=known | headers)
    assert answer.status == 400 and sentence in (await answer.json())["error"]


async def test_a_piece_of_another_type_is_refused(maker):
    place = (await begin(maker, await draft(maker))).headers["Location"]
    headers = {
        "Origin": maker.server_under_test.origin,
        "Upload-Offset": "0",
        "Content-Type": "application/json",
    }
    assert (await maker.client.patch(place, data=b"{}", headers=headers)).status == 415
    assert await stored(maker, place) == 0


async def test_nobody_elses_uploads_can_be_touched(maker, server_under_test, browsers):
    place = (await begin(maker, await draft(maker))).headers["Location"]
    stranger = browsers()
    await stranger.sign_in(OWNER)
    assert (await stranger.client.head(place)).status == 404
    assert (await send(stranger, place, 0, b"x")).status == 404
    nobody = browsers()
    assert (await send(nobody, place, 0, b"x")).status == 401
    assert await stored(maker, place) == 0


async def test_pieces_from_another_site_are_refused(maker):
    place = (await begin(maker, await draft(maker))).headers["Location"]
    headers = {
        "Origin": "https://evil.example",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    assert (await maker.client.patch(place, data=b"x", headers=headers)).status == 403
    assert await stored(maker, place) == 0


async def test_a_title_goes_to_the_owner_and_back(maker, owner, server_under_test):
    title = await complete(maker)
    assert await (await maker.post(f"/api/titles/{title}/submit")).json() == {"state": "pending"}
    queue = await (await owner.get("/approvals")).text()
    assert "1 waits for you" in queue and "Light" in queue
    (asked,) = await server_under_test.storage.requests.waiting()
    empty = await owner.post(f"/api/approvals/{asked.id}", {"approve": False, "note": " "})
    assert (empty.status, (await empty.json())["error"]) == (400, "Say why not.")
    assert (await owner.post(f"/api/approvals/{asked.id}", {"approve": "yes"})).status == 400
    done = await owner.post(f"/api/approvals/{asked.id}", {"approve": False, "note": "Too dark."})
    assert done.status == 200
    again = await owner.post(f"/api/approvals/{asked.id}", {"approve": True, "note": ""})
    assert (again.status, (await again.json())["error"]) == (400, "This was answered already.")
    assert "Too dark." in await (await maker.get(f"/titles/{title}")).text()
    assert "sent back" in await (await owner.get("/approvals")).text()


async def test_the_owner_watches_a_title_and_reads_what_it_holds_before_answering(
    maker, owner, browsers, server_under_test
):
    server_under_test.playback.probed = WALK
    title = await complete(maker)
    picture = b"\xff\xd8\xff a poster"
    place = (await begin(maker, title, len(picture), "poster")).headers["Location"]
    await send(maker, place, 0, picture)
    assert (await maker.get(f"/titles/{title}/trailer")).status == 404
    assert "Watch the trailer" not in await (await maker.get(f"/titles/{title}")).text()
    await send(maker, (await begin(maker, title, 9, "trailer")).headers["Location"], 0, b"a trailer")
    await maker.post(f"/api/titles/{title}/submit")
    for path in ("/approvals", f"/titles/{title}"):
        page = await (await owner.get(path)).text()
        for words in (
            f'href="/titles/{title}/watch"',
            f'href="/titles/{title}/trailer"',
            f'src="/titles/{title}/poster.jpg?',
            "12 min",
            "film.mkv, 1.05 MB",
            "1920x1080, 24 frames a second, h264",
            "English (stereo, aac) · Deutsch (5.1, ac3, commentary)",
            "A track of pictures is left out.",
            "100 tokens",
            "Up to 50 seats · DE, AT",
            "Of every resale 7.5\xa0% goes to",
        ):
            assert words in page, (path, words)
        assert "You can take it back" not in page
    for browser, back in ((owner, "/approvals"), (maker, f"/titles/{title}")):
        for page, play in (("watch", "play"), ("trailer", "trailer")):
            player = await (await browser.get(f"/titles/{title}/{page}")).text()
            assert f'data-play="/api/titles/{title}/{play}"' in player and f'data-back="{back}"' in player
            answer = await browser.post(f"/api/titles/{title}/{play}")
            assert (await answer.json())["url"].startswith("/play/token-of-")
    await server_under_test.storage.accounts.save(STRANGER, Role.PUBLISHER)
    stranger = browsers()
    await stranger.sign_in(STRANGER)
    for page, play in (("watch", "play"), ("trailer", "trailer")):
        assert (await stranger.get(f"/titles/{title}/{page}")).status == 404
        assert (await stranger.post(f"/api/titles/{title}/{play}")).status == 404


async def test_what_cannot_be_watched_is_said_to_the_owner(maker, owner, server_under_test):
    title = await complete(maker)
    await maker.post(f"/api/titles/{title}/submit")
    assert "This is no film. Choose another file." in await (await owner.get("/approvals")).text()


async def badges(browser, path="/"):
    """The counts in the navigation, by the name of their entry, and what the top of the library says."""
    page = await (await browser.get(path)).text()
    found = re.findall(r'<a href="[^"]*"[^>]*>(\w+) <b class="count">(\d+)<', page)
    return {name: int(count) for name, count in found}, re.findall(r"atop\"><b>([^<]*)</b> <a href", page)


async def test_what_waits_and_what_was_answered_is_counted_in_the_navigation_until_it_is_seen(
    maker, owner, server_under_test
):
    title = await complete(maker)
    assert (await badges(owner), await badges(maker)) == (({}, []), ({}, []))
    await maker.post(f"/api/titles/{title}/submit")
    assert await badges(owner) == ({"Approvals": 1}, ["Light waits for your approval."])
    assert await badges(owner, "/devices") == ({"Approvals": 1}, [])
    assert await badges(maker) == ({}, [])
    (asked,) = await server_under_test.storage.requests.waiting()
    await owner.post(f"/api/approvals/{asked.id}", {"approve": False, "note": "Too dark."})
    assert await badges(owner) == ({}, [])
    assert await badges(maker) == ({"Titles": 1}, ["The owner sent Light back to you."])
    assert "Too dark." in await (await maker.get(f"/titles/{title}")).text()
    assert await badges(maker) == ({}, [])


async def test_an_answer_to_who_asked_to_publish_is_counted_too(collector, owner, server_under_test):
    await collector.post("/api/publishers/apply", {"message": "I make shorts."})
    assert await badges(owner) == ({"Approvals": 1}, ["Somebody asks to publish here."])
    (asked,) = await server_under_test.storage.requests.waiting()
    await owner.post(f"/api/approvals/{asked.id}", {"approve": True, "note": ""})
    assert await badges(collector) == ({"Titles": 1}, ["You may publish here now."])
    await collector.get("/titles")
    assert await badges(collector) == ({}, [])


async def test_who_is_no_publisher_finds_the_door_and_the_answer(collector, owner, server_under_test):
    for path in ("/devices", "/about"):
        assert 'href="/titles">Publish here</a>' in await (await collector.get(path)).text()
        assert "Publish here" not in await (await owner.get(path)).text()
    await collector.post("/api/publishers/apply", {"message": "I make shorts."})
    assert await badges(collector) == ({}, [])
    (asked,) = await server_under_test.storage.requests.waiting()
    await owner.post(f"/api/approvals/{asked.id}", {"approve": False, "note": "Not yet."})
    assert (await badges(collector, "/devices"))[0] == {"Publish": 1}
    assert "Not yet." in await (await collector.get("/titles")).text()
    assert await badges(collector, "/devices") == ({}, [])


async def test_a_title_on_chain_is_text_with_a_short_token_and_what_can_still_change(
    maker, server_under_test
):
    title = await draft(maker)
    await maker.post(f"/api/titles/{title}", FORM)
    (kept,) = await server_under_test.storage.titles.all(COLLECTOR)
    huge = replace(TOKEN, token_id=2**255)
    await server_under_test.storage.titles.save(replace(kept, state=TitleState.TOKENISED, token=huge))
    page = await (await maker.get(f"/titles/{title}")).text()
    assert "What was published" in page and "Nobody" in page and "1,000" in page
    assert "<form" not in page.partition("<main")[2] and "Remove" not in page
    assert "<summary>Token 0x80000000…</summary>" in page and page.count(str(2**255)) == 1
    assert "can never be changed" in page and "cannot be changed from this server yet" in page


async def test_a_number_of_tokens_that_is_none_is_refused_with_the_most_there_are(maker, server_under_test):
    title = await draft(maker)
    await maker.post(f"/api/titles/{title}", FORM)
    for first, words in (
        ("-1", "Write 0 to 1,000."),
        ("", "Write 0 to make none yet."),
        ("1001", "0 to 1,000."),
    ):
        answer = await maker.post(f"/api/titles/{title}/register", {"first": first})
        assert (answer.status, (await answer.json())["fix"]) == (400, words) or words in await answer.text()


async def test_a_publisher_reads_that_a_newer_package_was_refused(collector, server_under_test):
    storage, token = server_under_test.storage, replace(TOKEN, token_id=8)
    film = Film(
        FilmId("f" * 16), Description("Light"), TokenOrigin(token, Cid("bafyold"), COLLECTOR, "00" * 32)
    )
    newer = Successor(TokenOrigin(token, Cid("bafynew"), COLLECTOR, "00" * 32))
    await storage.films.save(film)
    await storage.versions.save_successor(
        film.id, newer.refused(InvalidValue("It is no CID", fix="Use CIDv1."))
    )
    _, (notice,) = await badges(collector)
    assert notice == (
        "The newer version of Light that you registered was refused. It is no CID. Its publisher has to "
        "register a good one; the film plays on from the one that is here."
    )


async def test_every_page_says_what_a_state_means(maker):
    title = await draft(maker)
    for path in ("/titles", f"/titles/{title}"):
        page = await (await maker.get(path)).text()
        assert 'role="tooltip"' in page and "It waits for the owner of this server" in page


async def test_who_is_no_publisher_may_ask_to_become_one(collector, owner, server_under_test):
    assert (await collector.post("/api/titles", {"title": "Light"})).status == 403
    page = await (await collector.get("/titles")).text()
    assert "Ask the owner" in page
    assert (await collector.post("/api/publishers/apply", {"message": "I make shorts."})).status == 200
    assert "You have asked" in await (await collector.get("/titles")).text()
    (asked,) = await server_under_test.storage.requests.waiting()
    await owner.post(f"/api/approvals/{asked.id}", {"approve": True, "note": ""})
    assert (await collector.post("/api/titles", {"title": "Light"})).status == 200


async def test_only_the_owner_sees_the_queue(maker, browser):
    assert (await maker.get("/approvals")).status == 403
    assert (await browser.get("/approvals")).status == 303


async def test_a_poster_is_for_publisher_and_owner_only(maker, owner, browsers, server_under_test):
    title = await draft(maker)
    assert (await maker.get(f"/titles/{title}/poster.jpg")).status == 404
    picture = b"\xff\xd8\xff a poster"
    place = (await begin(maker, title, len(picture), "poster")).headers["Location"]
    await send(maker, place, 0, picture)
    for browser in (maker, owner):
        assert await (await browser.get(f"/titles/{title}/poster.jpg")).read() == picture
    assert (await browsers().get(f"/titles/{title}/poster.jpg")).status == 303


async def test_a_draft_is_deleted_with_all_it_has(maker, server_under_test):
    title = await complete(maker)
    assert (await maker.post(f"/api/titles/{title}/remove")).status == 200
    assert (await maker.get(f"/titles/{title}")).status == 404
    assert not any((server_under_test.settings.server.data / "uploads").iterdir())
