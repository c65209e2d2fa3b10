"""What needs no connection: error codes, spellings, name patterns, settled cash."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.brokers.ibkr import details, failures
from include.brokers.ibkr.account import settled_cash
from include.brokers.ibkr.queries import name_pattern, spellings, stages
from include.brokers.ibkr.reports import executed_report, report
from include.domain.instrument import AssetClass
from include.domain.order import OrderState, Side
from include.errors import (
    BrokerUnavailable,
    InsufficientFunds,
    InvalidQuantity,
    InvalidSymbol,
    MarketClosed,
    NotPermitted,
    OrderRejected,
    OutcomeUnknown,
    PolybrokerError,
    RateLimited,
)
from include.settings import load_settings
from tests.brokers.ibkr.venue import instrument


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (200, "No security definition", InvalidSymbol),
        (110, "minimum price variation", InvalidQuantity),
        (388, "order size", InvalidQuantity),
        (10243, "fractional", InvalidQuantity),
        (201, "Order rejected - reason:The exchange is closed.", MarketClosed),
        (201, "YOUR SETTLED CASH [1 EUR] MUST EXCEED", InsufficientFunds),
        (201, "reason: restricted", OrderRejected),
        (203, "security is not allowed for this account", NotPermitted),
        (321, "API interface is currently in Read-Only mode", NotPermitted),
        (99999, "something nobody has seen", OutcomeUnknown),
        (504, "Not connected", OutcomeUnknown),
    ],
)
def test_order_errors(code: int, text: str, kind: type[PolybrokerError]) -> None:
    error = failures.order_failure(code, text)
    assert type(error) is kind
    assert str(code) in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (200, InvalidSymbol),
        (354, NotPermitted),
        (100, RateLimited),
        (322, BrokerUnavailable),
        (321, BrokerUnavailable),
        (201, BrokerUnavailable),
        (1, BrokerUnavailable),
    ],
)
def test_request_errors(code: int, kind: type[PolybrokerError]) -> None:
    assert type(failures.request_failure(code, "text")) is kind


def test_history_is_asked_too_fast_or_without_permission() -> None:
    assert type(failures.request_failure(162, "Historical data request pacing violation")) is RateLimited
    assert type(failures.request_failure(162, "No market data permissions for AEB STK")) is NotPermitted
    assert type(failures.request_failure(162, "API historical data query cancelled")) is BrokerUnavailable


def test_errors_carry_the_brokers_code_and_words() -> None:
    error = failures.order_failure(201, "Order rejected - reason:restricted")
    assert (error.code, error.broker, error.broker_code) == ("ORDER_REJECTED", "ibkr", "201")
    assert error.context == {"text": "Order rejected - reason:restricted"}
    assert (failures.order_failure(99999, "new").code, failures.request_failure(99999, "new").code) == ("UNKNOWN", "UNKNOWN")


@pytest.mark.parametrize("code", [100, 162, 504, 1100])
def test_trouble_of_the_line_is_never_a_refusal_of_an_order(code: int) -> None:
    assert type(failures.order_failure(code, "text")) is OutcomeUnknown


def test_notices_decide_nothing() -> None:
    assert [code for code in (202, 399, 404, 2109, 2150) if not failures.is_notice(code)] == []
    assert not failures.is_notice(110)


@pytest.mark.parametrize(
    ("ticker", "market", "expected"),
    [
        ("ROCK-A.CO", "XCSE", ["ROCKA", "ROCK.A", "ROCK A"]),
        ("BRK-B", "US", ["BRKB", "BRK.B", "BRK B"]),
        ("6095.T", "XTKS", ["6095"]),
        ("0700.HK", "XHKG", ["700"]),
        ("BP.L", "XLON", ["BP", "BP."]),
        ("BARC.L", "XLON", ["BARC"]),
        ("BP..L", "XLON", ["BP", "BP."]),
        ("BT-A.L", "XLON", ["BTA", "BT.A", "BT A"]),
        ("80737.HK", "XHKG", ["80737"]),
        ("M&M.NS", "XNSE", ["M&M"]),
        ("AAPL", "US", ["AAPL"]),
        (".T", "XTKS", []),
    ],
)
def test_spellings(ticker: str, market: str, expected: list[str]) -> None:
    assert spellings(ticker, load_settings().markets[market]) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Everplay Group PLC", "Everplay"),
        ("Thessaloniki Port Authority SA", "Thessaloniki Port Authority"),
        ("The Gym Group plc", "Gym"),
        ("Kohoku Kogyo CO.LTD.", "Kohoku Kogyo"),
        ("Björn Borg AB (publ)", "Bjorn Borg"),
        ("Flexopack Societe Anonyme Commercial and Industrial", "Flexopack Societe Anonyme"),
        ("Ltd", ""),
        ("", ""),
        ("株式会社", ""),
    ],
)
def test_name_patterns(name: str, expected: str) -> None:
    assert name_pattern(name) == expected


@given(st.text(max_size=40))
def test_a_pattern_is_short_plain_and_stable(name: str) -> None:
    pattern = name_pattern(name)
    assert pattern.isascii()
    assert len(pattern.split()) <= 3
    assert name_pattern(pattern) == pattern


def test_a_warrant_is_looked_up_as_one_and_kept_apart() -> None:
    wanted = instrument("X.DE", "X", "EUR", "XETR", "DE0005140008", asset_class=AssetClass.WARRANT)
    keys = [query.key for stage in stages(wanted, None) for query in stage]
    assert keys[0] == "isin=DE0005140008;currency=EUR;type=WAR"
    assert all(key.endswith(";type=WAR") for key in keys)


def test_unsettled_cash_is_taken_off_wherever_it_may_lie() -> None:
    values = {
        ("TotalCashValue", "EUR"): "1500",
        ("SettledCash", "EUR"): "1400",
        ("CashBalance", "BASE"): "1500",
        ("CashBalance", "EUR"): "1000",
        ("CashBalance", "USD"): "590",
        ("ExchangeRate", "USD"): "0.8",
        ("CashBalance", "JPY"): "50",
        ("CashBalance", "GBP"): "-20",
    }
    assert settled_cash(values, "EUR") == {"EUR": Decimal(900), "USD": Decimal(465), "JPY": Decimal(0), "GBP": Decimal(-20)}


def test_cash_that_is_settled_is_as_told() -> None:
    assert settled_cash({("CashBalance", "EUR"): "12.5"}, "EUR") == {"EUR": Decimal("12.5")}
    with pytest.raises(BrokerUnavailable, match="no number"):
        settled_cash({("CashBalance", "EUR"): "n/a"}, "EUR")


def described(**more: Any) -> Any:
    contract = {"conId": 7, "symbol": "X", "secType": "STK", "currency": "USD", "primaryExchange": "NYSE", "multiplier": ""}
    values: dict[str, Any] = {
        "priceMagnifier": 1,
        "longName": "X CORP",
        "stockType": "COMMON",
        "secIdList": [],
        "minTick": 0.01,
        "minSize": 1.0,
        "sizeIncrement": 1.0,
    }
    own = {key: more.pop(key) for key in list(more) if key in contract}
    return SimpleNamespace(contract=SimpleNamespace(**(contract | own)), **(values | more))


def test_fractions_that_the_api_refuses_are_no_lots() -> None:
    row = details.row(described(minSize=0.0001, sizeIncrement=0.0001), {"NYSE": "XNYS"})
    assert (row["lot_size"], row["tick_size"], row["fractionable"], row["mic"]) == ("1", "0.01", False, "XNYS")


def test_an_isin_that_ibkr_tells_is_kept() -> None:
    tagged = [SimpleNamespace(tag="CUSIP", value="037833100"), SimpleNamespace(tag="ISIN", value="US0378331005")]
    assert details.row(described(secIdList=tagged), {})["isin"] == "US0378331005"


@pytest.mark.parametrize("masked", ["", "null", "US03783*****", "us0378331005"])
def test_what_is_no_isin_says_nothing(masked: str) -> None:
    assert details.row(described(secIdList=[SimpleNamespace(tag="ISIN", value=masked)]), {})["isin"] is None


def test_an_adr_says_so_in_its_name() -> None:
    assert details.row(described(stockType="ADR"), {})["name"] == "X CORP ADR"
    assert details.row(described(stockType="ADR", longName="X CORP-SPON ADR"), {})["name"] == "X CORP-SPON ADR"


@pytest.mark.parametrize(
    ("stock_type", "long_name", "expected"),
    [
        ("ADR", "QUADRANT PLC", "QUADRANT PLC ADR"),
        ("GDR", "SAMSUNG ELECTRONICS CO LTD", "SAMSUNG ELECTRONICS CO LTD GDR"),
        ("PREFERRED", "BANK OF AMERICA CORP", "BANK OF AMERICA CORP PREFERRED"),
        ("CONVPREF", "BANK OF AMERICA CORP", "BANK OF AMERICA CORP PREFERRED"),
        ("UNIT", "XYZ ACQUISITION CORP", "XYZ ACQUISITION CORP UNIT"),
        ("COMMON", "BANK OF AMERICA CORP", "BANK OF AMERICA CORP"),
    ],
)
def test_a_form_told_by_the_stock_type_only_is_said_in_the_name(stock_type: str, long_name: str, expected: str) -> None:
    assert details.row(described(stockType=stock_type, longName=long_name), {})["name"] == expected


@pytest.mark.parametrize(
    ("security_type", "stock_type", "kind"),
    [
        ("STK", "COMMON", AssetClass.STOCK),
        ("STK", "ETF", AssetClass.ETF),
        ("STK", "RIGHT", AssetClass.WARRANT),
        ("WAR", "", AssetClass.WARRANT),
        ("CASH", "", AssetClass.FX),
        ("CFD", "", AssetClass.CFD),
        ("CFD", "ETF", AssetClass.CFD),
        ("CFD", "RIGHT", AssetClass.CFD),
        ("BOND", "", AssetClass.OTHER),
    ],
)
def test_kinds(security_type: str, stock_type: str, kind: AssetClass) -> None:
    assert details.asset_class(security_type, stock_type) is kind


@pytest.mark.parametrize("symbol", ["X.OLD", "X.OLD1"])
def test_old_symbols_are_dead(symbol: str) -> None:
    row = details.row(described(symbol=symbol), {})
    assert (row["tradable"], row["inactive_reason"]) == (False, "delisted")


@pytest.mark.parametrize(
    ("value", "expected"), [(1e-05, "0.00001"), (100.0, "100"), (1000000.0, "1000000"), ("", "0"), (0.1, "0.1"), (12, "12")]
)
def test_numbers_have_no_exponent(value: Any, expected: str) -> None:
    assert details.text(details.number(value)) == expected


def executed(shares: float, price: float, second: int, told: bool = True) -> Any:
    return SimpleNamespace(
        contract=SimpleNamespace(conId=7),
        execution=SimpleNamespace(
            execId=f"e{second}",
            shares=shares,
            price=price,
            permId=99,
            side="SLD",
            time=datetime(2025, 9, 19, 15, 0, second, tzinfo=UTC),
        ),
        commissionReport=SimpleNamespace(execId=f"e{second}" if told else "", commission=1.0, currency="GBP"),
    )


def test_an_order_of_which_only_executions_are_left() -> None:
    found = executed_report("REF", [executed(100.0, 350.0, 1), executed(300.0, 354.0, 2, told=False)], Decimal(100))
    assert (found.state, found.side, found.filled_quantity, found.average_price) == (
        OrderState.FILLED,
        Side.SELL,
        Decimal(400),
        Decimal("3.53"),
    )
    assert [fill.commission for fill in found.fills] == [Decimal(1), None]
    assert found.updated_at == datetime(2025, 9, 19, 15, 0, 2, tzinfo=UTC)


def test_a_manual_order_without_a_reference_is_named_by_its_permanent_id() -> None:
    order = SimpleNamespace(orderRef="", permId=99, action="BUY", totalQuantity=10.0, filledQuantity=1.7976931348623157e308)
    status = SimpleNamespace(status="Submitted", filled=4.0, avgFillPrice=350.0)
    trade = SimpleNamespace(order=order, orderStatus=status, contract=SimpleNamespace(conId=7), log=[])
    found = report(trade, [], Decimal(100))
    assert (found.client_order_id, found.state, found.filled_quantity, found.average_price) == (
        "permid:99",
        OrderState.PARTIALLY_FILLED,
        Decimal(4),
        Decimal("3.5"),
    )


def test_a_name_search_is_cached_for_its_market_only() -> None:
    markets = load_settings().markets
    one, two = (instrument(f"X.{suffix}", "Everplay AG", "EUR", market) for suffix, market in (("DE", "XETR"), ("MI", "XMIL")))
    keys = [stages(each, markets[each.market])[-1][0].key for each in (one, two)]
    assert keys == ["name=Everplay;currency=EUR;market=XETR", "name=Everplay;currency=EUR;market=XMIL"]
