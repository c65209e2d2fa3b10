"""Market data snapshots as quotes in currency units."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from include.brokers.ibkr.details import number
from include.brokers.ibkr.lookups import details
from include.brokers.ibkr.loop_thread import gather
from include.brokers.ibkr.session import Session
from include.brokers.ibkr.wire import FX_EXCHANGE, wire_contract
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.quote import Quote
from include.errors import InvalidSymbol, NotPermitted


async def quotes(session: Session, contracts: Sequence[Contract]) -> dict[str, Quote]:
    """Quotes by native id; a contract without market data is absent."""
    found = await gather([_quote(session, contract) for contract in contracts])
    return {quote.native_id: quote for quote in found if quote is not None}


async def fx_quotes(session: Session, mics: Mapping[str, str], base: str, currencies: Sequence[str]) -> dict[str, Quote]:
    """Quotes by currency: units of it for one unit of `base`; absent where there is no pair or no data."""
    found = await gather([_pair(session, mics, base, currency) for currency in currencies])
    return {quote.currency: quote for quote in found if quote is not None}


async def _pair(session: Session, mics: Mapping[str, str], base: str, currency: str) -> Quote | None:
    quote = await _pair_quote(session, mics, base, currency)
    if quote is not None:
        return quote
    inverted = await _pair_quote(session, mics, currency, base)
    return _invert(inverted, currency) if inverted is not None else None


async def _pair_quote(session: Session, mics: Mapping[str, str], symbol: str, currency: str) -> Quote | None:
    pair = {"secType": "CASH", "symbol": symbol, "currency": currency, "exchange": FX_EXCHANGE}
    rows = await details(session, mics, pair)
    if not rows:
        return None
    native_id = str(rows[0]["native_id"])
    contract = Contract(broker="ibkr", native_id=native_id, symbol=symbol, currency=currency, asset_class=AssetClass.FX)
    return await _quote(session, contract)


async def _quote(session: Session, contract: Contract) -> Quote | None:
    asked = wire_contract(session.library, contract)
    try:
        tickers = await session.ask(lambda: session.ib.reqTickersAsync(asked))
    except (InvalidSymbol, NotPermitted):
        return None
    return quote_of(tickers[0], contract)


def quote_of(ticker: Any, contract: Contract) -> Quote | None:
    """The quote in the library's ticker; None where it holds no price or no time yet."""
    bid, ask, last = (_price(value, contract.price_magnifier) for value in (ticker.bid, ticker.ask, ticker.last))
    time = ticker.rtTime or ticker.time
    if (bid is None and ask is None and last is None) or time is None:
        return None
    return Quote(native_id=contract.native_id, currency=contract.currency, bid=bid, ask=ask, last=last, time=time)


def _invert(quote: Quote, currency: str) -> Quote:
    """The other way round: what the pair's buyer pays is what its seller gets."""
    turned: dict[str, Any] = {"bid": _inverse(quote.ask), "ask": _inverse(quote.bid), "last": _inverse(quote.last)}
    return quote.model_copy(update={**turned, "currency": currency})


def _inverse(price: Decimal | None) -> Decimal | None:
    return None if price is None else round(1 / price, 10)


def _price(value: float, magnifier: Decimal) -> Decimal | None:
    """A price in currency units; IBKR writes -1 or 0, and the library NaN, where there is none."""
    return None if math.isnan(value) or value <= 0 else number(value) / magnifier
