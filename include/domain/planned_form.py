"""The form of the orders that planning sends: what a broker must take to be chosen, and what it is sent."""

from include.domain.instrument import AssetClass
from include.domain.order import OrderType, TimeInForce

ORDER_TYPE = OrderType.LIMIT


def time_in_force(asset_class: str) -> TimeInForce:
    """How long a planned order for this kind stands.

    A coin's market has no close at which an order for the day would end, and brokers refuse such (Alpaca: gtc, ioc, fok). What is
    not filled at once is left to the next run: an order that stands for ever would freeze its instrument.
    """
    return TimeInForce.IOC if asset_class == AssetClass.CRYPTO else TimeInForce.DAY
