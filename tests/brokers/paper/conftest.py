"""A mirror and an account store that behave, in memory."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from include.brokers.base import Broker, BrokerContext, Capabilities, ResendClass
from include.brokers.paper.adapter import PaperBroker
from include.domain.account import Account, AccountSnapshot, Environment
from include.domain.bar import Bar, BarSize
from include.domain.contract import Contract, to_table
from include.domain.instrument import Instrument
from include.domain.order import Order, OrderReport, OrderType, Side, TimeInForce
from include.domain.quote import Quote
from include.errors import BrokerUnavailable, Transient, Unsupported

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Mirror(Broker):
    """A reading broker with prices to set; `down` makes every call fail."""

    name = "ibkr"
    capabilities = Capabilities(
        lists_all=False,
        knows_isin=True,
        resend=ResendClass.TAG_ONLY,
        order_types=frozenset({"limit"}),
        times_in_force=frozenset({"day"}),
        asset_classes=frozenset({"stock", "etf"}),
    )

    def __init__(self) -> None:
        super().__init__(Account(account_id="ibkr-main", broker="ibkr"), BrokerContext())
        self.listed: list[Contract] = []
        self.prices: dict[str, tuple[Decimal | None, Decimal | None, Decimal | None]] = {}
        self.rates: dict[str, Decimal] = {"USD": Decimal("1.25"), "JPY": Decimal(160)}
        self.has_fx = True
        self.down = False
        self.time = NOW

    def _answer(self) -> None:
        if self.down:
            raise BrokerUnavailable("ibkr: not reachable")

    def connect(self) -> None:
        self._answer()

    def close(self) -> None:
        return None

    def prove_environment(self) -> None:
        return None

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        self._answer()
        isins = {instrument.isin for instrument in wanted}
        yield from to_table([contract for contract in self.listed if contract.isin in isins]).to_batches()

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        self._answer()
        found = {}
        for contract in contracts:
            assert contract.broker == "ibkr", "the mirror knows its own contracts only"
            if contract.native_id in self.prices:
                bid, ask, last = self.prices[contract.native_id]
                found[contract.native_id] = Quote(
                    native_id=contract.native_id, currency=contract.currency, bid=bid, ask=ask, last=last, time=self.time
                )
        return found

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        self._answer()
        if not self.has_fx:
            raise Unsupported("no pairs")
        assert base == "EUR"
        return {
            currency: Quote(
                native_id=f"fx{currency}",
                currency=currency,
                bid=self.rates[currency] - Decimal("0.01"),
                ask=self.rates[currency] + Decimal("0.01"),
                time=self.time,
            )
            for currency in currencies
            if currency in self.rates
        }

    def bars(self, contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
        self._answer()
        assert contract.broker == "ibkr"
        price = Decimal(100)
        bar = Bar(
            native_id=contract.native_id,
            currency="USD",
            time=start,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=Decimal(7),
        )
        return [bar]

    async def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        for quote in self.quotes(contracts).values():
            yield quote

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        raise Unsupported("reading only")

    def submit(self, order: Order) -> OrderReport:
        raise Unsupported("reading only")

    def find_order(self, client_order_id: str) -> OrderReport | None:
        raise Unsupported("reading only")

    def cancel(self, client_order_id: str) -> OrderReport:
        raise Unsupported("reading only")


Rows = dict[tuple[str, str], Any]


@dataclass
class Store:
    """Accounts by key: version, head, rows with the version that wrote them, as JSON text.

    `meanwhile` runs once before the next save, as another process would; `down` refuses to write.
    """

    accounts: dict[str, tuple[int, str]] = field(default_factory=dict)
    rows: dict[str, dict[tuple[str, str], tuple[int, str]]] = field(default_factory=dict)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    saves: int = 0
    written: int = 0
    down: bool = False

    def version(self, account_id: str) -> int:
        return self.accounts.get(account_id, (0, ""))[0]

    def load(self, account_id: str, after: int = 0) -> tuple[int, dict[str, Any], Rows] | None:
        if account_id not in self.accounts:
            return None
        version, head = self.accounts[account_id]
        rows = self.rows.get(account_id, {})
        return version, json.loads(head), {key: json.loads(text) for key, (written, text) in rows.items() if written > after}

    def save(self, account_id: str, changed: Rows, expected_version: int, head: dict[str, Any] | None = None) -> bool:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if self.down:
            raise Transient("locked")
        if self.version(account_id) != expected_version:
            return False
        self.saves += 1
        self.written += len(changed)
        version = expected_version + 1
        self.accounts[account_id] = (version, self.accounts[account_id][1] if head is None else json.dumps(head))
        self.rows.setdefault(account_id, {}).update({key: (version, json.dumps(body)) for key, body in changed.items()})
        return True


@pytest.fixture
def mirror() -> Mirror:
    """Quotes 99 / 101 dollars for `1` and 1,590 / 1,610 yen for `2`; nothing for `3`."""
    made = Mirror()
    made.prices = {"1": (Decimal(99), Decimal(101), Decimal(100)), "2": (Decimal(1590), Decimal(1610), None)}
    made.listed = [
        Contract(broker="ibkr", native_id="1", symbol="ONE", name="One Inc", currency="USD", mic="XNAS", isin="US0000000001"),
        Contract(broker="ibkr", native_id="2", symbol="2222", currency="JPY", isin="JP0000000002", lot_size=Decimal(100)),
    ]
    return made


@pytest.fixture
def store() -> Store:
    return Store()


CONFIG = {"mirrors": "ibkr", "base_currency": "EUR", "starting_cash": {"EUR": "100000"}}


@pytest.fixture
def open_paper(mirror: Mirror, store: Store) -> Callable[..., PaperBroker]:
    """Makes a paper broker on the shared mirror and store; free of costs unless told otherwise."""

    def make(environment: Environment = Environment.PAPER, at: datetime = NOW, **config: object) -> PaperBroker:
        account = Account(account_id="paper-shadow", broker="paper", environment=environment)
        return PaperBroker(account, BrokerContext(config=CONFIG | config, accounts=store, mirror=mirror), lambda: at)

    return make


@pytest.fixture
def order() -> Callable[..., Order]:
    """Makes an order: buy 10 of `ibkr:1` at a limit of 102 USD, but for what is said otherwise."""

    def make(
        client_order_id: str = "A",
        side: Side = Side.BUY,
        quantity: str = "10",
        limit: str | None = "102",
        contract: dict[str, object] | None = None,
        **other: object,
    ) -> Order:
        values: dict[str, object] = {
            "client_order_id": client_order_id,
            "portfolio": "shadow",
            "environment": "paper",
            "account": "paper-shadow",
            "broker": "paper",
            "as_of": "2026-02-27",
            "revision": 1,
            "ticker": "ONE",
            "instrument_id": "isin:US0000000001",
            "contract": {
                "broker": "paper",
                "native_id": "ibkr:1",
                "symbol": "ONE",
                "name": "One Inc",
                "currency": "USD",
                "mic": "XNAS",
                "isin": "US0000000001",
            }
            | (contract or {}),
            "mic": "XNAS",
            "side": side,
            "order_type": OrderType.LIMIT if limit else OrderType.MARKET,
            "time_in_force": TimeInForce.DAY,
            "quantity": Decimal(quantity),
            "limit_price": Decimal(limit) if limit else None,
            "quote_price": Decimal(100),
            "quote_time": NOW,
            "fx_rate": Decimal("1.25"),
            "notional": Decimal(800),
            "current_quantity": Decimal(0),
            "target_quantity": Decimal(10),
            "delta_quantity": Decimal(10),
            "reason": "test",
            "valid_until": NOW + timedelta(hours=6),
        }
        return Order.model_validate(values | other)

    return make
