"""A run's files, as the steps before planning leave them: two instruments, two accounts, round numbers."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from include.domain.account import Environment
from include.domain.mapping import Mapping, MappingStatus
from include.domain.portfolio import ExecutionMode
from include.domain.run import Run
from include.settings import Options
from include.storage.artifacts import write_json
from include.storage.run_folder import RunFolder
from tests.trading.build import contract, portfolio, snapshot

AFTER_CLOSE = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)


def make_run(folder: Path, **changes: object) -> Run:
    values: dict[str, Any] = {
        "run_id": "manual__1",
        "folder": folder.as_uri(),
        "as_of": date(2026, 11, 20),
        "run_after": AFTER_CLOSE,
        "mode": ExecutionMode.PAPER,
        "is_backfill": False,
        "is_newest": True,
        "brokers": ("alpaca", "ibkr"),
        "portfolios": (portfolio(),),
        "screens": (),
        "config_sha256": "0" * 64,
        "options": Options().model_dump(mode="json"),
    }
    return Run.model_validate({**values, **changes})


def stock(ticker: str, **changes: object) -> dict[str, Any]:
    row = {
        "ticker": ticker,
        "instrument_id": f"ticker:{ticker}",
        "name": f"{ticker} Inc",
        "price": 200.0,
        "currency": "USD",
        "market": "US",
        "asset_class": "stock",
    }
    return {**row, **changes}


def write_inputs(run: Run, *, weights: dict[str, float] | None = None, frozen: str | None = None) -> None:
    """Everything `plan_orders` reads: AAPL at both brokers (5 %), IBM at IBKR only (2 %)."""
    folder = RunFolder(run.folder)
    weights = weights or {"AAPL": 0.05, "IBM": 0.02}
    rates = {"EUR": {"rate": 1.0}, "USD": {"rate": 1.25}}
    universe = {"metadata": {"exchange_rates": {"base": "EUR", "rates": rates}}, "all_stocks": {t: stock(t) for t in weights}}
    write_json(folder.universe, universe)
    write_json(folder.run, run)
    write_order(run, weights)
    for one in run.portfolios:
        positions = {ticker: {"target_weight": str(weight)} for ticker, weight in weights.items()}
        sizes = {"nav": "100000", "plan_only": False, "plan_only_reason": None, "positions": positions}
        write_json(folder.sizes(one.portfolio_id), sizes)
        for account in one.accounts:
            if account.account_id != frozen:
                write_json(folder.account(account.account_id), snapshot(account.account_id))
    at_ibkr = [found("ibkr", ticker, f"con-{ticker}") for ticker in weights]
    at_alpaca = [found("alpaca", t, "uuid-AAPL") if t == "AAPL" else missing("alpaca", t) for t in weights]
    write_json(folder.mapping("ibkr"), {"broker": "ibkr", "mappings": at_ibkr})
    write_json(folder.mapping("alpaca"), {"broker": "alpaca", "mappings": at_alpaca})


def write_order(run: Run, tickers: Iterable[str], *order: str) -> None:
    """What planning reads of `universe_mapped.json`."""
    rows = {ticker: {"broker_order": list(order or ("alpaca", "ibkr", "paper"))} for ticker in tickers}
    write_json(RunFolder(run.folder).universe_mapped, {"all_stocks": rows})


def found(broker: str, ticker: str, native_id: str) -> Mapping:
    return Mapping(
        broker=broker,
        ticker=ticker,
        instrument_id=f"ticker:{ticker}",
        status=MappingStatus.MATCHED,
        contract=contract(broker, native_id, ticker),
        search_method="ticker",
    )


def missing(broker: str, ticker: str) -> Mapping:
    values = {"broker": broker, "ticker": ticker, "instrument_id": f"ticker:{ticker}", "status": "not_found"}
    return Mapping.model_validate({**values, "reason": "symbol_not_found"})


__all__ = ["AFTER_CLOSE", "Environment", "found", "make_run", "missing", "stock", "write_inputs", "write_order"]
