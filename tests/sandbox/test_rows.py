from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.domain.market import Market
from include.sandbox.rows import (
    PricedRow,
    asset_id,
    con_id,
    exchange_word,
    fx_listings,
    ibkr_symbol,
    ibkr_symbols,
    lot_size,
    plain_name,
    price_magnifier,
    tick_size,
    us_symbol,
)


def test_class_shares_in_every_form_ibkr_knows() -> None:
    assert ibkr_symbols("ROCK-A.CO") == ("ROCK-A", "ROCKA", "ROCK.A", "ROCK A")
    assert ibkr_symbols("6095.T") == ("6095",)


@pytest.mark.parametrize(
    ("ticker", "market", "symbol"),
    [("BRK-B", "US", "BRK B"), ("ROCK-A.CO", "XCSE", "ROCKA"), ("BETS-B.ST", "XSTO", "BETS.B"), ("SAP.DE", "XETR", "SAP")],
)
def test_the_one_form_for_a_market(ticker: str, market: str, symbol: str) -> None:
    assert ibkr_symbol(ticker, market) == symbol


def test_alpaca_writes_a_dot() -> None:
    assert us_symbol("BRK-B") == "BRK.B"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Everplay Group PLC", "EVERPLAY GROUP PLC"),
        ("Thessaloniki Port Authority S.A.", "THESSALONIKI PORT AUTHORITY"),
        ("H&M Co., Ltd.", "h m"),
    ],
)
def test_names_are_compared_without_legal_forms(left: str, right: str) -> None:
    assert plain_name(left) == plain_name(right)


@pytest.mark.parametrize(
    ("currency", "price", "tick"),
    [
        ("JPY", "150", "0.1"),
        ("JPY", "1500", "0.5"),
        ("JPY", "4000", "1"),
        ("JPY", "12000", "5"),
        ("JPY", "45000", "10"),
        ("JPY", None, "1"),
        ("GBP", "1.2", "0.0001"),
        ("GBP", "12", "0.001"),
        ("USD", "0.4", "0.0001"),
        ("USD", "2", "0.01"),
        ("EUR", "2", "0.001"),
        ("EUR", "20", "0.01"),
        ("AUD", None, "0.01"),
    ],
)
def test_ticks_follow_currency_and_price(currency: str, price: str | None, tick: str) -> None:
    assert tick_size(currency, Decimal(price) if price else None) == Decimal(tick)


def test_tokyo_trades_hundreds_and_london_quotes_pence() -> None:
    assert (lot_size("TSEJ"), lot_size("NYSE")) == (100, 1)
    assert (price_magnifier("LSE", "GBP"), price_magnifier("LSE", "USD"), price_magnifier("SBF", "EUR")) == (100, 1, 1)


def test_made_up_ids_are_stable_and_look_like_the_brokers() -> None:
    assert con_id("A") == con_id("A") != con_id("B")
    assert 1_200_000_000 <= int(con_id("A")) < 2**31
    assert asset_id("AAPL") == asset_id("AAPL") != asset_id("MSFT")


def test_a_row_without_a_known_market_has_no_exchange(markets: dict[str, Market]) -> None:
    row = PricedRow(ticker="A.XX", name="A", currency="EUR", market="XXXX")
    assert exchange_word(row, markets) == ""
    assert exchange_word(row.model_copy(update={"market": "XETR"}), markets) == "IBIS"
    assert exchange_word(row.model_copy(update={"market": "US"}), markets) in ("NYSE", "NASDAQ")


def test_currency_pairs_against_the_euro() -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    usd, jpy = sorted(
        fx_listings({"USD": Decimal("1.17"), "EUR": Decimal(1), "JPY": Decimal(173)}, moment),
        key=lambda x: x.currency,
        reverse=True,
    )
    assert (usd.venue, usd.symbol, usd.currency, usd.exchange, usd.asset_class) == ("ibkr", "EUR", "USD", "IDEALPRO", "fx")
    assert (usd.price, usd.tick_size, usd.price_time) == (Decimal("1.17"), Decimal("0.00005"), moment)
    assert (jpy.currency, jpy.price, jpy.tick_size) == ("JPY", 173, Decimal("0.005"))
