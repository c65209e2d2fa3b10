from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.brokers.clock import Skew, measure
from include.errors import BrokerUnavailable

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)


class Exchange:
    """Our clock, and a broker's that is ahead by `ahead` and answers after these seconds, half of it on the way there."""

    def __init__(self, ahead: float, *seconds: float) -> None:
        self.now, self._ahead, self._seconds = NOON, timedelta(seconds=ahead), iter(seconds)
        self.asked = 0

    def ours(self) -> datetime:
        return self.now

    def ask(self) -> datetime:
        self.asked += 1
        half = timedelta(seconds=next(self._seconds) / 2)
        told = self.now + half + self._ahead
        self.now += 2 * half
        return told

    def measured(self) -> float:
        return measure(self.ask, self.ours).total_seconds()


@pytest.mark.parametrize("ahead", [0.0, 3.5, -3.5])
def test_a_quick_answer_is_taken_at_its_word(ahead: float) -> None:
    exchange = Exchange(ahead, 0.2)
    assert exchange.measured() == pytest.approx(ahead)
    assert exchange.asked == 1


def test_one_that_waited_for_its_turn_is_asked_again() -> None:
    waited: Iterator[float] = iter([30.0, 0.1])
    now = NOON

    def ours() -> datetime:
        return now

    def ask() -> datetime:
        nonlocal now
        now += timedelta(seconds=next(waited))  # all of it before the broker is asked
        return now + timedelta(seconds=1)

    assert measure(ask, ours).total_seconds() == pytest.approx(1.05)


def test_the_shortest_of_three_counts() -> None:
    exchange = Exchange(1.0, 4.0, 0.5, 2.0, 0.0)
    assert exchange.measured() == pytest.approx(1.0)
    assert exchange.asked == 3


def test_what_the_broker_raises_is_raised() -> None:
    def ask() -> datetime:
        raise BrokerUnavailable("away")

    with pytest.raises(BrokerUnavailable, match="away"):
        measure(ask)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.26, "its clock is 0.3 s ahead of this machine's"),
        (-2.0, "its clock is 2.0 s behind this machine's"),
        (
            -2.01,
            "its clock is 2.0 s behind this machine's, more than 2 s: check the time synchronization (NTP) of this machine",
        ),
    ],
)
def test_it_says_which_way_and_whether_that_is_too_much(seconds: float, words: str) -> None:
    assert Skew(seconds, 2, NOON.isoformat()).words == words


def test_it_is_kept_as_a_document() -> None:
    skew = Skew(1.5, 2, NOON.isoformat())
    assert Skew.of(skew.document) == skew
    assert Skew.of(None) is None
