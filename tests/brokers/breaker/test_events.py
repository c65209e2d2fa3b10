"""Openings and closings are told."""

from datetime import UTC, datetime

import pytest

from include.brokers.breaker import Phase
from include.domain.event import Event
from include.errors import (
    BrokerUnavailable,
)
from tests.brokers.breaker.fakes import World


def test_it_is_told_when_it_opened_and_when_it_was_closed_and_nothing_in_between(world: World) -> None:
    world.fail(2)
    assert world.events.told == []
    probe = world.probing()
    assert [event.topic for event in world.events.told] == ["ibkr.breaker.opened"]
    probe.failed("connect", BrokerUnavailable("it said: account DU1", broker_code="502"))
    world.now = world.circuit.until
    last = world.process()
    last.check("connect")
    last.answered()
    last.answered()
    opened, closed = world.events.told
    since = "1970-01-01T00:16:40+00:00"
    assert opened == Event(
        topic="ibkr.breaker.opened",
        time=datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC),
        body={
            "source": "ibkr-paper",
            "failures": 3,
            "openings": 1,
            "failing_since": since,
            "reason": "quotes CONNECTION_ERROR",
        },
    )
    assert closed == Event(
        topic="ibkr.breaker.closed",
        time=datetime(1970, 1, 1, 0, 18, 10, tzinfo=UTC),
        body={
            "source": "ibkr-paper",
            "failures": 4,
            "openings": 2,
            "failing_since": since,
            "reason": "connect CONNECTION_ERROR 502",
        },
    )


def test_a_few_failures_that_an_answer_ends_are_no_event(world: World) -> None:
    world.fail(2)
    one = world.process()
    one.check("quotes")
    one.answered()
    assert world.events.told == []


def test_who_keeps_events_and_does_not_answer_stands_in_nobodys_way(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.events.away = True
    world.fail(3)
    assert world.circuit.phase is Phase.OPEN
    assert "the breaker of ibkr-paper" in caplog.text
