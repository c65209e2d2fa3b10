"""Money for new sandbox accounts: each broker gets, by currency, what a first run over these screens will want to spend."""

import tempfile
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.domain.portfolio import ExecutionMode
from include.sandbox.folder import CASH, start_anew
from include.settings import Settings
from include.steps.add_history import add_history
from include.steps.build_universe import build_universe
from include.steps.convert_currency import convert_currency
from include.steps.fetch_screens import fetch_screens
from include.steps.optimize_screens import optimize_screens
from include.steps.resolve_run import resolve_run
from include.steps.set_targets import set_targets
from include.storage.artifacts import read_json, root_uri, write_json

TOTAL_EUR = Decimal(1_700_000)
MADE_FOR = "made_for"
SPARE = Decimal("1.02")  # limit prices lie above the quotes


def fund_sandbox(settings: Settings, screens: str, as_of: date) -> None:
    """Write `cash.json` for new accounts. Accounts made for other screens start anew, unless one has traded or runs.

    A `cash.json` without the key `made_for` was written by a person and stays.

    The targets are those of steps 0 to 6, computed in a folder that is thrown away. Without it a new account would hold some
    money in every currency and too little in the ones that matter, and a demo would mostly show unfunded orders.

    Args:
        settings: Of this process.
        screens: As in `prepare_sandbox`.
        as_of: Session the screens count at.

    Raises:
        InputError: The screens cannot be read.
    """
    target = settings.environ.sandbox_dir / CASH
    if target.exists():
        made_for = read_json(target.resolve().as_uri()).get(MADE_FOR)
        if made_for in (None, screens) or not start_anew(settings.environ.sandbox_dir):
            return
    with tempfile.TemporaryDirectory() as folder:
        document = _targets(settings, screens, as_of, Path(folder))
    rates = {currency: Decimal(str(row["rate"])) for currency, row in document["metadata"]["exchange_rates"]["rates"].items()}
    weights: dict[str, Decimal] = {}
    american = Decimal(0)
    for stock in document["all_stocks"].values():
        weight = Decimal(str(stock["final_target"]))
        if settings.markets[stock["market"]].region == "us":
            american += weight
        else:
            weights[stock["currency"]] = weights.get(stock["currency"], Decimal(0)) + weight
    cash = {currency: _amount(weight, rates[currency]) for currency, weight in sorted(weights.items()) if weight}
    left = TOTAL_EUR - sum((Decimal(amount) / rates[currency] for currency, amount in cash.items()), Decimal(0))
    alpaca = Decimal(_amount(american, rates["USD"])) or Decimal(1000)
    left -= alpaca / rates["USD"]
    cash["EUR"] = str(Decimal(cash.get("EUR", "0")) + max(left, Decimal(1000)).quantize(Decimal(1)))
    write_json(target.resolve().as_uri(), {"ibkr": cash, "alpaca": {"USD": str(alpaca)}, MADE_FOR: screens})


def _amount(weight: Decimal, rate: Decimal) -> str:
    return str((weight * TOTAL_EUR * SPARE * rate).quantize(Decimal(1)))


def _targets(settings: Settings, screens: str, as_of: date, folder: Path) -> dict[str, Any]:
    aside = Settings(settings.environ.model_copy(update={"data_uri": root_uri(folder)}))
    moment = datetime.combine(as_of, time(23, 59), UTC) + timedelta(hours=6)
    params = {"screens": screens, "as_of": as_of, "execution_mode": ExecutionMode.PLAN.value}
    run = resolve_run(aside, run_id="funding", run_after=moment, params=params)
    for screen in run.screens:
        fetch_screens(run, screen.key)
    build_universe(run)
    add_history(run)
    optimize_screens(run)
    convert_currency(run)
    document: dict[str, Any] = read_json(set_targets(run))
    return document
