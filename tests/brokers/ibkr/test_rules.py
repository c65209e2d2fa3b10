"""What one contract takes, and that nobody sends it anything else."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from include.brokers.ibkr.rules import Rules, check_rules, rules
from include.domain.instrument import AssetClass
from include.domain.order import Order
from include.errors import InvalidQuantity, Unsupported
from include.sandbox.book import VenueBook
from tests.brokers.ibkr import venue
from tests.brokers.ibkr.venue import MemoryLookups, found, instrument, make_broker

APPLE = instrument("AAPL", "Apple", "USD", "US", "US0378331005")
ALL = Rules(order_types=("LMT", "MKT", "STP", "STPLMT", "OPG"), exchanges=("SMART", "NASDAQ"), min_size=10, size_increment=5)
OPENING = {"order_type": "market_on_open", "limit_price": None, "time_in_force": "opg"}
MARKET = {"order_type": "market", "limit_price": None}
STOP_LIMIT = {"stop_loss_price": "100", "stop_loss_limit_price": "99"}


def order(**changes: Any) -> Order:
    made = venue.order()
    return Order.model_validate({**made.model_dump(), "quantity": 10, "time_in_force": "day", **changes})


def details(**told: Any) -> Any:
    values = {"orderTypes": "", "validExchanges": "", "minSize": 0.0, "sizeIncrement": 0.0}
    return SimpleNamespace(**{**values, **told})


def test_rules_are_read_as_they_are_told() -> None:
    told = details(orderTypes="ACTIVETIM,LMT, MKT", validExchanges="SMART,NASDAQ", minSize=1e-08, sizeIncrement=0.0001)
    assert rules(told) == {
        "order_types": ["ACTIVETIM", "LMT", "MKT"],
        "exchanges": ["SMART", "NASDAQ"],
        "min_size": "0.00000001",
        "size_increment": "0.0001",
    }


def test_what_is_not_told_forbids_nothing() -> None:
    told = rules(details())
    assert told == {"order_types": [], "exchanges": [], "min_size": None, "size_increment": None}
    check_rules(order(quantity=Decimal("0.3")), Rules.model_validate(told))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"order_type": "market", "limit_price": None, "cash_amount": Decimal(7), "quantity": Decimal("0.1")},
        {"quantity": Decimal("15.0")},
        OPENING,
        {"take_profit_price": Decimal(300), "stop_loss_price": Decimal(100)},
    ],
)
def test_what_the_contract_takes(changes: dict[str, Any]) -> None:
    check_rules(order(**changes), ALL)


@pytest.mark.parametrize(
    ("changes", "told", "error", "words"),
    [
        ({}, {"order_types": ("MKT",)}, Unsupported, "IBKR takes no LMT orders for AAPL"),
        (OPENING, {"order_types": ("MKT",)}, Unsupported, "no OPG orders"),
        ({"time_in_force": "cls"}, {}, Unsupported, "no LOC orders"),
        ({"stop_loss_price": "100"}, {"order_types": ("LMT",)}, Unsupported, "no STP orders"),
        (STOP_LIMIT, {"order_types": ("LMT", "STP")}, Unsupported, "no STPLMT orders"),
        (MARKET | {"take_profit_price": "300"}, {"order_types": ("MKT",)}, Unsupported, "no LMT orders"),
        ({}, {"exchanges": ("VALUE",)}, Unsupported, "AAPL is not traded at SMART"),
        ({"quantity": "5"}, {}, InvalidQuantity, "10 of AAPL at least"),
        ({"quantity": "12"}, {}, InvalidQuantity, "in steps of 5"),
    ],
)
def test_what_it_does_not_take(changes: dict[str, Any], told: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        check_rules(order(**changes), ALL.model_copy(update=told))


def test_pairs_are_sent_to_their_own_exchange() -> None:
    pair = order().contract.model_copy(update={"asset_class": AssetClass.FX, "exchange": "IDEALPRO"})
    check_rules(order(contract=pair.model_dump()), Rules(exchanges=("IDEALPRO",)))
    with pytest.raises(Unsupported, match="not traded at IDEALPRO"):
        check_rules(order(contract=pair.model_dump()), Rules(exchanges=("SMART",)))


def test_a_look_up_is_enough_for_every_process(port: int, book: VenueBook) -> None:
    lookups = MemoryLookups()
    with make_broker(port, lookups=lookups) as reader:
        assert found(reader, APPLE)
    kept = [key for key in lookups.rows if key == "rules=265598"]
    assert len(kept) == 1
    lookups.put("ibkr", {"rules=265598": [{"order_types": ["MKT"]}]}, *2 * (next(iter(lookups.rows.values()))[1],))
    with make_broker(port, for_orders=True, lookups=lookups) as broker:
        before = len(book.requests)
        with pytest.raises(Unsupported, match="no LMT orders"):
            broker.submit(venue.order())
        assert len(book.requests) == before  # neither asked nor sent


def test_without_a_look_up_nothing_is_asked_and_nothing_forbidden(port: int, book: VenueBook) -> None:
    with make_broker(port, for_orders=True, lookups=MemoryLookups()) as broker:
        broker.submit(venue.order())
    assert not [kind for _, kind, _ in book.requests if kind == "contract_details"]


def test_what_this_process_looked_up_needs_no_cache(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.sandbox.ibkr.contracts.ORDER_WORDS", ("MKT",))
    with make_broker(port, for_orders=True) as broker:
        assert found(broker, APPLE)
        with pytest.raises(Unsupported, match="no LMT orders"):
            broker.submit(venue.order())
