"""Paper trading in process, at the quotes of the broker it mirrors.

Contracts are the mirror's own, with native ids `<mirror>:<native id>`. Orders fill at the mirror's fresh bid and ask plus
slippage, in `include/simulation`; the account lives in the project's database.

It converts by itself: what a purchase needs in a foreign currency is first taken from cash in that currency, the rest bought with
the base currency at the middle of the mirror's FX quote; proceeds in a foreign currency are sold for it the same way. So a shadow
portfolio needs no funding per currency.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from include.brokers.base import Broker, BrokerContext, Capabilities, ResendClass
from include.brokers.paper.account import PaperAccount, PaperLedger
from include.brokers.paper.config import PaperConfig
from include.brokers.paper.reports import order_report, position, refusal
from include.domain.account import Account, AccountSnapshot, Environment
from include.domain.contract import CONTRACT_SCHEMA, Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import Order, OrderReport, OrderState, OrderType, TimeInForce
from include.domain.quote import Quote
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    DuplicateOrder,
    InputError,
    InvalidSymbol,
    OrderRejected,
    Transient,
    Unsupported,
)
from include.simulation.engine import SimOrder, SimRequest

PAPER = "paper"


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
        mirrored = context.mirror.capabilities if context.mirror else None
        self.capabilities = Capabilities(
            lists_all=mirrored.lists_all if mirrored else False,
            knows_isin=mirrored.knows_isin if mirrored else True,
            resend=ResendClass.DUPLICATE_REFUSED,
            order_types=frozenset(OrderType),
            times_in_force=frozenset(TimeInForce),
            asset_classes=mirrored.asset_classes if mirrored else frozenset(AssetClass),
            fractional=mirrored.fractional if mirrored else False,
        )

    @property
    def source(self) -> str:
        """The mirror's: its ids, with a prefix."""
        return f"{PAPER}-{self._mirror().source}"

    def connect(self) -> None:
        """Check that there is a store for the account. The mirror was opened, and is closed, by whoever made the context."""
        self._ledger()

    def close(self) -> None:
        """Nothing is held open."""

    def prove_environment(self) -> None:
        """An account in process moves no money: it can only be `paper` or `sandbox`.

        Raises:
            AuthenticationFailed: The account claims `live`.
        """
        if self.account.environment is Environment.LIVE:
            raise AuthenticationFailed(f"{self.account.account_id}: a paper account cannot be live; set its environment to paper")

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """The mirror's contracts as this broker's.

        Raises:
            BrokerUnavailable: There is no mirror, or it cannot be read.
        """
        mirror = self._mirror()
        for batch in mirror.contracts(wanted):
            columns = {name: batch.column(name) for name in CONTRACT_SCHEMA.names}
            columns["broker"] = pa.array([PAPER] * batch.num_rows, pa.string())
            columns["native_id"] = pc.binary_join_element_wise(f"{mirror.name}:", columns["native_id"], "")
            yield pa.RecordBatch.from_arrays([columns[name] for name in CONTRACT_SCHEMA.names], schema=CONTRACT_SCHEMA)

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """The mirror's quotes, by our native ids."""
        if not contracts:
            return {}
        mirror = self._mirror()
        theirs = [
            contract.model_copy(update={"broker": mirror.name, "native_id": self._their_id(contract)}) for contract in contracts
        ]
        found = mirror.quotes(theirs)
        return {
            f"{mirror.name}:{native_id}": quote.model_copy(update={"native_id": f"{mirror.name}:{native_id}"})
            for native_id, quote in found.items()
        }

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        """The mirror's FX quotes."""
        return self._mirror().fx_quotes(base, currencies)

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """The account at the mirror's quotes (a position without one at its last price), in the base currency.

        Raises:
            BrokerUnavailable: The mirror cannot be read, or has no rate for a currency that is held.
        """

        def read(account: PaperAccount) -> AccountSnapshot:
            self._refresh(account, account.in_use())
            engine = account.engine
            return AccountSnapshot(
                account_id=self.account.account_id,
                broker=PAPER,
                environment=self.account.environment,
                currency=self._config.base_currency,
                equity=self._equity(account),
                settled_cash=dict(engine.cash),
                positions=tuple(
                    position(held, account.contracts[key], engine.marks.get(key)) for key, held in engine.positions.items()
                ),
                open_orders=tuple(order_report(order) for order in engine.open_orders()),
                taken_at=taken_at,
                session=session,
            )

        return self._ledger().change(read)

    def submit(self, order: Order) -> OrderReport:
        """Fill an order at the mirror's fresh quote, or let it rest.

        Raises:
            AuthenticationFailed: The account claims `live`.
            DuplicateOrder: The id was used before.
            InsufficientFunds / InvalidQuantity / InvalidSymbol / NotPermitted / OrderRejected: Refused; nothing stands.
            BrokerUnavailable: The mirror cannot be read, or has no rate for the currency; nothing was changed.
        """
        self.prove_environment()
        self._their_id(order.contract)

        def send(account: PaperAccount) -> SimOrder:
            if account.engine.find(order.client_order_id):
                raise DuplicateOrder(f"{order.client_order_id} stands already in paper account {self.account.account_id}")
            account.know(order.contract)
            self._refresh(account, [order.contract])
            if account.engine.ledger.rate(order.contract.currency) is None:
                raise BrokerUnavailable(f"paper: {self._mirror().name} has no rate for {order.contract.currency}")
            done = account.engine.submit(_request(order, self._clock()), self._clock())
            if done.state is OrderState.REJECTED:
                raise refusal(done)
            return done

        return order_report(self._ledger().change(send))

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by our id, filled further where the mirror's quotes have crossed it; None when it was never taken."""

        def look(account: PaperAccount) -> SimOrder | None:
            self._let_fill(account, client_order_id)
            return next(iter(account.engine.find(client_order_id)), None)

        found = self._ledger().change(look)
        return order_report(found) if found else None

    def cancel(self, client_order_id: str) -> OrderReport:
        """Cancel what is left of an order.

        Raises:
            OrderRejected: There is no such order.
        """

        def end(account: PaperAccount) -> SimOrder:
            self._let_fill(account, client_order_id)
            found = account.engine.find(client_order_id)
            if not found:
                raise OrderRejected(f"paper account {self.account.account_id} has no order {client_order_id}")
            return account.engine.cancel(found[0].order_id, self._clock())

        return order_report(self._ledger().change(end))

    def _ledger(self) -> PaperLedger:
        if self.context.accounts is None:
            raise InputError("expected a store for paper accounts", source="BrokerContext", field="accounts")
        return PaperLedger(self.context.accounts, self.account.broker_account or self.account.account_id, self._config)

    def _mirror(self) -> Broker:
        if self.context.mirror is None:
            raise BrokerUnavailable("paper: the broker it mirrors is not open")
        return self.context.mirror

    def _their_id(self, contract: Contract) -> str:
        prefix, _, native_id = contract.native_id.partition(":")
        if contract.broker != PAPER or prefix != self._mirror().name or not native_id:
            raise InvalidSymbol(f"paper: {contract.broker} {contract.native_id} is no contract of {self._mirror().name}'s list")
        return native_id

    def _let_fill(self, account: PaperAccount, client_order_id: str) -> None:
        """New quotes for an open order; without the mirror the order stays as it is, which is still its true state."""
        orders = [order for order in account.engine.find(client_order_id) if order.is_open]
        try:
            self._refresh(account, [account.contracts[order.native_id] for order in orders])
        except Transient:
            account.engine.expire(self._clock())

    def _refresh(self, account: PaperAccount, contracts: Sequence[Contract]) -> None:
        """Rates first, then marks (which fill resting orders), then the end of DAY orders."""
        engine = account.engine
        base = self._config.base_currency
        currencies = sorted({contract.currency for contract in contracts} - {base})
        for currency, rate in self._rates(currencies).items():
            engine.set_rate(currency, rate)
        for native_id, quote in self.quotes(contracts).items():
            price = quote.mid
            if price is not None and price > 0:
                currency = account.contracts[native_id].currency
                engine.set_mark(native_id, currency, price, quote.time, bid=quote.bid, ask=quote.ask, now=self._clock())
        engine.expire(self._clock())

    def _rates(self, currencies: Sequence[str]) -> dict[str, Decimal]:
        if not currencies:
            return {}
        try:
            found = self.fx_quotes(self._config.base_currency, currencies)
        except Unsupported:
            return {}
        middles = {currency: quote.mid for currency, quote in found.items()}
        return {currency: rate for currency, rate in middles.items() if rate is not None and rate > 0}

    def _equity(self, account: PaperAccount) -> Decimal:
        held = {currency for currency, amount in account.engine.cash.items() if amount} - {self._config.base_currency}
        rates = account.engine.ledger.rates | self._rates(sorted(held - set(account.engine.ledger.rates)))
        try:
            return account.engine.equity(rates, self._config.base_currency)
        except InputError as error:
            raise BrokerUnavailable(f"paper: {error}") from error


def _request(order: Order, now: datetime) -> SimRequest:
    """The engine's request. Whether an order may go after its `valid_until` is decided elsewhere; here it then stands a day."""
    return SimRequest(
        client_order_id=order.client_order_id,
        native_id=order.contract.native_id,
        symbol=order.contract.symbol,
        currency=order.contract.currency,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        limit_price=order.limit_price,
        expires_at=order.valid_until if order.valid_until > now else None,
    )
