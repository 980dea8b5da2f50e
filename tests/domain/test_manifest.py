import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.errors import PackageInvalid
from wylloh_server.domain.film import (
    ENCRYPTION_SCHEME,
    Credit,
    Custodian,
    Description,
    EncryptionHeader,
    FileRole,
    Manifest,
    PackageFile,
    associated_data,
)
from wylloh_server.domain.manifest import FORMAT, MANIFEST_LIMIT, manifest_bytes, manifest_from
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference, parse_wallet

TOKEN = TokenReference(ChainId(31337), parse_wallet("0x" + "9a" * 20), 7)
FEATURE = PackageFile(
    "feature.enc",
    Cid("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"),
    5,
    "1" * 64,
    FileRole.FEATURE,
)
WORDS = PackageFile(
    "subtitles/pt-BR.vtt",
    Cid("bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
    9,
    "2" * 64,
    FileRole.SUBTITLES,
    "pt-BR",
)
MANIFEST = Manifest(
    description=Description(
        title="Große Häschen",
        synopsis="A rabbit.\nThree rodents.",
        year=2008,
        runtime=Seconds(596),
        rating="6",
        credits=(Credit("Director", "Someone"),),
        languages=("en", "und"),
        subtitles=("pt-BR",),
        height=1080,
        genres=("Animation", "Komödie für alle"),
    ),
    token=TOKEN,
    publisher=parse_wallet("0x" + "ab" * 20),
    files=(FEATURE, WORDS),
    encryption=EncryptionHeader(
        ENCRYPTION_SCHEME, associated_data(str(TOKEN), FileRole.FEATURE), key_commitment="4" * 64
    ),
    custodians=(Custodian("https://films.example:8484", "3" * 64),),
)
GOOD = json.loads(manifest_bytes(MANIFEST))

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths_in(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths_in(item, (*path, key))


def with_value(value, path, new):
    if not path:
        return new
    changed = value.copy()
    changed[path[0]] = with_value(value[path[0]], path[1:], new)
    return changed


def test_a_manifest_survives_its_bytes():
    assert manifest_from(GOOD) == MANIFEST


@given(
    st.builds(
        Description,
        title=st.text(
            st.characters(exclude_categories=["Cs", "Zs", "Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=300
        ),
        synopsis=st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=500),
        year=st.none() | st.integers(1888, 2100),
        runtime=st.integers(0, 100_000).map(Seconds),
        height=st.integers(0, 4320),
        genres=st.lists(st.sampled_from(["Drama", "Film noir", "Documentaire"]), unique=True).map(tuple),
    )
)
def test_any_description_survives(description):
    manifest = Manifest(description, *(getattr(MANIFEST, name) for name in MANIFEST.__slots__[1:]))
    assert manifest_from(json.loads(manifest_bytes(manifest))) == manifest


def test_a_manifest_from_before_there_were_genres_has_none():
    old = {name: value for name, value in GOOD.items() if name != "genres"}
    assert manifest_from(old).description.genres == ()


def test_a_manifest_from_before_there_were_key_commitments_is_read_and_written_back():
    header = {name: value for name, value in GOOD["encryption"].items() if name != "key_commitment"}
    old = GOOD | {"format": "wylloh-film-v1", "encryption": header}
    read = manifest_from(old)
    assert read.encryption.key_commitment == ""
    assert json.loads(manifest_bytes(read)) == old


@pytest.mark.parametrize("commitment", ["", "4" * 63, "G" * 64, None, 7])
def test_a_manifest_of_the_new_format_has_a_key_commitment(commitment):
    with pytest.raises(PackageInvalid, match="key commitment"):
        manifest_from(with_value(GOOD, ("encryption", "key_commitment"), commitment))
    del (header := GOOD["encryption"].copy())["key_commitment"]
    with pytest.raises(PackageInvalid, match="key_commitment"):
        manifest_from(GOOD | {"encryption": header})


def test_a_format_that_is_not_known_yet_asks_for_a_newer_server():
    with pytest.raises(PackageInvalid, match="wylloh-film-v3") as refusal:
        manifest_from(GOOD | {"format": "wylloh-film-v3"})
    assert refusal.value.fix == "Update this server."


def test_genres_are_tidied():
    read = manifest_from(GOOD | {"genres": [" Film\tnoir\u202e ", "", "Film noir", "Drama"]})
    assert read.description.genres == ("Film noir", "Drama")


@pytest.mark.parametrize("genres", [["g" * 61], ["g"] * 51, "Drama", [7], None, {"Drama": 1}])
def test_genres_have_limits(genres):
    with pytest.raises(PackageInvalid, match="malformed"):
        manifest_from(GOOD | {"genres": genres})


def test_a_manifest_is_canonical_json():
    assert manifest_bytes(MANIFEST).startswith(
        b'{"credits":[{"name":"Someone","role":"Director"}],"custodians":'
    )
    assert json.dumps(GOOD, sort_keys=True, separators=(",", ":")).encode() == manifest_bytes(MANIFEST)


@given(st.sampled_from(list(paths_in(GOOD))), anything)
def test_a_manifest_with_one_wrong_value_is_refused_or_harmless(path, value):
    try:
        manifest = manifest_from(with_value(GOOD, path, value))
    except PackageInvalid as refusal:
        assert str(refusal).isprintable()
        assert refusal.fix
        return
    # Whatever got through can be stored, written again and read again.
    assert manifest_from(json.loads(manifest_bytes(manifest))) == manifest
    repr(manifest).encode()


@given(anything)
def test_no_json_value_breaks_the_reader(value):
    with pytest.raises(PackageInvalid):
        manifest_from(value)


@given(st.text(max_size=200))
def test_what_pythons_json_lets_through_is_refused_like_anything_else(text):
    try:
        value = json.loads(f"[{text}]")
    except ValueError:
        return
    with pytest.raises(PackageInvalid):
        manifest_from(value)


@pytest.mark.parametrize("field", [name for name in GOOD if name != "genres"])
def test_every_field_must_be_there(field):
    with pytest.raises(PackageInvalid, match="missing|malformed|encrypted"):
        manifest_from({key: value for key, value in GOOD.items() if key != field})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), "wylloh-film-v0"),
        (("title",), "\ud800"),
        (("title",), "x" * 301),
        (("year",), float("inf")),
        (("year",), 10**20),
        (("runtime",), float("nan")),
        (("runtime",), -1),
        (("languages",), "eng"),
        (("languages",), ["../../etc"]),
        (("token",), f"eip155:1/erc721:{'0x' + '9a' * 20}/7"),
        (("publisher",), "0x12"),
        (("files",), []),
        (("files",), [GOOD["files"][0]] * 2),
        (("files", 0, "path"), "../feature.enc"),
        (("files", 0, "path"), "/feature.enc"),
        (("files", 0, "path"), "a//b"),
        (("files", 0, "path"), "a\n"),
        (("files", 0, "path"), ""),
        (("files", 0, "size"), -1),
        (("files", 0, "size"), True),
        (("files", 0, "sha256"), "1" * 63),
        (("files", 0, "cid"), "http://169.254.169.254/"),
        (("files", 0, "role"), "executable"),
        (("files", 1, "language"), "../x"),
        (("encryption", "scheme"), "none"),
        (("encryption", "associated_data"), associated_data("another film", FileRole.FEATURE)),
        (("custodians", 0, "public_key"), "zz"),
        (("custodians", 0, "url"), "file:///etc/passwd"),
        (("custodians", 0, "url"), "https://"),
        (("custodians", 0, "url"), "https://films.example?y="),
        (("custodians", 0, "url"), "http://192.168.1.1/reboot"),
        (("custodians", 0, "url"), "http://192.168.1.1:99999"),
        (("custodians", 0, "url"), "http://192.168.1.1:0"),
        (("custodians", 0, "url"), "https://films.example#y"),
        (("custodians", 0, "url"), "https://somebody@films.example/"),
        (("custodians", 0, "url"), "https://films.example/\r\nHost: x"),
        (("custodians", 0, "url"), "https://[::1"),
    ],
)
def test_what_contradicts_the_format_is_refused(path, value):
    with pytest.raises(PackageInvalid):
        manifest_from(with_value(GOOD, path, value))


def test_a_refusal_says_what_is_wrong_in_a_sentence():
    with pytest.raises(PackageInvalid) as caught:
        manifest_from(with_value(GOOD, ("year",), "MMVIII"))
    assert caught.value.explained == (
        "The package's manifest is malformed: 'MMVIII' is not a whole number from 0 to 9,999. "
        "Ask the publisher to publish it again."
    )


def test_a_missing_field_is_named():
    with pytest.raises(PackageInvalid, match="malformed: the field 'title' is missing"):
        manifest_from(
            {"format": FORMAT, **{key: GOOD[key] for key in ("encryption", "token", "publisher", "files")}}
        )


def test_a_film_without_a_title_is_untitled():
    assert manifest_from(with_value(GOOD, ("title",), "  ")).description.title == "Untitled"


def test_signs_that_command_the_screen_are_left_out_of_what_people_read():
    loud = with_value(GOOD, ("title",), "A\x1b]0;owned\x07 \u202efilm\x00\nof mine")
    loud = with_value(loud, ("synopsis",), "One.\nTwo\x1b[2J.\u2028")
    loud = with_value(loud, ("credits", 0, "name"), "Some\rone\x9b")
    read = manifest_from(loud).description
    assert read.title == "A]0;owned film of mine"
    assert read.synopsis == "One.\nTwo[2J."
    assert read.credits[0].name == "Someone"


def test_signs_that_join_letters_stay():
    title = "می\u200cخواهم 👩\u200d🚀"
    assert manifest_from(with_value(GOOD, ("title",), title)).description.title == title


def test_files_by_role():
    assert MANIFEST.only(FileRole.FEATURE) == FEATURE
    assert MANIFEST.only(FileRole.POSTER) is None
    assert MANIFEST.all(FileRole.SUBTITLES) == (WORDS,)


def test_the_largest_manifest_of_sensible_content_is_below_the_limit():
    cast = tuple(Credit("r" * 100, "n" * 100) for _ in range(2_000))
    big = Manifest(
        Description("x" * 300, "y" * 20_000, credits=cast),
        *(getattr(MANIFEST, name) for name in MANIFEST.__slots__[1:]),
    )
    assert len(manifest_bytes(big)) < MANIFEST_LIMIT
