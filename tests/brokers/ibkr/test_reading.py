"""Connecting, environments, snapshots and quotes through the unmodified ib_insync against the local TWS."""

from decimal import Decimal

import pytest

from include.domain.order import OrderState, TimeInForce
from include.errors import BrokerUnavailable
from include.sandbox.book import VenueBook
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.venue import (
    LISTINGS,
    MARK_TIME,
    NOW,
    asked,
    contract_of,
    make_book,
    make_broker,
    order,
    unused_port,
)


def test_nobody_listening_is_unavailable() -> None:
    with unused_port() as port, pytest.raises(BrokerUnavailable, match=str(port)):
        make_broker(port).connect()


def test_a_refused_connection_is_unavailable_and_the_next_works(book: VenueBook, port: int) -> None:
    book.faults.add("refuse_connection")
    broker = make_broker(port)
    with pytest.raises(BrokerUnavailable, match="closed the connection"):
        broker.connect()
    broker.connect()
    broker.close()
    broker.close()


def test_garbage_instead_of_a_greeting_is_unavailable(book: VenueBook, port: int) -> None:
    book.faults.add("garbage")
    with pytest.raises(BrokerUnavailable, match="cannot be decoded"):
        make_broker(port).connect()


def test_a_port_that_says_nothing_is_unavailable() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(BrokerUnavailable, match=r"within 0\.2 s"):
        make_broker(mute.getsockname()[1], timeout_seconds=0.2).connect()


def test_readers_take_the_next_free_client_id(book: VenueBook, port: int) -> None:
    ids = {"reading": [11, 12], "orders": 1}
    with make_broker(port, client_ids=ids), make_broker(port, client_ids=ids):
        assert asked(book, "start_api") == ["2;11", "2;11", "2;12"]
        with pytest.raises(BrokerUnavailable, match=r"every client id is in use \(11, 12\)"):
            make_broker(port, client_ids=ids).connect()
    with make_broker(port, client_ids=ids):
        assert asked(book, "start_api")[-1] == "2;11"


def test_the_order_id_is_exclusive(port: int) -> None:
    with make_broker(port, for_orders=True), pytest.raises(BrokerUnavailable, match="in use"):
        make_broker(port, for_orders=True).connect()


def test_a_snapshot_is_complete(port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        broker.submit(order(319091809, "AAAAAAAAAAAAAAAAAAA1", "3.55", quantity=Decimal(200)))
        broker.submit(order(265598, "AAAAAAAAAAAAAAAAAAA2", "200", time_in_force=TimeInForce.GTC))
    with make_broker(port) as broker:
        snapshot = broker.snapshot("2025-09-18", NOW)
    assert (snapshot.account_id, snapshot.currency, snapshot.session, snapshot.taken_at) == (
        "ibkr-main",
        "EUR",
        "2025-09-18",
        NOW,
    )
    # 200 x 3.50035 and 2 bp of it are paid in pounds
    assert snapshot.settled_cash == {"EUR": Decimal("100000.00"), "USD": Decimal("50000.00"), "GBP": Decimal("9299.79")}
    # euro: 100000 + 50000 / 1.18 + (9299.79 + 200 x 3.5) x 1.36 / 1.18
    assert snapshot.equity == Decimal("153898.06")
    (held,) = snapshot.positions
    assert (held.native_id, held.symbol, held.name, held.mic) == ("319091809", "TM17", "EVERPLAY GROUP PLC", "XLON")
    assert (held.quantity, held.average_cost, held.market_price) == (Decimal(200), Decimal("3.50035"), Decimal("3.5"))
    (standing,) = snapshot.open_orders
    assert (standing.client_order_id, standing.state, standing.quantity) == (
        "AAAAAAAAAAAAAAAAAAA2",
        OrderState.ACCEPTED,
        Decimal(10),
    )


def test_an_empty_account_has_an_empty_snapshot(port: int) -> None:
    with make_broker(port) as broker:
        snapshot = broker.snapshot("2025-09-18", NOW)
    assert (snapshot.positions, snapshot.open_orders) == ((), ())


def test_an_account_without_a_net_value_is_unavailable() -> None:
    book = make_book(cash={"EUR": Decimal(1), "JPY": Decimal(1000)})  # no pair gives the yen a value
    with running_ibkr_venue(book) as port, make_broker(port) as broker, pytest.raises(BrokerUnavailable, match="net liquidation"):
        broker.snapshot("2025-09-18", NOW)


def test_a_position_that_left_the_catalogue_is_still_shown(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        broker.submit(order())
        book.load([each for each in LISTINGS if each.asset_class == "fx"])
        (held,) = broker.snapshot("2025-09-18", NOW).positions
    assert (held.native_id, held.symbol, held.currency, held.quantity) == ("265598", "AAPL", "USD", Decimal(10))


def test_quotes_are_in_currency_units_with_the_venues_time(book: VenueBook, port: int) -> None:
    with make_broker(port) as broker:
        quotes = broker.quotes([contract_of(265598), contract_of(319091809), contract_of(773314785), contract_of(748086613)])
        assert broker.quotes([]) == {}
    assert set(quotes) == {"265598", "319091809", "773314785"}
    london = quotes["319091809"]
    assert (london.bid, london.ask, london.last) == (Decimal("3.49965"), Decimal("3.50035"), Decimal("3.5"))
    assert (london.time, london.currency) == (MARK_TIME, "GBP")


def test_a_contract_without_a_mark_or_unknown_has_no_quote(port: int) -> None:
    unknown = contract_of(265598).model_copy(update={"native_id": "1"})
    with make_broker(port) as broker:
        assert broker.quotes([contract_of(748086613), unknown]) == {}


def test_a_quote_that_never_comes_is_unavailable(book: VenueBook, port: int) -> None:
    book.faults.add("silent")
    with make_broker(port, timeout_seconds=0.3) as broker, pytest.raises(BrokerUnavailable, match="did not answer"):
        broker.quotes([contract_of(265598)])


def test_currencies_are_units_for_one_of_the_base(port: int) -> None:
    with make_broker(port) as broker:
        from_euro = broker.fx_quotes("EUR", ["USD", "EUR", "JPY", "SEK", "USD"])
        from_dollar = broker.fx_quotes("USD", ["GBP"])
        assert broker.fx_quotes("EUR", ["EUR"]) == {}
    assert set(from_euro) == {"USD"}  # no pair with the yen, no mark for the krona
    assert (from_euro["USD"].bid, from_euro["USD"].ask) == (Decimal("1.179882"), Decimal("1.180118"))
    assert (from_euro["USD"].native_id, from_euro["USD"].currency, from_euro["USD"].time) == ("12087792", "USD", MARK_TIME)
    pound = from_dollar["GBP"]  # GBP.USD 1.36 turned round: 1 / 1.360136 and 1 / 1.359864
    assert (pound.bid, pound.ask, pound.last) == (Decimal("0.7352205956"), Decimal("0.7353676544"), Decimal("0.7352941176"))


def test_a_broker_is_entered_before_it_is_asked() -> None:
    with pytest.raises(BrokerUnavailable, match="not connected"):
        make_broker(1).snapshot("2025-09-18", NOW)
