"""Header cards, against astropy's."""

from __future__ import annotations

import warnings

import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from lattice.errors import LatticeWarning
from lattice.io.fits_header import BLOCK, format_card, header_bytes, parse_cards


def parse_one(text: str):
    return parse_cards([text.ljust(80).encode("latin-1")])[0]


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("SIMPLE  =                    T / yes", ("SIMPLE", True, "yes")),
        ("A       = 12", ("A", 12, "")),
        ("A       =+12 / c", ("A", 12, "c")),
        ("A       = 1.5D3", ("A", 1500.0, "")),
        ("A       = 1.5e-3/c", ("A", 0.0015, "c")),
        ("A       = .5", ("A", 0.5, "")),
        ("A       = 5.", ("A", 5.0, "")),
        ("A       = 'it''s'  / q", ("A", "it's", "q")),
        ("A       = 'a/b  '", ("A", "a/b", "")),
        ("A       = ''", ("A", "", "")),
        ("A       = '   '", ("A", " ", "")),
        ("A       =            / nothing", ("A", None, "nothing")),
        ("A       = (1.0, -2.5) / c", ("A", 1 - 2.5j, "c")),
        ("A       = 12:30:11 / odd", ("A", "12:30:11", "odd")),
        ("A       = 'open", ("A", "'open", "")),
        ("A       = 1E999", ("A", float("inf"), "")),
        ("HIERARCH ESO A B = 3 / c", ("ESO A B", 3, "c")),
        ("COMMENT = not a value", ("COMMENT", "= not a value", "")),
        ("HISTORY 'text' / all of it", ("HISTORY", "'text' / all of it", "")),
        ("        blank keyword", ("", "blank keyword", "")),
        ("NOVALUE  text", ("NOVALUE", " text", "")),
    ],
)
def test_one_card(text, card):
    assert parse_one(text) == card


def test_absurd_integer_stays_text():
    assert parse_one("A       = " + "9" * 60) == ("A", "9" * 60, "")


KEYWORDS = st.text("ABCXYZ019_-", min_size=1, max_size=8).filter(
    lambda k: k not in ("END", "COMMENT", "HISTORY", "CONTINUE")
)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300).map(str.rstrip)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
    TEXTS.filter(lambda t: not t.endswith("&")),
)


@given(keyword=KEYWORDS, value=VALUES, comment=st.text("abc xyz'/=", max_size=40).map(str.strip))
def test_cards_survive_a_round_trip(keyword, value, comment):
    raw = format_card(keyword, value, comment)
    assert all(len(card) == 80 for card in raw)
    (got,) = parse_cards(raw)
    assert got[0] == keyword
    assert got[1] == value
    assert type(got[1]) is type(value)
    assert comment.startswith(got[2])


@given(value=VALUES)
def test_astropy_reads_our_cards(value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        header = fits.Header.fromstring(header_bytes([("KEY", value, "comment")]))
        got = header["KEY"]
    if value is None:
        assert got is None or isinstance(got, fits.card.Undefined)
    else:
        assert got == (value.rstrip() if isinstance(value, str) else value)


@given(keyword=KEYWORDS, value=VALUES)
def test_we_read_astropys_cards(keyword, value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = str(fits.Card(keyword, value, "about")).encode()
    (got,) = parse_cards([text[i : i + 80] for i in range(0, len(text), 80)])
    if isinstance(value, float):
        assert got[1] == pytest.approx(value, rel=1e-12)
    else:
        assert got[:2] == (keyword, value)


def test_commentary_is_wrapped():
    raw = format_card("HISTORY", "x" * 100 + "\nnew line\ttab é")
    assert [card[8:].decode().rstrip() for card in raw] == ["x" * 72, "x" * 28, "new line        tab \\xe9"]


def test_long_keyword_becomes_hierarch():
    (raw,) = format_card("ESO DET GAIN", 2.5, "c")
    assert parse_cards([raw]) == [("ESO DET GAIN", 2.5, "c")]


def test_impossible_keyword_is_left_out_with_a_warning():
    with pytest.warns(LatticeWarning, match="cannot be written"):
        assert format_card("é=", 1) == []


def test_header_is_whole_blocks():
    for n in (0, 34, 35, 36, 71):
        data = header_bytes([(f"K{i}", i, "") for i in range(n)])
        assert len(data) % BLOCK == 0
        assert len(data) == BLOCK * -(-(n + 1) // 36)
        fits.Header.fromstring(data)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_fits_cannot_hold_become_text(value):
    (raw,) = format_card("X", value)
    assert parse_cards([raw])[0][1] == str(value)
