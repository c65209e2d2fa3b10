"""`report.md`: what a run did, for a person who reads it over coffee. Pure: documents in, Markdown out.

Every section is left out when its document is missing, so that a run that failed half-way still reports what it got to.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from include.trading.markdown import percent, table
from include.trading.report_mapping import held_words, list_changes, mapping_changes

Documents = Mapping[str, Any]

# What may become of a planned order; the rarer ends are shown only where there are some.
_COUNTS = ("planned", "held", "sent", "filled", "partially_filled", "open", "rejected", "unknown")
_RARE = ("waiting", "cancelled", "expired", "not_sent")


def render(documents: Documents) -> str:
    """The whole report.

    Args:
        documents: Content of the run's files by name: `run`, `universe`, `input_gate`, `coverage`, `orders`, `risk`, `execution`,
            and by broker `mapping_changes`, `list_changes`; a missing file is absent.
    """
    sections: list[Callable[[Documents], list[str]]] = [
        _head,
        _warnings,
        mapping_changes,
        _coverage,
        _targets,
        _orders,
        _execution,
        _missing,
        list_changes,
        _rejected,
    ]
    lines: list[str] = []
    for section in sections:
        lines += section(documents)
    return "\n".join(lines).rstrip() + "\n"


def _head(documents: Documents) -> list[str]:
    run = documents["run"]
    synthetic = any(screen["synthetic"] for screen in run["screens"])
    ages = ", ".join(
        f"{screen['name']} {screen['dated']} ({_days(screen['dated'], run['as_of'])} before the session)"
        for screen in run["screens"]
    )
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


def _days(first: str, last: str) -> str:
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days
    return f"{days} day{'' if days == 1 else 's'}"


def _warnings(documents: Documents) -> list[str]:
    run, execution = documents["run"], documents.get("execution", {})
    lines = [f"- {words}" for words in held_words(documents)]
    lines += [f"- {note}" for note in run.get("options", {}).get("notes", [])]
    lines += [f"- input: {reason}" for reason in documents.get("input_gate", {}).get("reasons", [])]
    lines += [f"- coverage: {reason}" for reason in documents.get("coverage", {}).get("reasons", [])]
    for portfolio, plan in documents.get("orders", {}).get("portfolios", {}).items():
        if plan.get("plan_only_reason"):
            lines.append(f"- {portfolio}: planned only: {plan['plan_only_reason']}")
        if plan.get("run_id", run["run_id"]) != run["run_id"]:
            lines.append(f"- {portfolio}: this session was planned by {plan['run_id']}; that plan stands, nothing is sent twice")
        lines += [f"- {portfolio}: {problem}" for problem in plan["problems"]]
    for portfolio, sizes in documents.get("sizes", {}).items():
        lines += [f"- {portfolio}: {account} could not be read and is frozen" for account in sizes.get("frozen_accounts", [])]
    lines += [
        f"- {portfolio}: stopped: {reason}" for portfolio, reason in documents.get("risk", {}).get("portfolios", {}).items()
    ]
    lines += [f"- {account}: {error or 'failed'}" for account, error in execution.get("failed_accounts", {}).items()]
    lines += [
        f"- {row['account']}: what became of {row['side']} {row['ticker']} ({row['client_order_id']}) is not known"
        for row in execution.get("unresolved", [])
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
    lines = ["## Targets", "", *table(["screen", "weight", "note"], rows), *_rates(metadata.get("exchange_rates", {}))]
    for portfolio, sizes in documents.get("sizes", {}).items():
        unreachable = sizes.get("unreachable", [])
        if unreachable:
            lines += [f"{portfolio}: whole lots miss more than a tenth of these targets; the rest of each is not bought.", ""]
            head = ["ticker", "name", "target", "missing", f"{sizes['base_currency']} that would reach the next lot"]
            lines += table(head, [_unreachable(row) for row in unreachable])
    return lines


def _rates(section: Mapping[str, Any]) -> list[str]:
    """What was used for the currencies that the run needs; the others are only kept for accounts."""
    rates = section.get("rates", {})
    used = {currency: rates[currency] for currency in section.get("needed", rates) if currency in rates}
    by_source: dict[str, list[str]] = {}
    for currency, row in used.items():
        if row["source"] != "base":
            by_source.setdefault(row["source"], []).append(currency)
    if not by_source:
        return []
    told = "; ".join(f"{source}: {', '.join(names)}" for source, names in sorted(by_source.items()))
    aged = max(row.get("age_days") or 0 for row in used.values())
    notes = [f"- {note}" for note in section.get("notes", [])]
    return [f"Exchange rates by source: {told}; the oldest is {aged} days old.", "", *notes, *([""] if notes else [])]


def _unreachable(row: Mapping[str, Any]) -> tuple[object, ...]:
    nav = row.get("reachable_nav")
    missing = percent(row["unreachable_weight"])
    return row["ticker"], row["name"], percent(row["wanted_weight"]), missing, "" if nav is None else f"{float(nav):,.0f}"


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
        lines += _sums(plan)
        held = [(row["ticker"], row["name"], percent(row["target_weight"]), row["reason"]) for row in plan["held"]]
        if held:
            lines += ["Held back, no order was made:", "", *table(["ticker", "name", "target", "why"], held)]
        if plan["unmanaged"]:
            lines += ["Unmanaged, never traded:", ""]
            lines += table(["account", "symbol", "quantity"], [tuple(row.values()) for row in plan["unmanaged"]])
    return lines


def _sums(plan: Mapping[str, Any]) -> list[str]:
    """One line: how many orders, and how much they buy and sell."""
    if not plan["orders"]:
        return []
    worth = {side: sum(float(o["notional"]) for o in plan["orders"] if o["side"] == side) for side in ("buy", "sell")}
    told = " and ".join(f"{side} {value:,.0f}" for side, value in worth.items() if value)
    return [f"{len(plan['orders'])} orders {told} {plan['base_currency']}.", ""]


def _execution(documents: Documents) -> list[str]:
    execution = documents.get("execution")
    if not execution:
        return ["## Execution", "", "Nothing was sent in this run, or it ended before the orders were followed.", ""]
    accounts = execution["accounts"]
    columns = [*_COUNTS, *(name for name in _RARE if any(row.get(name) for row in accounts.values()))]
    rows = [(account, *(row.get(column, 0) for column in columns)) for account, row in accounts.items()]
    if len(rows) > 1:
        rows.append(("in total", *(sum(row.get(column, 0) for row in accounts.values()) for column in columns)))
    lines = ["## Execution", "", *table(["account", *(name.replace("_", " ") for name in columns)], rows)]
    lines += (
        ["`held` orders were stopped on the way to the broker.", ""] if any(row.get("held") for row in accounts.values()) else []
    )
    lines += _worth(accounts)
    drift = [
        (portfolio, _rounded(row.get("drift_before_pct")), _rounded(row.get("drift_after_pct")))
        for portfolio, row in execution.get("drift", {}).items()
    ]
    lines += ["Drift: the distance from target, summed over all names, in percent of value. What was not found, held back or too"]
    lines += ["small for a lot stays.", "", *table(["portfolio", "before", "after"], drift)]
    differences = [
        (account, row["symbol"], row["managed"], row["broker"])
        for account, found in execution["accounts"].items()
        for row in found.get("position_differences", [])
    ]
    if differences:
        lines += ["Positions that differ from the journal:", "", *table(["account", "symbol", "journal", "broker"], differences)]
    return lines


def _worth(accounts: Mapping[str, Any]) -> list[str]:
    """What the orders were worth; an account that failed has no figures."""
    what_became = ("planned", "filled", "left")
    rows = [
        (account, *(f"{float(row[f'notional_{what}']):,.0f}" for what in what_became), row["base_currency"], row["slippage_bp"])
        for account, row in accounts.items()
        if "notional_planned" in row
    ]
    return table(["account", *what_became, "currency", "slippage in bp"], rows) if rows else []


def _rounded(value: object) -> str:
    return "" if value is None else f"{float(str(value)):.2f}"


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
