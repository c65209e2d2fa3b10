"""Broker account: who it belongs to, and what it held at one moment."""

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from include.domain.model import Value
from include.domain.order import OrderReport, Side


class Environment(StrEnum):
    """Which money an account moves. A portfolio never mixes them; a missing claim means `live`."""

    SANDBOX = "sandbox"
    PAPER = "paper"
    LIVE = "live"


class Account(Value):
    """One account at one broker, as a portfolio names it.

    Attributes:
        account_id: Ours, unique in the configuration, e.g. `ibkr-main`.
        broker: Broker name (`ibkr`, `alpaca`, `paper`).
        environment: What it claims to be; the adapter proves it before anything is sent.
        broker_account: The broker's account code, where a login has several; None: the only one.
        connection: Airflow Connection id; default `polybroker_<broker>`. An account that names one has variables of its own, too.
    """

    account_id: str
    broker: str
    environment: Environment = Environment.LIVE
    broker_account: str | None = None
    connection: str | None = None

    @property
    def variable_suffix(self) -> str:
        """What follows the names of its variables in the environment (`__SECOND`); "" where it names no connection."""
        return "__" + re.sub(r"[^A-Z0-9]", "_", self.connection.upper()) if self.connection else ""


class Position(Value):
    """What an account holds of one contract. `quantity` is signed: long positive, short negative.

    Attributes:
        market_price: Last price in currency units, None where the broker does not tell.
    """

    native_id: str
    symbol: str
    name: str = ""
    isin: str | None = None
    currency: str
    mic: str = ""
    quantity: Decimal
    average_cost: Decimal | None = None
    market_price: Decimal | None = None


class AccountSnapshot(Value):
    """What one account held at `taken_at`.

    Attributes:
        currency: The account's own base currency at the broker.
        equity: Net liquidation value in `currency`.
        settled_cash: Currency -> settled cash (never buying power). Negative means owed.
        positions: Everything the account holds, managed or not.
        open_orders: Orders not final at the broker.
        frozen: True when this is an older snapshot standing in for an account that could not be read.
        frozen_reason: Why, for people.
        session: Session (ISO date) the snapshot was taken for.
    """

    account_id: str
    broker: str
    environment: Environment
    currency: str
    equity: Decimal
    settled_cash: dict[str, Decimal]
    positions: tuple[Position, ...] = ()
    open_orders: tuple[OrderReport, ...] = ()
    taken_at: datetime
    session: str
    frozen: bool = False
    frozen_reason: str | None = None

    def held(self, native_id: str) -> Decimal:
        """Signed quantity of a contract; 0 where there is none."""
        return sum((p.quantity for p in self.positions if p.native_id == native_id), Decimal(0))

    def being_sold(self, native_id: str) -> Decimal:
        """What open orders, whoever placed them, may still sell of a contract, positive; 0 where none does."""
        return sum((r.quantity - r.filled_quantity for r in self._standing(native_id, Side.SELL) if r.quantity), Decimal(0))

    def being_bought(self, native_id: str, but: str | None = None) -> Decimal | None:
        """What open orders, whoever placed them, may still buy of a contract, positive; 0 where none does.

        None where that cannot be told: the broker gives no quantity of one of them, because it is for an amount of money.

        Args:
            native_id: The contract.
            but: Client order id of an order that does not count.
        """
        bought = Decimal(0)
        for report in self._standing(native_id, Side.BUY):
            if report.client_order_id == but:
                continue
            if report.quantity is None:
                return None
            bought += report.quantity - report.filled_quantity
        return bought

    def _standing(self, native_id: str, side: Side) -> list[OrderReport]:
        # A broker may list what it has refused, too (IBKR's `Inactive`).
        return [r for r in self.open_orders if r.native_id == native_id and r.side is side and not r.state.is_final]
