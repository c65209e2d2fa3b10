"""What a person sees at the end of the demo, out of the files of the run."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.domain.run import Run
from include.settings import Settings
from include.steps.resolve_run import load_run
from include.storage.artifacts import exists, read_json
from include.storage.latest import latest
from include.storage.run_folder import RunFolder

WORST = 12


def print_summary(settings: Settings, asked: Sequence[tuple[str, str]], console: Console | None = None) -> None:
    """Print the newest run: coverage, what is missing, orders, fills, drift, and where its files are.

    Args:
        settings: Where the data are.
        asked: Questions that were answered without a person.
        console: Default: the terminal; narrow output is given room.
    """
    console = console or Console()
    if console.width < 100:
        console = Console(width=120, file=console.file)
    uri = latest(settings.environ.data_uri)
    if uri is None:
        console.print("There is no finished run.")
        return
    folder = RunFolder(uri)
    run = load_run(folder.run)
    _head(console, run)
    for subject, body in asked:
        console.print(
            f"\n[bold]An approval was wanted:[/] {escape(subject)} The demo said yes, because nobody sits here.", highlight=False
        )
        console.print(
            "\n".join(line for line in body.splitlines() if line.startswith("- "))[:2000], highlight=False, markup=False
        )
    if exists(folder.coverage):
        _coverage(console, read_json(folder.coverage))
    if exists(folder.orders):
        _orders(console, run, read_json(folder.orders)["portfolios"])
    if exists(folder.execution_report):
        _execution(console, read_json(folder.execution_report))
    _files(console, folder)


def _head(console: Console, run: Run) -> None:
    console.rule(f"rebalance_portfolio, session {run.as_of.isoformat()}")
    if any(screen.synthetic for screen in run.screens):
        console.print("[bold]SYNTHETIC DATA[/]: prices, changes and screen returns are invented by a seeded generator.")
    for screen in run.screens:
        age = (run.as_of - screen.dated).days
        words = f"  screen {screen.name}: exported {screen.dated}, {age} days before the session"
        console.print(words, highlight=False, markup=False)


def _coverage(console: Console, coverage: dict[str, Any]) -> None:
    multi = coverage["multi_broker_pct"]
    console.print(
        f"\n[bold]Coverage {coverage['coverage_pct']:.2f} %[/] (by count {coverage['by_count_pct']:.2f} %, by target "
        f"weight {coverage['by_weight_pct']:.2f} %): {coverage['decision']}."
        + ("" if multi is None else f" At two or more brokers {multi:.2f} %."),
        highlight=False,
    )
    per_broker = sorted(coverage["per_broker"].items())
    _table(
        console,
        ["broker", "eligible", "mapped", "status"],
        [[b, r.get("eligible"), r.get("mapped"), r.get("status")] for b, r in per_broker],
    )
    missing = coverage["missing"]
    if not missing:
        return
    why = Counter(reason for row in missing for reason in row["reasons"].values())
    console.print(
        f"\n[bold]Not found: {len(missing)}[/] ({', '.join(f'{reason} {n}' for reason, n in why.most_common())})", highlight=False
    )
    heaviest = sorted(missing, key=lambda row: (-float(row["weight"] or 0), row["ticker"]))[:WORST]
    rows = [
        [r["ticker"], r["name"], f"{float(r['weight'] or 0):.2%}", "; ".join(f"{b}: {w}" for b, w in r["reasons"].items())]
        for r in heaviest
    ]
    _table(console, ["ticker", "name", "target", "why"], rows)
    if len(missing) > WORST:
        console.print(f"  ... and {len(missing) - WORST} more in report.md")


def _orders(console: Console, run: Run, plans: dict[str, Any]) -> None:
    rows = []
    for portfolio, plan in plans.items():
        accounts = sorted(
            {order["account"] for order in plan["orders"]}
            | {a.account_id for p in run.portfolios if p.portfolio_id == portfolio for a in p.accounts}
        )
        for account in accounts:
            orders = [order for order in plan["orders"] if order["account"] == account]
            notional = {side: sum(float(o["notional"]) for o in orders if o["side"] == side) for side in ("buy", "sell")}
            sells = sum(order["side"] == "sell" for order in orders)
            rows.append(
                [
                    portfolio,
                    account,
                    len(orders) - sells,
                    f"{notional['buy']:,.0f}",
                    sells,
                    f"{notional['sell']:,.0f}",
                    plan["base_currency"],
                ]
            )
    console.print("\n[bold]Orders[/]")
    _table(console, ["portfolio", "account", "buys", "worth", "sells", "worth", "currency"], rows)
    for portfolio, plan in plans.items():
        held = Counter(str(row["reason"]).split(":")[0] for row in plan["held"])
        if held:
            console.print(
                f"  {portfolio}: held back {sum(held.values())} ({', '.join(f'{why} {n}' for why, n in held.most_common())})",
                highlight=False,
            )
        if plan["run_id"] != run.run_id:
            console.print(
                f"  {portfolio}: this session was planned by {plan['run_id']}; that plan stands, nothing is sent twice.",
                highlight=False,
            )


def _execution(console: Console, execution: dict[str, Any]) -> None:
    columns = ("planned", "held", "sent", "filled", "partially_filled", "open", "rejected", "unknown")
    console.print("\n[bold]Execution[/]")
    _table(
        console,
        ["account", *columns],
        [[account, *(row.get(c, 0) for c in columns)] for account, row in execution["accounts"].items()],
    )
    for portfolio, drift in execution.get("drift", {}).items():
        before, after = (_percent(drift.get(f"drift_{when}_pct")) for when in ("before", "after"))
        console.print(f"  drift of {portfolio}: {before} before, {after} after", highlight=False)


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f} %"


def _files(console: Console, folder: RunFolder) -> None:
    console.print("\n[bold]Files[/]")
    for what, uri in (
        ("everything", folder.uri),
        ("report", folder.report),
        ("orders", folder.orders),
        ("execution", folder.execution_report),
        ("Great Expectations", f"{folder.data_docs}/index.html"),
    ):
        if exists(uri):
            console.print(f"  {what:20}{uri.removeprefix('file://')}", highlight=False, soft_wrap=True)


def _table(console: Console, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(*head)
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))  # names may hold brackets
    console.print(table, highlight=False)
