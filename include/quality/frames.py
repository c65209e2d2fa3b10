"""What the suites look at: one row of coverage figures, and one row per instrument and broker."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from include.domain.coverage import Coverage

MAPPING_COLUMNS = (
    *("broker", "ticker", "instrument_id", "status", "found", "native_id"),
    *("currency", "contract_currency", "isin", "contract_isin", "weight"),
)


def coverage_frame(coverage: Coverage) -> pd.DataFrame:
    """One row: the figures that have thresholds. A multi-broker figure that does not exist is NaN, which no threshold fails."""
    return pd.DataFrame(
        {
            "instruments": [coverage.instruments],
            "mapped": [coverage.mapped],
            "by_count_pct": [coverage.by_count_pct],
            "by_weight_pct": [coverage.by_weight_pct],
            "coverage_pct": [coverage.coverage_pct],
            "multi_broker_pct": pd.array([coverage.multi_broker_pct], dtype="float64"),
        }
    )


def mapping_frame(document: Mapping[str, Any]) -> pd.DataFrame:
    """One row per member of the universe and broker, columns `MAPPING_COLUMNS`; None where there is no contract."""
    rows = []
    for ticker, stock in document["all_stocks"].items():
        for broker, told in stock["broker_mappings"].items():
            rows.append(
                {
                    "broker": broker,
                    "ticker": ticker,
                    "instrument_id": stock["instrument_id"],
                    "status": told["status"],
                    "found": told["found"],
                    "native_id": told.get("native_id"),
                    "currency": stock["currency"],
                    "contract_currency": told.get("currency"),
                    "isin": stock.get("isin"),
                    "contract_isin": told.get("isin"),
                    "weight": float(stock.get("final_target") or 0),
                }
            )
    return pd.DataFrame(rows, columns=list(MAPPING_COLUMNS), dtype=object).astype({"found": bool, "weight": float})


def found_frame(mappings: pd.DataFrame) -> pd.DataFrame:
    """One row per broker, instrument and contract of what was found; two instruments on one contract stay two rows."""
    found = mappings[mappings["found"]]
    return found.drop_duplicates(subset=["broker", "instrument_id", "native_id"]).reset_index(drop=True)


def matched_frame(mappings: pd.DataFrame) -> pd.DataFrame:
    """The rows that claim the wanted listing."""
    return mappings[mappings["status"] == "matched"].reset_index(drop=True)
