import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pyarrow as pa
import pytest

from include.brokers.base import Broker, BrokerContext, ConnectionState
from include.brokers.breaker import Breaker, BreakerSettings
from include.brokers.guarded import Guarded, Policy, Surroundings
from include.brokers.measures import Measures
from include.domain.bar import BarSize
from include.domain.contract import Contract, to_table
from include.domain.health import CallCount
from include.domain.instrument import Instrument
from include.domain.order import OrderChange, OrderReport
from include.domain.quote import Quote
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    InvalidQuantity,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    Unsupported,
)
from tests.fakes.broker import FakeBroker, FakeVenue, Fault
from tests.fakes.orders import make_account, make_contract, make_order
from tests.fakes.shared_state import MemoryState

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
AWAY = BrokerUnavailable("connection refused")


class Flaky(FakeBroker):
    """Raises what stands in `troubles`, first first, before it behaves; keeps a list of what it was asked."""

    def __init__(self, venue: FakeVenue, contracts: Sequence[Contract] = ()) -> None:
        super().__init__(venue, make_account(), contracts)
        self.troubles: list[BaseException] = []
        self.asked: list[str] = []
        self.told_state = ConnectionState.CONNECTED
        self.hangs_on: threading.Event | None = None

    @property
    def state(self) -> ConnectionState:
        return self.told_state

    def connect(self) -> None:
        self._note("connect")
        self.told_state = ConnectionState.CONNECTED

    def close(self) -> None:
        self.asked.append("close")
        self.told_state = ConnectionState.CLOSED

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        self._note("quotes")
        return super().quotes(contracts)

    def find_order(self, client_order_id: str) -> OrderReport | None:
        self._note("find_order")
        return super().find_order(client_order_id)

    def submit(self, order: Any) -> OrderReport:
        self._note("submit")
        return super().submit(order)

    def cancel(self, client_order_id: str) -> OrderReport:
        self._note("cancel")
        return super().cancel(client_order_id)

    def modify(self, client_order_id: str, change: OrderChange) -> OrderReport:
        self._note("modify")
        raise AssertionError("not reached")

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        self._note("contracts")
        yield from to_table(self.listed[:1]).to_batches()
        self._note("contracts, second batch")
        yield from to_table(self.listed[1:]).to_batches()

    async def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        yield Quote(native_id="101", currency="USD", last=D(7), time=NOON)

    def _note(self, method: str) -> None:
        self.asked.append(method)
        if self.hangs_on is not None:
            self.hangs_on.wait()
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, BrokerUnavailable) and "broke" in str(trouble):
                self.told_state = ConnectionState.DISCONNECTED
            raise trouble


class Time:
    """Stands still but for sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def venue() -> FakeVenue:
    venue = FakeVenue()
    venue.prices["101"] = D(10)
    return venue


@pytest.fixture
def flaky(venue: FakeVenue) -> Flaky:
    return Flaky(venue, [make_contract("101"), make_contract("102")])


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def broker(flaky: Flaky, time: Time) -> Guarded:
    return guard(flaky, time)


def guard(flaky: Broker, time: Time, **policy: Any) -> Guarded:
    around = Surroundings(clock=lambda: time.now, sleep=time.sleep, random=lambda: 1.0)
    return Guarded(flaky, policy=Policy(**policy), surroundings=around)


def test_a_read_is_repeated_with_growing_pauses(broker: Guarded, flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY, AWAY]
    assert broker.quotes([make_contract("101")])["101"].last == D(10)
    assert flaky.asked == ["quotes"] * 3
    assert time.pauses == [0.5, 1.0]  # chance says 1.0: the whole pause


def test_jitter_takes_up_to_half_of_a_pause(flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY]
    Guarded(flaky, surroundings=Surroundings(lambda: time.now, time.sleep, lambda: 0.0)).quotes([])
    assert time.pauses == [0.25]


def test_a_read_is_given_up_after_so_many_attempts(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [AWAY, AWAY, BrokerUnavailable("the last one"), AWAY]
    with pytest.raises(BrokerUnavailable, match="the last one"):
        broker.find_order("any")
    assert flaky.asked == ["find_order"] * 3


def test_the_longest_pause_bounds_the_doubling(flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY] * 5
    guard(flaky, time, attempts=6, longest_pause_seconds=2.0).quotes([])
    assert time.pauses == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_no_attempt_begins_after_the_total_time(flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY] * 9
    with pytest.raises(BrokerUnavailable):
        guard(flaky, time, attempts=9, total_seconds=3.6).quotes([])
    assert time.pauses == [0.5, 1.0, 2.0]  # 3.5 s; the next pause would be 4 s
    assert flaky.asked == ["quotes"] * 4


def test_what_the_broker_asks_for_is_waited(broker: Guarded, flaky: Flaky, time: Time) -> None:
    flaky.troubles = [
        RateLimited("slow down", context={"retry_after": "7"}),
        RateLimited("again", context={"retry_after": "soon"}),
    ]
    broker.quotes([])
    assert time.pauses == [7.0, 1.0]


def test_a_broker_that_wants_longer_peace_than_there_is_time_is_left_alone(broker: Guarded, flaky: Flaky, time: Time) -> None:
    flaky.troubles = [RateLimited("slow down", context={"retry_after": "61"})]
    with pytest.raises(RateLimited):
        broker.quotes([])
    assert time.pauses == []


@pytest.mark.parametrize("error", [AuthenticationFailed("no"), OutcomeUnknown("?"), RuntimeError("a fault of ours")])
def test_only_what_is_transient_is_repeated(broker: Guarded, flaky: Flaky, error: Exception) -> None:
    flaky.troubles = [error]
    with pytest.raises(type(error)):
        broker.quotes([])
    assert flaky.asked == ["quotes"]


@pytest.mark.parametrize(
    "write", [lambda broker: broker.submit(make_order()), lambda broker: broker.cancel("any")], ids=["submit", "cancel"]
)
def test_writes_go_out_once(broker: Guarded, flaky: Flaky, write: Callable[[Guarded], object]) -> None:
    flaky.troubles = [BrokerUnavailable("the connection broke")]
    with pytest.raises(BrokerUnavailable):
        write(broker)
    assert len(flaky.asked) == 1  # and nothing was connected anew


def test_a_change_goes_out_once(broker: Guarded, flaky: Flaky) -> None:
    flaky.capabilities = replace(flaky.capabilities, modifies=True)
    flaky.troubles = [AWAY, AWAY]
    with pytest.raises(BrokerUnavailable):
        broker.modify("any", OrderChange(quantity=D(1)))
    assert flaky.asked == ["modify"]


def test_an_order_that_makes_no_sense_is_never_sent(broker: Guarded, venue: FakeVenue) -> None:
    with pytest.raises(InvalidQuantity):
        broker.submit(make_order(quantity=D(0)))
    assert venue.submits == 0


def test_an_order_that_can_be_sent_is(broker: Guarded, venue: FakeVenue) -> None:
    order = make_order()
    assert broker.submit(order).client_order_id == order.client_order_id
    assert [standing.order for standing in venue.book] == [order]


def test_a_refusal_and_an_unknown_outcome_come_through(broker: Guarded, venue: FakeVenue) -> None:
    venue.faults = [Fault.REJECT, Fault.LOST_ANSWER]
    with pytest.raises(OrderRejected):
        broker.submit(make_order())
    with pytest.raises(OutcomeUnknown):
        broker.submit(make_order())
    assert len(venue.book) == 1


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda broker: broker.modify("any", OrderChange(quantity=D(1))), "fake changes no standing orders"),
        (lambda broker: broker.bars(make_contract(), BarSize.DAY, NOON, NOON), "fake tells no bars"),
        (lambda broker: broker.stream_quotes([make_contract()]), "fake streams no quotes"),
        (lambda broker: broker.stream_orders(), "fake streams no orders"),
    ],
)
def test_what_is_not_declared_is_not_asked(broker: Guarded, flaky: Flaky, use: Callable[[Guarded], object], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        use(broker)
    assert flaky.asked == []


async def _first(stream: AsyncIterator[Quote]) -> Quote:
    return await anext(stream)


def test_a_declared_stream_is_the_adapters(broker: Guarded, flaky: Flaky) -> None:
    import asyncio

    flaky.capabilities = replace(flaky.capabilities, quote_stream=True)
    assert asyncio.run(_first(broker.stream_quotes([make_contract()]))).last == D(7)


def test_a_list_is_asked_again_before_its_first_batch(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [AWAY]
    assert [batch.num_rows for batch in broker.contracts([])] == [1, 1]
    assert flaky.asked == ["contracts", "contracts", "contracts, second batch"]


def test_a_list_that_breaks_in_the_middle_is_not_begun_again(broker: Guarded, flaky: Flaky) -> None:
    batches = broker.contracts([])
    next(batches)
    flaky.troubles = [AWAY]
    with pytest.raises(BrokerUnavailable):
        next(batches)
    assert flaky.asked == ["contracts", "contracts, second batch"]


def test_a_connection_that_broke_is_opened_anew_between_two_reads(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [BrokerUnavailable("the connection broke")]
    assert broker.quotes([]) == {}
    assert flaky.asked == ["quotes", "close", "connect", "quotes"]


def test_while_it_cannot_be_opened_anew_nothing_is_sent(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [BrokerUnavailable("the connection broke"), AWAY, AWAY]
    with pytest.raises(BrokerUnavailable):
        broker.quotes([])
    assert flaky.asked == ["quotes", "close", "connect", "connect"]
    with pytest.raises(BrokerUnavailable, match="the connection is lost"):
        broker.submit(make_order())
    assert broker.find_order("any") is None  # the next read connects first
    assert flaky.asked[4:] == ["connect", "find_order"]
    broker.submit(make_order())


def test_entering_connects_with_patience_and_leaving_closes(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [AWAY]
    with broker as opened:
        assert opened is broker
    assert flaky.asked == ["connect", "connect", "close"]


def test_who_connects_when_asked_is_not_connected(flaky: Flaky, time: Time) -> None:
    flaky.context = BrokerContext(connects_when_asked=True)
    with guard(flaky, time):
        pass
    assert flaky.asked == ["close"]


@pytest.mark.parametrize(
    ("use", "error"),
    [(lambda broker: broker.quotes([]), BrokerUnavailable), (lambda broker: broker.submit(make_order()), OutcomeUnknown)],
    ids=["read", "write"],
)
def test_a_call_that_hangs_ends_here_and_so_does_the_connection(
    flaky: Flaky, time: Time, use: Callable[[Guarded], object], error: type[Exception]
) -> None:
    broker, flaky.hangs_on = guard(flaky, time, call_seconds=0.01), threading.Event()
    try:
        with pytest.raises(error, match=r"did not end within 0\.01 s"):
            use(broker)
        assert broker.state is ConnectionState.CLOSED
        with pytest.raises(BrokerUnavailable, match="open the broker again"):
            broker.find_order("any")
        broker.close()
        assert len(flaky.asked) == 1
    finally:
        flaky.hangs_on.set()


def test_more_items_have_more_time(flaky: Flaky, time: Time) -> None:
    broker, flaky.hangs_on = guard(flaky, time, call_seconds=0.01, item_seconds=0.02), threading.Event()
    try:
        with pytest.raises(BrokerUnavailable, match=r"quotes did not end within 0\.05 s"):
            broker.quotes([make_contract("101"), make_contract("102")])
    finally:
        flaky.hangs_on.set()


def test_it_looks_like_the_adapter(broker: Guarded, flaky: Flaky) -> None:
    assert (broker.name, broker.capabilities, broker.source) == (flaky.name, flaky.capabilities, flaky.source)
    assert (broker.account, broker.context, broker.state) == (flaky.account, flaky.context, ConnectionState.CONNECTED)
    broker.prove_environment()
    flaky.venue.unproven = True
    with pytest.raises(AuthenticationFailed):
        broker.prove_environment()


def test_every_method_of_the_port_is_passed_on() -> None:
    """A method that is added to the port and forgotten here would silently be the port's own default."""
    public = {name for name in vars(Broker) if not name.startswith("_")}
    assert public <= set(vars(Guarded))


class Counted:
    """Where counts are kept: as text, because only these columns matter here."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def add(self, counts: Sequence[CallCount]) -> None:
        self.rows += [f"{row.method} {row.code or 'answered'} {row.calls} {row.seconds:g}" for row in counts]


def watched(flaky: Flaky, time: Time, store: MemoryState, counted: Counted | None = None, **policy: Any) -> Guarded:
    breaker = Breaker(store, flaky.source, settings=BreakerSettings(failures=3), clock=lambda: time.now)
    measures = Measures(counted, flaky.name, flaky.source) if counted else None
    around = Surroundings(clock=lambda: time.now, sleep=time.sleep, random=lambda: 1.0)
    return Guarded(flaky, policy=Policy(**policy), breaker=breaker, measures=measures, surroundings=around)


def test_a_broker_that_failed_too_often_is_not_asked(flaky: Flaky, time: Time) -> None:
    store = MemoryState()
    flaky.troubles = [AWAY] * 3
    with pytest.raises(BrokerUnavailable, match="connection refused"):
        watched(flaky, time, store).quotes([])
    with pytest.raises(BrokerUnavailable, match="is left alone for 30 s more"):
        watched(flaky, time, store).submit(make_order())
    assert flaky.asked == ["quotes"] * 3
    time.now += 30
    watched(flaky, time, store).submit(make_order())
    assert flaky.asked[3:] == ["submit"]


def test_a_retry_ends_when_the_breaker_opens(flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY] * 9
    with pytest.raises(BrokerUnavailable, match="left alone"):
        watched(flaky, time, MemoryState(), attempts=9).quotes([])
    assert flaky.asked == ["quotes"] * 3


def test_an_order_of_unknown_outcome_is_looked_up_although_the_breaker_is_open(flaky: Flaky, time: Time) -> None:
    flaky.venue.faults = [Fault.LOST_REQUEST, Fault.LOST_REQUEST, Fault.LOST_ANSWER]
    broker, order = watched(flaky, time, MemoryState()), make_order()
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            broker.submit(order)
    found = broker.find_order(order.client_order_id)
    assert found is not None
    assert found.client_order_id == order.client_order_id
    assert broker.quotes([]) == {}  # the answer closed it


def test_calls_are_counted_and_kept_when_it_closes(flaky: Flaky, time: Time) -> None:
    counted = Counted()
    flaky.troubles = [AWAY]
    broker = watched(flaky, time, MemoryState(), counted)
    broker.quotes([])
    broker.find_order("any")
    flaky.venue.faults = [Fault.REJECT]
    with pytest.raises(OrderRejected):
        broker.submit(make_order())
    assert counted.rows == []
    broker.close()
    assert counted.rows == [
        "quotes CONNECTION_ERROR 1 0",
        "quotes answered 1 0",
        "find_order answered 1 0",
        "submit ORDER_REJECTED 1 0",
    ]


def test_attempts_to_connect_are_counted_although_nothing_was_opened(flaky: Flaky, time: Time) -> None:
    counted = Counted()
    flaky.troubles = [AWAY] * 3
    with pytest.raises(BrokerUnavailable), watched(flaky, time, MemoryState(), counted):
        pass
    assert counted.rows == ["connect CONNECTION_ERROR 3 0"]


def test_what_cannot_be_noted_never_hides_how_an_order_went(flaky: Flaky, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Measures):
        def count(self, method: str, code: str, seconds: float) -> None:
            raise RuntimeError("no such table")

    broker = Guarded(flaky, measures=Broken(Counted(), "fake", "fake-sbx"))
    assert broker.submit(make_order()).broker_order_id == "V1"
    assert "how submit ended could not be noted" in caplog.text
