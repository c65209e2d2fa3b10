"""The default catalogue: a newcomer's rows at both venues, with known holes chosen by a seed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.domain.model import Value
from include.domain.notation.pairs import SLASH, listed_pair
from include.sandbox.catalogue import Listing
from include.sandbox.rows import (
    PricedRow,
    asset_id,
    con_id,
    exchange_word,
    fx_listings,
    ibkr_symbol,
    lot_size,
    number,
    price_magnifier,
    stem,
    tick_size,
    us_symbol,
)

LOST_SHARE = Decimal("0.05")
RENAMED_SHARE = Decimal("0.02")
ONE_SIDED_SHARE = Decimal("0.03")


class HoleKind(StrEnum):
    """What is wrong with a row's listings on purpose."""

    AMBIGUOUS = "ambiguous"  # a second contract at IBKR that cannot be told apart, and nothing at Alpaca
    DELISTED = "delisted"  # listed everywhere, tradable nowhere
    MISSING = "missing"  # at no venue
    RECYCLED = "recycled"  # the symbol belongs to another company now
    RENAMED = "renamed"  # same ISIN, another name: IBKR still finds it
    MISSING_AT_IBKR = "missing_at_ibkr"  # a US row that only Alpaca lists
    MISSING_AT_ALPACA = "missing_at_alpaca"  # a US row that only IBKR lists


_LOST = (HoleKind.AMBIGUOUS, HoleKind.DELISTED, HoleKind.MISSING, HoleKind.RECYCLED)


class Hole(Value):
    """One row whose listings differ from what the row says, for the summary of a demo."""

    ticker: str
    name: str
    kind: HoleKind


def synthetic(
    rows: Sequence[PricedRow], seed: int, fx_rates: Mapping[str, Decimal], as_of_time: datetime, markets: Mapping[str, Market]
) -> tuple[list[Listing], list[Hole]]:
    """An IBKR contract per row and an Alpaca asset per US row and crypto pair, but for the holes, and the currency pairs.

    At most 5 % of the rows are lost (ambiguous, delisted, missing, recycled), so that coverage stays near 95 %; a further 2 % are
    renamed and 3 % of the US rows are at one venue only. Fewer than 20 rows have no holes.

    Args:
        rows: Distinct tickers; of equal ones the first counts.
        seed: Decides which rows; the same rows and seed give the same list.
        fx_rates: Units of a currency for one euro.
        as_of_time: Time of the marks.
        markets: Of `markets.yaml`.

    Returns:
        Listings (IBKR, Alpaca, currency pairs) and holes, both in the rows' order.
    """
    unique = list({row.ticker: row for row in reversed(rows)}.values())[::-1]
    kinds = _choose(unique, seed)
    ibkr = [listing for row in unique for listing in _ibkr(row, kinds.get(row.ticker), markets, as_of_time)]
    alpaca = [listing for row in unique for listing in _alpaca(row, kinds.get(row.ticker), markets, as_of_time)]
    holes = [Hole(ticker=row.ticker, name=row.name, kind=kinds[row.ticker]) for row in unique if row.ticker in kinds]
    return ibkr + alpaca + fx_listings(fx_rates, as_of_time), holes


def _choose(rows: Sequence[PricedRow], seed: int) -> dict[str, HoleKind]:
    order = sorted(rows, key=lambda row: (number(str(seed), row.ticker), row.ticker))
    chosen: dict[str, HoleKind] = {}

    def take(count: int, kinds: Sequence[HoleKind], fits: Callable[[PricedRow], bool]) -> None:
        free = [row for row in order if row.ticker not in chosen and fits(row)]
        chosen.update({row.ticker: kinds[place % len(kinds)] for place, row in enumerate(free[:count])})

    us_rows = sum(row.market == "US" for row in rows)
    take(int(len(rows) * LOST_SHARE), _LOST, lambda row: bool(row.isin))
    take(int(len(rows) * RENAMED_SHARE), (HoleKind.RENAMED,), lambda row: bool(row.isin) and row.market != "US")
    one_sided = (HoleKind.MISSING_AT_IBKR, HoleKind.MISSING_AT_ALPACA)
    take(int(us_rows * ONE_SIDED_SHARE), one_sided, lambda row: row.market == "US")
    return chosen


def _ibkr(row: PricedRow, kind: HoleKind | None, markets: Mapping[str, Market], as_of_time: datetime) -> list[Listing]:
    if row.market in ("CRYPTO", "FX") or kind in (HoleKind.MISSING, HoleKind.MISSING_AT_IBKR):
        return []
    exchange = exchange_word(row, markets)
    listing = Listing(
        venue="ibkr",
        native_id=con_id(row.ticker, row.isin or ""),
        symbol=ibkr_symbol(row.ticker, row.market),
        name=row.name,
        asset_class=row.asset_class,
        currency=row.currency,
        exchange=exchange,
        isin=row.isin,
        lot_size=lot_size(exchange),
        tick_size=tick_size(row.currency, row.price),
        price_magnifier=price_magnifier(exchange, row.currency),
        price=row.price,
        price_time=as_of_time if row.price is not None else None,
    )
    if kind is HoleKind.AMBIGUOUS:
        return [listing, listing.model_copy(update={"native_id": con_id(row.ticker, row.isin or "", "second")})]
    return [_altered(listing, row, kind)]


def _alpaca(row: PricedRow, kind: HoleKind | None, markets: Mapping[str, Market], as_of_time: datetime) -> list[Listing]:
    gone = (HoleKind.MISSING, HoleKind.MISSING_AT_ALPACA, HoleKind.AMBIGUOUS)
    if row.market == "CRYPTO":
        return _alpaca_coin(row, as_of_time)
    if row.market != "US" or kind in gone:
        return []
    symbol = us_symbol(row.ticker)
    listing = Listing(
        venue="alpaca",
        native_id=asset_id(symbol),
        symbol=symbol,
        name=row.name,
        asset_class=row.asset_class,
        currency="USD",
        exchange=exchange_word(row, markets),
        tick_size=tick_size("USD", row.price),
        price=row.price,
        price_time=as_of_time if row.price is not None else None,
    )
    return [_altered(listing, row, kind)]


def _alpaca_coin(row: PricedRow, as_of_time: datetime) -> list[Listing]:
    """A crypto pair at Alpaca, which trades them in billionths; a ticker that cannot be cut is not listed."""
    pair = listed_pair(stem(row.ticker), row.currency)
    if pair is None:
        return []
    symbol = SLASH.format(pair)
    return [
        Listing(
            venue="alpaca",
            native_id=asset_id(symbol),
            symbol=symbol,
            name=row.name,
            asset_class=AssetClass.CRYPTO,
            currency=pair.quote,
            exchange="CRYPTO",
            lot_size=Decimal("0.000000001"),
            tick_size=Decimal("0.000000001") if row.price is None or row.price < 1 else Decimal("0.01"),
            price=row.price,
            price_time=as_of_time if row.price is not None else None,
        )
    ]


def _altered(listing: Listing, row: PricedRow, kind: HoleKind | None) -> Listing:
    if kind is HoleKind.DELISTED:
        return listing.model_copy(update={"tradable": False, "inactive_reason": "delisted", "price": None, "price_time": None})
    if kind is HoleKind.RENAMED:
        return listing.model_copy(update={"name": _other_name(row, "Group Holdings")})
    if kind is HoleKind.RECYCLED:
        other: dict[str, object] = {"name": _other_name(row, "Ventures"), "native_id": con_id(row.ticker, "recycled")}
        other["price"] = None if listing.price is None else listing.price * 3
        if listing.isin:
            other["isin"] = _other_isin(row)
        if listing.venue == "alpaca":
            other["native_id"] = asset_id(f"{listing.symbol} recycled")
        return listing.model_copy(update=other)
    return listing


_FIRST = ("Amberwick", "Brackenfold", "Cindermoor", "Dunlathe", "Eversholme", "Fennimarch", "Garrowby", "Hexaline")


def _other_name(row: PricedRow, ending: str) -> str:
    return f"{_FIRST[number(row.ticker, 'name') % len(_FIRST)]} {ending}"


def _other_isin(row: PricedRow) -> str:
    """A valid ISIN of the same country that is not the row's."""
    country = (row.isin or "XS")[:2]
    body = f"{country}{number(row.ticker, 'isin') % 10**9:09d}"
    return body + _check_digit(body)


def _check_digit(body: str) -> str:
    digits = "".join(str(int(character, 36)) for character in body)
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)
