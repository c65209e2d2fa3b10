"""Step 11: follow the orders until they are final, hold the accounts against the journal, and report what happened."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from include.brokers.base import Broker
from include.domain.account import AccountSnapshot, Position
from include.domain.order import Order, OrderReport, OrderState
from include.domain.portfolio import ExecutionMode, Portfolio
from include.domain.run import Run
from include.errors import OutcomeUnknown, Terminal
from include.steps.follow_orders import Followed, follow
from include.storage.artifacts import exists, read_json, write_json
from include.storage.database import Database
from include.storage.journal import Journal, ManagedPosition
from include.storage.run_folder import RunFolder
from include.storage.snapshots import SnapshotStore
from include.trading.reconciliation import (
    COUNTS,
    Holding,
    Outcome,
    compare_positions,
    counts,
    drift,
    money,
    order_row,
)

Opener = Callable[[str], AbstractContextManager[Broker]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def reconcile_orders(
    run: Run,
    open_reader: Opener,
    database: Database,
    *,
    now: Callable[[], datetime] = _utc_now,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Write `execution_report.json`; returns its URI.

    Orders are followed for `reconcile_timeout_seconds`, then reported `open`; the next run settles them. The report holds,
    per account and in total, what was planned, held, sent, filled, left and unknown; fills, cost and commissions; positions
    that are not what the journal says; and the drift from the targets before and after. No time of its own is in it.

    Args:
        run: The run.
        open_reader: Opens an account for reading.
        database: Holds the journal.
        now: Clock, aware UTC; decides only how long to follow.
        wait: Waits that many seconds.

    Raises:
        OutcomeUnknown: After writing: an order may stand at a broker and was not found.
        Terminal: After writing: an account that had orders could not be sent to, followed or read.
    """
    folder = RunFolder(run.folder)
    journal = Journal(database)
    plans = read_json(folder.orders)["portfolios"]
    orders = _orders(run, plans)
    ids = {account_id: [order.client_order_id for order in planned] for account_id, planned in orders.items()}
    followed = follow(run, ids, open_reader, journal, now, wait)
    store = SnapshotStore(database)
    accounts = {}
    holdings: dict[str, dict[str, Any]] = {}
    for portfolio in run.portfolios:
        outcomes = {a.account_id: _outcomes(run, orders[a.account_id], journal) for a in portfolio.accounts}
        managed = journal.managed(portfolio.portfolio_id)
        for account_id, found in outcomes.items():
            before = store.of_run(account_id, run.as_of.isoformat(), plans[portfolio.portfolio_id]["run_id"])
            accounts[account_id] = _account(run, portfolio, account_id, found, managed, followed, before)
        everything = [outcome for found in outcomes.values() for outcome in found]
        holdings[portfolio.portfolio_id] = _drift(run, portfolio, everything, managed, followed)
    unresolved = _unresolved(run, journal)
    report = {
        "as_of": run.as_of.isoformat(),
        "run_id": run.run_id,
        "total": {name: sum(account[name] for account in accounts.values()) for name in COUNTS},
        "held_in_plan": {portfolio_id: plan["held"] for portfolio_id, plan in plans.items()},
        "drift": holdings,
        "failed_accounts": {name: account["error"] for name, account in accounts.items() if account["failed"]},
        "unresolved": unresolved,
        "accounts": accounts,
    }
    uri = write_json(folder.execution_report, report)
    failed = "; ".join(f"{name}: {account['error']}" for name, account in accounts.items() if account["failed"])
    if unresolved:
        words = ", ".join(f"{row['side']} {row['ticker']} at {row['account']} ({row['client_order_id']})" for row in unresolved)
        raise OutcomeUnknown(f"these orders may stand at the broker and were not found: {words}{'; ' + failed if failed else ''}")
    if failed:
        raise Terminal(f"accounts failed: {failed}")
    return uri


def _orders(run: Run, plans: Mapping[str, Any]) -> dict[str, list[Order]]:
    """Planned orders by account, in the plan's order; every account of the run is a key."""
    found: dict[str, list[Order]] = {account_id: [] for account_id in run.account_ids}
    for portfolio in run.portfolios:
        for row in plans[portfolio.portfolio_id]["orders"]:
            order = Order.model_validate(row)
            if order.account in found:  # a stored plan may be of a run with more accounts; the next one that has them settles
                found[order.account].append(order)
    return found


def _outcomes(run: Run, orders: list[Order], journal: Journal) -> list[Outcome]:
    found = []
    reasons = _waiting_reasons(run, orders)
    for order in orders:
        entry = journal.entry(order.client_order_id)
        if entry is None:  # a plan that was never meant to be sent is in no journal
            nothing = OrderReport(client_order_id=order.client_order_id, state=OrderState.PLANNED)
            found.append(Outcome(order, OrderState.PLANNED, reasons.get(order.client_order_id), nothing))
            continue
        reason = reasons.get(order.client_order_id) if entry.state is OrderState.PLANNED else entry.reason
        found.append(Outcome(order, entry.state, reason, entry.report))
    return found


def _waiting_reasons(run: Run, orders: list[Order]) -> dict[str, str]:
    """Why orders still wait, as sending said it."""
    reasons: dict[str, str] = {}
    for account_id in {order.account for order in orders}:
        uri = RunFolder(run.folder).submission(account_id)
        if exists(uri):
            reasons |= {row["client_order_id"]: row["reason"] for row in read_json(uri)["orders"]}
    return reasons


def _account(
    run: Run,
    portfolio: Portfolio,
    account_id: str,
    outcomes: list[Outcome],
    managed: list[ManagedPosition],
    followed: Followed,
    before: AccountSnapshot | None,
) -> dict[str, Any]:
    """One account's part of the report; `before` is what the run that made the plan saw, None where it could not be read."""
    error = _error(run, account_id, outcomes, followed)
    differences, unmanaged = _compare(account_id, outcomes, managed, before, followed.snapshots.get(account_id))
    return {
        "portfolio": portfolio.portfolio_id,
        "broker": next(a.broker for a in portfolio.accounts if a.account_id == account_id),
        "base_currency": portfolio.base_currency,
        **counts(outcomes),
        **money(outcomes),
        "error": error,
        "failed": bool(error and outcomes),
        "orders": [order_row(outcome) for outcome in outcomes],
        "position_differences": differences,
        "unmanaged": unmanaged,
    }


def _error(run: Run, account_id: str, outcomes: list[Outcome], followed: Followed) -> str | None:
    """What went wrong with an account, the earliest first."""
    uri = RunFolder(run.folder).submission(account_id)
    if outcomes and run.mode is ExecutionMode.PAPER and not run.is_backfill:
        if not exists(uri):
            return "sending its orders failed before it began"
        if words := read_json(uri)["error"]:
            return str(words)
    return followed.errors.get(account_id)


def _compare(
    account_id: str,
    outcomes: list[Outcome],
    managed: list[ManagedPosition],
    earlier: AccountSnapshot | None,
    fresh: AccountSnapshot | None,
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Differences and unmanaged positions; nothing where the account could not be read."""
    if fresh is None:
        return [], []
    mine = {p.contract.native_id: p for p in managed if p.account == account_id}
    symbols = {native_id: position.contract.symbol for native_id, position in mine.items()}
    symbols |= {position.native_id: position.symbol for position in (*(earlier.positions if earlier else ()), *fresh.positions)}
    return compare_positions(
        managed={native_id: position.quantity for native_id, position in mine.items()},
        executed=_executed(outcomes),
        before=_quantities(earlier.positions) if earlier else None,
        now=_quantities(fresh.positions),
        symbols=symbols,
    )


def _quantities(positions: tuple[Position, ...]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for position in positions:
        found[position.native_id] = found.get(position.native_id, Decimal(0)) + position.quantity
    return found


def _executed(outcomes: list[Outcome]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for outcome in outcomes:
        key = outcome.order.contract.native_id
        found[key] = found.get(key, Decimal(0)) + outcome.order.side.sign * outcome.report.filled_quantity
    return found


def _drift(
    run: Run, portfolio: Portfolio, outcomes: list[Outcome], managed: list[ManagedPosition], followed: Followed
) -> dict[str, Any]:
    uri = RunFolder(run.folder).sizes(portfolio.portfolio_id)
    sizes = read_json(uri)
    prices = _unit_values(portfolio, sizes, outcomes, managed, followed)
    after = {(p.account, p.contract.native_id): (p.ticker, p.quantity) for p in managed}
    for outcome in outcomes:
        after.setdefault((outcome.order.account, outcome.order.contract.native_id), (outcome.order.ticker, Decimal(0)))
    executed: dict[tuple[str, str], Decimal] = {}
    for outcome in outcomes:
        key = (outcome.order.account, outcome.order.contract.native_id)
        executed[key] = executed.get(key, Decimal(0)) + outcome.order.side.sign * outcome.report.filled_quantity
    holdings = [
        Holding(ticker, quantity - executed.get(key, Decimal(0)), quantity, prices.get(key))
        for key, (ticker, quantity) in sorted(after.items())
    ]
    targets = {ticker: Decimal(str(row["target_weight"])) for ticker, row in sizes["positions"].items()}
    return drift(targets, holdings, Decimal(str(sizes["nav"])))


def _unit_values(
    portfolio: Portfolio,
    sizes: Mapping[str, Any],
    outcomes: list[Outcome],
    managed: list[ManagedPosition],
    followed: Followed,
) -> dict[tuple[str, str], Decimal]:
    """(account, native id) -> one unit in the base currency: by the quote of an order, the account's own price, the screen's."""
    rates = {portfolio.base_currency: Decimal(1)}
    by_ticker: dict[str, tuple[str, Decimal]] = {}
    for ticker, row in sizes["positions"].items():
        rates[row["currency"]] = Decimal(str(row["fx_rate"]))
        by_ticker[ticker] = (row["currency"], Decimal(str(row["price"])))
    rates |= {outcome.order.contract.currency: outcome.order.fx_rate for outcome in outcomes}
    values: dict[tuple[str, str], Decimal] = {}
    for position in managed:
        contract, key = position.contract, (position.account, position.contract.native_id)
        snapshot = followed.snapshots.get(position.account)
        told = {p.native_id: p.market_price for p in snapshot.positions} if snapshot else {}
        price = told.get(contract.native_id)
        currency, screened = by_ticker.get(position.ticker, ("", Decimal(0)))
        if price is None and currency == contract.currency:
            price = screened
        if price is not None and contract.currency in rates:
            values[key] = price * contract.multiplier / rates[contract.currency]
    for outcome in outcomes:
        order = outcome.order
        values[(order.account, order.contract.native_id)] = order.quote_price * order.contract.multiplier / order.fx_rate
    return values


def _unresolved(run: Run, journal: Journal) -> list[dict[str, str | None]]:
    """Orders of the run's accounts, of this run or an earlier one, that nobody can say about whether they stand."""
    states = (OrderState.SENDING, OrderState.UNKNOWN)
    return [
        {
            "client_order_id": entry.order.client_order_id,
            "account": account_id,
            "as_of": entry.order.as_of,
            "ticker": entry.order.ticker,
            "side": entry.order.side.value,
            "reason": entry.reason,
        }
        for account_id in run.account_ids
        for entry in journal.orders(account=account_id, states=states)
    ]
