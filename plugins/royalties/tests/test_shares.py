"""Addresses, shares and CSV: what is read, what is refused, and that nothing is half done."""

from __future__ import annotations

from fractions import Fraction

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from tests.components import shares as reference_shares
from wylloh_royalties.shares import (
    MOST,
    Typed,
    basis_points_of,
    check,
    divided,
    points,
    read,
    sum_sentence,
    total_of,
)
from wylloh_royalties.recipients_csv import decoded, recipients_in, write_recipients
from wylloh_server.sdk import InvalidValue, Share, Wallet, checksummed, format_percent, parse_address

REAL = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # from EIP-55
SECOND = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"


def address(number: int) -> str:
    return f"0x{number:040x}"


class TestAddresses:
    @pytest.mark.parametrize("text", [REAL, REAL.lower(), f" {REAL} ", "0x" + REAL[2:].upper()])
    def test_right_and_unchecked_ones_are_taken(self, text):
        assert parse_address(text) == REAL.lower()
        assert checksummed(parse_address(text)) == REAL

    def test_a_wrong_letter_is_found_by_its_place(self):
        wrong = "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
        with pytest.raises(InvalidValue, match=rf"{wrong} is mistyped.*EIP-55.*first at character 5\."):
            parse_address(wrong)

    @given(st.integers(1, 2**160 - 1), st.data())
    def test_any_one_capital_that_is_wrong_is_refused(self, number, data):
        right = to_checksum_address(address(number))
        letters = [at for at, sign in enumerate(right) if at > 1 and sign.isalpha()]
        at = data.draw(st.sampled_from(letters)) if letters else None
        if at is None:
            return
        wrong = right[:at] + right[at].swapcase() + right[at + 1 :]
        if wrong[2:] in (wrong[2:].lower(), wrong[2:].upper()):
            assert parse_address(wrong) == right.lower()
            return
        with pytest.raises(InvalidValue, match="EIP-55"):
            parse_address(wrong)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "missing"),
            ("vitalik.eth", "“vitalik.eth” is not an address"),
            ("0x12", "is not an address"),
            (REAL[:-1], "is not an address"),
            (REAL + "0", "is not an address"),
            ("0x" + "g" * 40, "is not an address"),
            ("0x" + "0" * 40, "belongs to nobody"),
            ("x" * 5_000, "…” is not an address"),
            ("0x\u0661" + "1" * 39, "is not an address"),
        ],
    )
    def test_what_is_none_is_refused(self, text, words):
        with pytest.raises(InvalidValue, match=words) as refused:
            parse_address(text)
        assert len(str(refused.value)) < 100


class TestShares:
    @pytest.mark.parametrize(
        ("text", "basis_points"),
        [
            ("100", 10_000),
            ("12.5", 1_250),
            ("12.5 %", 1_250),
            ("12,5%", 1_250),
            ("0.01", 1),
            ("33.3300", 3_333),
            ("1250 bp", 1_250),
            ("1 basis point", 1),
            ("10000 BPS", 10_000),
        ],
    )
    def test_percent_and_basis_points(self, text, basis_points):
        assert basis_points_of(text) == basis_points

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "missing"),
            ("0", "nothing"),
            ("0.00 %", "nothing"),
            ("-1", "negative"),
            ("\N{MINUS SIGN}1", "negative"),
            ("100.01", "more than 100 %"),
            (str(2**256), "is not a share"),
            ("10001 bp", "more than 100 %"),
            ("12.345", "finer than a basis point"),
            ("1e2", "is not a share"),
            ("nan", "is not a share"),
            ("1.5 bp", "is not a share"),
            ("½", "is not a share"),
            ("\u0661", "is not a share"),
        ],
    )
    def test_bad_ones_are_refused(self, text, words):
        with pytest.raises(InvalidValue, match=words):
            basis_points_of(text)

    @given(st.integers(1, 10_000))
    def test_every_share_is_written_both_ways_and_read_back(self, share):
        plain = format_percent(share, sign=False)
        assert basis_points_of(format_percent(share)) == basis_points_of(plain) == share
        assert basis_points_of(points(share).replace(",", "")) == share
        assert Fraction(plain) * 100 == share

    @pytest.mark.parametrize(
        ("total", "sentence"),
        [
            (10_000, "Together exactly 100 %."),
            (9_650, "Together 96.5\xa0%: 3.5\xa0% missing."),
            (10_001, "Together 100.01\xa0%: 0.01\xa0% too much."),
            (0, "Together 0\xa0%: 100\xa0% missing."),
        ],
    )
    def test_the_sum_says_what_is_missing(self, total, sentence):
        assert sum_sentence(total) == sentence

    def test_a_whole_is_checked(self):
        check([Share(Wallet(address(n)), 200) for n in range(1, 51)])
        with pytest.raises(InvalidValue, match="no recipient"):
            check([])
        with pytest.raises(InvalidValue, match="51 recipients are too many"):
            check([Share(Wallet(address(n)), 1) for n in range(1, 52)])
        with pytest.raises(InvalidValue, match=r"99\.99\xa0%: 0\.01\xa0% missing"):
            check([Share(Wallet(address(1)), 9_999)])

    def test_each_line_has_its_own_fault(self):
        lines = [
            Typed(REAL, "director", "50"),
            Typed("", "", " "),
            Typed(REAL.lower(), "again", "10"),
            Typed("nobody", "", "10"),
            Typed(SECOND, "é" * 33, "10"),
            Typed(SECOND, "a\x07b", "10"),
            Typed(SECOND, "  film   editor ", "40"),
        ]
        shares, faults = read(enumerate(lines, 1))
        assert list(faults) == [3, 4, 5, 6]
        assert str(faults[3]) == "The same address as line 1."
        assert [(share.role, share.basis_points) for share in shares] == [
            ("director", 5_000),
            ("film editor", 4_000),
        ]
        assert total_of(lines) == 13_000

    @given(
        st.integers(0, 2**200),
        st.lists(st.integers(1, 4_000), min_size=1, max_size=MOST).filter(lambda cuts: sum(cuts) <= 10_000),
    )
    def test_what_is_foretold_is_what_the_contracts_judge_says(self, amount, cuts):
        cuts[-1] += 10_000 - sum(cuts)
        shares = [Share(Wallet(address(n)), cut) for n, cut in enumerate(cuts, 1)]
        assert list(divided(amount, shares)) == reference_shares.divided(amount, cuts)


class TestCsv:
    def test_three_columns_without_a_head(self):
        assert recipients_in(f"{REAL},director,50\n\n{SECOND},,50 %\n") == (
            Typed(REAL, "director", "50"),
            Typed(SECOND, "", "50 %"),
        )

    def test_named_columns_in_another_order_with_basis_points(self):
        text = f"\ufeffRole;Basis points;Address\nMusic, sound;5000;{REAL}\n;5000;{SECOND}\n"
        shares, _ = read(enumerate(recipients_in(decoded(text.encode())), 1))
        assert [(share.role, share.basis_points) for share in shares] == [
            ("Music, sound", 5000),
            ("", 5000),
        ]

    def test_decimal_commas_where_semicolons_part_columns(self):
        assert [basis_points_of(line.share) for line in recipients_in(f"{REAL};a;12,5\n{SECOND};b;87,5")] == [
            1_250,
            8_750,
        ]

    def test_what_is_exported_is_read_back(self):
        shares = (
            Share(Wallet(REAL.lower()), 1, '=HYPERLINK("x"), "é"'),
            Share(Wallet(SECOND.lower()), 9_999, ""),
        )
        assert b"'=HYPERLINK" in write_recipients(shares)
        assert read(enumerate(recipients_in(decoded(write_recipients(shares))), 1)) == (shares, {})

    def test_ten_thousand_bad_lines_give_one_summary(self):
        text = "\n".join(f"nobody {number},role,{number}" for number in range(10_000))
        with pytest.raises(InvalidValue) as refused:
            recipients_in(text)
        said = str(refused.value)
        assert said.startswith("10,000 of 10,000 lines cannot be used, so nothing was changed. Line 1: ")
        assert "Line 5: " in said and "Line 6: " not in said
        assert said.endswith("And 9,995 more.")
        assert len(said) < 1_000

    def test_one_bad_line_among_good_ones_spoils_all_of_it(self):
        with pytest.raises(InvalidValue, match=r"1 of 2 lines .* Line 3: .*EIP-55"):
            recipients_in(f"address,percent\n{REAL},50\n{SECOND.replace('fB', 'FB')},50")

    def test_a_duplicate_is_named_by_the_lines_of_the_file(self):
        with pytest.raises(InvalidValue, match=r"Line 4: The same address as line 2\."):
            recipients_in(f"address,percent\n{REAL},50\n\n{REAL},50")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "nothing to read"),
            ("address,role,percent\n", "nothing to read"),
            (f"{REAL},a,1,2,3", "5 columns"),
            ("x" * 100_000, "far too long"),
            (f"{REAL},{'r' * 65},50", "longer than 64 bytes"),
            (f'{REAL},"a\x00b",50', "control characters"),
            (f"{REAL},a,-1", "negative"),
            (f"{REAL},a,{2**256}", "is not a share"),
        ],
    )
    def test_bad_files_are_refused(self, text, words):
        with pytest.raises(InvalidValue, match=words):
            recipients_in(text)

    def test_too_many_good_lines_and_other_encodings(self):
        with pytest.raises(InvalidValue, match="51 recipients are too many.*Nothing was changed"):
            recipients_in("\n".join(f"{address(number)},,1" for number in range(1, 52)))
        with pytest.raises(InvalidValue, match="not UTF-8"):
            decoded("Ton für Film".encode("latin-1"))
