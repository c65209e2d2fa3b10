"""Alpaca through alpaca-py: the broker port in Alpaca's REST calls and web sockets.

Credentials: `api_key` and `secret_key`; or `oauth_token`, a token that does not end; or `app_id` and `app_secret`, an app that a
person logs in with; or `client_id` and `client_secret`, for which Alpaca gives tokens that are renewed (`token_url`). `base_url`
(default the paper host), `data_url` (default Alpaca's data host; on loopback the same as `base_url`). A trailing `/v2` of a URL
is dropped, because Alpaca's own pages show it with one.
"""

import importlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from include.brokers import clock
from include.brokers.alpaca import orders, proof, reading
from include.brokers.alpaca.discovery import discovered
from include.brokers.alpaca.failures import Refusal
from include.brokers.alpaca.listing import CRYPTO, EQUITY, AssetReader
from include.brokers.alpaca.opening import Settings
from include.brokers.alpaca.quoting import read_quotes
from include.brokers.alpaca.reports import position, required
from include.brokers.alpaca.standing import reports_of
from include.brokers.base import Broker, BrokerContext, Capabilities, ConnectionState, Limit, ResendClass
from include.brokers.checks import check_own
from include.brokers.login import LoginFlow
from include.domain.account import Account, AccountSnapshot
from include.domain.bar import Bar, BarSize
from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import Fill, Order, OrderChange, OrderReport, OrderType, TimeInForce
from include.domain.quote import Quote
from include.errors import AuthenticationFailed, BrokerUnavailable, PolybrokerError

if TYPE_CHECKING:
    from include.brokers.alpaca.client import AlpacaClient

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class AlpacaBroker(Broker):
    """One Alpaca account.

    Alpaca tells no ISINs and does not tell funds from shares (see `AssetReader`).
    """

    name = "alpaca"
    capabilities = Capabilities(
        lists_all=True,
        knows_isin=False,
        resend=ResendClass.DUPLICATE_REFUSED,
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce),
        asset_classes=frozenset({AssetClass.STOCK, AssetClass.ETF, AssetClass.CRYPTO}),
        fractional=True,
        brackets=True,
        cash_amounts=True,
        extended_hours=True,
        modifies=True,
        shorting=True,
        bars=True,
        quote_stream=True,
        order_stream=True,
        limits=(
            Limit(
                asset_classes=frozenset({AssetClass.CRYPTO}),
                order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT}),
                times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC}),
                brackets=False,
                extended_hours=False,
                shorting=False,
            ),
        ),
    )

    def __init__(self, account: Account, context: BrokerContext) -> None:
        super().__init__(account, context)
        self._reader = AssetReader(context.config)
        self._settings = Settings(account, context.credentials, context.config, context.budgets, context.tokens)
        self._client: AlpacaClient | None = None
        self._account_number = ""
        self._proven = False
        self._state = ConnectionState.DISCONNECTED
        self._able = self.capabilities

    @property
    def able(self) -> Capabilities:
        """By the account's flags, since it was read; `discover` reads its configuration, too."""
        return self._able

    def discover(self) -> Capabilities:
        """Read the account's flags and its configuration.

        Raises:
            BrokerUnavailable: One of them could not be read.
        """
        account, configuration = self._read_account(), self._open().configuration()
        if isinstance(configuration, Refusal):
            configuration = {}
        if not isinstance(configuration, dict):
            raise BrokerUnavailable("alpaca's answer made no sense: expected an account's configuration")
        self._able = discovered(self.capabilities, account, configuration)
        return self._able

    @property
    def state(self) -> ConnectionState:
        """`degraded` while the access token is about to end."""
        stale = self._state is ConnectionState.CONNECTED and self._settings.is_stale
        return ConnectionState.DEGRADED if stale else self._state

    def refresh(self) -> None:
        """Ask for a new access token; nothing happens with keys, or with a token that does not end.

        Raises:
            AuthenticationFailed: Alpaca refuses client id and secret, or nobody has logged in.
            BrokerUnavailable: It cannot be reached.
        """
        if self._settings.tokens is not None:
            self._settings.tokens.renew()

    @classmethod
    def login_flow(cls, account: Account, context: BrokerContext) -> LoginFlow:
        """By Alpaca's page for OAuth apps; see the port."""
        return Settings(account, context.credentials, context.config).login_flow()

    def load(self) -> None:
        """Import alpaca-py, which takes seconds in a fresh process."""
        importlib.import_module("include.brokers.alpaca.client")

    def connect(self) -> None:
        """Connect and read the account, which is what shows that the keys are good.

        Raises:
            AuthenticationFailed: Keys missing or refused, or they belong to another account than `broker_account`.
            BrokerUnavailable: Alpaca cannot be reached.
            InputError: A URL that is none.
        """
        self.close()
        self._state = ConnectionState.CONNECTING
        try:
            self._client = self._settings.open_client()
            account = self._read_account()
            self._account_number = str(account["account_number"])
            self._able = discovered(self.capabilities, account, {})
            wanted = self.account.broker_account
            if wanted is not None and wanted != self._account_number:
                words = f"alpaca: these keys belong to another account than {wanted} (`broker_account` in the portfolio's YAML)"
                raise AuthenticationFailed(f"{words}{self._settings.advice.login}", broker="alpaca")
        except PolybrokerError:
            self.close()
            raise
        self._state = ConnectionState.CONNECTED

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        if self._client is not None:
            self._client.close()
        self._client, self._account_number, self._proven = None, "", False
        self._state = ConnectionState.CLOSED

    def prove_environment(self) -> None:
        """By host and account number.

        Raises:
            AuthenticationFailed: See `proof.check`.
        """
        self._open()
        proof.check(self.account, self.context, self._settings.base_url, self._account_number)
        self._proven = True

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """Every asset, active or not, first equities, then crypto; `wanted` is ignored.

        Raises:
            BrokerUnavailable: The answer is no list of assets, or there is not one equity: a broker of US shares lists some.
        """
        for kind in (EQUITY, CRYPTO):
            assets = self._open().assets(kind)
            if not isinstance(assets, list):
                raise BrokerUnavailable(
                    f"alpaca's answer made no sense: expected a list of assets, found {type(assets).__name__}"
                )
            if kind == EQUITY and not assets:
                raise BrokerUnavailable(f"alpaca listed no asset of {EQUITY} at all")
            yield from self._reader.batches(assets)

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """Equity, cash, positions and open orders.

        Settled cash is the field `cash`, which holds no borrowed money; Alpaca does not tell what of it is unsettled.
        """
        account, rows = self._read_account(), self._open().positions()
        try:
            currency = str(account.get("currency") or "USD")
            return AccountSnapshot(
                account_id=self.account.account_id,
                broker=self.name,
                environment=self.account.environment,
                currency=currency,
                equity=required(account["equity"]),
                settled_cash={currency: required(account["cash"])},
                positions=tuple(position(row, self._reader.mic) for row in rows),
                open_orders=tuple(reports_of(reading.orders(self._open(), open_only=True))),
                taken_at=taken_at,
                session=session,
            )
        except _MALFORMED as error:
            raise BrokerUnavailable(f"alpaca's account made no sense: {error!r}") from error

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """Latest quotes by native id, in requests of `quotes_per_request` symbols; the latest bar where a side is missing."""
        check_own(self.name, *contracts)
        return read_quotes(self._open(), contracts, int(self.context.config.get("quotes_per_request", 100)))

    def submit(self, order: Order) -> OrderReport:
        """Send one order once; proves the environment first where that was not done yet."""
        client = self._for_orders()
        check_own(self.name, order.contract)
        return orders.submit(client, order)

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by our id, whatever its state; None only where Alpaca itself says that it has none."""
        return orders.find(self._open(), client_order_id)

    def cancel(self, client_order_id: str) -> OrderReport:
        """Ask to cancel, and give the report afterwards; an order that is final already stays as it is."""
        return orders.cancel(self._for_orders(), client_order_id)

    def modify(self, client_order_id: str, change: OrderChange) -> OrderReport:
        """Change a standing order that is not partly filled; at Alpaca another one takes its place."""
        return orders.modify(self._for_orders(), client_order_id, change)

    def list_orders(self, *, open_only: bool = True) -> list[OrderReport]:
        """Orders of the account, the closing orders of brackets each for itself, oldest first."""
        return orders.list_orders(self._open(), open_only=open_only)

    def fills(self, since: datetime) -> list[tuple[str, Fill]]:
        """Executions at or after `since`, oldest first; those of a bracket's closing orders have Alpaca's made-up ids."""
        return reading.fills(self._open(), since)

    def bars(self, contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
        """Bars that begin in [start, end), prices as they were traded (not adjusted for splits)."""
        check_own(self.name, contract)
        return reading.bars(self._open(), contract, size, start, end)

    def clock_skew(self) -> timedelta:
        """By GET /v2/clock."""
        return clock.measure(self._open().now)

    def stream_orders(self) -> AsyncIterator[OrderReport]:
        """Every change from now on; a connection that dies is opened again and what was missed is told first."""
        from include.brokers.alpaca.following import follow_orders

        settings = self._settings
        return follow_orders(
            self._open(),
            settings.order_stream_url,
            settings.login,
            reconnects=settings.reconnects,
            pause_seconds=settings.pause_seconds,
        )

    def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        """Quotes of shares from the feed of the settings (`data_feed`, default `iex`), and of pairs."""
        from include.brokers.alpaca.following import follow_quotes

        self._open()
        check_own(self.name, *contracts)
        crypto = [contract for contract in contracts if contract.asset_class is AssetClass.CRYPTO]
        stocks = [contract for contract in contracts if contract.asset_class is not AssetClass.CRYPTO]
        feeds = {self._settings.quote_stream_url(False): stocks, self._settings.quote_stream_url(True): crypto}
        return follow_quotes(feeds, self._settings.login())

    def _for_orders(self) -> "AlpacaClient":
        """The client, once the environment is proven: nothing is placed, changed or cancelled on a claim."""
        client = self._open()
        if not self._proven:
            self.prove_environment()
        return client

    def _open(self) -> "AlpacaClient":
        if self._client is None and self.context.connects_when_asked:
            self.connect()
        if self._client is None:
            raise BrokerUnavailable("alpaca: not connected")
        return self._client

    def _read_account(self) -> dict[str, Any]:
        account = self._open().account()
        if not isinstance(account, dict) or "account_number" not in account:
            raise BrokerUnavailable("alpaca's answer made no sense: expected an account")
        return account
