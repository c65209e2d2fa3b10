"""CFDs of the local TWS: of which shares, and what they share with them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from include.domain.instrument import AssetClass
from include.sandbox.catalogue import Listing
from include.sandbox.cfds import cfd_listings

NOW = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


def share(number: int, **more: Any) -> Listing:
    values = {"venue": "ibkr", "native_id": str(number), "symbol": f"S{number}", "name": f"Share {number}", "currency": "USD"}
    priced = {"exchange": "NYSE", "isin": "US0378331005", "price": Decimal(100 + number), "price_time": NOW}
    return Listing(**{**values, **priced, **more})


def test_the_first_shares_have_a_cfd_that_is_like_them_in_all_but_kind_and_id() -> None:
    left_out = [
        share(1, venue="alpaca"),
        share(2, currency="EUR"),
        share(3, price=None, price_time=None),
        share(4, asset_class=AssetClass.ETF),
    ]
    first, *others = cfd_listings([*left_out, *(share(number) for number in range(5, 9))], NOW)
    assert (first.symbol, first.name, first.isin, first.price) == ("S5", "Share 5", "US0378331005", Decimal(105))
    assert (first.asset_class, first.exchange, first.venue) == (AssetClass.CFD, "", "ibkr")
    assert [each.symbol for each in others] == ["S6", "S7", "IBUS500", "IBDE40", "XAUUSD"]
    ids = [each.native_id for each in (first, *others)]
    assert len({*ids, *(str(number) for number in range(9))}) == len(ids) + 9


def test_without_shares_there_are_indexes_and_gold() -> None:
    found = cfd_listings([], NOW)
    assert {(each.symbol, each.currency, each.asset_class) for each in found} == {
        ("IBUS500", "USD", AssetClass.CFD),
        ("IBDE40", "EUR", AssetClass.CFD),
        ("XAUUSD", "USD", AssetClass.CFD),
    }
    assert all(each.price and each.price_time == NOW for each in found)
    assert cfd_listings([], NOW) == found
