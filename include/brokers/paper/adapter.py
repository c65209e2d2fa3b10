"""Paper trading in process, at the quotes of the broker it mirrors: the port's reference implementation.

Contracts are the mirror's own, with native ids `<mirror>:<native id>`. Orders fill at the mirror's fresh bid and ask plus
slippage, in `include/simulation`; the account lives in the project's database. Nothing happens between calls: resting orders
are looked at when somebody asks for them, at the quotes of that moment.

It converts by itself: what a purchase needs in a foreign currency is first taken from cash in that currency, the rest bought with
the base currency at the middle of the mirror's FX quote; proceeds in a foreign currency are sold for it the same way. So a shadow
portfolio needs no funding per currency.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime

import pyarrow as pa

from include.brokers.base import Broker, BrokerContext, Capabilities, ConnectionState, ResendClass
from include.brokers.paper.account import PaperAccount, PaperLedger
from include.brokers.paper.config import PaperConfig
from include.brokers.paper.market import Market
from include.brokers.paper.mirror import PAPER, Mirror
from include.brokers.paper.reports import order_report, position, refusal
from include.brokers.paper.requests import request
from include.domain.account import Account, AccountSnapshot, Environment
from include.domain.bar import Bar, BarSize
from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import Fill, Order, OrderChange, OrderReport, OrderState, OrderType, TimeInForce
from include.domain.quote import Quote
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    DuplicateOrder,
    InputError,
    InvalidSymbol,
    OrderRejected,
)
from include.simulation.engine import Profit, SimOrder
from include.simulation.profits import total


def utc_now() -> datetime:
    """Wall-clock time, aware UTC."""
    return datetime.now(UTC)


class PaperBroker(Broker):
    """One paper account.

    The state is kept under `broker_account`, else under `account_id`.

    Args:
        clock: Gives the time of fills, aware UTC.
    """

    name = PAPER

    def __init__(self, account: Account, context: BrokerContext, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(account, context)
        self._clock = clock
        self._config = PaperConfig.read(context.config)
        self._mirror = Mirror(context.mirror)
        self._market = Market(self._mirror, self._config, clock)
        self._opened: PaperLedger | None = None
        self._state = ConnectionState.DISCONNECTED
        mirrored = context.mirror.capabilities if context.mirror else None
        self.capabilities = Capabilities(
            lists_all=mirrored.lists_all if mirrored else False,
            knows_isin=mirrored.knows_isin if mirrored else True,
            resend=ResendClass.DUPLICATE_REFUSED,
            order_types=frozenset(OrderType),
            times_in_force=frozenset(TimeInForce),
            asset_classes=mirrored.asset_classes if mirrored else frozenset(AssetClass),
            fractional=mirrored.fractional if mirrored else False,
            brackets=True,
            cash_amounts=True,
            extended_hours=True,
            modifies=True,
            bars=mirrored.bars if mirrored else False,
            quote_stream=mirrored.quote_stream if mirrored else False,
        )

    @property
    def source(self) -> str:
        """The mirror's: its ids, with a prefix."""
        return f"{PAPER}-{self._mirror.broker.source}"

    @property
    def state(self) -> ConnectionState:
        """Degraded while the mirror is not connected: the account can be read, nothing fills."""
        mirror = self.context.mirror
        if self._state is ConnectionState.CONNECTED and (mirror is None or mirror.state is not ConnectionState.CONNECTED):
            return ConnectionState.DEGRADED
        return self._state

    def connect(self) -> None:
        """Check that there is a store for the account. The mirror was opened, and is closed, by whoever made the context."""
        self._state = ConnectionState.CONNECTING
        self._ledger()

    def close(self) -> None:
        """Nothing is held open; what was in memory is forgotten."""
        self._opened, self._state = None, ConnectionState.CLOSED

    def prove_environment(self) -> None:
        """An account in process moves no money: it can only be `paper` or `sandbox`.

        Raises:
            AuthenticationFailed: The account claims `live`.
        """
        if self.account.environment is Environment.LIVE:
            raise AuthenticationFailed(f"{self.account.account_id}: a paper account cannot be live; set its environment to paper")

    # --- the market, which is the mirror's ----------------------------------------------------------------------------

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """The mirror's contracts as this broker's.

        Raises:
            BrokerUnavailable: There is no mirror, or it cannot be read.
        """
        return self._mirror.contracts(wanted)

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """The mirror's quotes, by our native ids."""
        return self._mirror.quotes(contracts)

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        """The mirror's FX quotes."""
        return self._mirror.broker.fx_quotes(base, currencies)

    def bars(self, contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
        """The mirror's bars."""
        return self._mirror.bars(contract, size, start, end)

    def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        """The mirror's quotes as they change. They fill nothing by themselves."""
        return self._mirror.stream_quotes(contracts)

    # --- the account --------------------------------------------------------------------------------------------------

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """The account at the mirror's quotes (a position without one at its last price), in the base currency.

        Raises:
            BrokerUnavailable: The mirror cannot be read, or has no rate for a currency that is held.
        """

        def read(account: PaperAccount) -> AccountSnapshot:
            self._market.refresh(account, account.in_use())
            engine = account.engine
            return AccountSnapshot(
                account_id=self.account.account_id,
                broker=PAPER,
                environment=self.account.environment,
                currency=self._config.base_currency,
                equity=self._market.valued(account, lambda rates: engine.equity(rates, self._config.base_currency)),
                settled_cash=dict(engine.cash),
                positions=tuple(
                    position(held, account.contracts[key], engine.marks.get(key)) for key, held in engine.positions.items()
                ),
                open_orders=tuple(order_report(order, engine) for order in engine.open_orders()),
                taken_at=taken_at,
                session=session,
            )

        return self._ledger().look(read)

    def profits(self) -> tuple[list[Profit], Profit]:
        """(every contract ever traded, in its currency; the whole account in the base currency), at the mirror's quotes.

        Raises:
            BrokerUnavailable: The mirror cannot be read, or has no rate for a currency that was traded.
        """

        def read(account: PaperAccount) -> tuple[list[Profit], Profit]:
            self._market.refresh(account, account.in_use())
            rows = account.engine.profits()
            return rows, self._market.valued(account, lambda rates: total(rows, rates, self._config.base_currency))

        return self._ledger().look(read)

    def list_orders(self, *, open_only: bool = True) -> list[OrderReport]:
        """Orders ever taken, oldest first; those that stand are first filled as far as the mirror's quotes let them."""

        def read(account: PaperAccount) -> list[OrderReport]:
            self._market.let_fill(account, account.engine.open_orders())
            orders = account.engine.open_orders() if open_only else account.engine.orders.values()
            return [order_report(order, account.engine) for order in orders]

        return self._ledger().look(read)

    def fills(self, since: datetime) -> list[tuple[str, Fill]]:
        """(client order id, fill) of every execution at or after `since`, oldest first; of brackets' closing orders, too."""

        def read(account: PaperAccount) -> list[tuple[str, Fill]]:
            self._market.let_fill(account, account.engine.open_orders())
            return [(order.client_order_id, fill) for order, fill in account.engine.fills(since)]

        return self._ledger().look(read)

    # --- orders -------------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> OrderReport:
        """Fill an order at the mirror's fresh quote, or let it rest.

        Raises:
            AuthenticationFailed: The account claims `live`.
            DuplicateOrder: The id was used before.
            InsufficientFunds / InvalidQuantity / InvalidSymbol / MarketClosed / NotPermitted / OrderRejected: Refused; nothing
                stands.
            BrokerUnavailable: The mirror cannot be read, or has no rate for the currency; nothing was changed.
            Transient: The account cannot be written now; nothing was changed.
            OutcomeUnknown: It was written, or not: the database went away before it said so.
        """
        self.prove_environment()
        self._mirror.theirs(order.contract)

        def send(account: PaperAccount) -> OrderReport:
            if account.engine.find(order.client_order_id):
                words = f"{order.client_order_id} stands already in paper account {self.account.account_id}"
                raise DuplicateOrder(words, broker=PAPER)
            account.know(order.contract)
            self._market.refresh(account, [order.contract])
            if account.engine.ledger.rate(order.contract.currency) is None:
                words = f"paper: {self._mirror.broker.name} has no rate for {order.contract.currency}"
                raise BrokerUnavailable(words, broker=PAPER)
            if order.order_type is not OrderType.MARKET and account.engine.quote(order.contract.native_id) is None:
                words = f"paper: {self._mirror.broker.name} quotes no {order.contract.symbol}: unknown there, or not traded"
                raise InvalidSymbol(words, broker=PAPER, broker_code="no_quote")
            now = self._clock()
            done = account.engine.submit(request(order, now), now)
            if done.state is OrderState.REJECTED:
                raise refusal(done)
            return order_report(done, account.engine)

        return self._ledger().change(send)

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by our id, filled further where the mirror's quotes have crossed it; None when it was never taken."""

        def look(account: PaperAccount) -> OrderReport | None:
            self._market.let_fill(account, account.engine.find(client_order_id))
            found = account.engine.find(client_order_id)
            return order_report(found[0], account.engine) if found else None

        return self._ledger().look(look)

    def cancel(self, client_order_id: str) -> OrderReport:
        """Cancel what is left of an order. A bracket's closing orders stay: they have ids of their own (`<id>-tp`, `<id>-sl`).

        Raises:
            OrderRejected: There is no such order.
            OutcomeUnknown: As `submit`.
        """

        def end(account: PaperAccount) -> OrderReport:
            order = self._standing(account, client_order_id)
            return order_report(account.engine.cancel(order.order_id, self._clock()), account.engine)

        return self._ledger().change(end)

    def modify(self, client_order_id: str, change: OrderChange) -> OrderReport:
        """Change a standing order, after it was filled as far as the mirror's quotes let it, and fill it again if they do.

        Raises:
            OrderRejected: There is no such order, it is final, or it would not be taken like that: it stands as before.
            OutcomeUnknown: As `submit`.
        """

        def do(account: PaperAccount) -> OrderReport:
            order = self._standing(account, client_order_id)
            return order_report(account.engine.modify(order.order_id, change, self._clock()), account.engine)

        return self._ledger().change(do)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _ledger(self) -> PaperLedger:
        if self._state is ConnectionState.CLOSED:
            raise BrokerUnavailable("paper: not connected", broker=PAPER)
        if self.context.accounts is None:
            raise InputError("expected a store for paper accounts", source="BrokerContext", field="accounts")
        if self._opened is None:
            key = self.account.broker_account or self.account.account_id
            self._opened = PaperLedger(self.context.accounts, key, self._config)
            self._state = ConnectionState.CONNECTED
        return self._opened

    def _standing(self, account: PaperAccount, client_order_id: str) -> SimOrder:
        """The order by our id, brought up to date. Raises `OrderRejected`."""
        self._market.let_fill(account, account.engine.find(client_order_id))
        found = account.engine.find(client_order_id)
        if not found:
            words = f"paper account {self.account.account_id} has no order {client_order_id}"
            raise OrderRejected(words, broker=PAPER)
        return found[0]
