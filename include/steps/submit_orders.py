"""Step 10: send one account's orders. Running it again sends nothing twice."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.brokers.base import Broker, ResendClass
from include.domain.order import Order, OrderState, Side
from include.domain.portfolio import ExecutionMode, Portfolio
from include.domain.run import Run
from include.errors import InputError, NotPermitted, OutcomeUnknown, PolybrokerError, Unsupported
from include.storage.approvals import ApprovalStore
from include.storage.artifacts import read_bytes, read_json, sha256, write_json
from include.storage.database import Database
from include.storage.journal import Journal, JournalEntry
from include.storage.leases import Lease, lease
from include.storage.run_folder import RunFolder
from include.trading.permission import APPROVAL_MISSING, KILL_SWITCH, Circumstances, may_send
from include.trading.sending import Attempt, Sender, recheck, recheck_position

LEASE_SECONDS = 120.0  # renewed before every send; a crashed sender is followed after this long
_RESEND_IS_SAFE = (ResendClass.DUPLICATE_REFUSED, ResendClass.REPLAY_RETURNS_ORIGINAL)
_OUTCOMES = {
    OrderState.PLANNED: "waiting",
    OrderState.HELD: "held",
    OrderState.NOT_SENT: "not_sent",
    OrderState.SENDING: "unknown",
    OrderState.UNKNOWN: "unknown",
    OrderState.REJECTED: "rejected",
}  # every other state: "sent"
OUTCOMES = ("sent", "held", "waiting", "not_sent", "rejected", "unknown")


@dataclass(frozen=True)
class _Plan:
    """The account's part of `orders.json` and `risk.json`, read once."""

    portfolio: Portfolio
    document: dict[str, Any]
    orders: list[Order]
    revision: int
    digest: str
    plan_only: str | None
    blocked: dict[str, str]


def submit_orders(
    run: Run,
    account_id: str,
    broker: Broker,
    database: Database,
    *,
    approval_needed: bool,
    kill_switch: Callable[[], bool],
    now: Callable[[], datetime],
    wait: Callable[[float], None] = time.sleep,
    lease_wait_seconds: float = LEASE_SECONDS + 30,
) -> dict[str, Any]:
    """Send what `orders.json` plans for one account, sells first, and write `accounts/<id>.submission.json`.

    Nothing goes unless the file's plan is the one in the database, `include.trading.permission.may_send` agrees at the last
    moment, the price still holds, what it sells is still held, and the broker has proven its environment. Orders stopped by
    the risk check are recorded as held. Every order that may have arrived earlier is looked up first.

    Args:
        run: The run.
        account_id: Whose orders; the account of `broker`.
        broker: The open account (`for_orders`).
        database: Journal, approvals and the lease `orders:<account>`.
        approval_needed: Whether somebody had to agree; then the approval's own record for these very bytes is demanded.
        kill_switch: Asked before every send.
        now: Clock, aware UTC.
        wait: Waits between two tries for the lease.
        lease_wait_seconds: How long to wait for another sender of this account.

    Returns:
        `account`, `uri` of the file, and the number of orders per outcome: `sent` (stands or stood at the broker), `held`,
        `waiting` (may still go in a retry), `not_sent` (too late), `rejected`, `unknown`.

    Raises:
        OutcomeUnknown: An order may stand at the broker and could not be found; the others are done.
        NotPermitted: The kill switch is on, or the approval is missing.
        Unsupported: The run is `live`.
        InputError: `orders.json` is not what was planned, or not what `check_risk` looked at.
        Transient: Another process sends for this account, or the broker was not there; a retry may send the rest.
        AuthenticationFailed: The account's environment has no proof.
    """
    if run.mode is ExecutionMode.LIVE:
        raise Unsupported("execution mode 'live' is refused by this version: use 'paper' with a sandbox or paper account")
    plan = _read_plan(run, account_id)
    journal = Journal(database)
    gate = _Gate(run, plan, journal, ApprovalStore(database), approval_needed, kill_switch, now)
    if not plan.orders or run.mode is not ExecutionMode.PAPER or run.is_backfill:
        attempts = [Attempt(order, OrderState.PLANNED, gate.reason(order)) for order in plan.orders]
        return _finish(run, account_id, attempts, {}, None)
    _check_stored(run, plan, journal)
    journal.register(plan.orders)
    attempts, stopped = [], None
    holder = f"{run.run_id} submit_orders {account_id}"
    try:
        with lease(database, f"orders:{account_id}", holder, LEASE_SECONDS, lease_wait_seconds, now=now, wait=wait) as gate.lease:
            attempts, stopped = _send(run, plan, broker, journal, gate, now)
    except PolybrokerError as error:
        stopped = error
    states = {order.client_order_id: journal.entry(order.client_order_id) for order in plan.orders}
    entries = {key: entry for key, entry in states.items() if entry is not None}
    if not attempts:
        attempts = [Attempt(order, entries[order.client_order_id].state, f"account stopped: {stopped}") for order in plan.orders]
    return _finish(run, account_id, attempts, entries, stopped)


class _Gate:
    """Asks `may_send` with everything read anew."""

    def __init__(
        self,
        run: Run,
        plan: _Plan,
        journal: Journal,
        approvals: ApprovalStore,
        approval_needed: bool,
        kill_switch: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        self.lease: Lease | None = None
        self._run = run
        self._plan = plan
        self._journal = journal
        self._approvals = approvals
        self._approval_needed = approval_needed
        self._kill_switch = kill_switch
        self._now = now

    def reason(self, order: Order) -> str | None:
        """Why the order may not go now, or None."""
        newest = self._journal.plan(order.portfolio, order.as_of)
        seen = Circumstances(
            now=self._now(),
            kill_switch=self._kill_switch(),
            approval_needed=self._approval_needed,
            approved=self._approvals.approved(self._run.run_id, self._plan.digest),
            stored_plan=newest is not None and newest[0] == order.revision == self._plan.revision,
            newest_session=self._journal.newest_session(order.portfolio),
            plan_only=self._plan.plan_only,
            blocked=self._plan.blocked.get(order.client_order_id),
        )
        return may_send(order, self._run, self._plan.portfolio, seen)

    def permission(self, order: Order) -> str | None:
        """The same right before a send, with the lease renewed: whoever lost it sends nothing more."""
        if self.lease is not None:
            self.lease.renew()
        return self.reason(order)


def _read_plan(run: Run, account_id: str) -> _Plan:
    folder = RunFolder(run.folder)
    portfolio = run.portfolio_of(account_id)
    content = read_bytes(folder.orders)
    try:
        document = json.loads(content)["portfolios"][portfolio.portfolio_id]
        orders = [Order.model_validate(order) for order in document["orders"] if order["account"] == account_id]
        revision = int(document["revision"])
    except (ValueError, KeyError, TypeError) as error:
        words = f"expected the plan of portfolio {portfolio.portfolio_id}: {' '.join(str(error).split())}"
        raise InputError(words, source=folder.orders) from error
    risk, digest = read_json(folder.risk), sha256(content)
    if risk.get("orders_sha256") != digest:
        words = "expected the limits of orders.json as it stands: clear check_risk and what follows it"
        raise InputError(words, source=folder.risk, field="orders_sha256", value=risk.get("orders_sha256"))
    stopped = risk["portfolios"].get(portfolio.portfolio_id)
    if document.get("plan_only"):
        stopped = document.get("plan_only_reason") or stopped or "its plan says so"
    return _Plan(portfolio, document, orders, revision, digest, stopped, risk["blocked"])


def _check_stored(run: Run, plan: _Plan, journal: Journal) -> None:
    stored = journal.plan(plan.portfolio.portfolio_id, run.as_of.isoformat(), plan.revision)
    if stored is None or json.loads(stored[1]) != plan.document:
        raise InputError(
            f"expected the plan of portfolio {plan.portfolio.portfolio_id}, revision {plan.revision}, as it is in the database",
            source=RunFolder(run.folder).orders,
        )


def _send(
    run: Run, plan: _Plan, broker: Broker, journal: Journal, gate: _Gate, now: Callable[[], datetime]
) -> tuple[list[Attempt], PolybrokerError | None]:
    states = {order.client_order_id: journal.state(order.client_order_id) for order in plan.orders}
    refused = {o.client_order_id: gate.reason(o) for o in plan.orders if states[o.client_order_id] is OrderState.PLANNED}
    ready = [o for o in plan.orders if refused.get(o.client_order_id, "") is None]
    if ready or any(state in (OrderState.SENDING, OrderState.UNKNOWN) for state in states.values()):
        broker.prove_environment()
    quotes = broker.quotes([order.contract for order in ready]) if ready else {}
    # Hours may have passed since planning, and the account's owner trades as well.
    sells = any(order.side is Side.SELL for order in ready)
    account = broker.snapshot(run.as_of.isoformat(), now()) if sells else None
    sender = Sender(
        broker=broker,
        journal=journal,
        resend_is_safe=broker.capabilities.resend in _RESEND_IS_SAFE,
        # What may not go now is not quoted, so it does not go later in this call either: a retry looks at it afresh.
        permission=lambda order: refused.get(order.client_order_id) or gate.permission(order),
        recheck=lambda order: (
            recheck(order, quotes.get(order.contract.native_id), plan.portfolio.limits) or recheck_position(order, account)
        ),
        now=now,
    )
    return sender.send_all(plan.orders)


def _finish(
    run: Run,
    account_id: str,
    attempts: list[Attempt],
    entries: dict[str, JournalEntry],
    stopped: PolybrokerError | None,
) -> dict[str, Any]:
    """Write the file, then raise what has to be known."""
    rows = [_row(attempt, entries.get(attempt.order.client_order_id)) for attempt in attempts]
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in OUTCOMES}
    document = {"account": account_id, **counts, "error": None if stopped is None else str(stopped), "orders": rows}
    uri = write_json(RunFolder(run.folder).submission(account_id), document)
    unknown = [f"{row['side']} {row['ticker']} ({row['client_order_id']})" for row in rows if row["outcome"] == "unknown"]
    if unknown:
        also = "" if stopped is None else f"; {stopped}"
        raise OutcomeUnknown(f"{account_id}: these orders may stand at the broker and were not found: {', '.join(unknown)}{also}")
    if stopped is not None:
        raise stopped
    for reason, words in ((KILL_SWITCH, "the kill switch is on"), (APPROVAL_MISSING, "nobody approved these orders")):
        if waiting := sum(row["reason"] == reason for row in rows):
            raise NotPermitted(f"{account_id}: {words}; {waiting} orders were not sent")
    return {"account": account_id, "uri": uri, **counts}


def _row(attempt: Attempt, entry: JournalEntry | None) -> dict[str, Any]:
    """One order of the file; what a later look at the same order would not change, so that a repeat gives the same bytes."""
    order = attempt.order
    outcome = _OUTCOMES.get(attempt.state, "sent")
    report = entry.report if entry else None
    lasting = entry.reason if entry else None
    return {
        "client_order_id": order.client_order_id,
        "ticker": order.ticker,
        "side": order.side.value,
        "quantity": order.quantity,
        "outcome": outcome,
        "reason": {"waiting": attempt.reason, "sent": None}.get(outcome, lasting),
        "code": report.code if report and outcome == "rejected" else None,
        "message": report.message if report and outcome == "rejected" else None,
        "broker_order_id": report.broker_order_id if report and outcome == "sent" else None,
    }
