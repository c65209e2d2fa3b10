"""The keys of `include/config/brokers/alpaca.yaml` that are this adapter's own."""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from include.domain.model import Value


class AlpacaSettings(Value):
    """What the YAML says beyond the keys of every broker.

    Attributes:
        endpoints: What `pacing` may give a weight.
        data_feed: `iex`, `sip` ...; None: what the account has.
        stream_reconnects / stream_pause_seconds: How often a broken stream is opened anew, and after how long.
        exchanges: Alpaca's word to MIC; "" where the word is kept.
        etf_name_words: Whole words in the names of funds.
        min_notional: Class of assets to currency to the smallest order.
    """

    endpoints: ClassVar[frozenset[str]] = frozenset({"trading", "stock_data", "crypto_data"})

    timeout_seconds: float = Field(20, gt=0)
    quotes_per_request: int = Field(100, ge=1)
    data_feed: str | None = None
    stream_reconnects: int = Field(5, ge=0)
    stream_pause_seconds: float = Field(1, ge=0)
    exchanges: dict[str, str] = Field(default_factory=dict)
    etf_name_words: tuple[str, ...] = ()
    min_notional: dict[str, dict[str, Annotated[Decimal, Field(ge=0)]]] = Field(default_factory=dict)
