"""Hand-made lists: the broker's id is looked up backwards, and must be what the row says."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from include.brokers.zerodha.listing import contracts as zerodha_contracts
from include.brokers.zerodha.token_list import read_token_list
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.handle import Claim
from include.errors import InputError
from include.mapping.handles import HandleVerdict, check_handles
from include.settings import load_settings
from tests.mapping.build import MARKETS, contract, table

LISTED = table(
    contract("1", "RELIANCE", "RELIANCE INDUSTRIES", "XNSE", currency="INR", exchange="NSE"),
    contract("2", "INFY-BE", "INFOSYS", "XNSE", currency="INR", exchange="NSE"),
    contract(
        "3", "NIFTY BANK", "NIFTY BANK", "XNSE", currency="INR", asset_class="index", tradable=False, inactive_reason="index"
    ),
    contract("4", "BRK.B", "Berkshire Hathaway Inc. Class B"),
    contract("5", "GONE", "Gone Corp", tradable=False, inactive_reason="delisted"),
    contract("6", "HALT", "Halted Corp", tradable=False, inactive_reason="halted"),
    contract("7", "BTCUSDT", "", "", base="BTC", currency="USDT", asset_class="crypto"),
    contract("8", "OXY.WS", "Occidental Petroleum Corporation Warrants", asset_class="warrant"),
    contract("9", "SPY", "SPDR S&P 500 ETF Trust", asset_class="etf"),
    contract("10", "GOLD", "GOLD", "XIMC", currency="INR", exchange="MCX", asset_class="stock"),
    contract("11", "ACME", "Acme Corp", "XNAS"),
    contract("11", "OTHER", "Other Corp", "XNAS"),
    contract("12", "BF.A", "Brown-Forman Corporation Class A"),
)


def checked(native_id: str, *claims: Claim, **told: Any) -> HandleVerdict:
    return check_handles([Claim(row=2, native_id=native_id, **told), *claims], LISTED, MARKETS, words={"NSE": "XNSE"})[0]


@pytest.mark.parametrize(
    ("native_id", "told"),
    [
        ("1", {"ticker": "RELIANCE", "name": "RELIANCE INDUSTRIES", "market": "NSE"}),  # the broker's word
        ("1", {"ticker": "RELIANCE.NS", "name": "Reliance Industries Limited", "market": "XNSE"}),
        ("1", {"ticker": "RELIANCE"}),  # what is not said is not compared
        ("1", {"name": "Reliance Industries"}),
        ("2", {"ticker": "INFY", "name": "Infosys Ltd", "market": "NSE"}),  # a series is no other share
        ("4", {"ticker": "BRK-B", "name": "Berkshire Hathaway Inc", "market": "US"}),
        ("7", {"ticker": "BTC-USDT", "name": "Bitcoin", "market": "CRYPTO"}),
        ("7", {"ticker": "BTCUSDT"}),
        ("9", {"ticker": "SPY", "name": "SPDR S&P 500 ETF Trust", "market": "US"}),  # a list does not tell funds from shares
    ],
)
def test_an_id_that_is_what_its_row_says(native_id: str, told: dict[str, str]) -> None:
    verdict = checked(native_id, **told)
    assert (verdict.reasons, verdict.is_ok) == ((), True)


@pytest.mark.parametrize(
    ("native_id", "told", "reasons"),
    [
        ("99", {"ticker": "RELIANCE"}, ("not_listed",)),
        ("1", {}, ("nothing_claimed",)),
        ("1", {"market": "NSE"}, ("nothing_claimed",)),
        ("1", {"ticker": "RIL", "name": "Reliance Industries"}, ("symbol_mismatch",)),
        ("1", {"ticker": "RELIANCE", "name": "Reliance Power"}, ("name_mismatch",)),
        ("1", {"ticker": "TCS", "name": "Tata Consultancy Services"}, ("symbol_mismatch", "name_mismatch")),
        ("1", {"ticker": "RELIANCE", "name": "Reliance Industries", "market": "XBOM"}, ("market_mismatch",)),
        ("3", {"ticker": "BANKNIFTY", "name": "NIFTY BANK", "market": "NSE"}, ("asset_class_mismatch", "inactive")),
        ("4", {"ticker": "BRK-A", "name": "Berkshire Hathaway Inc"}, ("symbol_mismatch", "name_mismatch")),
        ("5", {"ticker": "GONE", "name": "Gone Corp"}, ("inactive",)),
        ("6", {"ticker": "HALT", "name": "Halted Corp"}, ("not_tradable",)),
        ("7", {"ticker": "BTC-USD", "market": "CRYPTO"}, ("symbol_mismatch",)),
        ("7", {"ticker": "BTCUSDT", "market": "US"}, ("market_mismatch",)),
        ("8", {"ticker": "OXY", "name": "Occidental Petroleum Corporation"}, ("asset_class_mismatch",)),
        ("10", {"ticker": "GOLD", "name": "GOLD"}, ("market_not_configured",)),
        ("10", {"ticker": "GOLD", "name": "GOLD", "market": "NSE"}, ("market_mismatch",)),
        ("11", {"ticker": "ACME", "name": "Acme Corp"}, ("conflicting_rows",)),
    ],
)
def test_why_a_row_is_refused(native_id: str, told: dict[str, str], reasons: tuple[str, ...]) -> None:
    assert checked(native_id, **told).reasons == reasons


def test_what_the_id_really_is_is_told() -> None:
    verdict = checked("1", ticker="TCS", name="Tata Consultancy Services")
    assert verdict.contract is not None
    assert (verdict.contract.symbol, verdict.contract.name) == ("RELIANCE", "RELIANCE INDUSTRIES")
    assert checked("99", ticker="TCS").contract is None


def test_an_id_that_stands_twice_is_nobodys() -> None:
    rows = [
        Claim(row=2, native_id="1", ticker="RELIANCE"),
        Claim(row=3, native_id="9", ticker="SPY"),
        Claim(row=4, native_id="1", ticker="TCS"),
        Claim(row=5, native_id="77", ticker="A"),
        Claim(row=6, native_id="77", ticker="B"),
    ]
    assert [verdict.reasons for verdict in check_handles(rows, LISTED, MARKETS)] == [
        ("claimed_twice",),
        (),
        ("symbol_mismatch", "claimed_twice"),
        ("not_listed", "claimed_twice"),
        ("not_listed", "claimed_twice"),
    ]


def test_two_ids_of_one_symbol_are_two_rows() -> None:
    rows = [Claim(row=2, native_id="1", ticker="RELIANCE"), Claim(row=3, native_id="2", ticker="RELIANCE")]
    assert [verdict.reasons for verdict in check_handles(rows, LISTED, MARKETS)] == [(), ("symbol_mismatch",)]


def test_empty_lists() -> None:
    assert check_handles([], LISTED, MARKETS) == []
    verdict = check_handles([Claim(row=2, native_id="1", ticker="RELIANCE")], LISTED.slice(0, 0), MARKETS)[0]
    assert verdict.reasons == ("not_listed",)


def test_a_market_that_nobody_knows_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"row 2, field 'market': expected a market of markets.yaml.*\(found 'NES'\)"):
        checked("1", ticker="RELIANCE", market="NES")


# The real hand-made list: what each id is, looked up in Kite's own list and typed by hand.
WRONG = {
    "408065": ("BAJFINANCE", "INFY"),
    "81153": ("TCS", "BAJFINANCE"),
    "2815745": ("BAJAJFINSV", "MARUTI"),
    "4267265": ("ASIANPAINT", "BAJAJ-AUTO"),
    "177665": ("TITAN", "CIPLA"),
    "3861249": ("MARUTI", "ADANIPORTS"),
    "225537": ("ULTRACEMCO", "DRREDDY"),
    "1346049": ("ADANIPORTS", "INDUSINDBK"),
    "2939649": ("NTPC", "LT"),
    "140033": ("BHARTIARTL", "BRITANNIA"),
    "3050241": ("POWERGRID", "YESBANK"),
    "1195009": ("M&M", "BANKBARODA"),
    "857857": ("WIPRO", "SUNPHARMA"),
    "424961": ("COALINDIA", "ITC"),
    "2714625": ("HINDUNILVR", "BHARTIARTL"),
}
INDICES = {"256265": "NIFTY 50", "260105": "NIFTY BANK"}


def test_the_fifteen_wrong_rows_of_a_real_list(shared_data: Path) -> None:
    config = load_settings().brokers["zerodha"]
    payload = (shared_data / "zerodha" / "instruments_nse_2026-03.csv").read_bytes()
    official = pa.Table.from_batches(zerodha_contracts(payload, config, date(2026, 3, 20)), schema=CONTRACT_SCHEMA)
    claims = read_token_list((shared_data / "zerodha" / "mislabelled" / "instruments.csv").read_bytes())
    verdicts = check_handles(claims, official, MARKETS, words=config["exchanges"])
    mislabelled = {
        verdict.claim.native_id: (verdict.claim.ticker, verdict.contract.symbol if verdict.contract else None)
        for verdict in verdicts
        if verdict.reasons == ("symbol_mismatch", "name_mismatch")
    }
    assert mislabelled == WRONG
    assert [verdict.claim.ticker for verdict in verdicts if verdict.is_ok] == ["RELIANCE", "ICICIBANK", "KOTAKBANK"]
    # Rightly labelled, but nobody can buy an index.
    untradable = {v.claim.native_id: v.contract.symbol for v in verdicts if v.contract and "asset_class_mismatch" in v.reasons}
    assert untradable == INDICES
    assert len(verdicts) == 20
