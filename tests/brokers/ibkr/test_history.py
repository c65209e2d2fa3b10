"""Bars through the unmodified client library against the local TWS, and against one that says less."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.domain.bar import BarSize
from include.errors import BrokerUnavailable, NotPermitted, RateLimited
from include.sandbox.book import VenueBook
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.kinds import CFD, COIN, PAIR, STOCK, kind_of, kinds_book
from tests.brokers.ibkr.scripted import scripted_tws
from tests.brokers.ibkr.venue import asked, contract_of, make_book, make_broker

START, END = datetime(2025, 9, 12, tzinfo=UTC), datetime(2025, 9, 18, tzinfo=UTC)
BAR = ("1726700000", "1", "2", "0.5", "1.5", "-1", "1.2", 3)


def test_daily_bars_begin_at_midnight_and_within_the_asked_time() -> None:
    book = kinds_book()
    with running_ibkr_venue(book) as port, make_broker(port) as broker:
        bars = broker.bars(kind_of(STOCK), BarSize.DAY, START, END)
        again = broker.bars(kind_of(STOCK), BarSize.DAY, START, END)
    days = [12, 15, 16, 17]  # a weekend between
    assert [bar.time for bar in bars] == [datetime(2025, 9, day, tzinfo=UTC) for day in days]
    assert bars == again
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
    assert asked(book, "historical_data")[0].endswith(";20250918 00:00:00 UTC;1 day;6 D")


def test_hours_are_those_of_the_session() -> None:
    with running_ibkr_venue(kinds_book()) as port, make_broker(port) as broker:
        bars = broker.bars(kind_of(STOCK), BarSize.HOUR, END, END + timedelta(days=1))
    assert [bar.time.hour for bar in bars] == [14, 15, 16, 17, 18, 19, 20]


def test_minutes_are_asked_day_by_day_and_each_bar_is_told_once() -> None:
    book = kinds_book()
    with running_ibkr_venue(book) as port, make_broker(port) as broker:
        bars = broker.bars(kind_of(STOCK), BarSize.MINUTE, END - timedelta(days=2), END)
    assert len(asked(book, "historical_data")) == 2
    assert len(bars) == len({bar.time for bar in bars}) == 2 * 7 * 60
    assert [bar.time for bar in bars] == sorted(bar.time for bar in bars)


@pytest.mark.parametrize(
    ("con_id", "regular", "what"),
    [(PAIR, "0", "MIDPOINT"), (COIN, "0", "AGGTRADES"), (CFD, "1", "MIDPOINT"), (STOCK, "1", "TRADES")],
)
def test_what_is_told_of_each_kind(con_id: int, regular: str, what: str) -> None:
    told: list[str] = []

    def answer(fields: object) -> list[tuple[object, ...]]:
        assert isinstance(fields, list)
        told.extend((fields[9], fields[18], fields[19]))
        return [(17, fields[1], "", "", 3, "1726600000", *BAR[1:], *BAR, "1726800000", *BAR[1:])]  # a day more on either side

    with scripted_tws(_20=answer) as port, make_broker(port) as broker:
        (bar,) = broker.bars(kind_of(con_id), BarSize.HOUR, datetime(2024, 9, 18, tzinfo=UTC), datetime(2024, 9, 19, tzinfo=UTC))
    exchange = kind_of(con_id).exchange if con_id in (PAIR, COIN) else "SMART"
    assert told == [exchange, regular, what]
    assert (bar.time, bar.volume, bar.high) == (datetime(2024, 9, 18, 22, 53, 20, tzinfo=UTC), Decimal(0), Decimal(2))


def test_bars_in_pence_are_told_in_pounds() -> None:
    with running_ibkr_venue(make_book()) as port, make_broker(port) as broker:
        bars = broker.bars(contract_of(319091809), BarSize.DAY, START, END)
    assert len(bars) == 4
    assert all(Decimal("3.4") < bar.close < Decimal("3.6") for bar in bars)


def test_no_bars_where_nothing_was_traded() -> None:
    book: VenueBook = kinds_book()
    saturday = datetime(2025, 9, 13, tzinfo=UTC)
    with running_ibkr_venue(book) as port, make_broker(port) as broker:
        assert broker.bars(kind_of(STOCK), BarSize.DAY, saturday, saturday + timedelta(days=1)) == []
        assert broker.bars(kind_of(STOCK), BarSize.DAY, END, END) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Historical Market Data Service error message:pacing violation", RateLimited),
        ("Historical Market Data Service error message:No market data permissions for NYSE STK", NotPermitted),
        ("Historical Market Data Service query message:server disconnected", BrokerUnavailable),
    ],
)
def test_bars_that_could_not_be_read_are_no_empty_list(text: str, kind: type[Exception]) -> None:
    with (
        scripted_tws(_20=lambda fields: [(4, 2, fields[1], 162, text, "")]) as port,
        make_broker(port) as broker,
        pytest.raises(kind),
    ):
        broker.bars(kind_of(STOCK), BarSize.DAY, START, END)


def test_silence_is_no_empty_list() -> None:
    with scripted_tws() as port, make_broker(port, timeout_seconds=0.3) as broker, pytest.raises(BrokerUnavailable):
        broker.bars(kind_of(STOCK), BarSize.DAY, START, END)
