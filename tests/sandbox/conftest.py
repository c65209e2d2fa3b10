from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.domain.market import Market
from include.sandbox.catalogue import Listing

NOW = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)

MakeListing = Callable[..., Listing]


@pytest.fixture
def listing() -> MakeListing:
    """Makes a listing: symbol ONE at ibkr, priced 100 USD, but for what is said otherwise."""

    def make(**other: object) -> Listing:
        values: dict[str, object] = {
            "venue": "ibkr",
            "native_id": "1",
            "symbol": "ONE",
            "name": "One Inc",
            "currency": "USD",
            "exchange": "NASDAQ",
            "price": Decimal(100),
            "price_time": NOW,
        }
        return Listing.model_validate(values | other)

    return make


@pytest.fixture(scope="session")
def markets() -> dict[str, Market]:
    """A few markets with IBKR's words."""
    rows = {
        "US": (("NYSE", "NASDAQ"), ("USD",), ""),
        "XTKS": (("TSEJ",), ("JPY",), "T"),
        "XLON": (("LSE", "LSEETF"), ("GBP", "USD"), "L"),
        "XCSE": (("CPH",), ("DKK",), "CO"),
        "XSTO": (("SFB",), ("SEK",), "ST"),
        "XETR": (("IBIS", "IBIS2"), ("EUR",), "DE"),
        "XPAR": (("SBF",), ("EUR",), "PA"),
        "CRYPTO": (("PAXOS",), ("USD",), "CRYPTO"),
    }
    return {
        key: Market(
            market=key,
            name=key,
            yahoo_suffix=suffix,
            mics=(key,),
            exchange_words=exchanges,
            currencies=currencies,
            calendar="XNYS",
            region="europe",
        )
        for key, (exchanges, currencies, suffix) in rows.items()
    }
