from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.account import Environment
from include.domain.portfolio import ExecutionMode, Limits
from include.errors import Unsupported
from include.trading.permission import Circumstances, is_final, may_send
from tests.fakes.orders import NOON, VALID_UNTIL, make_account, make_order, make_portfolio, make_run

ORDER = make_order()
PORTFOLIO = make_portfolio()
RUN = make_run("file:///run")
GOOD = Circumstances(
    now=NOON, kill_switch=False, approval_needed=False, approved=False, stored_plan=True, newest_session="2026-01-05"
)


def test_a_good_order_may_go() -> None:
    assert may_send(ORDER, RUN, PORTFOLIO, GOOD) is None
    assert may_send(ORDER, RUN, PORTFOLIO, replace(GOOD, newest_session=None)) is None
    assert may_send(ORDER, RUN, PORTFOLIO, replace(GOOD, approval_needed=True, approved=True)) is None
    assert may_send(ORDER, RUN, PORTFOLIO, replace(GOOD, now=VALID_UNTIL)) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"now": VALID_UNTIL + timedelta(microseconds=1)}, "past_valid_until"),
        ({"kill_switch": True}, "kill_switch"),
        ({"approval_needed": True}, "approval_missing"),
        ({"stored_plan": False}, "plan_not_stored"),
        ({"newest_session": "2026-01-06"}, "not_newest_session"),
        ({"plan_only": "no fresh snapshot"}, "plan_only: no fresh snapshot"),
        ({"blocked": "over 5 %"}, "risk: over 5 %"),
    ],
)
def test_circumstances_that_stop_an_order(changes: dict[str, object], reason: str) -> None:
    assert may_send(ORDER, RUN, PORTFOLIO, replace(GOOD, **changes)) == reason  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": ExecutionMode.PLAN}, "plan_mode"),
        ({"is_backfill": True}, "backfill"),
        ({"is_newest": False}, "not_newest_session"),
    ],
)
def test_runs_that_send_nothing(changes: dict[str, object], reason: str) -> None:
    assert may_send(ORDER, RUN.model_copy(update=changes), PORTFOLIO, GOOD) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"as_of": "2026-01-02"}, "not_newest_session"),
        ({"environment": "paper"}, "environment_mismatch"),
        ({"environment": "live"}, "environment_mismatch"),
        ({"portfolio": "other"}, "environment_mismatch"),
        ({"account": "unknown"}, "environment_mismatch"),
        ({"broker": "alpaca"}, "environment_mismatch"),
        ({"hold_reason": "quote too far"}, "held: quote too far"),
    ],
)
def test_orders_that_stay(changes: dict[str, object], reason: str) -> None:
    assert may_send(ORDER.model_copy(update=changes), RUN, PORTFOLIO, GOOD) == reason


def test_an_account_that_does_not_match_its_portfolio_gets_nothing() -> None:
    mixed = make_portfolio(accounts=(make_account(environment=Environment.PAPER),))
    assert may_send(ORDER, RUN, mixed, GOOD) == "environment_mismatch"


def test_a_live_account_gets_nothing_in_this_version() -> None:
    live = make_portfolio(environment=Environment.LIVE, accounts=(make_account(environment=Environment.LIVE),))
    order = ORDER.model_copy(update={"environment": "live"})
    assert may_send(order, RUN, live, GOOD) == "live_environment"


def test_paper_accounts_are_sent_to() -> None:
    paper = make_portfolio(environment=Environment.PAPER, accounts=(make_account(environment=Environment.PAPER),))
    assert may_send(ORDER.model_copy(update={"environment": "paper"}), RUN, paper, GOOD) is None


def test_live_mode_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="'live' is refused"):
        may_send(ORDER, RUN.model_copy(update={"mode": ExecutionMode.LIVE}), PORTFOLIO, GOOD)


@pytest.mark.parametrize("word", ["AAA", "ticker:AAA"])
def test_do_not_trade_by_ticker_or_instrument(word: str) -> None:
    portfolio = make_portfolio(limits=Limits(do_not_trade=("ZZZ", word)))
    assert may_send(ORDER, RUN, portfolio, GOOD) == "do_not_trade"


@given(
    st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from([None, "2026-01-05", "2026-01-06"])
)
def test_only_the_one_good_combination_goes(
    backfill: bool, newest: bool, kill: bool, needed: bool, approved: bool, session: str | None
) -> None:
    run = RUN.model_copy(update={"is_backfill": backfill, "is_newest": newest})
    seen = replace(GOOD, kill_switch=kill, approval_needed=needed, approved=approved, newest_session=session)
    good = not backfill and newest and not kill and (approved or not needed) and session != "2026-01-06"
    assert (may_send(ORDER, run, PORTFOLIO, seen) is None) == good


@pytest.mark.parametrize(
    ("reason", "final"),
    [
        ("past_valid_until", True),
        ("do_not_trade", True),
        ("held: x", True),
        ("risk: x", True),
        ("kill_switch", False),
        ("plan_mode", False),
        ("plan_only: x", False),
        ("approval_missing", False),
        ("not_newest_session", False),
    ],
)
def test_which_refusals_close_an_order(reason: str, final: bool) -> None:
    assert is_final(reason) is final
