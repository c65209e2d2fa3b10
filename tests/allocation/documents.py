"""Universe documents, runs and accounts small enough to check by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.domain.account import Account, AccountSnapshot, Environment
from include.domain.market import Market
from include.domain.portfolio import ExecutionMode, Portfolio
from include.domain.run import Run

AS_OF = date(2026, 3, 4)  # a Wednesday; the session before is the 3rd
RUN_AFTER = datetime(2026, 3, 4, 21, 30, tzinfo=UTC)

MARKETS = {
    "XTKS": Market(
        market="XTKS",
        name="Tokyo",
        yahoo_suffix="T",
        mics=("XTKS",),
        currencies=("JPY",),
        calendar="XTKS",
        lot_size=Decimal(100),
        region="asia",
    ),
    "US": Market(
        market="US", name="United States", yahoo_suffix="", mics=("XNYS",), currencies=("USD",), calendar="XNYS", region="us"
    ),
    "XETR": Market(
        market="XETR", name="Xetra", yahoo_suffix="DE", mics=("XETR",), currencies=("EUR",), calendar="XETR", region="europe"
    ),
    "XLON": Market(
        market="XLON", name="London", yahoo_suffix="L", mics=("XLON",), currencies=("GBP",), calendar="XLON", region="europe"
    ),
}


def stock(ticker: str, **fields: Any) -> dict[str, Any]:
    suffix = ticker.rsplit(".", 1)[1] if "." in ticker else ""
    market = next(m for m in MARKETS.values() if m.yahoo_suffix == suffix)
    return {
        "ticker": ticker,
        "isin": None,
        "name": f"{ticker} Corp",
        "currency": market.currencies[0],
        "market": market.market,
        "price": 10.0,
        "price_180d_change": "1.00%",
        **fields,
    }


def universe(**screens: list[dict[str, Any]]) -> dict[str, Any]:
    """A universe document; each screen gets copies of its stocks, as reading from JSON would give."""
    all_stocks = {s["ticker"]: dict(s) for stocks in screens.values() for s in stocks}
    return {
        "metadata": {"historical_performance": {}},
        "screens": {k: {"name": k, "count": len(v), "stocks": [dict(s) for s in v]} for k, v in screens.items()},
        "all_stocks": all_stocks,
        "rejected": [],
    }


def history(returns: list[float], direction: str = "long", first_year: int = 2020) -> dict[str, Any]:
    """Quarterly returns in percent, as the entry of one screen."""
    rows = [{"quarter": f"{first_year + n // 4} Q{n % 4 + 1}", "return": f"{value:.2f}%"} for n, value in enumerate(returns)]
    return {"screen_name": "x", "direction": direction, "quarterly_data": rows}


def portfolio(portfolio_id: str = "main", accounts: tuple[str, ...] = ("one",), **fields: Any) -> Portfolio:
    return Portfolio(
        portfolio_id=portfolio_id,
        environment=Environment.PAPER,
        accounts=tuple(Account(account_id=a, broker="paper", environment=Environment.PAPER) for a in accounts),
        **fields,
    )


def run(folder: Path, *portfolios: Portfolio, **fields: Any) -> Run:
    options = {"max_rate_age_days": 7, "reference_calendar": "XNYS"} | fields.pop("options", {})
    values: dict[str, Any] = {
        "run_id": "test",
        "folder": folder.as_uri(),
        "as_of": AS_OF,
        "run_after": RUN_AFTER,
        "mode": ExecutionMode.PLAN,
        "is_backfill": False,
        "is_newest": True,
        "brokers": ("paper",),
        "portfolios": portfolios or (portfolio(),),
        "screens": (),
        "config_sha256": "0",
        "options": options,
    }
    return Run(**(values | fields))


def snapshot(account_id: str = "one", equity: str = "100000", currency: str = "EUR", **fields: Any) -> AccountSnapshot:
    values: dict[str, Any] = {
        "account_id": account_id,
        "broker": "paper",
        "environment": Environment.PAPER,
        "currency": currency,
        "equity": Decimal(equity),
        "settled_cash": {currency: Decimal(equity)},
        "taken_at": RUN_AFTER,
        "session": AS_OF.isoformat(),
    }
    return AccountSnapshot(**(values | fields))
