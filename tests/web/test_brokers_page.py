"""The HTML of the page: what it says in words, and that nothing from outside is taken for markup."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from include.brokers.breaker import Circuit, Phase
from include.domain.event import Event
from include.domain.health import CallCount, health
from include.web.brokers_page import brokers_page
from include.web.overview import BrokerView, Overview, Tally

AT = datetime(2026, 11, 20, 16, 34, tzinfo=UTC)
HOUR = AT.replace(minute=0)
ROWS = [
    CallCount("ibkr-paper", "ibkr", HOUR, "connect", "", 3, 1.5, 1.0),
    CallCount("ibkr-paper", "ibkr", HOUR, "connect", "CONNECTION_ERROR", 1, 20.0, 20.0),
]
IBKR = BrokerView(
    source="ibkr-paper",
    accounts=("ibkr-main",),
    health=health(ROWS),
    circuit=Circuit(),
    methods={"connect": Tally(4, 0, 1, 21.5, 20.0)},
    hours={HOUR - timedelta(hours=1): Tally(), HOUR: Tally(4, 0, 1, 21.5, 20.0)},
)
VOID = {"meta"}


class Text(HTMLParser):
    """The words of a document, its tags, and whether every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def said(*brokers: BrokerView, **more: object) -> str:
    return Text(brokers_page(replace(Overview(AT, brokers), **more))).text  # type: ignore[arg-type]


def test_a_broker_shows_score_parts_breaker_and_errors() -> None:
    text = said(IBKR)
    assert "The last 24 hours, read 2026-11-20 16:34 UTC." in text
    assert "ibkr-paper ibkr-main health 0.79 fair" in text
    assert "answered uptime speed filled single question calls 0.75 0.75 1.00 - 0.50 s 4" in text
    assert "breaker closed" in text
    assert "CONNECTION_ERROR - 1 in the hour from 2026-11-20 16:00 UTC" in text
    assert "20 Nov 16:00 UTC: 4 calls, 0 refused, 1 without an answer, 5.38 s each" in text
    assert "connect 4 0 1 5.38 s 20.00 s" in text
    assert "none since they were first looked at" in text


def test_errors_stand_by_the_brokers_own_code_those_nobody_understood_first() -> None:
    rows = [
        CallCount("ibkr-paper", "ibkr", HOUR, "submit", "RATE_LIMITED", 9, 1.0, 1.0, "100"),
        CallCount("ibkr-paper", "ibkr", HOUR - timedelta(hours=2), "quotes", "UNKNOWN", 14, 1.0, 1.0, "10197"),
    ]
    text = said(replace(IBKR, health=health(rows)))
    head = "error broker's own code times the last one"
    assert f"{head} UNKNOWN 10197 14 in the hour from 2026-11-20 14:00 UTC RATE_LIMITED 100 9 in the hour from" in text


def test_breakers_that_opened_and_closed_are_told() -> None:
    assert "Breakers that opened and closed none did since this is kept" in said(IBKR)
    body = {
        "source": "ibkr-paper",
        "failures": 5,
        "openings": 1,
        "failing_since": "2026-11-20T15:58:01+00:00",
        "reason": "connect X",
    }
    opened = Event(topic="ibkr.breaker.opened", time=AT, body=body)
    text = said(IBKR, breakers=(opened, Event(topic="ibkr.breaker.closed", time=AT, body={})))
    assert "2026-11-20 16:34 UTC ibkr-paper opened 5 2026-11-20T15:58:01+00:00 connect X" in text
    assert "2026-11-20 16:34 UTC - closed - - -" in text


def test_a_failure_among_thousands_is_still_drawn() -> None:
    page = brokers_page(Overview(AT, (replace(IBKR, hours={HOUR: Tally(5000, 0, 1, 1.0, 1.0)}),)))
    assert '<rect class="bad" x="0" y="0.5" width="11" height="1.5"/>' in page


def test_hours_without_calls_are_words() -> None:
    assert "no call in these hours" in said(replace(IBKR, hours={HOUR: Tally()}))


@pytest.mark.parametrize(
    ("circuit", "words"),
    [
        (
            Circuit(Phase.OPEN, 5, 0.0, 1, AT.timestamp() + 30, "connect CONNECTION_ERROR"),
            "open , nobody asks before 16:34:30 UTC",
        ),
        (Circuit(Phase.OPEN, 5, 0.0, 1, AT.timestamp() - 1, "connect"), "open , the next call is a probe"),
        (
            Circuit(Phase.HALF_OPEN, 5, 0.0, 1, AT.timestamp() + 90, "connect"),
            "half open , a probe is under way, given up 16:35:30",
        ),
        (Circuit(Phase.CLOSED, 2, 0.0, 0, 0.0, "quotes"), "closed 2 in a row failed, the last one: quotes"),
        (Circuit(Phase.OPEN, 5, 0.0, 1, 1e300, "connect"), "open , nobody asks before an unreadable time"),
        (None, "what is kept of it cannot be read"),
    ],
)
def test_a_breaker_says_what_happens_next(circuit: Circuit | None, words: str) -> None:
    assert f"breaker {words}" in said(replace(IBKR, circuit=circuit))


def test_what_was_never_called_is_said() -> None:
    assert "No broker was called in the last 24 hours. Trigger the DAG monitor_brokers ." in said()
    assert "health not measured : no call in the last 24 hours" in said(replace(IBKR, health=None, hours={}, methods={}))
    text = said(silent=(("alpaca-main", "alpaca", "not called in the last 24 hours"),))
    assert "alpaca-main alpaca not called in the last 24 hours" in text


def test_faults_stand_first_and_no_broker_is_then_no_claim() -> None:
    text = said(faults=("The project's database cannot be read: locked",))
    assert "The project's database cannot be read: locked" in text
    assert "No broker was called" not in text


def test_times_of_other_zones_are_shown_in_utc() -> None:
    event = Event(
        topic="alpaca.capabilities.changed",
        time=datetime(2026, 11, 20, 1, 30, tzinfo=timezone(timedelta(hours=9))),
        body={"broker": "alpaca", "changes": {"fractional": [True, False]}},
    )
    assert "2026-11-19 16:30 UTC alpaca.capabilities.changed fractional true false" in said(changes=(event,))


def test_a_change_of_one_account_names_it() -> None:
    event = Event(
        topic="alpaca.capabilities.discovered",
        time=datetime(2026, 11, 19, 16, 30, tzinfo=UTC),
        body={"broker": "alpaca", "account": "alpaca-main", "changes": {"shorting": [True, False]}},
    )
    assert "alpaca.capabilities.discovered alpaca-main shorting true false" in said(changes=(event,))


@pytest.mark.parametrize("body", [{}, {"changes": "all"}, {"changes": {"x": 3}}, {"changes": {"x": [1, 2, 3]}}])
def test_an_event_of_another_shape_is_shown_as_it_is(body: dict[str, object]) -> None:
    assert "odd.topic" in said(changes=(Event(topic="odd.topic", time=AT, body=body),))


def test_nothing_from_outside_becomes_markup() -> None:
    evil = "<script>alert(1)</script>'\"&"
    broker = replace(
        IBKR,
        source=evil,
        accounts=(evil,),
        health=health([CallCount("s", "b", HOUR, "quotes", evil, 1, 1.0, 1.0, evil)]),
        methods={evil: Tally(1)},
        circuit=Circuit(Phase.CLOSED, 1, 0.0, 0, 0.0, evil),
    )
    event = Event(topic=evil, time=AT, body={"changes": {evil: [evil, evil]}})
    opened = Event(topic=evil, time=AT, body={"source": evil, "failures": evil, "failing_since": evil, "reason": evil})
    page = brokers_page(Overview(AT, (broker,), ((evil, evil, evil),), (event,), (evil,), (opened,)))
    assert "script" not in Text(page).tags
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 19
