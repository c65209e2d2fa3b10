"""Laws of the matcher, whatever is wanted and however odd the list: what an answer may never depend on, and never be."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass, Instrument
from include.domain.mapping import MappingStatus
from include.mapping.matcher import match_columns
from include.mapping.wanted import Wanted
from tests.mapping.build import MARKETS, instrument

APPLE, MICROSOFT = "US0378331005", "US5949181045"
ODD = st.sampled_from(["", " ", "-", "...", "a\nb", "三菱", "Straße", "İ", "$", "\x00", "AAPL", "I", "1"]) | st.text(max_size=6)
NAMES = ODD | st.sampled_from(["Apple Inc.", "APPLE INC-CL A", "Apple Hospitality REIT", "Apple plc 5% Notes", "Apple ETF"])
TICKERS = ("AAPL", "AAPL-A", "APC.DE", "AAPL.L", "7203.T", "BTC-USD", "EURUSD=X", "-")
KINDS = {"BTC-USD": ("CRYPTO", AssetClass.CRYPTO), "EURUSD=X": ("FX", AssetClass.FX)}


@st.composite
def wanted_instruments(draw: st.DrawFn) -> list[Instrument]:
    """Some of the tickers, each once."""
    found = []
    for ticker in draw(st.lists(st.sampled_from(TICKERS), unique=True, min_size=1, max_size=5)):
        pair = {}
        if ticker in KINDS:
            pair = {"market": KINDS[ticker][0], "asset_class": KINDS[ticker][1], "currency": "USD"}
        isin = draw(st.sampled_from([None, None, APPLE, MICROSOFT]))
        figi = draw(st.sampled_from([None, None, "BBG001S5N8V8"]))
        found.append(instrument(ticker, draw(NAMES), isin, share_class_figi=figi, **pair))
    return found


ROWS = st.fixed_dictionaries(
    {
        "broker": st.just("ibkr"),
        "native_id": st.sampled_from(["1", "2", "3", "4", "0", "", None]),
        "symbol": ODD | st.sampled_from(["AAPL", "AAPL A", "APC", "7203", "BTCUSD", "EUR.USD", "AAPL.OLD", None]),
        "base": st.sampled_from([None, None, "BTC", "EUR", "USD"]),
        "name": NAMES | st.none(),
        "asset_class": st.sampled_from(["stock", "stock", "etf", "crypto", "fx", "cfd"]),
        "currency": st.sampled_from(["USD", "EUR", "GBP", "JPY", None]),
        "mic": st.sampled_from(["XNAS", "XETR", "XLON", "XTKS", "XXXX", "", None]),
        "exchange": ODD | st.sampled_from(["NASDAQ", "VALUE", None]),
        "isin": st.sampled_from([None, APPLE, MICROSOFT]),
        "share_class_figi": st.sampled_from([None, None, "BBG001S5N8V8", "BBG001S5PHB9"]),
        "tradable": st.sampled_from([True, True, False, None]),
        "inactive_reason": st.sampled_from([None, "halted", "delisted"]),
    }
)


def answers(wanted: Sequence[Instrument], rows: Sequence[dict[str, Any]], knows_isin: bool) -> list[dict[str, Any]]:
    """The matcher's table: as columns, so that a row with nulls need not be a whole contract."""
    listed = pa.Table.from_pylist(list(rows), schema=CONTRACT_SCHEMA)
    found: list[dict[str, Any]] = (
        match_columns(Wanted.of(wanted, MARKETS), listed, MARKETS, knows_isin, "ibkr").table().to_pylist()
    )
    return found


@settings(max_examples=45)
@given(wanted_instruments(), st.lists(ROWS, max_size=7), st.booleans())
def test_never_the_wrong_instrument(wanted: list[Instrument], rows: list[dict[str, Any]], knows_isin: bool) -> None:
    for one, answer in zip(wanted, answers(wanted, rows, knows_isin), strict=True):
        matched = answer["status"] == MappingStatus.MATCHED.value
        found = matched or answer["status"] == MappingStatus.OTHER_LISTING.value
        assert found == (answer["native_id"] is not None)
        if not found:
            continue
        assert answer["native_id"] not in ("", "0")
        assert answer["tradable"]
        shares = {"stock", "etf"}
        assert answer["asset_class"] == one.asset_class.value or {answer["asset_class"], one.asset_class.value} == shares
        assert one.isin is None or answer["isin"] in (None, one.isin)
        assert one.share_class_figi is None or answer["share_class_figi"] in (None, one.share_class_figi)
        if matched:
            assert answer["currency"] == one.currency
            mics = MARKETS[one.market].mics
            assert not mics or answer["mic"] in (*mics, "", None)


@settings(max_examples=45)
@given(wanted_instruments(), st.lists(ROWS, max_size=7), st.booleans(), st.randoms(use_true_random=False))
def test_order_tells_nothing(wanted: list[Instrument], rows: list[dict[str, Any]], knows_isin: bool, random: Any) -> None:
    other_rows, other_wanted = random.sample(rows, len(rows)), random.sample(wanted, len(wanted))
    there = {one.ticker: answer for one, answer in zip(wanted, answers(wanted, rows, knows_isin), strict=True)}
    here = {one.ticker: a for one, a in zip(other_wanted, answers(other_wanted, other_rows, knows_isin), strict=True)}
    assert here == there


@settings(max_examples=45)
@given(wanted_instruments(), st.lists(ROWS, max_size=7), st.booleans())
def test_what_else_is_wanted_changes_nothing_but_claims(
    wanted: list[Instrument], rows: list[dict[str, Any]], knows_isin: bool
) -> None:
    together = answers(wanted, rows, knows_isin)
    assume(all(answer["reason"] != "claimed_twice" for answer in together))
    assert [answers([one], rows, knows_isin)[0] for one in wanted] == together
