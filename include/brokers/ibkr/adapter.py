"""Interactive Brokers through TWS or IB Gateway, on ib_insync or ib_async (`library` in ibkr.yaml).

A connection for orders has a second one beside it, under a client id for reading: look-ups never stand before an order.

Credentials: `host`, `port` (where TWS listens), `client_id` (the exclusive id for orders; default from the YAML). IBKR cannot
list what it trades: wanted instruments are looked up, through the cache. Prices on its wire may be in pence (`price_magnifier`);
they are in currency units everywhere else.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pyarrow as pa

from include.brokers import clock
from include.brokers.base import Broker, BrokerContext, Capabilities, ConnectionState, Limit, ResendClass
from include.brokers.checks import check_own
from include.brokers.ibkr import account as accounts
from include.brokers.ibkr import history, market_data, orders, streams
from include.brokers.ibkr.details import Row
from include.brokers.ibkr.knowledge import Knowledge
from include.brokers.ibkr.lookups import Finder, find_known, rows_of
from include.brokers.ibkr.opening import Login
from include.brokers.ibkr.queries import stages
from include.brokers.ibkr.rules import check_rules
from include.brokers.ibkr.session import Session
from include.domain.account import Account, AccountSnapshot
from include.domain.bar import Bar, BarSize
from include.domain.contract import CONTRACT_SCHEMA, Contract
from include.domain.instrument import Instrument
from include.domain.market import Market
from include.domain.order import Fill, Order, OrderChange, OrderReport
from include.domain.quote import Quote
from include.errors import BrokerUnavailable, NotPermitted

T = TypeVar("T")
BATCH = 1000
ORDER_POLL_SECONDS = 5.0
_WITHOUT_AUCTIONS = frozenset({"market", "limit", "stop", "stop_limit", "trailing_stop"})
_CONTINUOUS = frozenset({"day", "gtc", "ioc", "fok"})


class IbkrBroker(Broker):
    """One account behind one TWS."""

    name = "ibkr"
    capabilities = Capabilities(
        lists_all=False,
        knows_isin=True,
        resend=ResendClass.TAG_ONLY,
        order_types=frozenset({"market", "limit", "stop", "stop_limit", "trailing_stop", "market_on_open", "market_on_close"}),
        times_in_force=frozenset({"day", "gtc", "ioc", "fok", "opg", "cls"}),
        asset_classes=frozenset({"stock", "etf", "warrant", "fx", "future", "option", "crypto", "cfd"}),
        fractional=True,
        brackets=True,
        cash_amounts=False,
        extended_hours=True,
        modifies=True,
        shorting=True,
        bars=True,
        quote_stream=True,
        order_stream=True,
        limits=(
            Limit(
                frozenset({"fx"}),
                order_types=_WITHOUT_AUCTIONS,
                times_in_force=_CONTINUOUS,
                cash_amounts=True,
                extended_hours=False,
            ),
            Limit(
                frozenset({"crypto"}),
                order_types=frozenset({"market", "limit"}),
                times_in_force=_CONTINUOUS,
                brackets=False,
                cash_amounts=True,
                extended_hours=False,
                shorting=False,
            ),
            Limit(
                frozenset({"future", "option", "cfd"}),
                order_types=_WITHOUT_AUCTIONS,
                times_in_force=_CONTINUOUS,
                extended_hours=False,
            ),
            Limit(
                frozenset({"warrant"}),
                order_types=_WITHOUT_AUCTIONS,
                times_in_force=_CONTINUOUS,
                extended_hours=False,
                shorting=False,
            ),
        ),
    )

    def __init__(self, account: Account, context: BrokerContext) -> None:
        super().__init__(account, context)
        self._login = Login(account, context)
        self._session: Session | None = None
        self._reading: Session | None = None
        self._closed = False
        self._account_code = ""
        self._knowledge = Knowledge(context.lookups, self.source, context.config)
        self._mics: Mapping[str, str] = context.config.get("exchange_mics") or {}

    def connect(self) -> None:
        """Connect and choose the account.

        Raises:
            BrokerUnavailable: Nothing answers there, or every client id is in use.
            InputError: The named account is not behind this login, or several are and none is named.
        """
        self._session = self._login.session(self._login.client_ids, readonly=not self.context.for_orders)
        self._closed = False
        try:
            self._account_code = self._login.choose_account(self._run(self._managed_accounts))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect."""
        self._closed = True
        for session in (self._reading, self._session):
            if session is not None:
                session.close()
        self._reading = self._session = None

    @property
    def state(self) -> ConnectionState:
        """Where the connection stands: `DEGRADED` while TWS has no line to IBKR."""
        if self._session is None:
            return ConnectionState.CLOSED if self._closed else ConnectionState.DISCONNECTED
        return self._session.state

    def prove_environment(self) -> None:
        """Compare the claim with the account code: `DU`, `DF` are IBKR's paper accounts, `U` its live ones.

        Raises:
            AuthenticationFailed: The claim has no proof, or the proof contradicts it.
        """
        self._login.prove(self._account_code)

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """Contracts of the wanted instruments: by ISIN, else by symbol, else by name; what the cache knows is not asked again."""
        markets = self._markets()
        now = datetime.now(UTC)
        known = self._knowledge.cached(
            [q.key for each in wanted for stage in stages(each, markets.get(each.market)) for q in stage], now
        )
        rows = find_known(wanted, markets, known)
        if rows is None:
            reading = self._for_reading()
            finder = Finder(reading, markets, self._mics, known)
            try:
                rows = reading.run(lambda: finder.find(wanted))
            finally:
                self._knowledge.keep(finder.answers, now)
        self._knowledge.learn(rows)
        for start in range(0, len(rows), BATCH):
            yield pa.RecordBatch.from_pylist(rows[start : start + BATCH], schema=CONTRACT_SCHEMA)

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """Equity, cash that is settled for certain, positions with their markets, and the open orders of all clients."""
        return self._run(lambda: self._snapshot(session, taken_at))

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """One market data snapshot per contract; one without data, or that IBKR does not know, is absent."""
        check_own(self.name, *contracts)
        if not contracts:
            return {}
        reading = self._for_reading()
        return reading.run(lambda: market_data.quotes(reading, contracts))

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        """Units of each currency for one of `base`, from the pair or the inverted pair; absent where IBKR has neither."""
        wanted = [currency for currency in dict.fromkeys(currencies) if currency != base]
        if not wanted:
            return {}
        reading = self._for_reading()
        return reading.run(lambda: market_data.fx_quotes(reading, self._mics, base, wanted))

    def bars(self, contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
        """Bars of regular hours (pairs and coins: of all hours), of pairs and CFDs the middle prices."""
        check_own(self.name, contract)
        reading = self._for_reading()
        return reading.run(lambda: history.bars(reading, contract, size, start, end))

    def clock_skew(self) -> timedelta:
        """By the time that TWS tells, in whole seconds: right to half a second."""
        reading = self._for_reading()
        return clock.measure(lambda: reading.run(lambda: history.current_time(reading)))

    def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        """Quotes as they change; the first one of each contract is how it stands."""
        check_own(self.name, *contracts)
        return streams.stream_quotes(self._for_reading(), contracts)

    def stream_orders(self) -> AsyncIterator[OrderReport]:
        """Changes of all orders: of this client id at once, of others at the next look (`order_poll_seconds`)."""
        seconds = float(self.context.config.get("order_poll_seconds", ORDER_POLL_SECONDS))
        return streams.stream_orders(self._open(), lambda: self._orders(open_only=False), seconds)

    def submit(self, order: Order) -> OrderReport:
        """Send an order with our id as `orderRef` and wait for IBKR's first word.

        Raises:
            Terminal: Refused, or the contract does not take such an order (`Rules`); nothing stands at IBKR.
            Transient: It was not sent.
            OutcomeUnknown: No word came, or the connection broke before it.
        """
        self._may_trade()
        check_own(self.name, order.contract)
        con_id = order.contract.native_id
        if told := self._knowledge.rules(con_id):
            check_rules(order, told)
        self._knowledge.learn_magnifier(con_id, order.contract.price_magnifier)
        return self._run(lambda: orders.submit(self._open(), order, self._account_code))

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by `orderRef` among open and completed orders and executions of all clients."""
        found = self._run(lambda: orders.find(self._open(), client_order_id, self._account_code, self._magnifier))
        return found[1] if found else None

    def cancel(self, client_order_id: str) -> OrderReport:
        """Ask to cancel and wait for the outcome; an order that is final already is just reported.

        Raises:
            OrderRejected: There is no such order.
            NotPermitted: Another client id placed it.
        """
        self._may_trade()
        return self._run(lambda: orders.cancel(self._open(), client_order_id, self._account_code, self._magnifier))

    def modify(self, client_order_id: str, change: OrderChange) -> OrderReport:
        """Change an order under its own number: only the client id that placed it can.

        Raises:
            Terminal: There is no such order, it is over, or IBKR refused: it stands as before.
            OutcomeUnknown: IBKR said nothing of the change.
        """
        self._may_trade()
        return self._run(lambda: orders.modify(self._open(), client_order_id, change, self._account_code, self._magnifier))

    def list_orders(self, *, open_only: bool = True) -> list[OrderReport]:
        """Orders of the account, of all clients; those that are over as far back as TWS tells (the current day)."""
        return self._run(lambda: self._orders(open_only=open_only))

    def fills(self, since: datetime) -> list[tuple[str, Fill]]:
        """Executions of all clients; TWS tells those of the current day."""
        return self._run(lambda: orders.fills(self._open(), self._account_code, self._magnifier, since))

    async def _orders(self, *, open_only: bool) -> list[OrderReport]:
        return await orders.list_orders(self._open(), self._account_code, self._magnifier, open_only=open_only)

    async def _managed_accounts(self) -> list[str]:
        return list(self._open().ib.managedAccounts())

    async def _snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        state = await accounts.read(self._open(), self._account_code)
        rows = await self._details_of(state.con_ids)
        return accounts.snapshot(self.account, state, rows, session, taken_at)

    async def _magnifier(self, con_id: str) -> Decimal:
        if self._knowledge.magnifier(con_id) is None:
            await self._details_of([con_id])
        return self._knowledge.magnifier(con_id) or Decimal(1)

    async def _details_of(self, con_ids: Sequence[str]) -> dict[str, Row]:
        reading = self._for_reading()
        rows = await reading.do(lambda: rows_of(reading, self._mics, con_ids))
        self._knowledge.learn(rows.values())
        return rows

    def _for_reading(self) -> Session:
        """Where look-ups, prices and history are asked: never the connection that sends orders."""
        session = self._open()
        if not self.context.for_orders:
            return session
        if self._reading is None:
            self._reading = self._login.session(self._login.reading_ids, readonly=True, beside=session)
        return self._reading

    def _may_trade(self) -> None:
        if not self.context.for_orders:
            raise NotPermitted("this connection to IBKR was opened for reading: open it with for_orders=True", broker="ibkr")
        self.prove_environment()

    def _markets(self) -> Mapping[str, Market]:
        from include.settings import load_settings

        return load_settings().markets if self.context.markets is None else self.context.markets

    def _open(self) -> Session:
        if self._session is None and self.context.connects_when_asked:
            self.connect()
        if self._session is None:
            raise BrokerUnavailable("ibkr: not connected", broker="ibkr")
        return self._session

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._open().run(work)
