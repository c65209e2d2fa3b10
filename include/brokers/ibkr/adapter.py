"""Interactive Brokers through TWS or IB Gateway, on ib_insync.

Credentials: `host`, `port` (where TWS listens), `client_id` (the exclusive id for orders; default from the YAML). IBKR cannot
list what it trades: wanted instruments are looked up, through the cache. Prices on its wire may be in pence (`price_magnifier`);
they are in currency units everywhere else.
"""

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pyarrow as pa

from include.brokers.base import Broker, BrokerContext, Capabilities, ResendClass
from include.brokers.environment import is_loopback, sandbox_account_code
from include.brokers.ibkr import account as accounts
from include.brokers.ibkr import market_data, orders
from include.brokers.ibkr.details import Row
from include.brokers.ibkr.lookups import Finder, details, find_known
from include.brokers.ibkr.queries import stages
from include.brokers.ibkr.session import Session
from include.domain.account import Account, AccountSnapshot, Environment
from include.domain.contract import CONTRACT_SCHEMA, Contract
from include.domain.instrument import Instrument
from include.domain.market import Market
from include.domain.order import Order, OrderReport
from include.domain.quote import Quote
from include.errors import AuthenticationFailed, InputError, NotPermitted

T = TypeVar("T")
BATCH = 1000
FOUND_TTL_HOURS = 168.0
NOT_FOUND_TTL_HOURS = 24.0


class IbkrBroker(Broker):
    """One account behind one TWS."""

    name = "ibkr"
    capabilities = Capabilities(
        lists_all=False,
        knows_isin=True,
        resend=ResendClass.TAG_ONLY,
        order_types=frozenset({"market", "limit"}),
        times_in_force=frozenset({"day", "gtc", "ioc", "fok"}),
        asset_classes=frozenset({"stock", "etf", "warrant"}),
    )

    def __init__(self, account: Account, context: BrokerContext) -> None:
        super().__init__(account, context)
        self._host, self._port = _address(context.credentials)
        self._session: Session | None = None
        self._account_code = ""
        self._magnifiers: dict[str, Decimal] = {}
        self._mics: Mapping[str, str] = context.config.get("exchange_mics") or {}

    def connect(self) -> None:
        """Connect and choose the account.

        Raises:
            BrokerUnavailable: Nothing answers there, or every client id is in use.
            InputError: The named account is not behind this login, or several are and none is named.
        """
        config = self.context.config
        pacing = config.get("pacing", {})
        self._session = Session(
            self._host,
            self._port,
            self._leased(self._client_ids()),
            account=self.account.broker_account or "",
            timeout=float(config.get("timeout_seconds", 20)),
            messages_per_second=int(pacing.get("messages_per_second", 45)),
            searches_per_second=int(pacing.get("name_searches_per_second", 1)),
            budgets=self.context.budgets,
            readonly=not self.context.for_orders,
        )
        try:
            self._account_code = self._choose_account(self._run(self._managed_accounts))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def prove_environment(self) -> None:
        """Compare the claim with the account code: `DU`, `DF` are IBKR's paper accounts, `U` its live ones.

        Raises:
            AuthenticationFailed: The claim has no proof, or the proof contradicts it.
        """
        claim, code, token = self.account.environment, self._account_code, self.context.sandbox_token
        is_sandbox = token is not None and is_loopback(self._host) and code == sandbox_account_code("DU", token)
        proven = {
            Environment.SANDBOX: is_sandbox,
            Environment.PAPER: code.startswith(("DU", "DF")) and not code.startswith("DUSBX"),
            Environment.LIVE: code.startswith("U"),
        }
        if not proven[claim]:
            raise AuthenticationFailed(
                f"IBKR account {code or '(none)'} at {self._host} is no proof of environment {claim.value}"
            )

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """Contracts of the wanted instruments: by ISIN, else by symbol, else by name; what the cache knows is not asked again."""
        markets = self._markets()
        now = datetime.now(UTC)
        known = self._known([q.key for each in wanted for stage in stages(each, markets.get(each.market)) for q in stage], now)
        rows = find_known(wanted, markets, known)
        if rows is None:
            finder = Finder(self._open(), markets, self._mics, known)
            try:
                rows = self._run(lambda: finder.find(wanted))
            finally:
                self._keep(finder.answers, now)
        self._magnifiers.update((each["native_id"], Decimal(each["price_magnifier"])) for each in rows)
        for start in range(0, len(rows), BATCH):
            yield pa.RecordBatch.from_pylist(rows[start : start + BATCH], schema=CONTRACT_SCHEMA)

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """Equity, cash that is settled for certain, positions with their markets, and the open orders of all clients."""
        return self._run(lambda: self._snapshot(session, taken_at))

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """One market data snapshot per contract; one without data, or that IBKR does not know, is absent."""
        if not contracts:
            return {}
        return self._run(lambda: market_data.quotes(self._open(), contracts))

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        """Units of each currency for one of `base`, from the pair or the inverted pair; absent where IBKR has neither."""
        wanted = [currency for currency in dict.fromkeys(currencies) if currency != base]
        if not wanted:
            return {}
        return self._run(lambda: market_data.fx_quotes(self._open(), self._mics, base, wanted))

    def submit(self, order: Order) -> OrderReport:
        """Send an order with our id as `orderRef` and wait for IBKR's first word.

        Raises:
            Terminal: Refused; nothing stands at IBKR.
            Transient: It was not sent.
            OutcomeUnknown: No word came, or the connection broke before it.
        """
        self._may_trade()
        magnifier = order.contract.price_magnifier
        self._magnifiers[order.contract.native_id] = magnifier
        return self._run(lambda: orders.submit(self._open(), order, self._account_code))

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by `orderRef` among open and completed orders and executions of all clients."""
        found = self._run(lambda: self._find(client_order_id))
        return found[1] if found else None

    def cancel(self, client_order_id: str) -> OrderReport:
        """Ask to cancel and wait for the outcome; an order that is final already is just reported.

        Raises:
            OrderRejected: There is no such order.
            NotPermitted: Another client id placed it.
        """
        self._may_trade()
        return self._run(lambda: self._cancel(client_order_id))

    async def _managed_accounts(self) -> list[str]:
        return list(self._open().ib.managedAccounts())

    async def _snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        state = await accounts.read(self._open(), self._account_code)
        rows = await self._details_of(state.con_ids)
        return accounts.snapshot(self.account, state, rows, session, taken_at)

    async def _find(self, client_order_id: str) -> tuple[Any, OrderReport] | None:
        return await orders.find(self._open(), client_order_id, self._account_code, self._magnifier)

    async def _cancel(self, client_order_id: str) -> OrderReport:
        return await orders.cancel(self._open(), client_order_id, self._account_code, self._magnifier)

    async def _magnifier(self, con_id: str) -> Decimal:
        if con_id not in self._magnifiers:
            await self._details_of([con_id])
        return self._magnifiers.get(con_id, Decimal(1))

    async def _details_of(self, con_ids: Sequence[str]) -> dict[str, Row]:
        """Rows by conId; a contract that IBKR does not describe any more is absent."""
        session = self._open()
        answers = await session.gather([details(session, self._mics, {"conId": int(each)}) for each in dict.fromkeys(con_ids)])
        rows = {row["native_id"]: row for answer in answers for row in answer}
        self._magnifiers.update((key, Decimal(row["price_magnifier"])) for key, row in rows.items())
        return rows

    def _may_trade(self) -> None:
        if not self.context.for_orders:
            raise NotPermitted("this connection to IBKR was opened for reading")
        self.prove_environment()

    def _client_ids(self) -> list[int]:
        ids = self.context.config.get("client_ids", {})
        if not self.context.for_orders:
            return [int(each) for each in ids.get("reading", [11])]
        return [_whole(self.context.credentials.get("client_id") or ids.get("orders", 1), "client_id")]

    def _leased(self, ids: list[int]) -> list[int]:
        """The same, the one that this process holds first; TWS may know better which are free."""
        if self.context.budgets is None:
            return ids
        held = self.context.budgets.client_id(f"{self._host}:{self._port}", ids)
        return [held, *(each for each in ids if each != held)]

    def _choose_account(self, managed: Sequence[str]) -> str:
        named = self.account.broker_account
        if named is None and len(managed) == 1:
            return managed[0]
        if named in managed:
            return str(named)
        raise InputError(
            f"expected one of the accounts behind this login: {', '.join(managed)}",
            source=f"account {self.account.account_id}",
            field="broker_account",
            value=named,
        )

    def _known(self, keys: list[str], now: datetime) -> dict[str, list[Row]]:
        return self.context.lookups.get(self.source, keys, now) if self.context.lookups is not None and keys else {}

    def _keep(self, answers: Mapping[str, list[Row]], now: datetime) -> None:
        if self.context.lookups is None:
            return
        config = self.context.config
        hours = (
            float(config.get("lookup_ttl_hours", FOUND_TTL_HOURS)),
            float(config.get("not_found_ttl_hours", NOT_FOUND_TTL_HOURS)),
        )
        found = {key: rows for key, rows in answers.items() if rows}
        missing = {key: rows for key, rows in answers.items() if not rows}
        for chosen, lifetime in ((found, hours[0]), (missing, hours[1])):
            if chosen:
                self.context.lookups.put(self.source, chosen, now, now + timedelta(hours=lifetime))

    def _markets(self) -> Mapping[str, Market]:
        from include.settings import load_settings

        return load_settings().markets

    def _open(self) -> Session:
        if self._session is None and self.context.connects_when_asked:
            self.connect()
        if self._session is None:
            raise RuntimeError("an IbkrBroker is a context manager: enter it first")
        return self._session

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._open().run(work)


def _address(credentials: Mapping[str, str]) -> tuple[str, int]:
    host = credentials.get("host")
    if not host:
        raise InputError("expected where TWS or IB Gateway listens (IB_HOST)", source="credentials of ibkr", field="host")
    return host, _whole(credentials.get("port"), "port")


def _whole(value: object, field: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise InputError("expected a whole number", source="credentials of ibkr", field=field, value=value) from None
