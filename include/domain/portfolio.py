"""Portfolio: the accounts that are run as one, and the limits that protect it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from include.domain.account import Account, Environment
from include.domain.model import Value


class ExecutionMode(StrEnum):
    """`plan` stops at orders.json; `paper` sends to sandbox and paper accounts only; `live` is refused for now."""

    PLAN = "plan"
    PAPER = "paper"
    LIVE = "live"


class UnreachablePolicy(StrEnum):
    """What happens to weight that whole lots cannot hold."""

    CASH = "cash"
    NEXT_RANK = "next_rank"
    PRO_RATA = "pro_rata"


class Limits(Value):
    """Safe defaults from the first day; shares of net asset value unless named otherwise.

    Attributes:
        max_order_pct: One order at most this share of NAV, in percent.
        max_turnover_pct: Sum of order notionals in one run at most this share of NAV, in percent (waived by `first_funding`).
        collar_bp: Limit price distance from the quote, per market override in `collar_bp_by_market`.
        max_quote_deviation_pct: A quote further than this from the export price holds the instrument.
        max_quote_move_pct: A quote that moved more than this since planning holds the order at sending.
        do_not_trade: Tickers, ISINs or instrument ids never traded, in capitals or not.
    """

    max_order_pct: Decimal = Field(Decimal(5), ge=0)
    max_turnover_pct: Decimal = Field(Decimal(30), ge=0)
    collar_bp: Decimal = Field(Decimal(50), ge=0, lt=10_000)
    collar_bp_by_market: dict[str, Annotated[Decimal, Field(ge=0, lt=10_000)]] = Field(default_factory=dict)
    max_quote_deviation_pct: Decimal = Field(Decimal(25), ge=0)
    max_quote_move_pct: Decimal = Field(Decimal(2), ge=0)
    do_not_trade: tuple[str, ...] = ()

    def forbids(self, ticker: str, instrument_id: str) -> bool:
        """Whether an instrument is on the list `do_not_trade`, by ticker, ISIN or pair, or by its id of now or of before."""
        names = {name.strip().casefold() for name in self.do_not_trade}
        known = (ticker, f"ticker:{ticker}", instrument_id, instrument_id.partition(":")[2])
        return not names.isdisjoint(word.casefold() for word in known)


class Portfolio(Value):
    """One portfolio as its YAML describes it.

    Attributes:
        base_currency: Net asset value and targets are in this currency.
        cash_buffer_pct: Share of NAV never invested, in percent.
        max_weight_pct: Cap per instrument before the buffer, in percent.
        trade_other_listings: Whether an `other_listing` mapping may be traded.
    """

    portfolio_id: str
    environment: Environment
    base_currency: str = Field("EUR", pattern=r"^[A-Z]{3,5}$")
    accounts: tuple[Account, ...]
    limits: Limits = Limits()
    cash_buffer_pct: Decimal = Field(Decimal(2), ge=0, le=100)
    max_weight_pct: Decimal = Field(Decimal(10), gt=0, le=100)
    unreachable_policy: UnreachablePolicy = UnreachablePolicy.CASH
    trade_other_listings: bool = False
