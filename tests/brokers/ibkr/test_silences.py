"""What a TWS may leave unsaid: none of it may pass for an answer."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from include.domain.order import OrderChange, OrderState
from include.errors import BrokerUnavailable, OrderRejected, OutcomeUnknown
from tests.brokers.ibkr.scripted import Reply, scripted_tws
from tests.brokers.ibkr.venue import CODE, MemoryLookups, found, instrument, make_broker, order

APPLE = instrument("AAPL", "Apple Inc", "USD", "US", "US0378331005")
REF = "AAAAAAAAAAAAAAAAAAA1"
CONTRACT = (265598, "AAPL", "STK", "", 0, "", "", "SMART", "USD", "AAPL", "AAPL")


def status(fields: Sequence[str], state: str, filled: int = 0) -> Reply:
    return (3, fields[1], state, filled, 10 - filled, 240 if filled else 0, 77, 0, 0, 1, "", 0)


def execution(request_id: str, order_id: str, number: int, shares: int, total: int) -> Reply:
    head = (11, request_id, order_id, *CONTRACT, f"e{number}", "20250919 14:30:00 UTC", CODE, "NASDAQ", "BOT")
    return (*head, shares, 240, 77, 1, 0, total, 240, REF, "", 0, "", 2)


def test_a_broken_line_to_ibkr_is_never_not_found() -> None:
    lookups = MemoryLookups()
    lost = [(4, 2, -1, 1100, "Connectivity between IB and Trader Workstation has been lost.", "")]
    with (
        scripted_tws(_9=lambda fields: [*lost, (4, 2, fields[2], 200, "No security definition has been found", "")]) as port,
        make_broker(port, lookups=lookups) as broker,
        pytest.raises(BrokerUnavailable, match="1100: Connectivity"),
    ):
        found(broker, APPLE)
    assert lookups.rows == {}


def test_the_end_of_an_answer_without_an_answer_is_never_not_found() -> None:
    with (
        scripted_tws(_9=lambda fields: [(52, 1, fields[2])]) as port,
        make_broker(port) as broker,
        pytest.raises(BrokerUnavailable, match="ended a look-up without an answer"),
    ):
        found(broker, APPLE)


def test_an_error_that_is_not_200_is_never_not_found() -> None:
    with (
        scripted_tws(_9=lambda fields: [(4, 2, fields[2], 321, "Error validating request", "")]) as port,
        make_broker(port) as broker,
        pytest.raises(BrokerUnavailable, match="321"),
    ):
        found(broker, APPLE)


def test_a_connection_that_is_only_half_synchronised_is_none() -> None:
    with scripted_tws(_61=lambda _: []) as port, pytest.raises(BrokerUnavailable, match="no answer about positions"):
        make_broker(port, timeout_seconds=0.3).connect()


def test_positions_that_do_not_come_are_not_no_positions() -> None:
    answers = iter([[(62, 1)], []])  # while connecting, then never again
    values = [(73, 1, 0, CODE, "", "NetLiquidation", "1", "EUR")]
    with (
        scripted_tws(_61=lambda _: next(answers), _76=lambda fields: [*values, (74, 1, fields[2])]) as port,
        make_broker(port, timeout_seconds=0.3) as broker,
        pytest.raises(BrokerUnavailable, match="did not answer"),
    ):
        broker.snapshot("2025-09-18", order().quote_time)


def test_an_order_without_a_word_is_unknown() -> None:
    with (
        scripted_tws() as port,
        make_broker(port, for_orders=True, timeout_seconds=0.3) as broker,
        pytest.raises(OutcomeUnknown, match="said nothing"),
    ):
        broker.submit(order())


def test_an_inactive_order_without_a_reason_is_unknown() -> None:
    with (
        scripted_tws(_3=lambda fields: [status(fields, "Inactive")]) as port,
        make_broker(port, for_orders=True, timeout_seconds=0.3) as broker,
        pytest.raises(OutcomeUnknown),
    ):
        broker.submit(order())


def test_a_code_nobody_knows_proves_no_refusal() -> None:
    with (
        scripted_tws(_3=lambda fields: [(4, 2, fields[1], 98765, "something new", "")]) as port,
        make_broker(port, for_orders=True) as broker,
        pytest.raises(OutcomeUnknown, match="98765: something new"),
    ):
        broker.submit(order())


def test_a_notice_before_the_state_decides_nothing() -> None:
    def reply(fields: Sequence[str]) -> list[Reply]:
        return [
            (4, 2, fields[1], 399, "Your order will not be placed at the exchange until 09:30", ""),
            status(fields, "PreSubmitted"),
        ]

    with scripted_tws(_3=reply) as port, make_broker(port, for_orders=True) as broker:
        assert broker.submit(order()).state is OrderState.ACCEPTED


@pytest.mark.parametrize("code", [10311, 10349])
def test_a_notice_that_the_library_takes_for_the_end_cancels_nothing(code: int) -> None:
    def reply(fields: Sequence[str]) -> list[Reply]:
        return [(4, 2, fields[1], code, "Order TIF was set to DAY based on order preset", ""), status(fields, "PreSubmitted")]

    with scripted_tws(_3=reply) as port, make_broker(port, for_orders=True) as broker:
        assert broker.submit(order()).state is OrderState.ACCEPTED
    with (
        scripted_tws(_3=lambda fields: reply(fields)[:1]) as port,
        make_broker(port, for_orders=True, timeout_seconds=0.3) as broker,
        pytest.raises(OutcomeUnknown, match="said nothing"),
    ):
        broker.submit(order())


def test_a_price_too_far_away_is_a_refusal_and_not_about_funds() -> None:
    with (
        scripted_tws(
            _3=lambda fields: [(4, 2, fields[1], 163, "The following order would exceed the price percentage", "")]
        ) as port,
        make_broker(port, for_orders=True) as broker,
        pytest.raises(OrderRejected, match="163") as refused,
    ):
        broker.submit(order())
    assert refused.type is OrderRejected


def test_a_filled_order_waits_for_its_executions() -> None:
    def reply(fields: Sequence[str]) -> list[Reply]:
        fills = [execution("-1", fields[1], 1, 4, 4), execution("-1", fields[1], 2, 6, 10)]
        charges = [(59, 1, f"e{number}", "0.5", "USD", "", "", "") for number in (1, 2)]
        return [status(fields, "Filled", 10), fills[0], charges[0], fills[1], charges[1]]

    with scripted_tws(_3=reply) as port, make_broker(port, for_orders=True) as broker:
        report = broker.submit(order())
    assert (report.state, report.filled_quantity, [fill.quantity for fill in report.fills]) == (
        OrderState.FILLED,
        Decimal(10),
        [Decimal(4), Decimal(6)],
    )
    assert [fill.commission for fill in report.fills] == [Decimal("0.5"), Decimal("0.5")]


def test_a_filled_order_whose_executions_do_not_come_tells_its_total() -> None:
    with (
        scripted_tws(_3=lambda fields: [status(fields, "Filled", 10)]) as port,
        make_broker(port, for_orders=True, timeout_seconds=0.3) as broker,
    ):
        report = broker.submit(order())
    assert (report.state, report.filled_quantity, report.average_price, report.fills) == (
        OrderState.FILLED,
        Decimal(10),
        Decimal(240),
        (),
    )


def test_an_order_of_which_only_executions_are_left_is_found() -> None:
    details = (10, "{}", "AAPL", "STK", "", 0, "", "SMART", "USD", "AAPL", "AAPL", "AAPL", 265598, 0.01, "", "LMT", "SMART", 1)

    def describe(fields: Sequence[str]) -> list[Reply]:
        tail = (0, "APPLE INC", "NASDAQ", *[""] * 8, 0, 0, 1, "", "", "", "", "COMMON", 1, 1, 100)
        return [(10, fields[2], *details[2:], *tail), (52, 1, fields[2])]

    with (
        scripted_tws(
            _7=lambda fields: [execution(fields[2], "5", 1, 10, 10), (55, 1, fields[2])],
            _9=describe,
        ) as port,
        make_broker(port) as broker,
    ):
        report = broker.find_order(REF)
    assert report is not None
    assert (report.state, report.filled_quantity, report.average_price) == (OrderState.FILLED, Decimal(10), Decimal(240))
    assert report.fills[0].commission is None


def test_completed_orders_that_do_not_come_are_not_no_orders() -> None:
    answers = iter([[(102,)], []])
    with (
        scripted_tws(_99=lambda _: next(answers)) as port,
        make_broker(port, for_orders=True, timeout_seconds=0.3) as broker,
        pytest.raises(BrokerUnavailable, match="did not answer"),
    ):
        broker.find_order(REF)


def test_an_entry_that_is_not_known_to_be_cancelled_is_unknown() -> None:
    """The library calls an order that was not transmitted cancelled by itself: that is no word of IBKR."""
    with (
        scripted_tws(_3=lambda fields: [(4, 2, fields[1], 110, "price step", "")] if fields[28] != "0" else []) as port,
        make_broker(port, for_orders=True, timeout_seconds=0.3) as broker,
        pytest.raises(OutcomeUnknown, match="closing order was refused"),
    ):
        broker.submit(order(take_profit_price=Decimal(260)))


def test_a_change_without_a_word_is_unknown() -> None:
    placed: list[Sequence[str]] = []

    def place(fields: Sequence[str]) -> list[Reply]:
        placed.append(fields)
        return [opened(fields), status(fields, "Submitted")] if len(placed) == 1 else []

    def standing(_: Sequence[str]) -> list[Reply]:
        return [opened(placed[0]), status(placed[0], "Submitted"), (53, 1)] if placed else [(53, 1)]

    with (
        scripted_tws(_3=place, _16=standing) as port,
        make_broker(port, for_orders=True, timeout_seconds=0.3) as broker,
    ):
        broker.submit(order(limit="200"))
        for change in (OrderChange(quantity=Decimal(7)), OrderChange(limit_price=Decimal(201))):
            with pytest.raises(OutcomeUnknown, match="changed"):
                broker.modify(REF, change)


def opened(fields: Sequence[str]) -> Reply:
    """Message 5 of an order as it was placed."""
    order_of_ours = (*fields[16:21], fields[21], "", CODE, "", 0, REF, 1, 77)
    rest = (
        *(0, 0, 0, "", "", "", "", "", "", "", "", "", 0, "", 0, "", -1, 0, "", "", "", "", "", 0, 0, 0, 0, 0, 0, 0, 0, "", 0, 0),
        *("", 0, "", "", 0, 0, "", "", "", "", "", 0, 0, 0, "", "", "", "", 0, "", "IB", 0, 0, "", 0, 0, "Submitted"),
        *("", "", "", "", "", "", "", "", "", "", "", "", "USD", "", 0, 0, 0, "", "", "", "", "", "", "", 0, "", "", ""),
        *(0, 0, 0, 0, 0, "", "", 0, "", "", "", "", ""),
    )
    return (5, fields[1], *CONTRACT, *order_of_ours, *rest)
