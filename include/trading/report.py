"""`report.md`: what a run did, for a person who reads it over coffee. Pure: documents in, Markdown out.

Every section is left out when its document is missing, so that a run that failed half-way still reports what it got to.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Documents = Mapping[str, Any]


def render(documents: Documents) -> str:
    """The whole report.

    Args:
        documents: Content of the run's files by name: `run`, `universe`, `input_gate`, `coverage`, `orders`, `risk`, `execution`;
            a missing file is absent.
    """
    sections: list[Callable[[Documents], list[str]]] = [
        _head,
        _warnings,
        _coverage,
        _targets,
        _orders,
        _execution,
        _missing,
        _rejected,
    ]
    lines: list[str] = []
    for section in sections:
        lines += section(documents)
    return "\n".join(lines).rstrip() + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table, or a dash where there is no row; bars inside cells are escaped."""
    if not rows:
        return ["–", ""]
    escaped = [[str("" if cell is None else cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return lines + [f"| {' | '.join(row)} |" for row in escaped] + [""]


def percent(share: object, digits: int = 2) -> str:
    """A share 0 to 1 as percent text; "" for None."""
    return "" if share is None else f"{float(str(share)) * 100:.{digits}f} %"


def _head(documents: Documents) -> list[str]:
    run = documents["run"]
    synthetic = any(screen["synthetic"] for screen in run["screens"])
    ages = ", ".join(f"{screen['name']} {screen['dated']}" for screen in run["screens"])
    return [
        f"# Run {run['run_id']}",
        "",
        *(
            ["**SYNTHETIC DATA**: prices, changes and screen returns are invented by a seeded generator.", ""]
            if synthetic
            else []
        ),
        f"Session **{run['as_of']}**, mode **{run['mode']}**{', backfill' if run['is_backfill'] else ''}; "
        f"portfolios {', '.join(p['portfolio_id'] for p in run['portfolios'])}; brokers {', '.join(run['brokers'])}.",
        "",
        f"Screens (date of the export): {ages}.",
        "",
    ]


def _warnings(documents: Documents) -> list[str]:
    lines = [f"- input: {reason}" for reason in documents.get("input_gate", {}).get("reasons", [])]
    lines += [f"- coverage: {reason}" for reason in documents.get("coverage", {}).get("reasons", [])]
    for portfolio, plan in documents.get("orders", {}).get("portfolios", {}).items():
        lines += [f"- {portfolio}: {problem}" for problem in plan["problems"]]
    lines += [
        f"- {portfolio}: stopped: {reason}" for portfolio, reason in documents.get("risk", {}).get("portfolios", {}).items()
    ]
    return ["## Look at this first", "", *lines, ""] if lines else []


def _coverage(documents: Documents) -> list[str]:
    coverage = documents.get("coverage")
    if not coverage:
        return ["## Coverage", "", "The run ended before coverage was known.", ""]
    rows = [
        (broker, row.get("eligible"), row.get("mapped"), row.get("status"))
        for broker, row in sorted(coverage.get("per_broker", {}).items())
    ]
    multi = coverage["multi_broker_pct"]
    twice = "no instrument is eligible at two brokers" if multi is None else f"{multi:.2f} % of those eligible there"
    return [
        "## Coverage",
        "",
        f"**{coverage['coverage_pct']:.2f} %** mapped (by count {coverage['by_count_pct']:.2f} %, by weight "
        f"{coverage['by_weight_pct']:.2f} %): decision **{coverage['decision']}**. "
        f"At two or more brokers: {twice}.",
        "",
        *table(["broker", "eligible", "mapped", "status"], rows),
    ]


def _targets(documents: Documents) -> list[str]:
    metadata = documents.get("universe", {}).get("metadata")
    if not metadata:
        return []
    optimization = metadata.get("portfolio_optimization", {})
    rows = [
        (key, percent(weight), optimization.get("excluded", {}).get(key, ""))
        for key, weight in optimization.get("optimal_allocations", {}).items()
    ]
    rates = metadata.get("exchange_rates", {}).get("rates", {})
    aged = max((row.get("age_days") or 0 for row in rates.values()), default=0)
    lines = [
        "## Targets",
        "",
        *table(["screen", "weight", "note"], rows),
        f"Exchange rates: {len(rates)} currencies, the oldest {aged} days.",
        "",
    ]
    for portfolio, sizes in documents.get("sizes", {}).items():
        unreachable = sizes.get("unreachable", [])
        if unreachable:
            lines.append(f"{portfolio}: {len(unreachable)} targets are smaller than one lot (details in sizes.json).")
    return [*lines, ""]


def _orders(documents: Documents) -> list[str]:
    plans = documents.get("orders", {}).get("portfolios", {})
    blocked = documents.get("risk", {}).get("blocked", {})
    lines = ["## Orders", ""] if plans else []
    for portfolio, plan in plans.items():
        lines += [f"### {portfolio} ({plan['environment']}, {float(plan['nav']):,.0f} {plan['base_currency']})", ""]
        rows = [
            (
                order["account"],
                order["side"],
                order["ticker"],
                order["contract"]["name"],
                order["quantity"],
                f"{order['limit_price']} {order['contract']['currency']}",
                f"{float(order['notional']):,.0f}",
                blocked.get(order["client_order_id"], ""),
            )
            for order in plan["orders"]
        ]
        lines += table(["account", "side", "ticker", "name", "quantity", "limit", plan["base_currency"], "blocked"], rows)
        held = [(row["ticker"], row["name"], percent(row["target_weight"]), row["reason"]) for row in plan["held"]]
        lines += ["Held back:", "", *table(["ticker", "name", "target", "why"], held)]
        if plan["unmanaged"]:
            lines += ["Unmanaged, never traded:", ""]
            lines += table(["account", "symbol", "quantity"], [tuple(row.values()) for row in plan["unmanaged"]])
    return lines


def _execution(documents: Documents) -> list[str]:
    execution = documents.get("execution")
    if not execution:
        return ["## Execution", "", "Nothing was sent in this run, or it ended before the orders were followed.", ""]
    columns = ("planned", "held", "sent", "filled", "partially_filled", "open", "rejected", "unknown")
    rows = [(account, *(row.get(column, 0) for column in columns)) for account, row in execution["accounts"].items()]
    lines = ["## Execution", "", *table(["account", *columns], rows)]
    drift = [
        (portfolio, row.get("drift_before_pct"), row.get("drift_after_pct"))
        for portfolio, row in execution.get("drift", {}).items()
    ]
    lines += ["Drift from the targets, in percent of value:", "", *table(["portfolio", "before", "after"], drift)]
    differences = [
        (account, row["symbol"], row["managed"], row["broker"])
        for account, found in execution["accounts"].items()
        for row in found.get("position_differences", [])
    ]
    if differences:
        lines += ["Positions that differ from the journal:", "", *table(["account", "symbol", "journal", "broker"], differences)]
    return lines


def _missing(documents: Documents) -> list[str]:
    missing = documents.get("coverage", {}).get("missing", [])
    if not missing:
        return []
    rows = [
        (row["ticker"], row["name"], percent(row["weight"]), "; ".join(f"{b}: {r}" for b, r in row["reasons"].items()))
        for row in missing
    ]
    return [f"## Not mapped ({len(rows)})", "", *table(["ticker", "name", "weight", "why"], rows)]


def _rejected(documents: Documents) -> list[str]:
    rejected = documents.get("universe", {}).get("rejected", [])
    if not rejected:
        return []
    rows = [(row.get("file"), row.get("line"), row.get("field"), row.get("value"), row.get("reason")) for row in rejected]
    return [f"## Rejected rows ({len(rows)})", "", *table(["file", "line", "field", "value", "why"], rows)]
