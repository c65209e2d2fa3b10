"""Which rate counts for each currency of a run, and the euro fields of its stocks."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from include.allocation.document import Document, every_stock, members, positive, screens, section
from include.allocation.rates import BASE, Rate
from include.domain.instrument import AssetClass
from include.domain.quote import Quote
from include.errors import InputError

PAIRS = (AssetClass.CRYPTO, AssetClass.FX, AssetClass.METAL)
MAX_DEVIATION = Decimal("0.2")


def currencies_of(document: Document, base_currencies: Iterable[str], source: object) -> list[str]:
    """Every currency of the universe and of the portfolios, sorted, the euro among them.

    Raises:
        InputError: A stock whose currency is not a code in capitals (`GBP`; `GBp` is refused).
    """
    found = {BASE, *base_currencies}
    for stock in every_stock(document, source):
        currency = stock.get("currency")
        # Capitals only: `GBp` is how others write pence, and a price in pence must not pass for pounds.
        if not isinstance(currency, str) or not 3 <= len(currency) <= 5 or not (currency.isalnum() and currency.isupper()):
            field = f"{stock.get('ticker')}.currency"
            raise InputError("expected a currency code in capitals such as GBP", source=source, field=field, value=currency)
        found.add(currency)
    return sorted(found)


def quoted_rates(
    quotes: Mapping[str, Quote], broker: str, as_of: date, max_age_days: int, reference: Mapping[str, Rate]
) -> tuple[dict[str, Rate], dict[str, str]]:
    """Usable rates out of a broker's quotes, and why the others are not used.

    A quote is not used without a positive middle price, when it is older than `max_age_days`, or when it is more than
    20 % away from the reference rate of that currency (an inverted pair, or pence). `reference` may lack currencies.
    """
    rates: dict[str, Rate] = {}
    refused: dict[str, str] = {}
    for currency, quote in sorted(quotes.items()):
        mid = quote.mid
        dated = quote.time.astimezone(UTC).date()
        age = max(0, (as_of - dated).days)
        known = reference.get(currency)
        if mid is None or mid <= 0:
            refused[currency] = f"{broker} quotes no positive middle price"
        elif age > max_age_days:
            refused[currency] = f"{broker}'s quote is of {dated.isoformat()}, more than {max_age_days} days old"
        elif known is not None and abs(mid - known.rate) > MAX_DEVIATION * known.rate:
            refused[currency] = f"{broker} quotes {mid}, more than 20 % away from the reference rate {known.rate}"
        elif currency != BASE:
            rates[currency] = Rate(currency, mid, broker, dated, age)
    return rates, refused


def add_euro_fields(document: Document, rates: Mapping[str, float], source: object) -> None:
    """Set `eur_exchange_rate` (units of the stock's currency for one euro) and `eur_price` on every stock, in place.

    Raises:
        InputError: A price that is no positive number.
    """
    for stock in every_stock(document, source):
        rate = rates[stock["currency"]]
        stock["eur_exchange_rate"] = rate
        stock["eur_price"] = round(positive(stock, "price", source) / rate, 6)


def only_pairs_in(document: Document, currency: str, source: object) -> list[str]:
    """Tickers of the stocks in a currency, where all of them are crypto, currency or metal pairs; [] otherwise, or for none."""
    stocks = [stock for stock in members(document, source).values() if stock.get("currency") == currency]
    return [stock["ticker"] for stock in stocks] if all(stock.get("asset_class") in PAIRS for stock in stocks) else []


def leave_out(document: Document, rejected: list[dict[str, Any]], source: object) -> None:
    """Take rejected rows out of the document, in place: out of `all_stocks` and every screen, with their counts.

    Args:
        document: The universe document.
        rejected: Rows in the form of the document's `rejected`, every screen's of each ticker that goes.
        source: Named in errors.

    Raises:
        InputError: Nothing is left of a screen.
    """
    gone = {row["ticker"] for row in rejected}
    stocks, metadata = section(document, "all_stocks", source), section(document, "metadata", source)
    for key, screen in section(document, "screens", source).items():
        screen["stocks"] = [stock for stock in screen["stocks"] if stock["ticker"] not in gone]
        screen["count"] = len(screen["stocks"])
        if not screen["stocks"]:
            raise InputError(f"expected at least one row that can be valued: {rejected[0]['reason']}", source=source, field=key)
    for ticker in gone:
        del stocks[ticker]
    document["rejected"] = [*document.get("rejected", []), *rejected]
    metadata["total_stocks"] = sum(len(listed) for listed in screens(document, source).values())
    metadata["unique_stocks"] = len(stocks)
    metadata["rejected_rows"] = len(document["rejected"])


def rates_of(document: Document, source: object) -> dict[str, Decimal]:
    """Currency to units for one euro, as `metadata.exchange_rates` holds them.

    Raises:
        InputError: The document has no rates (step 5 did not run), or one is not a positive number.
    """
    section: Any = (document.get("metadata") or {}).get("exchange_rates") or {}
    rates = section.get("rates")
    if section.get("base") != BASE or not isinstance(rates, dict):
        raise InputError("expected rates for one EUR", source=source, field="metadata.exchange_rates")
    return {c: Decimal(str(positive({"ticker": f"exchange_rates.{c}", **row}, "rate", source))) for c, row in rates.items()}


def cross_rate(rates: Mapping[str, Decimal], currency: str, base: str, source: object) -> Decimal:
    """Units of `currency` for one unit of `base`, to 12 significant digits.

    Raises:
        InputError: One of them has no rate.
    """
    for name in (currency, base):
        if name not in rates:
            raise InputError("expected a rate for this currency", source=source, field="metadata.exchange_rates", value=name)
    quotient = rates[currency] / rates[base]
    return Decimal(f"{quotient:.12g}")
