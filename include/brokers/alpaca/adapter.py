"""Alpaca through alpaca-py: the broker port in Alpaca's REST calls.

Credentials: `api_key`, `secret_key`; `base_url` (default the paper host), `data_url` (default Alpaca's data host; on loopback
the same as `base_url`). A trailing `/v2` of a URL is dropped, because Alpaca's own pages show it with one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa

from include.brokers.alpaca.failures import Refusal, error_of
from include.brokers.alpaca.listing import CRYPTO, EQUITY, AssetReader
from include.brokers.alpaca.pacing import Pacer, whole
from include.brokers.alpaca.quoting import read_quotes
from include.brokers.alpaca.reports import moment, order_report, position, required
from include.brokers.base import Broker, BrokerContext, Capabilities, ResendClass
from include.brokers.budgets import Share
from include.brokers.environment import is_loopback, sandbox_account_code
from include.domain.account import Account, AccountSnapshot, Environment
from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import Order, OrderReport, OrderType, TimeInForce
from include.domain.quote import Quote
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    DuplicateOrder,
    InputError,
    InvalidSymbol,
    OrderRejected,
    OutcomeUnknown,
    PolybrokerError,
    Transient,
    Unsupported,
)

if TYPE_CHECKING:
    from include.brokers.alpaca.client import AlpacaClient

PAPER_URL = "https://paper-api.alpaca.markets"
DATA_URL = "https://data.alpaca.markets"
_HOSTS = {Environment.PAPER: "paper-api.alpaca.markets", Environment.LIVE: "api.alpaca.markets"}
_PAGE = 500
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class AlpacaBroker(Broker):
    """One Alpaca account.

    Alpaca tells no ISINs and does not tell funds from shares (see `AssetReader`). Crypto takes `gtc`, `ioc` and `fok` only.
    """

    name = "alpaca"
    capabilities = Capabilities(
        lists_all=True,
        knows_isin=False,
        resend=ResendClass.DUPLICATE_REFUSED,
        order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
        times_in_force=frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
        asset_classes=frozenset({AssetClass.STOCK, AssetClass.ETF, AssetClass.CRYPTO}),
        fractional=True,
    )

    def __init__(self, account: Account, context: BrokerContext) -> None:
        super().__init__(account, context)
        self._reader = AssetReader(context.config)
        self._client: AlpacaClient | None = None
        self._account_number = ""
        self._proven = False

    @property
    def _base_url(self) -> str:
        return _origin(self.context.credentials.get("base_url") or PAPER_URL, "base_url")

    def connect(self) -> None:
        """Connect and read the account, which is what shows that the keys are good.

        Raises:
            AuthenticationFailed: Keys missing or refused, or they belong to another account than `broker_account`.
            BrokerUnavailable: Alpaca cannot be reached.
            InputError: A URL that is none.
        """
        from include.brokers.alpaca.client import AlpacaClient

        self.close()
        base_url = self._base_url
        loopback = is_loopback(urlsplit(base_url).hostname or "")
        data_url = self.context.credentials.get("data_url") or (base_url if loopback else DATA_URL)
        pacing = self.context.config.get("pacing") or {}
        per_minute = int(pacing.get("requests_per_minute", 190))
        self._client = AlpacaClient(
            _key(self.context, "api_key"),
            _key(self.context, "secret_key"),
            base_url,
            _origin(data_url, "data_url"),
            timeout_seconds=float(self.context.config.get("timeout_seconds", 20)),
            pacer=Pacer(per_minute, int(pacing.get("burst", 60)), self._share(per_minute)),
        )
        try:
            self._account_number = str(self._read_account()["account_number"])
            wanted = self.account.broker_account
            if wanted is not None and wanted != self._account_number:
                raise AuthenticationFailed(f"alpaca: these keys belong to another account than {wanted}")
        except PolybrokerError:
            self.close()
            raise

    def _share(self, per_minute: int) -> Share | None:
        budgets = self.context.budgets
        return None if budgets is None else budgets.share(_key(self.context, "api_key"), "requests", whole(per_minute))

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        if self._client is not None:
            self._client.close()
        self._client, self._account_number, self._proven = None, "", False

    def prove_environment(self) -> None:
        """Check host and account number against the claim.

        Raises:
            AuthenticationFailed: `paper` and `live` need Alpaca's host of that kind over https; `sandbox` needs a loopback host
                and the account number that only a venue started with this project's token shows.
        """
        self._open()
        url, claim = urlsplit(self._base_url), self.account.environment
        if claim is Environment.SANDBOX:
            token = self.context.sandbox_token
            if not token or not is_loopback(url.hostname or ""):
                raise AuthenticationFailed(
                    f"alpaca: {url.hostname} is no local venue with a token, yet the account claims sandbox"
                )
            if self._account_number != sandbox_account_code("", token):
                raise AuthenticationFailed("alpaca: the local venue does not show this project's account number")
        elif url.scheme != "https" or url.port not in (None, 443) or url.hostname != _HOSTS[claim]:
            raise AuthenticationFailed(f"alpaca: {url.hostname} is not the host of a {claim.value} account")
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
                open_orders=self._open_orders(),
                taken_at=taken_at,
                session=session,
            )
        except _MALFORMED as error:
            raise BrokerUnavailable(f"alpaca's account made no sense: {error!r}") from error

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """Latest quotes by native id, in requests of `quotes_per_request` symbols; the latest bar where a side is missing."""
        return read_quotes(self._open(), contracts, int(self.context.config.get("quotes_per_request", 100)))

    def submit(self, order: Order) -> OrderReport:
        """Send one order once; proves the environment first where that was not done yet."""
        client = self._open()
        if not self._proven:
            self.prove_environment()
        self._check_order(order)
        answer = client.submit(order)
        if isinstance(answer, Refusal):
            raise self._duplicate_or_rejected(order, answer)
        try:
            report = order_report(answer)
        except _MALFORMED as error:
            raise OutcomeUnknown(f"alpaca's answer to an order made no sense: {type(error).__name__}") from error
        if report.client_order_id != order.client_order_id or report.native_id not in (None, order.contract.native_id):
            raise OutcomeUnknown(f"alpaca answered with another order or asset than {order.client_order_id} of {order.ticker}")
        return report

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by our id, whatever its state; None only where Alpaca itself says that it has none."""
        answer = self._open().order_by_client_id(client_order_id)
        if isinstance(answer, Refusal):
            return None
        try:
            return order_report(answer)
        except _MALFORMED as error:
            raise BrokerUnavailable(f"alpaca's order made no sense: {type(error).__name__}") from error

    def cancel(self, client_order_id: str) -> OrderReport:
        """Ask to cancel, and give the report afterwards; an order that is final already stays as it is.

        Raises:
            OrderRejected: There is no such order.
            OutcomeUnknown: The request may have arrived.
        """
        report = self.find_order(client_order_id)
        if report is None:
            raise OrderRejected(f"alpaca has no order {client_order_id}")
        if report.state.is_final or report.broker_order_id is None:
            return report
        self._open().cancel(report.broker_order_id)  # refused when it filled meanwhile: the report below says so
        return self.find_order(client_order_id) or report

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

    def _open_orders(self) -> tuple[OrderReport, ...]:
        found: dict[str, OrderReport] = {}
        after: datetime | None = None
        while True:
            page = self._open().open_orders(after, _PAGE)
            fresh = {str(row["id"]): row for row in page if str(row["id"]) not in found}
            found |= {key: order_report(row) for key, row in fresh.items()}
            if len(page) < _PAGE:
                return tuple(found.values())
            if not fresh:
                raise BrokerUnavailable(f"alpaca lists {_PAGE} open orders of one moment: the rest cannot be read")
            # `after` excludes that very moment, at which further orders may stand: step back, what is known already is skipped.
            after = moment(str(page[-1]["submitted_at"])) - timedelta(milliseconds=1)

    def _check_order(self, order: Order) -> None:
        contract = order.contract
        if contract.broker != self.name:
            raise InvalidSymbol(f"{order.ticker}: a contract of {contract.broker} cannot be traded at alpaca")
        if contract.asset_class is AssetClass.CRYPTO and order.time_in_force is TimeInForce.DAY:
            raise Unsupported(f"{order.ticker}: alpaca takes crypto orders as gtc, ioc or fok, not for the day")
        if order.quantity <= Decimal(0):
            raise OrderRejected(f"{order.ticker}: expected a positive quantity, found {order.quantity}")

    def _duplicate_or_rejected(self, order: Order, refusal: Refusal) -> PolybrokerError:
        """What 422 / 40010001 means: that code stands for a used id and for other faults, so Alpaca is asked for the id."""
        try:
            standing = self.find_order(order.client_order_id)
        except Transient as error:
            return OutcomeUnknown(f"alpaca refused {order.client_order_id} and could not say whether it stands: {error}")
        if standing is None:
            return error_of(refusal, changes=True)
        return DuplicateOrder(f"alpaca already has {order.client_order_id} ({standing.state.value})")


def _origin(url: str, field: str) -> str:
    """The URL without a trailing slash and API version."""
    found = url.strip().rstrip("/").removesuffix("/v2")
    try:
        parts = urlsplit(found)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise InputError("expected a URL such as https://paper-api.alpaca.markets", source="credentials of alpaca", field=field)
    return found


def _key(context: BrokerContext, name: str) -> str:
    value = context.credentials.get(name, "").strip()
    if not value:
        raise AuthenticationFailed(f"alpaca: no {name} (ALPACA_{name.upper()}, or the Connection polybroker_alpaca)")
    if not (value.isascii() and value.isprintable()):
        raise AuthenticationFailed(f"alpaca: {name} holds characters that no key has")
    return value
