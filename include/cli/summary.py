"""The last lines of `polybroker run`: what a person wants to know before opening the report."""

from typing import Any

from include.storage.artifacts import exists, local_path, read_json
from include.storage.run_folder import RunFolder


def summary(folder: RunFolder) -> list[str]:
    """Coverage, orders, what became of them, drift, and where the report is; what the run did not get to is left out."""
    lines: list[str] = []
    if exists(folder.coverage):
        lines.append(_coverage(read_json(folder.coverage)))
    if exists(folder.orders):
        run_id = read_json(folder.run)["run_id"]
        lines += [_plan(name, plan, run_id) for name, plan in read_json(folder.orders)["portfolios"].items()]
    if exists(folder.execution_report):
        lines += _execution(read_json(folder.execution_report))
    return [*lines, f"report: {local_path(folder.report) or folder.report}"]


def _coverage(coverage: dict[str, Any]) -> str:
    figures = f"by count {coverage['by_count_pct']:.2f} %, by weight {coverage['by_weight_pct']:.2f} %"
    return f"coverage {coverage['coverage_pct']:.2f} % ({figures}): {coverage['decision']}; not found {len(coverage['missing'])}"


def _plan(name: str, plan: dict[str, Any], run_id: str) -> str:
    worth = sum(float(order["notional"]) for order in plan["orders"])
    count = len(plan["orders"])
    told = f"{name}: {count} order{'' if count == 1 else 's'} worth {worth:,.0f} {plan['base_currency']}"
    told += f", {len(plan['held'])} held back" if plan["held"] else ""
    return told + ("" if plan["run_id"] == run_id else f" (planned by {plan['run_id']}; that plan of the session stands)")


def _execution(execution: dict[str, Any]) -> list[str]:
    counts = ", ".join(f"{what.replace('_', ' ')} {count}" for what, count in execution["total"].items() if count)
    drifts = [
        f"drift of {name}: {float(row['drift_before_pct']):.2f} % before, {float(row['drift_after_pct']):.2f} % after"
        for name, row in execution["drift"].items()
        if None not in (row["drift_before_pct"], row["drift_after_pct"])
    ]
    return [f"orders: {counts or 'none'}", *drifts]
