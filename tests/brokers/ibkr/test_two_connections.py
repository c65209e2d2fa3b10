"""Orders and look-ups do not stand in one line: each has a client id, a connection and a pacing of its own."""

import threading

import pytest

from include.domain.order import OrderState
from include.errors import BrokerUnavailable
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.kinds import STOCK, kind_of, kinds_book
from tests.brokers.ibkr.venue import found, instrument, make_broker, order

NOBODY = [instrument(f"N{number}", f"Nobody {number}", "USD", "US") for number in range(200)]


def test_an_order_does_not_wait_for_look_ups() -> None:
    book = kinds_book()
    failed: list[BaseException] = []
    with running_ibkr_venue(book) as port:
        broker = make_broker(port, for_orders=True)
        broker.connect()
        broker.quotes([kind_of(STOCK)])  # both connections are open

        def look_up() -> None:
            try:
                found(broker, *NOBODY)
            except BrokerUnavailable as error:  # the broker is closed before all are asked
                failed.append(error)

        looking = threading.Thread(target=look_up)
        looking.start()
        while sum(1 for _, kind, _ in book.requests if kind == "contract_details") < 40:
            pass  # as many as may be asked in a second are on their way: all others wait
        assert broker.submit(order()).state is OrderState.FILLED
        asked = [kind for _, kind, _ in book.requests]
        broker.close()
        looking.join(10)
    assert asked.count("place_order") == 1
    assert asked.count("contract_details") <= 45 < len(NOBODY), "the order came while look-ups were waiting"
    assert len(failed) == 1


def test_who_asks_what() -> None:
    book = kinds_book()
    with running_ibkr_venue(book) as port, make_broker(port, for_orders=True) as broker:
        broker.submit(order())
        broker.find_order("AAAAAAAAAAAAAAAAAAA1")
        broker.quotes([kind_of(STOCK)])
        broker.snapshot("2025-09-18", book.clock())
    clients: dict[str, set[str]] = {}
    for _, kind, detail in book.requests:
        clients.setdefault(kind, set()).add(detail.partition(";")[0])
    assert clients["place_order"] == {"client=1"}
    assert clients["contract_details"] == clients["market_data"] == {"client=11"}


def test_without_orders_there_is_one_connection() -> None:
    book = kinds_book()
    with running_ibkr_venue(book) as port, make_broker(port) as broker:
        broker.quotes([kind_of(STOCK)])
        broker.list_orders()
    assert [kind for _, kind, _ in book.requests].count("start_api") == 1


def test_look_ups_that_cannot_connect_stop_no_order() -> None:
    with running_ibkr_venue(kinds_book()) as port:
        taken = {"orders": 1, "reading": [11]}
        with make_broker(port, client_ids=taken), make_broker(port, for_orders=True, client_ids=taken) as broker:
            with pytest.raises(BrokerUnavailable, match="every client id"):
                broker.quotes([kind_of(STOCK)])
            assert broker.submit(order()).state is OrderState.FILLED
