"""alpaca-py's REST clients with time-outs, pacing and no retries.

alpaca-py itself knows no time-out, and sends a POST again after 429 and 504: both are settled here, on its `requests` session.
Answers are taken raw, because one unknown enum value would make its models refuse a whole list.
"""

import time
import warnings
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from include.brokers.access_token import AccessToken
from include.brokers.alpaca.calling import call, nonsense
from include.brokers.alpaca.failures import DUPLICATE_FAMILY, NO_ADVICE, NOT_FOUND, Advice
from include.brokers.alpaca.reports import moment
from include.brokers.environment import is_loopback
from include.brokers.pacing import Pacer
from include.domain.bar import BarSize
from include.domain.order import Order, OrderChange

with warnings.catch_warnings():
    # Its streaming half, which is imported along and not used, still wants websockets' old API.
    warnings.filterwarnings("ignore", message="websockets", category=DeprecationWarning)
    from alpaca.common.enums import Sort
    from alpaca.common.rest import RESTClient
    from alpaca.data.enums import DataFeed
    from alpaca.data.historical.crypto import CryptoHistoricalDataClient
    from alpaca.data.historical.stock import StockHistoricalDataClient
    from alpaca.data.requests import (
        CryptoBarsRequest,
        CryptoLatestQuoteRequest,
        StockBarsRequest,
        StockLatestBarRequest,
        StockLatestQuoteRequest,
    )
    from alpaca.data.timeframe import TimeFrame
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import AssetClass, QueryOrderStatus
    from alpaca.trading.requests import GetAssetsRequest, GetOrderByIdRequest, GetOrdersRequest

    from include.brokers.alpaca.order_requests import change_request, order_request

_UNAUTHORIZED = 401
_ENDPOINTS = ("trading", "stock_data", "crypto_data")  # of its three clients
MAX_HOLD_SECONDS = 60.0
_SIZES = {BarSize.MINUTE: TimeFrame.Minute, BarSize.HOUR: TimeFrame.Hour, BarSize.DAY: TimeFrame.Day}


class PacedAdapter(HTTPAdapter):
    """Transport that waits for the pacer, sends the token of the moment, and gives up after a time-out.

    Args:
        endpoint: What its requests are to the pacer.
        tokens: None where keys are sent.
    """

    def __init__(self, timeout_seconds: float, pacer: Pacer, endpoint: str, tokens: AccessToken | None = None) -> None:
        self._timeout_seconds = timeout_seconds
        self._pacer, self._endpoint = pacer, endpoint
        self._tokens = tokens
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One request, at its time. After a 401 it is sent again with a new token: that is said before anything is done."""
        response = self._send(request, *args, **kwargs)
        if self._tokens is None or response.status_code != _UNAUTHORIZED or not self._tokens.can_renew:
            return response
        response.close()
        self._tokens.replace(str(request.headers["Authorization"]).removeprefix("Bearer "))
        return self._send(request, *args, **kwargs)

    def _send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        with self._pacer.request(self._endpoint):
            if self._tokens is not None:
                request.headers["Authorization"] = f"Bearer {self._tokens.current()}"
            kwargs["timeout"] = self._timeout_seconds
            response = super().send(request, *args, **kwargs)
        told = response.headers.get("X-RateLimit-Remaining"), response.headers.get("X-RateLimit-Reset")
        if (seconds := seconds_until_reset(*told, time.time())) > 0:
            self._pacer.hold(seconds, self._endpoint)
        return response


def seconds_until_reset(remaining: str | None, reset: str | None, now: float) -> float:
    """How long Alpaca takes no more requests, out of the `X-RateLimit-*` headers of an answer; 0 where they say nothing of that.

    Its own count is believed: it holds what other programs with the same key use up.

    Args:
        remaining: Requests left in the broker's current minute.
        reset: When that minute ends, in seconds since the epoch.
        now: Likewise.
    """
    try:
        left, ends = float(remaining or ""), float(reset or "")
    except ValueError:
        return 0.0
    return 0.0 if left > 0 else min(max(ends - now, 0.0), MAX_HOLD_SECONDS)


class AlpacaClient:
    """alpaca-py's three clients behind methods that answer with plain JSON values and raise only `include.errors`.

    Args:
        api_key: Key id.
        secret_key: Its secret.
        base_url: Origin of the trading API, without `/v2`.
        data_url: Origin of the market data API.
        timeout_seconds: For connecting, and again between two bytes of an answer.
        pacer: Shared by all requests.
        tokens: Access tokens that are sent instead of the keys.
        data_feed: Alpaca's word for where bars of shares come from (`iex`, `sip`); "": its default for the account.
        advice: What a person can look at where Alpaca cannot be reached, or refuses the login.
    """

    def __init__(
        self,
        api_key: str,
        secret_key: str,
        base_url: str,
        data_url: str,
        *,
        timeout_seconds: float,
        pacer: Pacer,
        tokens: AccessToken | None = None,
        data_feed: str = "",
        advice: Advice = NO_ADVICE,
    ) -> None:
        self._call = partial(call, advice=advice)
        # With tokens the header is written for each request: alpaca-py's own is as old as the client.
        login: dict[str, Any] = {"oauth_token": "-"} if tokens else {"api_key": api_key, "secret_key": secret_key}
        self._trading = TradingClient(**login, raw_data=True, url_override=base_url)
        self._stocks = StockHistoricalDataClient(**login, raw_data=True, url_override=data_url)
        self._crypto = CryptoHistoricalDataClient(**login, raw_data=True, url_override=data_url)
        self._feed = DataFeed(data_feed) if data_feed else None
        self._clients: tuple[RESTClient, ...] = (self._trading, self._stocks, self._crypto)
        for client, url, endpoint in zip(self._clients, (base_url, data_url, data_url), _ENDPOINTS, strict=True):
            client._retry, client._retry_codes = 0, []
            client._session.mount("http://", PacedAdapter(timeout_seconds, pacer, endpoint, tokens))
            client._session.mount("https://", PacedAdapter(timeout_seconds, pacer, endpoint, tokens))
            if is_loopback(urlsplit(url).hostname or ""):
                client._session.trust_env = False  # a proxy of the environment cannot reach this machine's own venue

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        for client in self._clients:
            client._session.close()

    def account(self) -> Any:
        """GET /v2/account."""
        return self._call(self._trading.get_account)

    def configuration(self) -> Any:
        """GET /v2/account/configurations; a `Refusal` where Alpaca does not tell them to this login."""
        return self._call(self._trading.get_account_configurations, expected=(403, 404))

    def now(self) -> datetime:
        """Alpaca's time, out of GET /v2/clock."""
        clock = self._call(self._trading.get_clock)
        try:
            return moment(str(clock["timestamp"]))
        except (KeyError, TypeError, ValueError) as error:
            raise nonsense("expected a clock") from error

    def assets(self, asset_class: str) -> Any:
        """GET /v2/assets of one class, active and inactive."""
        return self._call(self._trading.get_all_assets, GetAssetsRequest(asset_class=AssetClass(asset_class)))

    def positions(self) -> Any:
        """GET /v2/positions."""
        return self._call(self._trading.get_all_positions)

    def orders(self, open_only: bool, after: datetime | None, limit: int) -> Any:
        """GET /v2/orders, open ones or all, oldest first, submitted later than `after` (None: from the beginning)."""
        status = QueryOrderStatus.OPEN if open_only else QueryOrderStatus.ALL
        return self._call(self._trading.get_orders, GetOrdersRequest(status=status, limit=limit, direction=Sort.ASC, after=after))

    def order(self, broker_order_id: str) -> Any:
        """GET /v2/orders/{id} with its closing orders."""
        return self._call(self._trading.get_order_by_id, broker_order_id, GetOrderByIdRequest(nested=True))

    def fills(self, after: datetime, page_token: str | None, page_size: int) -> Any:
        """GET /v2/account/activities/FILL later than `after`, oldest first, from the one after `page_token` on."""
        wanted: dict[str, Any] = {"after": after.isoformat(), "direction": "asc", "page_size": page_size}
        return self._call(
            self._trading.get, "/account/activities/FILL", wanted | ({"page_token": page_token} if page_token else {})
        )

    def order_by_client_id(self, client_order_id: str) -> Any:
        """GET /v2/orders:by_client_order_id; a `Refusal` where Alpaca says that there is none."""
        return self._call(self._trading.get_order_by_client_id, client_order_id, expected=(NOT_FOUND,))

    def submit(self, order: Order) -> Any:
        """POST /v2/orders, once; a `Refusal` when the id may be taken already (`DUPLICATE_FAMILY`)."""
        request = order_request(order)
        return self._call(self._trading.submit_order, request, changes=True, expected=(DUPLICATE_FAMILY,))

    def replace(self, broker_order_id: str, change: OrderChange, client_order_id: str) -> Any:
        """PATCH /v2/orders/{id}, once: the order that takes its place, under `client_order_id`."""
        request = change_request(change, client_order_id)
        return self._call(self._trading.replace_order_by_id, broker_order_id, request, changes=True)

    def cancel(self, broker_order_id: str) -> Any:
        """DELETE /v2/orders/{id}; a `Refusal` when it is too late to cancel."""
        return self._call(self._trading.cancel_order_by_id, broker_order_id, changes=True, expected=(422, NOT_FOUND))

    def stock_quotes(self, symbols: list[str]) -> Any:
        """GET /v2/stocks/quotes/latest: symbol to quote, without those that have none; a `Refusal` (400) for a bad symbol."""
        return self._call(
            self._stocks.get_stock_latest_quote, StockLatestQuoteRequest(symbol_or_symbols=symbols), expected=(400,)
        )

    def stock_bars(self, symbols: list[str]) -> Any:
        """GET /v2/stocks/bars/latest: symbol to the latest minute's bar, without those that have none; else as above."""
        return self._call(self._stocks.get_stock_latest_bar, StockLatestBarRequest(symbol_or_symbols=symbols), expected=(400,))

    def crypto_quotes(self, symbols: list[str]) -> Any:
        """GET /v1beta3/crypto/us/latest/quotes: pair to quote, without those that have none; else as above."""
        return self._call(
            self._crypto.get_crypto_latest_quote, CryptoLatestQuoteRequest(symbol_or_symbols=symbols), expected=(400,)
        )

    def stock_history(self, symbol: str, size: BarSize, start: datetime, end: datetime) -> Sequence[dict[str, Any]]:
        """GET /v2/stocks/bars to the last page: bars from `start` to `end`, both included, prices as they were traded."""
        fields: dict[str, Any] = {"symbol_or_symbols": symbol, "timeframe": _SIZES[size], "start": start, "end": end}
        return _bars_of(self._call(self._stocks.get_stock_bars, StockBarsRequest(**fields, feed=self._feed)), symbol)

    def crypto_history(self, symbol: str, size: BarSize, start: datetime, end: datetime) -> Sequence[dict[str, Any]]:
        """GET /v1beta3/crypto/us/bars, likewise."""
        fields: dict[str, Any] = {"symbol_or_symbols": symbol, "timeframe": _SIZES[size], "start": start, "end": end}
        return _bars_of(self._call(self._crypto.get_crypto_bars, CryptoBarsRequest(**fields)), symbol)


def _bars_of(answer: Any, symbol: str) -> Sequence[dict[str, Any]]:
    """The rows of one symbol; none where Alpaca tells none."""
    if not isinstance(answer, dict):
        raise nonsense(f"expected bars, found {type(answer).__name__}")
    rows = answer.get(symbol, [])
    if not isinstance(rows, list):
        raise nonsense(f"expected a list of bars, found {type(rows).__name__}")
    return rows
