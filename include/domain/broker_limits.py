"""Broker limits: what one broker may be sent at most, whoever's portfolio it is."""

from decimal import Decimal

from pydantic import Field

from include.domain.model import Value


class BrokerLimits(Value):
    """`risk_limits` in a broker's YAML; money is in the base currency of the portfolio that orders; None: no limit of its own.

    Attributes:
        max_order_value: Of one order.
        max_position_value: Of what its accounts hold and have on order of one contract after a purchase, whoever bought it.
        max_orders_per_run: Over all portfolios of a run; 0: it is sent nothing.
    """

    max_order_value: Decimal | None = Field(None, gt=0)
    max_position_value: Decimal | None = Field(None, gt=0)
    max_orders_per_run: int | None = Field(None, ge=0)
