"""The keys of `include/config/brokers/alpaca.yaml` that are this adapter's own."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from include.domain.model import Value


class Pacing(Value):
    """At most `requests_per_minute` in any minute, of which `burst` at once."""

    requests_per_minute: int = Field(190, ge=1)
    burst: int = Field(60, ge=1)


class AlpacaSettings(Value):
    """What the YAML says beyond the keys of every broker.

    Attributes:
        data_feed: `iex`, `sip` ...; None: what the account has.
        stream_reconnects / stream_pause_seconds: How often a broken stream is opened anew, and after how long.
        exchanges: Alpaca's word to MIC; "" where the word is kept.
        etf_name_words: Whole words in the names of funds.
        min_notional: Class of assets to currency to the smallest order.
    """

    pacing: Pacing = Pacing()
    timeout_seconds: float = Field(20, gt=0)
    quotes_per_request: int = Field(100, ge=1)
    data_feed: str | None = None
    stream_reconnects: int = Field(5, ge=0)
    stream_pause_seconds: float = Field(1, ge=0)
    exchanges: dict[str, str] = Field(default_factory=dict)
    etf_name_words: tuple[str, ...] = ()
    min_notional: dict[str, dict[str, Annotated[Decimal, Field(ge=0)]]] = Field(default_factory=dict)
