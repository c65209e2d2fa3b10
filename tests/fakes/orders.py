"""Orders, contracts, portfolios and runs for tests, complete and small."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from include.domain.account import Account, Environment
from include.domain.contract import Contract
from include.domain.order import Order, Side
from include.domain.portfolio import ExecutionMode, Portfolio
from include.domain.run import Run
from include.trading.order_id import client_order_id

SESSION = "2026-01-05"
PLANNED_AT = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
VALID_UNTIL = datetime(2026, 1, 6, 21, 0, tzinfo=UTC)
NOON = datetime(2026, 1, 6, 17, 0, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 1, 7, 9, 0, tzinfo=UTC)


def make_contract(native_id: str = "101", currency: str = "USD", **changes: Any) -> Contract:
    return Contract(broker="fake", native_id=native_id, symbol=f"S{native_id}", currency=currency, mic="XNAS", **changes)


def make_order(
    ticker: str = "AAA",
    native_id: str = "101",
    side: Side = Side.BUY,
    quantity: str = "10",
    price: str = "50",
    account: str = "fake-main",
    portfolio: str = "main",
    as_of: str = SESSION,
    revision: int = 1,
    **changes: Any,
) -> Order:
    """A DAY limit order; EUR base at 1.25 USD, so 10 x 50 USD are 400 EUR."""
    instrument = f"ticker:{ticker}"
    amount = Decimal(quantity)
    current = Decimal(0) if side is Side.BUY else amount
    values: dict[str, Any] = {
        "client_order_id": client_order_id(portfolio, "sandbox", account, as_of, revision, instrument, side),
        "portfolio": portfolio,
        "environment": "sandbox",
        "account": account,
        "broker": "fake",
        "as_of": as_of,
        "revision": revision,
        "ticker": ticker,
        "instrument_id": instrument,
        "contract": make_contract(native_id),
        "mic": "XNAS",
        "side": side,
        "quantity": amount,
        "limit_price": Decimal(price),
        "quote_price": Decimal(price),
        "quote_time": PLANNED_AT,
        "fx_rate": Decimal("1.25"),
        "notional": amount * Decimal(price) / Decimal("1.25"),
        "current_quantity": current,
        "target_quantity": current + side.sign * amount,
        "delta_quantity": side.sign * amount,
        "reason": "towards target",
        "valid_until": VALID_UNTIL,
    }
    return Order(**{**values, **changes})


def make_account(account_id: str = "fake-main", environment: Environment = Environment.SANDBOX) -> Account:
    return Account(account_id=account_id, broker="fake", environment=environment)


def make_portfolio(*account_ids: str, **changes: Any) -> Portfolio:
    values: dict[str, Any] = {
        "portfolio_id": "main",
        "environment": Environment.SANDBOX,
        "accounts": tuple(make_account(name) for name in account_ids or ("fake-main",)),
    }
    return Portfolio(**{**values, **changes})


def make_run(folder: str, *portfolios: Portfolio, **changes: Any) -> Run:
    values: dict[str, Any] = {
        "run_id": "scheduled__2026-01-05",
        "folder": folder,
        "as_of": date(2026, 1, 5),
        "run_after": PLANNED_AT,
        "mode": ExecutionMode.PAPER,
        "is_backfill": False,
        "is_newest": True,
        "brokers": ("fake",),
        "portfolios": portfolios or (make_portfolio(),),
        "screens": (),
        "config_sha256": "0" * 64,
        "options": {"reconcile_timeout_seconds": 60, "reconcile_poll_seconds": 2},
    }
    return Run(**{**values, **changes})


class Clock:
    """A clock that moves only when somebody waits."""

    def __init__(self, start: datetime = NOON) -> None:
        self.time = start
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self.time

    def wait(self, seconds: float) -> None:
        from datetime import timedelta

        self.waited.append(seconds)
        self.time += timedelta(seconds=seconds)
