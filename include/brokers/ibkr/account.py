"""What an account at IBKR holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from include.brokers.ibkr.details import Row, number
from include.brokers.ibkr.orders import open_reports
from include.brokers.ibkr.session import Session
from include.domain.account import Account, AccountSnapshot, Position
from include.domain.order import OrderReport
from include.errors import BrokerUnavailable

ZERO = Decimal(0)


@dataclass(frozen=True)
class AccountState:
    """As IBKR told it.

    Attributes:
        values: (tag, currency) -> text.
        positions: the library's positions of this account.
        prices: conId -> last market price in currency units.
        open_trades: the library's trades of this account that are open, whoever placed them.
    """

    code: str
    values: Mapping[tuple[str, str], str]
    positions: Sequence[Any]
    prices: Mapping[int, float]
    open_trades: Sequence[Any]

    @property
    def con_ids(self) -> list[str]:
        """Of everything held or ordered."""
        return [str(each.contract.conId) for each in (*self.positions, *self.open_trades)]


async def read(session: Session, code: str) -> AccountState:
    """Ask for values, positions and open orders, one after the other: IBKR answers these by name, not by request.

    Raises:
        BrokerUnavailable: One of them could not be read.
    """
    ib = session.ib
    for key in [key for key in ib.wrapper.accountValues if key[0] == code]:
        del ib.wrapper.accountValues[key]  # a tag that is not told again must not live on
    await session.ask(lambda: ib.reqAccountUpdatesMultiAsync(code))
    values = {(each.tag, each.currency): each.value for each in ib.accountValues(code)}
    positions = [each for each in await session.ask_named(ib.reqPositionsAsync) if each.account == code and each.position]
    trades = [each for each in await session.ask_named(ib.reqAllOpenOrdersAsync) if each.order.account in ("", code)]
    prices = {each.contract.conId: each.marketPrice for each in ib.portfolio(code)}
    return AccountState(code, values, positions, prices, [each for each in trades if not each.isDone()])


def snapshot(account: Account, state: AccountState, rows: Mapping[str, Row], session: str, taken_at: datetime) -> AccountSnapshot:
    """The account at one moment.

    Args:
        rows: Details by conId, for names, markets and magnifiers; a contract without them is shown as the position tells it.

    Raises:
        BrokerUnavailable: IBKR told no net liquidation value.
    """
    equity = [
        (currency, value) for (tag, currency), value in state.values.items() if tag == "NetLiquidation" and currency != "BASE"
    ]
    if len(equity) != 1:
        raise BrokerUnavailable(f"IBKR told no net liquidation value of account {state.code}")
    base, value = equity[0]
    magnifiers = {key: Decimal(row["price_magnifier"]) for key, row in rows.items()}
    reports: list[OrderReport] = open_reports(state.open_trades, magnifiers)
    return AccountSnapshot(
        account_id=account.account_id,
        broker=account.broker,
        environment=account.environment,
        currency=base,
        equity=_amount(value),
        settled_cash=settled_cash(state.values, base),
        positions=tuple(_position(each, rows.get(str(each.contract.conId)), state.prices) for each in state.positions),
        open_orders=tuple(reports),
        taken_at=taken_at,
        session=session,
    )


def settled_cash(values: Mapping[tuple[str, str], str], base: str) -> dict[str, Decimal]:
    """Currency -> cash that is settled for certain.

    IBKR tells cash per currency, but what of it is settled only as a total in the base currency. Where the two totals differ,
    the difference may lie in any currency: it is taken off each one that has cash.
    """
    cash = {currency: _amount(value) for (tag, currency), value in values.items() if tag == "CashBalance" and currency != "BASE"}
    total, settled = values.get(("TotalCashValue", base)), values.get(("SettledCash", base))
    unsettled = max(_amount(total) - _amount(settled), ZERO) if total and settled else ZERO
    if not unsettled:
        return cash
    certain = {}
    for currency, amount in cash.items():
        rate = Decimal(1) if currency == base else _amount(values.get(("ExchangeRate", currency), "0"))
        certain[currency] = max(amount - unsettled / rate, ZERO) if amount > 0 and rate > 0 else min(amount, ZERO)
    return certain


def _position(held: Any, row: Row | None, prices: Mapping[int, float]) -> Position:
    contract, price = held.contract, prices.get(held.contract.conId)
    told: Row = row or {"symbol": contract.symbol, "currency": contract.currency, "name": "", "isin": None, "mic": ""}
    return Position(
        native_id=str(contract.conId),
        symbol=told["symbol"],
        name=told["name"],
        isin=told["isin"],
        currency=told["currency"],
        mic=told["mic"],
        quantity=number(held.position),
        average_cost=number(held.avgCost),
        market_price=number(price) if price else None,
    )


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise BrokerUnavailable(f"IBKR told an amount that is no number: {text!r}") from None
