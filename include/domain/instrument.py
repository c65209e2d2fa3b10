"""Instrument: the thing itself, keyed by identity, as one member of the universe names it."""

from enum import StrEnum

from include.domain.model import Value


class AssetClass(StrEnum):
    """What kind of thing an instrument or contract is; different kinds never match each other."""

    STOCK = "stock"
    ETF = "etf"
    FX = "fx"
    CRYPTO = "crypto"
    FUTURE = "future"
    OPTION = "option"
    WARRANT = "warrant"
    CFD = "cfd"
    METAL = "metal"
    BOND = "bond"
    INDEX = "index"
    OTHER = "other"


class Instrument(Value):
    """One wanted instrument with the listing that the screen (or a holding) names.

    Attributes:
        instrument_id: As `include.domain.identifiers.instrument_id` makes it: `isin:<ISIN>` where a valid ISIN is known.
        ticker: Yahoo-style ticker as the source wrote it, e.g. `6095.T`, `ROCK-A.CO`, `AAPL`.
        name: Company or fund name as the source wrote it (whitespace normalised).
        isin: Valid ISIN or None (the text "null" is None).
        figi: FIGI of the listing or its composite, or None.
        share_class_figi: FIGI of the share class, the same in every country, or None.
        cusip: Valid CUSIP or None.
        currency: ISO 4217 code of the listing's prices; of a crypto pair the quote side (`USDT`).
        market: Key into `include/config/markets.yaml`: a MIC (`XTKS`) or `US` for the US composite.
        asset_class: Kind; screens hold `stock` unless they say otherwise.
    """

    instrument_id: str
    ticker: str
    name: str
    isin: str | None = None
    figi: str | None = None
    share_class_figi: str | None = None
    cusip: str | None = None
    currency: str
    market: str
    asset_class: AssetClass = AssetClass.STOCK
