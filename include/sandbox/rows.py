"""What a catalogue is built from, and the notations of the venues: symbols, ids, lots and ticks."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from pydantic import Field

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.domain.model import Value
from include.sandbox.catalogue import Listing

_ASSET_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "polybroker.sandbox.alpaca")
_US_EXCHANGES = ("NASDAQ", "NYSE")
_LEGAL_FORMS = frozenset(
    word
    for line in (
        "ab ag as asa bv co company corp corporation inc incorporated kk limited llc lp",
        "ltd nv oy oyj plc pte sa sab se spa srl the",
    )
    for word in line.split()
)


class PricedRow(Value):
    """One row of the caller's screens: identity as the source wrote it, and a price to mark at.

    Attributes:
        market: Key of `markets.yaml`.
        price: In currency units (pounds, not pence), positive; None: the listing gets no mark.
    """

    ticker: str
    isin: str | None = None
    name: str
    currency: str
    market: str
    price: Decimal | None = Field(None, gt=0)
    asset_class: AssetClass = AssetClass.STOCK


def stem(ticker: str) -> str:
    """A Yahoo-style ticker without its market suffix: `ROCK-A.CO` gives `ROCK-A`."""
    return ticker.rsplit(".", 1)[0] if "." in ticker else ticker


def ibkr_symbols(ticker: str) -> tuple[str, ...]:
    """How IBKR may write a ticker: `ROCK-A.CO` gives `ROCK-A`, `ROCKA`, `ROCK.A`, `ROCK A`; most have one form only."""
    base = stem(ticker)
    return tuple(dict.fromkeys((base, base.replace("-", ""), base.replace("-", "."), base.replace("-", " "))))


def ibkr_symbol(ticker: str, market: str) -> str:
    """The form IBKR uses on a market: a space in the US, nothing in Copenhagen, a dot elsewhere."""
    mark = {"US": " ", "XCSE": ""}.get(market, ".")
    return stem(ticker).replace("-", mark)


def us_symbol(ticker: str) -> str:
    """A US ticker in Alpaca's notation: `BRK-B` gives `BRK.B`."""
    return ticker.replace("-", ".")


def plain_name(name: str) -> str:
    """A company name without case, punctuation and legal form, for comparing names of the same company."""
    words = re.sub(r"[^a-z0-9 ]", "", re.sub(r"[.'/]", "", name.casefold()).replace("-", " ").replace("&", " ")).split()
    return " ".join(word for word in words if word not in _LEGAL_FORMS)


def exchange_word(row: PricedRow, markets: Mapping[str, Market]) -> str:
    """IBKR's word for a row's primary market; a US row gets one of the two big ones, always the same."""
    if row.market == "US":
        return _US_EXCHANGES[number(row.ticker, "exchange") % len(_US_EXCHANGES)]
    market = markets.get(row.market)
    return market.exchange_words[0] if market and market.exchange_words else ""


def tick_size(currency: str, price: Decimal | None) -> Decimal:
    """Price step for a price in currency units; without one, that of a price of 10 (yen: 5000)."""
    if currency == "JPY":
        known = Decimal(5000) if price is None else price
        steps = ((Decimal(1000), "0.1"), (Decimal(3000), "0.5"), (Decimal(10000), "1"), (Decimal(30000), "5"))
        return next((Decimal(step) for limit, step in steps if known < limit), Decimal(10))
    known = Decimal(10) if price is None else price
    if currency == "GBP":
        return Decimal("0.0001") if known < 5 else Decimal("0.001")
    if known < 1:
        return Decimal("0.0001")
    return Decimal("0.001") if known < 5 and currency != "USD" else Decimal("0.01")


def lot_size(exchange: str) -> Decimal:
    """Units in a lot: 100 in Tokyo, 1 elsewhere."""
    return Decimal(100) if exchange == "TSEJ" else Decimal(1)


def price_magnifier(exchange: str, currency: str) -> Decimal:
    """100 for London in pounds, which IBKR quotes in pence; 1 elsewhere."""
    return Decimal(100) if currency == "GBP" and exchange.startswith("LSE") else Decimal(1)


def number(*parts: str) -> int:
    """A stable number out of texts, 0 to 2**64 - 1."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:8], "big")


def con_id(*parts: str) -> str:
    """A made-up contract id, above those IBKR has issued so far and within 31 bits; stable for the same parts."""
    return str(1_200_000_000 + number("conId", *parts) % 900_000_000)


def asset_id(symbol: str) -> str:
    """A made-up Alpaca asset id (UUID5), stable for a symbol."""
    return str(uuid.uuid5(_ASSET_NAMESPACE, symbol))


def fx_listings(fx_rates: Mapping[str, Decimal], as_of_time: datetime) -> list[Listing]:
    """Currency pairs EUR.XXX at IBKR, marked at the rates.

    Args:
        fx_rates: Units of a currency for one euro; EUR itself is left out.
    """
    return [
        Listing(
            venue="ibkr",
            native_id=con_id("EUR", currency),
            symbol="EUR",
            name=f"European Monetary Union Euro against {currency}",
            asset_class=AssetClass.FX,
            currency=currency,
            exchange="IDEALPRO",
            tick_size=Decimal("0.005") if currency == "JPY" else Decimal("0.00005"),
            price=rate,
            price_time=as_of_time,
        )
        for currency, rate in sorted(fx_rates.items())
        if currency != "EUR"
    ]
