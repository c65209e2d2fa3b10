"""The one place that decides, at the last moment before an order leaves, whether it may go."""

from dataclasses import dataclass
from datetime import datetime

from include.domain.account import Environment
from include.domain.order import Order
from include.domain.portfolio import ExecutionMode, Portfolio
from include.domain.run import Run
from include.errors import Unsupported

# Refusals that time or a person may lift: the order stays `planned`.
PLAN_MODE = "plan_mode"
BACKFILL = "backfill"
NOT_NEWEST = "not_newest_session"
PLAN_NOT_STORED = "plan_not_stored"
PLAN_ONLY = "plan_only"
KILL_SWITCH = "kill_switch"
APPROVAL_MISSING = "approval_missing"
LIVE_ENVIRONMENT = "live_environment"
ENVIRONMENT_MISMATCH = "environment_mismatch"
# Refusals that are final for this intent.
PAST_VALID_UNTIL = "past_valid_until"
DO_NOT_TRADE = "do_not_trade"


@dataclass(frozen=True)
class Circumstances:
    """What a decision looks at besides run, portfolio and order; read anew before every order.

    Attributes:
        now: Aware UTC time of the decision.
        kill_switch: True when the user stopped all sending.
        approval_needed / approved: Whether somebody had to agree to these orders, and whether the record says so.
        stored_plan: True when the order is part of the newest plan stored for its portfolio and session.
        newest_session: Newest session (ISO date) the portfolio has a plan for; a later one than the run's stops the run,
            even one that was the newest when it started. None: not known to be overtaken.
        plan_only: Why the whole portfolio only plans (no fresh snapshot, a risk limit), or None.
        blocked: Why the risk check stopped this order, or None.
    """

    now: datetime
    kill_switch: bool
    approval_needed: bool
    approved: bool
    stored_plan: bool
    newest_session: str | None = None
    plan_only: str | None = None
    blocked: str | None = None


def may_send(order: Order, run: Run, portfolio: Portfolio, seen: Circumstances) -> str | None:
    """Why an order may not go, or None: it may.

    Reasons of the order itself come as `held: ...` and `risk: ...`, everything else as one of this module's constants
    (`plan_only` with its reason behind a colon). Nothing is decided by what an earlier task looked like.

    Raises:
        Unsupported: The run wants `live`, which this version refuses.
    """
    if run.mode is ExecutionMode.LIVE:
        raise Unsupported("execution mode 'live' is refused by this version: use 'paper' with a sandbox or paper account")
    return (
        _of_run(order, run, seen)
        or _of_environment(order, portfolio)
        or _of_moment(seen, order)
        or _of_order(order, portfolio, seen)
    )


def _of_run(order: Order, run: Run, seen: Circumstances) -> str | None:
    if run.mode is not ExecutionMode.PAPER:
        return PLAN_MODE
    if run.is_backfill:
        return BACKFILL
    session = run.as_of.isoformat()
    overtaken = seen.newest_session is not None and seen.newest_session > session
    if not run.is_newest or overtaken or order.as_of != session:
        return NOT_NEWEST
    if not seen.stored_plan:
        return PLAN_NOT_STORED
    return f"{PLAN_ONLY}: {seen.plan_only}" if seen.plan_only else None


def _of_environment(order: Order, portfolio: Portfolio) -> str | None:
    accounts = {account.account_id: account for account in portfolio.accounts}
    account = accounts.get(order.account)
    if account is None or order.portfolio != portfolio.portfolio_id or account.broker != order.broker:
        return ENVIRONMENT_MISMATCH
    if len({order.environment, account.environment.value, portfolio.environment.value}) != 1:
        return ENVIRONMENT_MISMATCH
    if account.environment not in (Environment.SANDBOX, Environment.PAPER):
        return LIVE_ENVIRONMENT
    return None


def _of_moment(seen: Circumstances, order: Order) -> str | None:
    if seen.kill_switch:
        return KILL_SWITCH
    if seen.now > order.valid_until:
        return PAST_VALID_UNTIL
    if seen.approval_needed and not seen.approved:
        return APPROVAL_MISSING
    return None


def _of_order(order: Order, portfolio: Portfolio, seen: Circumstances) -> str | None:
    if order.hold_reason:
        return f"held: {order.hold_reason}"
    if seen.blocked:
        return f"risk: {seen.blocked}"
    if portfolio.limits.forbids(order.ticker, order.instrument_id):
        return DO_NOT_TRADE
    return None


def is_final(reason: str) -> bool:
    """True for a refusal that no retry of this intent can lift: the order is closed in the journal."""
    return reason in (PAST_VALID_UNTIL, DO_NOT_TRADE) or reason.startswith(("held: ", "risk: "))
