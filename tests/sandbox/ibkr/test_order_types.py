"""Kinds of orders and contracts at the local TWS: stops, trails, auctions, amounts of money, pairs, futures, options."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.sandbox.book import VenueBook
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import CFD, COIN, FUTURE, OPTION, PAIR
from tests.sandbox.ibkr.market import holding, later, mark, statuses


def test_a_stop_waits_until_the_last_price_reaches_it(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="STP", limit="", aux="245")
    opened, status = client.until("3")
    assert (opened[15:18], status[2]) == (["STP", "0.0", "245.0"], "PreSubmitted")
    mark(book, "244.99")
    client.send(16, 1)
    assert client.until("53")[-2][2] == "PreSubmitted"
    mark(book, "245")
    assert statuses(client, 1) == [("1", "Filled", "10")]


def test_a_stop_sells_when_the_price_falls(book: VenueBook, client: WireClient) -> None:
    holding(client)
    client.place(2, action="SELL", kind="STP", limit="", aux="230")
    client.until("3")
    mark(book, "230")
    assert statuses(client, 1) == [("2", "Filled", "10")]


def test_a_stop_sells_only_what_is_held(client: WireClient) -> None:
    client.place(1, action="SELL", kind="STP", limit="", aux="230")
    assert "short selling" in client.until("4")[-1][4]


def test_a_stop_limit_rests_at_its_limit_once_set_off(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="STP LMT", aux="245", limit="245.5")
    assert client.until("3")[0][15:18] == ["STP LMT", "245.5", "245.0"]
    mark(book, "250")  # jumped over the limit
    assert statuses(client, 1) == [("1", "Submitted", "0")]
    mark(book, "245")
    assert statuses(client, 1) == [("1", "Filled", "10")]


@pytest.mark.parametrize("trail", [{"aux": "12"}, {"percent": "5", "aux": ""}])
def test_a_trailing_stop_follows_the_market_up_and_not_down(book: VenueBook, client: WireClient, trail: dict[str, str]) -> None:
    holding(client)
    client.place(2, action="SELL", kind="TRAIL", limit="", **trail)
    assert statuses(client, 1) == [("2", "PreSubmitted", "0")]
    client.send(16, 1)
    assert Decimal(client.until("53")[0][74]) == 228
    mark(book, "260")
    client.send(16, 1)
    stop = Decimal(client.until("53")[0][74])
    assert stop == {"12": 248, "": 247}[trail["aux"]]
    mark(book, str(stop + 1))
    client.send(16, 1)
    assert Decimal(client.until("53")[0][74]) == stop
    mark(book, str(stop))
    assert statuses(client, 1) == [("2", "Filled", "10")]


def test_a_trailing_purchase_follows_the_market_down(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="TRAIL", limit="", aux="10", trail_stop="245")
    assert Decimal(client.until("3")[0][74]) == 245
    mark(book, "220")
    client.send(16, 1)
    assert Decimal(client.until("53")[0][74]) == 230
    mark(book, "230")
    assert statuses(client, 1) == [("1", "Filled", "10")]


@pytest.mark.parametrize(
    ("order", "auction"),
    [
        ({"kind": "MKT", "tif": "OPG"}, datetime(2025, 9, 22, 13, 30, tzinfo=UTC)),
        ({"kind": "LMT", "tif": "OPG"}, datetime(2025, 9, 22, 13, 30, tzinfo=UTC)),
        ({"kind": "MOC"}, datetime(2025, 9, 19, 20, 0, tzinfo=UTC)),
        ({"kind": "LOC"}, datetime(2025, 9, 19, 20, 0, tzinfo=UTC)),
    ],
)
def test_auction_orders_wait_for_their_auction(
    book: VenueBook, client: WireClient, order: dict[str, str], auction: datetime
) -> None:
    client.place(1, **order)
    assert statuses(client, 1) == [("1", "PreSubmitted", "0")]
    later(book, auction - timedelta(seconds=1))
    client.send(16, 1)
    assert client.until("53")[-2][2] == "PreSubmitted"
    later(book, auction)
    assert statuses(client, 1) == [("1", "Filled", "10")]


def test_an_auction_order_that_finds_no_price_is_cancelled(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="LOC", limit="200")
    client.until("3")
    later(book, datetime(2025, 9, 19, 20, 0, tzinfo=UTC))
    assert client.until("4")[-1][3:5] == ["202", "Order Canceled - reason:"]


def test_money_instead_of_a_quantity(book: VenueBook, client: WireClient) -> None:
    coin = {"sec_type": "CRYPTO", "exchange": "PAXOS", "quantity": "0", "kind": "MKT", "limit": "", "tif": "IOC"}
    client.place(1, COIN, cash="1000", **coin)
    assert statuses(client, 1) == [("1", "Filled", "0.0166")]  # 1000 / 60006, in steps of 0.0001
    client.place(2, COIN, **coin)
    client.until("59")
    assert client.error()[:2] == ("2", "10289")
    client.place(3, COIN, **(coin | {"tif": "DAY", "cash": "10"}))
    assert client.error()[:2] == ("3", "10052")
    client.place(4, cash="1000", quantity="0")
    assert client.error()[:2] == ("4", "10244")


def test_currencies_are_exchanged(book: VenueBook, client: WireClient) -> None:
    pair = {"sec_type": "CASH", "exchange": "IDEALPRO", "kind": "MKT", "limit": ""}
    client.place(1, PAIR, quantity="1000", **pair)
    client.until("59")
    assert (book.engine.cash["EUR"], book.engine.cash["USD"]) == (Decimal(6000), Decimal("18799.88"))
    client.place(2, PAIR, quantity="6000", action="SELL", **pair)
    client.until("59")
    assert (book.engine.cash["EUR"], book.engine.cash["USD"]) == (Decimal(0), Decimal("25999.16"))
    client.place(3, PAIR, quantity="1", action="SELL", **pair)
    assert "short selling" in client.until("4")[-1][4]
    assert book.engine.positions == {}


def test_futures_and_options_are_charged_by_their_multiplier(book: VenueBook, client: WireClient) -> None:
    client.place(1, FUTURE, sec_type="FUT", exchange="CME", kind="MKT", limit="", quantity="2")
    client.until("59")
    assert book.engine.cash["USD"] == Decimal("17999.8")  # 2 x 50 x 20.002
    client.place(2, OPTION, sec_type="OPT", kind="MKT", limit="", quantity="1")
    client.until("59")
    assert book.engine.cash["USD"] == Decimal("17699.77")
    client.contract_details(1, FUTURE, sec_type="FUT", exchange="CME")
    details, _ = client.until("52")
    assert (details[3], details[4], details[7], details[14]) == ("FUT", "20261218", "CME", "50")


@pytest.mark.parametrize(("kind", "tif"), [("MOC", "DAY"), ("LOC", "DAY"), ("MKT", "OPG")])
def test_a_cfd_has_no_auctions(client: WireClient, kind: str, tif: str) -> None:
    client.place(1, CFD, kind=kind, tif=tif, limit="250" if kind == "LOC" else "", sec_type="CFD")
    assert client.error()[:2] == ("1", "387")
