import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.film import associated_data, film_id_for
from wylloh_server.domain.types import ChainId, TokenReference, Wallet, short_address, parse_wallet

CONTRACT = "0x" + "9a" * 20

addresses = st.from_regex(r"0x[0-9a-f]{40}", fullmatch=True).map(Wallet)
references = st.builds(
    TokenReference, st.integers(0, 1 << 64).map(ChainId), addresses, st.integers(0, (1 << 256) - 1)
)


@given(references)
def test_a_token_reference_survives_its_text(token):
    assert TokenReference.parse(str(token)) == token


@given(st.text(max_size=120))
def test_whatever_parses_is_the_one_text_of_its_token(text):
    try:
        token = TokenReference.parse(text)
    except InvalidValue:
        return
    assert str(token) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "eip155:1/erc1155:0x1234/7",
        f"eip155:1/erc721:{CONTRACT}/7",
        f"eip155:1/erc1155:{CONTRACT}/7\n",
        f"eip155:1/erc1155:{CONTRACT}/-7",
        f"eip155:1/erc1155:{CONTRACT}/07",
        f"eip155:01/erc1155:{CONTRACT}/7",
        f"eip155:1/erc1155:{CONTRACT}/٧",
        f"eip155:1/erc1155:{CONTRACT}/{1 << 256}",
        f"eip155:1/erc1155:{CONTRACT}/{'9' * 5000}",
    ],
)
def test_what_is_no_token_reference_is_refused(text):
    with pytest.raises(InvalidValue) as caught:
        TokenReference.parse(text)
    assert caught.value.fix


def test_a_checksummed_contract_is_the_same_contract():
    assert TokenReference.parse(f"eip155:1/erc1155:{'0x' + '9A' * 20}/7").contract == CONTRACT


def test_a_wallet_is_lower_case_inside():
    assert parse_wallet("0x" + "AbCd" * 10) == "0x" + "abcd" * 10


@pytest.mark.parametrize(
    "text", ["", "0x", "0x" + "g" * 40, "0x" + "a" * 41, "a" * 42, "0x" + "a" * 40 + "\n"]
)
def test_what_is_no_wallet_is_refused(text):
    with pytest.raises(InvalidValue):
        parse_wallet(text)


def test_people_see_both_ends_of_a_wallet():
    assert short_address(parse_wallet("0x71c7" + "0" * 32 + "976f")) == "0x71c7…976f"


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_film_ids_are_short_safe_and_distinct(one, other):
    assert len(film_id_for(one)) == 16
    assert film_id_for(one).isalnum()
    assert (film_id_for(one) == film_id_for(other)) is (one == other)


def test_the_associated_data_of_a_film():
    """DESIGN §4: `wylloh-film-v1|<token reference or local film id>|<role>`."""
    assert associated_data(f"eip155:1/erc1155:{CONTRACT}/7", "feature") == (
        f"wylloh-film-v1|eip155:1/erc1155:{CONTRACT}/7|feature"
    )
