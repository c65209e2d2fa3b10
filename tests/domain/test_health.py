from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from include.domain.health import CallCount, ErrorCount, health

HOUR = datetime(2026, 1, 6, 15, tzinfo=UTC)


def row(method: str, calls: int, code: str = "", seconds: float = 0.0) -> CallCount:
    return CallCount("ibkr-paper", "ibkr", HOUR, method, code, calls, seconds, seconds)


def test_nothing_counted_is_no_score() -> None:
    found = health([])
    assert (found.score, found.calls, found.codes) == (None, 0, {})
    assert health([], (3, 4)).score is None


def test_a_broker_that_always_answers_quickly() -> None:
    found = health([row("connect", 2, seconds=1.0), row("quotes", 8, seconds=400.0)], (5, 5))
    assert (found.answered, found.uptime, found.speed, found.filled) == (1, 1, 1, 1)
    assert found.mean_seconds == 0.5  # how long quotes take depends on how many were asked for
    assert found.score == D("1.00")


def test_the_parts_and_their_weights() -> None:
    rows = [
        row("connect", 3, seconds=3.0),
        row("connect", 1, "CONNECTION_ERROR", seconds=20.0),
        row("find_order", 3, seconds=30.0),  # with connecting: 33 s for 6 questions, 5.5 s each
        row("submit", 1, "OUTCOME_UNKNOWN", seconds=20.0),
        row("quotes", 10),
        row("quotes", 2, "UNKNOWN"),
    ]
    found = health(rows, (1, 4))
    assert (found.answered, found.uptime, found.speed, found.filled) == (D("0.85"), D("0.75"), D("0.5"), D("0.25"))
    assert found.codes == {"CONNECTION_ERROR": 1, "OUTCOME_UNKNOWN": 1, "UNKNOWN": 2}
    assert found.score == D("0.68")  # 0.4 x 0.85 + 0.3 x 0.75 + 0.15 x 0.5 + 0.15 x 0.25 = 0.6775


def test_parts_that_are_not_known_count_for_nothing() -> None:
    found = health([row("quotes", 3), row("quotes", 1, "CONNECTION_ERROR")])
    assert (found.uptime, found.speed, found.filled) == (None, None, None)
    assert found.score == D("0.75")


def test_a_broker_that_refuses_answers() -> None:
    assert health([row("submit", 5, "ORDER_REJECTED", seconds=1.0), row("connect", 1, "AUTHENTICATION_FAILED")]).score == D(1)


def test_a_broker_that_is_away() -> None:
    assert health([row("connect", 9, "CONNECTION_ERROR")]).score == D(0)


CODES = st.sampled_from(["", "CONNECTION_ERROR", "OUTCOME_UNKNOWN", "UNKNOWN", "RATE_LIMITED"])
ROWS = st.builds(row, st.sampled_from(["connect", "quotes", "submit"]), st.integers(1, 9), CODES, st.floats(0, 500))


@given(st.lists(ROWS, min_size=1), st.integers(0, 5))
def test_a_score_is_a_share(rows: list[CallCount], filled: int) -> None:
    score = health(rows, (filled, 5)).score
    assert score is not None
    assert 0 <= score <= 1


@given(st.lists(ROWS, min_size=1))
def test_one_more_failure_never_helps(rows: list[CallCount]) -> None:
    before, after = health(rows).score, health([*rows, row("connect", 1, "CONNECTION_ERROR")]).score
    assert before is not None
    assert after is not None
    assert after <= before or health(rows).uptime is None


def test_errors_by_the_brokers_own_codes_what_nobody_understood_first() -> None:
    hour = timedelta(hours=1)

    def row(moment: datetime, method: str, code: str, own: str, calls: int) -> CallCount:
        return CallCount("ibkr-paper", "ibkr", moment, method, code, calls, 1.0, 1.0, own)

    rows = [
        row(HOUR, "quotes", "", "", 90),
        row(HOUR, "quotes", "RATE_LIMITED", "100", 2),
        row(HOUR - 3 * hour, "quotes", "UNKNOWN", "10197", 9),
        row(HOUR - 2 * hour, "submit", "UNKNOWN", "10197", 5),
        row(HOUR - hour, "submit", "UNKNOWN", "2", 1),
    ]
    found = health(rows)
    assert found.errors == (
        ErrorCount("UNKNOWN", "2", 1, HOUR - hour),
        ErrorCount("UNKNOWN", "10197", 14, HOUR - 2 * hour),
        ErrorCount("RATE_LIMITED", "100", 2, HOUR),
    )
    assert found.codes == {"UNKNOWN": 15, "RATE_LIMITED": 2}
    assert health([]).errors == ()
