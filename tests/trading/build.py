"""Small builders for planning tests: two accounts, a contract each, round numbers."""

from datetime import UTC, date, datetime
from decimal import Decimal

from include.domain.account import Account, AccountSnapshot, Environment, Position
from include.domain.contract import Contract
from include.domain.mapping import Mapping, MappingStatus
from include.domain.portfolio import Limits, Portfolio
from include.domain.quote import Quote
from include.trading.candidate import Candidate, Holding
from include.trading.plan_input import PlanInput

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLOSE = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
SANDBOX = Environment.SANDBOX


def portfolio(**changes: object) -> Portfolio:
    accounts = (
        Account(account_id="ibkr-main", broker="ibkr", environment=SANDBOX),
        Account(account_id="alpaca-main", broker="alpaca", environment=SANDBOX),
    )
    return Portfolio.model_validate(
        {"portfolio_id": "main", "environment": SANDBOX, "accounts": accounts, "limits": Limits(), **changes}
    )


def contract(broker: str = "ibkr", native_id: str = "265598", symbol: str = "AAPL", **changes: object) -> Contract:
    values = {"broker": broker, "native_id": native_id, "symbol": symbol, "name": "Apple Inc", "currency": "USD", "mic": "XNAS"}
    return Contract.model_validate({**values, **changes})


def mapping(
    found: Contract | None, *, status: MappingStatus = MappingStatus.MATCHED, broker: str = "ibkr", reason: str | None = None
) -> Mapping:
    return Mapping(
        broker=found.broker if found else broker,
        ticker="AAPL",
        instrument_id="isin:US0378331005",
        status=status,
        contract=found,
        reason=reason,
    )


def candidate(*mappings: Mapping, weight: str = "0.05", holdings: tuple[Holding, ...] = (), **changes: object) -> Candidate:
    values: dict[str, object] = {
        "ticker": "AAPL",
        "instrument_id": "isin:US0378331005",
        "name": "Apple Inc",
        "target_weight": Decimal(weight),
        "export_price": Decimal(200),
        "export_currency": "USD",
        "market": "US",
        "mappings": {m.broker: m for m in mappings},
        "preference": ("alpaca", "ibkr"),
        "holdings": holdings,
    }
    return Candidate(**{**values, **changes})  # type: ignore[arg-type]


def snapshot(account_id: str = "ibkr-main", cash: dict[str, str] | None = None, **changes: object) -> AccountSnapshot:
    values = {
        "account_id": account_id,
        "broker": account_id.split("-", 1)[0],
        "environment": SANDBOX,
        "currency": "EUR",
        "equity": Decimal(100_000),
        "settled_cash": cash if cash is not None else {"USD": "100000", "EUR": "100000"},
        "taken_at": NOON,
        "session": "2026-11-20",
    }
    return AccountSnapshot.model_validate({**values, **changes})


def position(native_id: str, quantity: str, symbol: str = "AAPL") -> Position:
    return Position(native_id=native_id, symbol=symbol, currency="USD", quantity=Decimal(quantity))


def quote(native_id: str = "265598", price: str = "200", currency: str = "USD") -> Quote:
    return Quote(native_id=native_id, currency=currency, bid=Decimal(price), ask=Decimal(price), time=NOON)


def plan_input(*candidates: Candidate, **changes: object) -> PlanInput:
    values: dict[str, object] = {
        "portfolio": portfolio(),
        "as_of": date(2026, 11, 20),
        "revision": 1,
        "nav": Decimal(100_000),
        "rates": {"EUR": Decimal(1), "USD": Decimal("1.25"), "JPY": Decimal(160)},
        "candidates": candidates,
        "snapshots": {"ibkr-main": snapshot(), "alpaca-main": snapshot("alpaca-main")},
        "quotes": {("ibkr-main", "265598"): quote(), ("alpaca-main", "uuid-aapl"): quote("uuid-aapl")},
        "frozen": {},
        "valid_until": {"US": CLOSE, "XTKS": CLOSE},
    }
    return PlanInput(**{**values, **changes})  # type: ignore[arg-type]


def held_at_ibkr(quantity: str) -> Holding:
    return Holding("ibkr-main", contract(), Decimal(quantity))


def with_position(quantity: str) -> dict[str, object]:
    held = snapshot(positions=(position("265598", quantity),))
    return {"snapshots": {"ibkr-main": held, "alpaca-main": snapshot("alpaca-main")}}


AT_IBKR = mapping(contract())
AT_ALPACA = mapping(contract("alpaca", "uuid-aapl"))
