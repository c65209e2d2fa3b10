from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import InputError
from include.identity.table import (
    CLAIMED_BY_TWO,
    CLAIMS_TWO,
    IDENTITY_SCHEMA,
    KINDS_DIFFER,
    SUPERSEDED,
    canonical,
    canonical_column,
    claims,
    embedded_cusip,
    merged,
    right,
    symbol_of,
    validated,
)
from tests.identity.build import (
    APPLE,
    APPLE_CLASS,
    APPLE_FIGI,
    FEBRUARY,
    IBM_CLASS,
    IBM_FIGI,
    JANUARY,
    MARCH,
    MARKETS,
    MICROSOFT,
    NVIDIA,
    said,
    table,
)

LATE = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("number", "text", "expected"),
    [
        ("isin", APPLE, True),
        ("isin", "US0378331006", False),
        ("isin", "us0378331005", False),
        ("isin", "US 0378331005", False),
        ("cusip", "037833100", True),
        ("cusip", "037833101", False),
        ("figi", IBM_FIGI, True),
        ("share_class_figi", IBM_CLASS, True),
        ("figi", "BBG000BLNNH7", False),
    ],
)
def test_check_digits(number: str, text: str, expected: bool) -> None:
    assert right(number, text) is expected


def test_the_cusip_inside_an_isin() -> None:
    assert embedded_cusip(APPLE) == "037833100"
    assert embedded_cusip("CA0679011084") == "067901108"
    assert embedded_cusip("JP3633400001") is None


@pytest.mark.parametrize(
    ("ticker", "market", "expected"),
    [
        ("AAPL", "US", "AAPL"),
        ("BRK-B", "US", "BRK.B"),
        ("ROCK-A.CO", "XCSE", "ROCK.A"),
        ("7203.T", "XTKS", "7203"),
        ("0700.HK", "XHKG", "700"),
        ("bp.l", "XLON", "BP"),
        ("ROCK A", "XCSE", "ROCK.A"),
    ],
)
def test_symbols_have_one_spelling(ticker: str, market: str, expected: str) -> None:
    assert symbol_of(ticker, MARKETS[market]) == expected


@given(st.lists(st.text("AbZ09./_- ", max_size=8)))
def test_a_column_is_spelled_as_each_of_its_symbols(symbols: list[str]) -> None:
    column = pa.chunked_array([pa.array(symbols, pa.string())])
    assert canonical_column(column).to_pylist() == [canonical(symbol) for symbol in symbols]
    assert [canonical(canonical(symbol)) for symbol in symbols] == [canonical(symbol) for symbol in symbols]


def doubts(*statements: dict[str, Any], on: date = LATE) -> dict[tuple[str, str], str | None]:
    """(symbol, ISIN) to the doubt."""
    return {(row["symbol"], row["isin"]): row["doubt"] for row in claims(table(*statements), on).to_pylist()}


def test_what_nobody_contradicts_stands() -> None:
    found = doubts(said(APPLE, "AAPL"), said(MICROSOFT, "MSFT"), said(APPLE, "AAPL", source="other", source_date=MARCH))
    assert found == {("AAPL", APPLE): None, ("MSFT", MICROSOFT): None}


def test_an_empty_table_claims_nothing() -> None:
    assert claims(IDENTITY_SCHEMA.empty_table(), LATE).num_rows == 0


def test_two_isins_that_claim_a_symbol_on_one_day_are_both_in_doubt() -> None:
    found = doubts(said(APPLE, "AAPL"), said(MICROSOFT, "AAPL", source="other"))
    assert found == {("AAPL", APPLE): CLAIMED_BY_TWO, ("AAPL", MICROSOFT): CLAIMED_BY_TWO}


def test_a_later_claim_supersedes_one_that_had_ended_before() -> None:
    old = (said(APPLE, "FB"), said(APPLE, "FB", source_date=FEBRUARY))
    assert doubts(*old, said(MICROSOFT, "FB", source_date=MARCH)) == {("FB", APPLE): SUPERSEDED, ("FB", MICROSOFT): None}
    during = said(MICROSOFT, "FB", source_date=JANUARY + timedelta(days=3))
    assert set(doubts(*old, during).values()) == {CLAIMED_BY_TWO}


def test_a_claim_that_began_inside_another_is_in_doubt_though_it_is_the_newest() -> None:
    found = doubts(said(APPLE, "FB"), said(MICROSOFT, "FB", source_date=FEBRUARY), said(APPLE, "FB", source_date=FEBRUARY))
    assert set(found.values()) == {CLAIMED_BY_TWO}


def test_three_claims_of_which_only_the_last_stands() -> None:
    found = doubts(said(APPLE, "X"), said(MICROSOFT, "X"), said(NVIDIA, "X", source_date=MARCH))
    assert found == {("X", APPLE): SUPERSEDED, ("X", MICROSOFT): SUPERSEDED, ("X", NVIDIA): None}


def test_another_market_or_currency_is_another_listing() -> None:
    other = said(MICROSOFT, "AAPL", market="XLON", currency="GBP")
    assert set(doubts(said(APPLE, "AAPL"), other, said(NVIDIA, "AAPL", market="XLON")).values()) == {None}


def test_one_isin_for_two_share_classes_is_a_wrong_row_of_one_of_them() -> None:
    found = doubts(said(APPLE, "GOOG"), said(APPLE, "GOOGL"))
    assert found == {("GOOG", APPLE): CLAIMS_TWO, ("GOOGL", APPLE): CLAIMS_TWO}


def test_a_renamed_company_keeps_only_its_newest_symbol() -> None:
    assert doubts(said(APPLE, "FB"), said(APPLE, "META", source_date=MARCH)) == {("FB", APPLE): SUPERSEDED, ("META", APPLE): None}


def test_sources_that_differ_about_the_kind() -> None:
    found = doubts(said(APPLE, "AAPL"), said(APPLE, "AAPL", asset_class="etf", source="other"))
    assert found == {("AAPL", APPLE): KINDS_DIFFER}


def test_what_is_said_later_is_not_known_yet() -> None:
    later = said(MICROSOFT, "AAPL", source_date=MARCH)
    assert doubts(said(APPLE, "AAPL"), later, on=FEBRUARY) == {("AAPL", APPLE): None}
    assert doubts(later, on=FEBRUARY) == {}


def test_a_claim_has_the_newest_name_and_only_numbers_that_nobody_contradicts() -> None:
    first = said(APPLE, "AAPL", figi=APPLE_FIGI, share_class_figi=APPLE_CLASS, name="Apple Computer Inc")
    second = said(APPLE, "AAPL", figi=IBM_FIGI, cusip="037833100", name="Apple Inc", source="b", source_date=MARCH)
    (row,) = claims(table(second, first), LATE).to_pylist()
    assert (row["name"], row["source"], row["first_date"], row["source_date"]) == ("Apple Inc", "b", JANUARY, MARCH)
    assert (row["figi"], row["share_class_figi"], row["cusip"]) == (None, APPLE_CLASS, "037833100")


STATEMENTS = st.lists(
    st.builds(
        lambda isin, symbol, days: said(isin, symbol, source_date=JANUARY + timedelta(days=days)),
        st.sampled_from([APPLE, MICROSOFT, NVIDIA]),
        st.sampled_from(["A", "B"]),
        st.integers(0, 5),
    ),
    max_size=8,
)


@given(STATEMENTS)
def test_one_symbol_stands_for_one_isin_at_most_and_the_reverse(statements: list[dict[str, Any]]) -> None:
    standing = [key for key, doubt in doubts(*statements).items() if doubt is None]
    assert len({symbol for symbol, _ in standing}) == len(standing) == len({isin for _, isin in standing})
    days: dict[tuple[str, str], list[date]] = {}
    for one in statements:
        days.setdefault((one["symbol"], one["isin"]), []).append(one["source_date"])
    for symbol, isin in standing:  # whatever stands began after everything else about it had ended
        others = [d for key, d in days.items() if key != (symbol, isin) and (key[0] == symbol or key[1] == isin)]
        assert all(min(days[symbol, isin]) > max(other) for other in others)


@given(STATEMENTS, st.randoms())
def test_the_order_of_statements_does_not_matter(statements: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(statements)
    random.shuffle(shuffled)
    assert doubts(*shuffled) == doubts(*statements)
    empty = IDENTITY_SCHEMA.empty_table()
    assert merged(table(*statements), empty).equals(merged(empty, table(*shuffled)))


def test_a_statement_made_twice_is_kept_once_with_its_first_date() -> None:
    later = said(APPLE, "AAPL") | {"added_at": said(APPLE, "AAPL")["added_at"] + timedelta(days=9)}
    both = merged(table(later), table(said(APPLE, "AAPL")))
    assert both.to_pylist() == [said(APPLE, "AAPL")]
    assert both.schema == IDENTITY_SCHEMA


def test_a_valid_table_stays_as_it_is_without_further_columns() -> None:
    own = table(said(APPLE, "AAPL"))
    assert validated(own.append_column("note", pa.array(["x"])), "x").equals(own)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (pa.table({"isin": [APPLE]}), "f.parquet: expected a table of identities, without figi, .* it is none"),
        (table(said("US0378331006", "AAPL")), "field 'isin': expected a number with a right check digit .found 'US0378331006'"),
        (table(said(APPLE, "AAPL", cusip="037833101")), "field 'cusip': expected a number with a right check digit"),
        (table(said(APPLE, "AAPL"), said(APPLE, "B", name=None)), "row 2, field 'name': expected a value in every row"),
    ],
)
def test_what_is_no_table_of_identities(made: pa.Table, message: str) -> None:
    with pytest.raises(InputError, match=message):
        validated(made, "f.parquet")


def test_a_column_of_another_type() -> None:
    made = table(said(APPLE, "AAPL"))
    wrong = made.set_column(made.schema.get_field_index("source_date"), "source_date", pa.array(["yesterday"]))
    with pytest.raises(InputError, match="expected the columns of a table of identities"):
        validated(wrong, "f.parquet")
