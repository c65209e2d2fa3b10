import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import cusip as cusip_number
from stdnum import isin as isin_number

from include.domain.identifiers import cusip, cusip_of, figi, instrument_id, isin, isin_of_cusip

UNKNOWN = [None, "", " ", "null", "NULL", "none", "nan", "n/a", "-", "0", "unknown"]
LETTERS = string.ascii_uppercase + string.digits
cusips = st.builds(
    lambda first, rest: first + rest, st.sampled_from(string.digits), st.text(LETTERS, min_size=7, max_size=7)
).map(lambda eight: eight + cusip_number.calc_check_digit(eight))


@pytest.mark.parametrize("text", UNKNOWN)
def test_texts_for_unknown_are_no_identity(text: str | None) -> None:
    assert (isin(text), cusip(text), figi(text), cusip_of(text), isin_of_cusip(text, "US")) == (None,) * 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("US0378331005", "US0378331005"),
        (" us 037833100 5 ", "US0378331005"),
        ("GB00BH4HKS39", "GB00BH4HKS39"),
        ("XS2314659447", "XS2314659447"),
        ("US0378331004", None),  # the check digit
        ("US037833100", None),
        ("ZZ0378331005", None),
        ("US0378331005US0378331005", None),
        ("ＵＳ0378331005", None),  # full-width letters are other characters
    ],
)
def test_isins(text: str, expected: str | None) -> None:
    assert isin(text) == expected


def test_a_figi_that_passes_the_check_of_isins_is_none() -> None:
    found = next(
        number
        for tail in range(100_000)
        for number in [f"BBG000{tail:05}{digit}" for digit in string.digits]
        if figi(number) and isin_number.is_valid(number)
    )
    assert isin(found) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("037833100", "037833100"),  # Apple
        ("037833 10 0", "037833100"),
        ("38259p508", "38259P508"),  # Google, class A
        ("G1151C101", "G1151C101"),  # a CINS: Accenture
        ("037833101", None),
        ("37833100", None),  # a zero was lost in a spreadsheet: not guessed
        ("000000000", None),
    ],
)
def test_cusips(text: str, expected: str | None) -> None:
    assert cusip(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BBG000BLNQ16", "BBG000BLNQ16"),
        (" bbg000blnq16", "BBG000BLNQ16"),
        ("BBG001S5N8V8", "BBG001S5N8V8"),  # Apple's share class
        ("BBG000BLNQ14", None),
        ("BBG000BLNQ1", None),
    ],
)
def test_figis(text: str, expected: str | None) -> None:
    assert figi(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("US0378331005", "037833100"),
        ("CA0679011084", "067901108"),  # Barrick
        ("GB00BH4HKS39", None),
        ("US0378331004", None),
    ],
)
def test_cusip_of_an_isin(text: str, expected: str | None) -> None:
    assert cusip_of(text) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("037833100", "US", "US0378331005"),
        ("067901108", "CA", "CA0679011084"),
        ("037833100", "GB", None),
        ("G1151C101", "US", None),  # Accenture's ISIN is Irish and does not hold it
        ("037833101", "US", None),
    ],
)
def test_isin_of_a_cusip(text: str, country: str, expected: str | None) -> None:
    assert isin_of_cusip(text, country) == expected


@given(cusips, st.sampled_from(["US", "CA"]))
def test_a_cusip_comes_back_out_of_its_isin(number: str, country: str) -> None:
    whole = isin_of_cusip(number, country)
    assert number == "000000000" or (whole is not None and whole[:2] == country and cusip_of(whole) == number)


@given(st.text(LETTERS, min_size=11, max_size=11), st.integers(0, 10), st.sampled_from(string.digits))
def test_one_wrong_digit_is_noticed(middle: str, place: int, digit: str) -> None:
    right = isin_number.from_natid("US", middle[:9])
    wrong = right[:-1] + digit
    assert isin(right) == right
    assert isin(wrong) == (right if digit == right[-1] else None)


@pytest.mark.parametrize("read", [isin, cusip, figi])
@given(text=st.text(max_size=14))
def test_what_is_accepted_stays_as_it_is(read, text) -> None:  # type: ignore[no-untyped-def]
    found = read(text)
    assert found is None or read(found) == found


KNOWN = {
    "isin": "US0378331005",
    "share_class_figi": "BBG001S5N8V8",
    "figi": "BBG000B9XRY4",
    "cusip": "037833100",
    "pair": "BTC/USD",
    "ticker": "AAPL",
}


def test_the_strongest_identity_is_the_key() -> None:
    found = []
    left = dict(KNOWN)
    for kind in KNOWN:
        found.append(instrument_id(**left))  # type: ignore[arg-type]
        del left[kind]
    assert found == [
        "isin:US0378331005",
        "figi:BBG001S5N8V8",
        "figi:BBG000B9XRY4",
        "cusip:037833100",
        "pair:BTC/USD",
        "ticker:AAPL",
    ]


def test_empty_texts_are_no_identity() -> None:
    assert instrument_id(isin=None, figi="", ticker="6095.T") == "ticker:6095.T"
    with pytest.raises(ValueError, match="expected an identity or a ticker"):
        instrument_id(isin="", ticker=None)


def test_the_library_is_loaded_only_when_a_number_is_checked() -> None:
    code = "import sys, include.domain.identifiers; sys.exit('stdnum' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
