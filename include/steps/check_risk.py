"""Step 9b: hold the stored plan against the limits of its portfolio. It only ever stops more."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from include.domain.order import Order
from include.domain.run import Run
from include.steps.broker_limits import broker_limits, snapshots_of
from include.steps.mapping_difference import held_back
from include.storage.artifacts import read_bytes, sha256, write_json
from include.storage.run_folder import RunFolder
from include.trading.risk import check, over_broker_limits, over_count


def check_risk(run: Run, *, kill_switch: bool = False) -> str:
    """Write `risk.json`: orders and portfolios that must not be sent, and why; and which `orders.json` that was said of.

    A plan of the session that stands may be an earlier run's: what this run holds back (`changes.json`) is blocked in it too.
    Returns its URI.

    Args:
        run: The run; its `orders.json` must stand.
        kill_switch: Whether the kill switch is on now: said here, and checked again before every single order.
    """
    folder = RunFolder(run.folder)
    content = read_bytes(folder.orders)
    plans = json.loads(content)["portfolios"]
    blocked: dict[str, str] = {}
    stopped: dict[str, str] = {}
    findings = []
    waiting = _waiting(run)
    limits = broker_limits(run)
    counted: Counter[str] = Counter()  # over all portfolios
    for portfolio in run.portfolios:
        plan = plans[portfolio.portfolio_id]
        orders = [Order.model_validate(order) for order in plan["orders"]]
        found = check(orders, portfolio, Decimal(plan["nav"]), first_funding=bool(run.options.get("first_funding")))
        held = over_broker_limits(orders, limits, snapshots_of(run, portfolio)) | _held(orders, waiting) | found.blocked
        reason = plan["plan_only_reason"] or found.portfolio_blocked or ("kill_switch: it is on" if kill_switch else None)
        if reason:
            stopped[portfolio.portfolio_id] = reason
        else:
            held |= over_count([order for order in orders if order.client_order_id not in held], limits, counted)
        blocked |= held
        findings.append(
            {
                "portfolio": portfolio.portfolio_id,
                "orders": len(orders),
                "blocked": len(held),
                "turnover_pct": f"{found.turnover_pct:.2f}",
                "stopped": reason,
            }
        )
    document = {"orders_sha256": sha256(content), "blocked": blocked, "portfolios": stopped, "findings": findings}
    return write_json(folder.risk, document)


def _held(orders: Sequence[Order], waiting: Mapping[tuple[str, str], str]) -> dict[str, str]:
    found = {}
    for order in orders:
        if reason := waiting.get((order.broker, order.ticker)) or waiting.get((order.broker, order.instrument_id)):
            found[order.client_order_id] = reason
    return found


def _waiting(run: Run) -> dict[tuple[str, str], str]:
    """(broker, ticker) and (broker, instrument id) to why its mapping waits for a person."""
    rows = [(broker, row) for broker in run.brokers for row in held_back(run, broker)]
    return {(broker, row[field]): row["reason"] for broker, row in rows for field in ("ticker", "instrument_id")}
