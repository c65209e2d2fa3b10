"""Market: where a listing trades, in the notations that sources and brokers use."""

from decimal import Decimal

from pydantic import Field

from include.domain.model import Value


class Market(Value):
    """One entry of `include/config/markets.yaml`.

    Attributes:
        market: MIC of the main segment (`XTKS`), or `US` for the US composite (Yahoo tickers do not say which one).
        name: For people.
        yahoo_suffix: Without the dot (`T`); "" for the US.
        mics: Every ISO 10383 code that counts as this market (segments included).
        exchange_words: What brokers that tell no MIC call it (`TSEJ` at IBKR).
        currencies: Currencies its listings are quoted in (`GBP` for London; pence are the broker's business).
        calendar: `exchange_calendars` name for its sessions.
        lot_size: Usual lot where no contract is known yet (Tokyo 100).
        region: `us`, `europe`, `asia`, `india`, `canada`, `crypto`, `fx`: what eligibility rules refer to.
    """

    market: str
    name: str
    yahoo_suffix: str
    mics: tuple[str, ...]
    exchange_words: tuple[str, ...] = ()
    currencies: tuple[str, ...] = Field(min_length=1)
    calendar: str
    lot_size: Decimal = Field(Decimal(1), gt=0)
    region: str
