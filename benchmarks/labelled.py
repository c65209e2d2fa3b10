"""Labels typed by hand: an instrument as a screen would write it, and which contract of a broker's real list it is.

`labels/<broker>.csv` has the columns

    kind         what makes it hard (`class_share`, `recycled_symbol`, `crypto_quote` ...)
    status       `matched`, `other_listing`; `none`: no contract of the list is it; `optional`: only what the list does not tell
                 (a renaming, an ISIN) could lead to `expected`, so that finding it and finding nothing are both right
    expected     the contract: its native id; at Alpaca, whose real ids are not public, its symbol
    ticker, isin, name   as a screen or Yahoo writes them, never taken from the list
    asset_class  empty: stock
    currency     empty: the first currency of the ticker's market; of a pair its second side
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.market import Market
from include.settings import load_settings

FOLDER = Path(__file__).with_name("labels")
_MARKETS = {AssetClass.CRYPTO: "CRYPTO", AssetClass.FX: "FX", AssetClass.METAL: "FX", AssetClass.FUTURE: "US"}


class Expected(StrEnum):
    """What is right to say about an instrument."""

    MATCHED = "matched"
    OTHER_LISTING = "other_listing"
    OPTIONAL = "optional"
    NONE = "none"


@dataclass(frozen=True)
class Label:
    """One instrument at one broker, with the truth about it.

    Attributes:
        contract: Native id (Alpaca: symbol) of the right contract; "" where there is none.
        line: In its file, for messages.
    """

    broker: str
    kind: str
    status: Expected
    contract: str
    instrument: Instrument
    line: int = 0

    @property
    def is_to_be_found(self) -> bool:
        """Whether finding nothing is a miss."""
        return self.status in (Expected.MATCHED, Expected.OTHER_LISTING)

    def is_right(self, contract: Contract) -> bool:
        """Whether this contract is the one."""
        return self.contract == (contract.symbol if self.broker == "alpaca" else contract.native_id)


def read_labels(broker: str) -> list[Label]:
    """The labels of one broker, in the file's order."""
    markets = load_settings().markets
    with open(FOLDER / f"{broker}.csv", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return [
            Label(broker, row["kind"], Expected(row["status"]), row["expected"], _instrument(row, markets), reader.line_num)
            for row in reader
        ]


def read_truth(data: Path) -> list[Label]:
    """The user's own universe at IBKR, as it was found there over a week."""
    status = {"match": Expected.MATCHED, "other_listing": Expected.OTHER_LISTING, "not_found": Expected.NONE}
    markets = load_settings().markets
    with open(data / "uncle_stock" / "ibkr_truth.csv", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return [
            Label(
                "ibkr",
                "truth",
                status[row["expected"]],
                "" if row["expected"] == "not_found" else row["con_id"],
                _instrument({**row, "isin": row["isin"].replace("null", ""), "asset_class": ""}, markets),
                reader.line_num,
            )
            for row in reader
        ]


def _instrument(row: dict[str, str], markets: dict[str, Market]) -> Instrument:
    ticker, isin = row["ticker"], row["isin"] or None
    kind = AssetClass(row["asset_class"] or "stock")
    market = _MARKETS.get(kind) or _listed(ticker, markets)
    sides = {AssetClass.CRYPTO: ticker.rpartition("-")[2], AssetClass.FX: ticker[3:6], AssetClass.METAL: ticker[3:6]}
    return Instrument(
        instrument_id=f"isin:{isin}" if isin else f"ticker:{ticker}",
        ticker=ticker,
        name=row["name"],
        isin=isin,
        currency=row["currency"] or sides.get(kind) or markets[market].currencies[0],
        market=market,
        asset_class=kind,
    )


def _listed(ticker: str, markets: dict[str, Market]) -> str:
    suffix = ticker.rpartition(".")[2] if "." in ticker else ""
    return next(key for key, market in markets.items() if market.yahoo_suffix == suffix)
