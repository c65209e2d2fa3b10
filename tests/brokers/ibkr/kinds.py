"""A local TWS that lists every kind of contract the adapter trades, with prices in dollars."""

from decimal import Decimal
from typing import Any

from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from tests.brokers.ibkr.venue import listing, make_book

STOCK, PAIR, COIN, FUTURE, OPTION, WARRANT, CFD = 265598, 12087792, 479624278, 637533641, 700000001, 700000002, 700000003

KINDS: list[Listing] = [
    listing(STOCK, "AAPL", "APPLE INC", "USD", "NASDAQ", "240", isin="US0378331005"),
    listing(PAIR, "EUR", "European Euro", "USD", "IDEALPRO", "1.2", asset_class="fx", tick_size=Decimal("0.00005")),
    listing(
        COIN,
        "BTC",
        "Bitcoin cryptocurrency",
        "USD",
        "PAXOS",
        "60000",
        asset_class="crypto",
        lot_size=Decimal("0.0001"),
        tick_size=Decimal("0.25"),
    ),
    listing(
        FUTURE, "ES", "E-mini S&P 500", "USD", "CME", "20", asset_class="future", multiplier=Decimal(50), expiry="2026-12-18"
    ),
    listing(OPTION, "AAPL", "APPLE INC", "USD", "", "3", asset_class="option", multiplier=Decimal(100), expiry="2026-12-18"),
    listing(WARRANT, "WXYZ", "WXYZ WARRANT", "USD", "NYSE", "2", asset_class="warrant"),
    listing(CFD, "AAPL", "APPLE INC", "USD", "", "240", isin="US0378331005", asset_class="cfd"),
]


def kinds_book(**more: Any) -> VenueBook:
    return make_book(KINDS, **({"cash": {"EUR": Decimal(100_000), "USD": Decimal(50_000)}} | more))


def kind_of(con_id: int) -> Contract:
    """The contract as a look-up would tell it."""
    known = next(each for each in KINDS if each.native_id == str(con_id))
    return Contract(
        broker="ibkr",
        native_id=known.native_id,
        symbol=known.symbol,
        base=known.symbol if known.asset_class in (AssetClass.FX, AssetClass.CRYPTO) else None,
        asset_class=known.asset_class,
        currency=known.currency,
        exchange=known.exchange,
        multiplier=known.multiplier,
        lot_size=known.lot_size,
        tick_size=known.tick_size,
    )


def mark(book: VenueBook, price: str, con_id: int = STOCK, volume: str | None = None) -> None:
    """The market moves."""
    with book.lock:
        book.engine.set_mark(str(con_id), "USD", Decimal(price), book.clock(), volume=None if volume is None else Decimal(volume))
