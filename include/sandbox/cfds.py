"""CFDs that the local TWS lists beside everything else: of shares, of an index, of gold.

A CFD of a share bears the share's symbol, name, currency and ISIN, and is another thing: who looks for the share must not get it.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from include.domain.instrument import AssetClass
from include.sandbox.catalogue import Listing
from include.sandbox.rows import con_id

SHARES = 3  # so many have a CFD
# IBKR's symbols for its own CFDs; the prices are made up.
_OTHERS = (
    ("IBUS500", "US 500 index", "USD", "6000", "0.01"),
    ("IBDE40", "Germany 40 index", "EUR", "20000", "0.01"),
    ("XAUUSD", "London gold", "USD", "3000", "0.01"),
)


def cfd_listings(shares: Sequence[Listing], as_of_time: datetime) -> list[Listing]:
    """CFDs of the first shares in dollars, at the shares' own prices, and of two indexes and gold.

    Args:
        shares: Listings; those of other venues and kinds, in other currencies and without a price are left out.
        as_of_time: Time of the marks.
    """
    fitting = [
        each
        for each in shares
        if (each.venue, each.asset_class, each.currency) == ("ibkr", AssetClass.STOCK, "USD") and each.price is not None
    ]
    of_shares = [
        share.model_copy(update={"native_id": con_id(share.native_id, "CFD"), "asset_class": AssetClass.CFD, "exchange": ""})
        for share in fitting[:SHARES]
    ]
    others = [
        Listing(
            venue="ibkr",
            native_id=con_id(symbol, "CFD"),
            symbol=symbol,
            name=name,
            asset_class=AssetClass.CFD,
            currency=currency,
            exchange="",
            tick_size=Decimal(step),
            price=Decimal(price),
            price_time=as_of_time,
        )
        for symbol, name, currency, price, step in _OTHERS
    ]
    return of_shares + others
