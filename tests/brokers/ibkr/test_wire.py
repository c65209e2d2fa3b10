"""Orders in TWS's words, without a connection."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from include.brokers.ibkr.wire import changed, routing, wire_contract, wire_orders
from include.domain.instrument import AssetClass
from include.domain.order import OrderChange, OrderType, Side, TimeInForce
from include.errors import OrderRejected, Unsupported
from tests.brokers.ibkr.kinds import FUTURE, kind_of
from tests.brokers.ibkr.venue import order

UNSET = 1.7976931348623157e308


class WireOrder(SimpleNamespace):
    """What both libraries call `Order`: everything unset but what is told."""

    def __init__(self, **told: Any) -> None:
        unset = dict.fromkeys(("lmtPrice", "auxPrice", "trailingPercent", "cashQty"), UNSET)
        super().__init__(**{**unset, "outsideRth": False, "parentId": 0, "ocaType": 0, "ocaGroup": "", **told})


LIBRARY = SimpleNamespace(Order=WireOrder, Contract=SimpleNamespace)
IDS = {"orderId": 5, "permId": 77, "clientId": 1, "orderRef": "REF", "account": "DU1", "action": "SELL", "tif": "GTC"}


@pytest.mark.parametrize(
    ("kind", "exchange", "expected"),
    [
        (AssetClass.STOCK, "NASDAQ", "SMART"),
        (AssetClass.OPTION, "", "SMART"),
        (AssetClass.FX, "", "IDEALPRO"),
        (AssetClass.CRYPTO, "ZEROHASH", "ZEROHASH"),
        (AssetClass.FUTURE, "CME", "CME"),
        (AssetClass.CFD, "", "SMART"),
    ],
)
def test_routing(kind: AssetClass, exchange: str, expected: str) -> None:
    assert routing(kind, exchange) == expected


def test_a_future_of_an_unknown_exchange_is_not_sent_anywhere() -> None:
    with pytest.raises(Unsupported, match="no exchange"):
        wire_contract(LIBRARY, kind_of(FUTURE).model_copy(update={"exchange": ""}))


def test_prices_are_in_the_units_of_the_venue_for_entry_and_exits() -> None:
    exits = {"take_profit_price": Decimal(3), "stop_loss_price": Decimal(4), "stop_loss_limit_price": Decimal("4.1")}
    pounds = order(319091809, limit="3.5", side=Side.SELL, **exits)
    entry, profit, loss = wire_orders(LIBRARY, pounds, "DU1")
    assert (entry.action, entry.orderType, entry.lmtPrice, entry.orderRef) == ("SELL", "LMT", 350, "AAAAAAAAAAAAAAAAAAA1")
    assert (profit.action, profit.orderType, profit.lmtPrice, profit.tif) == ("BUY", "LMT", 300, "GTC")
    assert (loss.action, loss.orderType, loss.auxPrice, loss.lmtPrice) == ("BUY", "STP LMT", 400, 410)
    assert profit.ocaGroup == loss.ocaGroup == "AAAAAAAAAAAAAAAAAAA1"
    assert profit.orderRef.endswith("/tp")
    assert loss.orderRef.endswith("/sl")


@pytest.mark.parametrize(("told", "of_which"), [({"auxPrice": 3.0}, "auxPrice"), ({"trailingPercent": 5.0}, "trailingPercent")])
def test_a_trail_keeps_its_kind_of_distance(told: dict[str, float], of_which: str) -> None:
    zero = {"auxPrice": 0.0, "trailingPercent": 0.0}
    standing = WireOrder(**IDS, orderType="TRAIL", totalQuantity=10, **{**zero, **told})
    wire = changed(LIBRARY, standing, OrderChange(quantity=Decimal(7)), Decimal(1))
    other = {"auxPrice", "trailingPercent"} - {of_which}
    assert (getattr(wire, of_which), getattr(wire, other.pop()), wire.totalQuantity) == (told[of_which], UNSET, 7)
    swapped = changed(LIBRARY, standing, OrderChange(trail_pct=Decimal(2)), Decimal(1))
    assert (swapped.trailingPercent, swapped.auxPrice) == (2, UNSET)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("STP", OrderChange(limit_price=Decimal(1))),
        ("LMT", OrderChange(stop_price=Decimal(1))),
        ("LMT", OrderChange(trail_amount=Decimal(1))),
        ("LMT", OrderChange(time_in_force=TimeInForce.OPG)),
    ],
)
def test_what_an_order_does_not_have_cannot_be_changed(kind: str, change: OrderChange) -> None:
    with pytest.raises(OrderRejected, match="cancel it"):
        changed(LIBRARY, WireOrder(**IDS, orderType=kind, totalQuantity=10), change, Decimal(1))


def test_both_ways_into_the_closing_auction() -> None:
    at_market = order(limit=None, order_type=OrderType.MARKET_ON_CLOSE, time_in_force=TimeInForce.CLS)
    limited = order(time_in_force=TimeInForce.CLS)
    assert [(wire.orderType, wire.tif) for each in (at_market, limited) for wire in wire_orders(LIBRARY, each, "DU1")] == [
        ("MOC", "DAY"),
        ("LOC", "DAY"),
    ]
