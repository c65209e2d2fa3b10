"""A universe document and its mappings, small enough to count by hand."""

from typing import Any

from include.domain.mapping import Mapping, MappingStatus
from include.mapping.preference import Facts
from include.settings import Eligibility, load_settings
from tests.mapping.build import contract

FACTS = Facts(terms=load_settings().terms)
ELIGIBILITY = {
    "ibkr": Eligibility(),
    "alpaca": Eligibility(regions=("us", "crypto")),
    "paper": Eligibility(counts=False),
}


def stock(ticker: str, weight: float | None = 0.1, market: str = "US", **changes: Any) -> dict[str, Any]:
    """One row of `all_stocks`."""
    row = {
        "ticker": ticker,
        "instrument_id": f"ticker:{ticker}",
        "isin": None,
        "name": f"{ticker} Inc",
        "currency": "USD",
        "market": market,
        "asset_class": "stock",
        "final_target": weight,
    }
    return {**row, **changes}


def universe(*stocks: dict[str, Any], **further: Any) -> dict[str, Any]:
    """The universe document with one screen that holds every row."""
    rows = [dict(row) for row in stocks]
    return {
        "metadata": {"created_at": "2025-01-01T00:00:00+00:00", "total_stocks": len(rows)},
        "screens": {"bloom": {"name": "bloom", "count": len(rows), "stocks": rows}},
        "all_stocks": {row["ticker"]: row for row in stocks},
        "rejected": [],
        **further,
    }


def hit(ticker: str, broker: str = "ibkr", native_id: str = "265598", **changes: Any) -> Mapping:
    """A match by ticker."""
    found = contract(native_id, ticker, f"{ticker} INC", "XNAS", broker=broker, exchange="NASDAQ")
    values: dict[str, Any] = {"status": MappingStatus.MATCHED, "contract": found, "search_method": "ticker", "score": 1.0}
    return Mapping(broker=broker, ticker=ticker, instrument_id=f"ticker:{ticker}", **{**values, **changes})


def miss(ticker: str, broker: str = "ibkr", reason: str = "symbol_not_found", **changes: Any) -> Mapping:
    """No match."""
    values: dict[str, Any] = {"status": MappingStatus.NOT_FOUND, "reason": reason}
    return Mapping(broker=broker, ticker=ticker, instrument_id=f"ticker:{ticker}", **{**values, **changes})
