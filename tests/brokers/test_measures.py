from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from include.brokers.measures import Measures
from include.domain.health import CallCount
from include.errors import Transient
from tests.fakes.clock import SetClock

FOUR = datetime(2026, 1, 6, 16, tzinfo=UTC)


class Kept:
    def __init__(self) -> None:
        self.rows: list[CallCount] = []
        self.away = False

    def add(self, counts: Sequence[CallCount]) -> None:
        if self.away:
            raise Transient("the database is locked")
        self.rows += counts


class Counter:
    def __init__(self) -> None:
        self.kept, self.now, self.seconds = Kept(), SetClock(datetime(2026, 1, 6, 15, 59, 50, tzinfo=UTC)), 0.0
        self.measures = Measures(self.kept, "ibkr", "ibkr-paper", now=self.now, clock=lambda: self.seconds)


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_calls_are_added_up_by_hour_method_and_code(counter: Counter) -> None:
    count = counter.measures.count
    count("quotes", "", 2.0)
    count("quotes", "", 0.5)
    count("quotes", "RATE_LIMITED", 0.1)
    counter.now.now = FOUR
    count("quotes", "", 1.0)
    assert counter.kept.rows == []
    counter.measures.flush()
    three = FOUR.replace(hour=15)
    assert counter.kept.rows == [
        CallCount("ibkr-paper", "ibkr", three, "quotes", "", 2, 2.5, 2.0),
        CallCount("ibkr-paper", "ibkr", three, "quotes", "RATE_LIMITED", 1, 0.1, 0.1),
        CallCount("ibkr-paper", "ibkr", FOUR, "quotes", "", 1, 1.0, 1.0),
    ]


def test_they_are_kept_once_a_minute_and_once_only(counter: Counter) -> None:
    counter.measures.count("quotes", "", 1.0)
    counter.seconds = 59.9
    counter.measures.count("quotes", "", 1.0)
    assert counter.kept.rows == []
    counter.seconds = 60.0
    counter.measures.count("quotes", "", 1.0)
    assert [row.calls for row in counter.kept.rows] == [3]
    counter.measures.flush()
    assert [row.calls for row in counter.kept.rows] == [3]


def test_a_store_that_does_not_answer_is_tried_again(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    counter.kept.away = True
    counter.measures.count("quotes", "", 1.0)
    counter.measures.flush()
    assert "calls at ibkr-paper could not be counted" in caplog.text
    counter.kept.away = False
    counter.measures.count("quotes", "", 1.0)
    counter.measures.flush()
    assert [row.calls for row in counter.kept.rows] == [2]


def test_errors_are_counted_by_the_brokers_own_code_too(counter: Counter) -> None:
    count = counter.measures.count
    for own in ("403/40310000", "", "403/40310000", "-2010"):
        count("submit", "UNKNOWN", 1.0, own)
    counter.measures.flush()
    assert [(row.broker_code, row.calls) for row in counter.kept.rows] == [("403/40310000", 2), ("", 1), ("-2010", 1)]


@pytest.mark.parametrize("words", ["account DU123 is closed", "x" * 41, "a\n", "<b>"])
def test_words_in_the_place_of_a_code_are_not_kept(counter: Counter, words: str) -> None:
    counter.measures.count("submit", "UNKNOWN", 1.0, words)
    counter.measures.flush()
    assert [row.broker_code for row in counter.kept.rows] == ["(words)"]
