"""Every kind of message of the local TWS, field by field, against what the real one sent (`recorded.py` names the sources).

Compared are the number of fields, their order, and each value: where the venue was asked for the same thing it must be the
recorded value, else of the recorded form. Both client libraries read all of them besides (tests/brokers/ibkr).

| message | recorded as |
|---|---|
| greeting, managed accounts 15, next id 9, notice 4, current time 49 | GREETING, ACCOUNTS, NEXT_ID, FARM, CURRENT_TIME |
| open order 5, order status 3, execution 11, commission 59 | OPEN_ORDER, ORDER_STATUS, EXECUTION, COMMISSION |
| completed order 101; ends of lists 53, 55, 102 | COMPLETED_ORDER, OPEN_ORDERS_END, EXECUTIONS_END, COMPLETED_ORDERS_END |
| contract details 10, end 52, symbols 79 | CONTRACT_DETAILS, DETAILS_END, SYMBOLS |
| position 61, 62; account 6, 7, 8, 54, 73, 74, 63, 64 | POSITION, ACCOUNT_VALUE, PORTFOLIO, MULTI_VALUE, SUMMARY, ... |
| ticks 1, 46, 81, 58, 57; bars 17 | TICK_PRICE, TICK_STRING, TICK_PARAMETERS, DATA_TYPE, SNAPSHOT_END, DAILY_BARS, HOURLY_BARS |
| refusals 4 | CANCELLED, NO_SUCH_CONTRACT |
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.fakes.clock import SetClock
from tests.sandbox.ibkr import recorded
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.recorded import Recorded

NOW = datetime(2025, 9, 19, 14, 30, tzinfo=UTC)
APPLE, FUTURE = 265598, 637533641
LISTINGS = [
    Listing(
        venue="ibkr",
        native_id=str(APPLE),
        symbol="AAPL",
        name="APPLE INC",
        currency="USD",
        exchange="NASDAQ",
        isin="US0378331005",
        price=Decimal("201.94"),
        price_time=NOW,
    ),
    Listing(
        venue="ibkr",
        native_id=str(FUTURE),
        symbol="ES",
        currency="USD",
        exchange="CME",
        asset_class="future",
        multiplier=Decimal(50),
        expiry="2025-09-19",
        tick_size=Decimal("0.25"),
        price=Decimal(6600),
        price_time=NOW,
    ),
]
CONTRACT = [APPLE, "", "STK", "", 0, "", "", "SMART", "", "USD", "", ""]


@pytest.fixture
def client() -> Iterator[WireClient]:
    book = VenueBook(LISTINGS, account_code="DU1234567", cash={"USD": Decimal(1_000_000)}, clock=SetClock(NOW))
    with running_ibkr_venue(book) as port, WireClient(port) as connected:
        yield connected


def bought(client: WireClient) -> dict[str, list[str]]:
    """Id -> message of a market order for 100 that filled."""
    client.start(100).place(5, APPLE, quantity="100", kind="MKT", limit="", reference="")
    return {message[0]: message for message in client.until("59")}


def is_as_recorded(message: Sequence[str] | None, expected: Recorded, but: dict[str, str] | None = None) -> None:
    """Fails where a field is neither as it was recorded nor what `but` says of it: what this order or request has of its own."""
    assert message is not None
    own = but or {}
    found = {name: sent for name, (_, sent) in expected.differences(message).items()}
    assert found == own, expected.source


def test_the_start_of_a_session(client: WireClient) -> None:
    is_as_recorded(client.greet(), recorded.GREETING)
    client.send(71, 2, 100, "")
    is_as_recorded(client.receive(), recorded.ACCOUNTS)
    is_as_recorded(client.receive(), recorded.NEXT_ID)
    is_as_recorded(client.receive(), recorded.FARM)
    client.until("4", times=2)
    client.send(49, 1)
    is_as_recorded(client.receive(), recorded.CURRENT_TIME)


def test_an_order_that_fills(client: WireClient) -> None:
    told = bought(client)
    is_as_recorded(told["5"], recorded.OPEN_ORDER)
    is_as_recorded(told["3"], recorded.ORDER_STATUS)
    is_as_recorded(told["11"], recorded.EXECUTION)
    is_as_recorded(told["59"], recorded.COMMISSION)


def test_open_orders_and_executions_on_demand(client: WireClient) -> None:
    bought(client)
    client.place(6, APPLE, quantity="100", limit="150", reference="")
    client.until("3")
    client.send(5, 1)
    told, _, end = client.until("53")
    is_as_recorded(told, recorded.OPEN_ORDER, {"orderId": "6", "orderType": "LMT", "lmtPrice": "150.0"})
    is_as_recorded(end, recorded.OPEN_ORDERS_END)
    client.send(7, 3, 3, 0, "", "", "", "", "", "")
    execution, commission, end = client.until("55")
    is_as_recorded(execution, recorded.EXECUTION, {"reqId": "3"})
    is_as_recorded(commission, recorded.COMMISSION)
    is_as_recorded(end, recorded.EXECUTIONS_END)


def test_completed_orders(client: WireClient) -> None:
    client.start(100)
    client.place(5, FUTURE, sec_type="FUT", exchange="CME", quantity="1", limit="5800", reference="")
    client.until("3")
    client.send(4, 1, 5, "")
    client.until("4")
    client.send(99, 0)
    told, end = client.until("102")
    is_as_recorded(told, recorded.COMPLETED_ORDER)
    is_as_recorded(end, recorded.COMPLETED_ORDERS_END)


def test_a_completed_order_that_was_filled_tells_a_quantity_of_nothing(client: WireClient) -> None:
    """As in github.com/scmhub/ibsync/issues/11 (IB Gateway's log) and rust-ibapi's src/orders/tests.rs (at 164)."""
    bought(client)
    client.send(99, 0)
    fields = dict(zip((name for name, _, _ in recorded.COMPLETED_ORDER.fields), client.until("102")[0], strict=True))
    assert (fields["status"], fields["totalQuantity"], fields["filledQuantity"]) == ("Filled", "0", "100")
    assert fields["completedStatus"] == "Filled Size: 100"


def test_contracts(client: WireClient) -> None:
    client.start().contract_details(9000, APPLE)
    details, end = client.until("52")
    is_as_recorded(details, recorded.CONTRACT_DETAILS)
    exchanges, rules = details[16], details[36]
    assert len(rules.split(",")) == len(exchanges.split(","))  # one market rule for each exchange
    is_as_recorded(end, recorded.DETAILS_END, {"reqId": "9000"})
    client.send(81, 9000, "apple")
    is_as_recorded(client.receive(), recorded.SYMBOLS)


def test_the_account(client: WireClient) -> None:
    bought(client)
    client.send(61, 1)
    position, end = client.until("62")
    is_as_recorded(position, recorded.POSITION)
    is_as_recorded(end, recorded.POSITIONS_END)
    client.send(6, 2, 1, "DU1234567")
    messages = client.until("54")
    is_as_recorded(messages[0], recorded.ACCOUNT_VALUE)
    is_as_recorded(messages[-3], recorded.PORTFOLIO)
    is_as_recorded(messages[-2], recorded.ACCOUNT_TIME)
    is_as_recorded(messages[-1], recorded.ACCOUNT_END)
    client.send(76, 1, 1001, "DU1234567", "", 0)
    *values, end = client.until("74")
    is_as_recorded(next(value for value in values if value[5] == "Currency"), recorded.MULTI_VALUE)
    is_as_recorded(end, recorded.MULTI_END)
    client.send(62, 1, 1001, "All", "Currency,AccountType,$LEDGER:ALL")
    *values, end = client.until("64")
    is_as_recorded(next(value for value in values if value[4] == "CashBalance"), recorded.SUMMARY, {"currency": "USD"})
    is_as_recorded(end, recorded.SUMMARY_END)


def test_market_data(client: WireClient) -> None:
    client.start().send(1, 11, 1001, *CONTRACT, 0, "", 1, 0, "")
    messages = {message[0]: message for message in client.until("57")}
    for kind, expected in (
        ("1", recorded.TICK_PRICE),
        ("46", recorded.TICK_STRING),
        ("81", recorded.TICK_PARAMETERS),
        ("58", recorded.DATA_TYPE),
        ("57", recorded.SNAPSHOT_END),
    ):
        is_as_recorded(messages[kind], expected)


@pytest.mark.parametrize(
    ("end", "size", "duration", "expected"),
    [
        ("20230415 16:31:22 UTC", "1 day", "3 D", recorded.DAILY_BARS),
        ("20250918 16:00:00 UTC", "1 hour", "7200 S", recorded.HOURLY_BARS),
    ],
)
def test_bars(client: WireClient, end: str, size: str, duration: str, expected: Recorded) -> None:
    client.start().send(20, 9000, *CONTRACT, 0, end, size, duration, 1, "TRADES", 1, 0, "")
    is_as_recorded(client.until("17")[0], expected)


def test_refusals(client: WireClient) -> None:
    client.start().place(6, APPLE, limit="150")
    client.until("3")
    client.send(4, 1, 6, "")
    is_as_recorded(client.until("4")[-1], recorded.CANCELLED)
    client.place(7, 99)
    is_as_recorded(client.receive(), recorded.NO_SUCH_CONTRACT)
