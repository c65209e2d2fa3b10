"""Building a venue's catalogue: from real lists, or synthetic from the caller's rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from include.domain.market import Market
from include.sandbox import real_lists
from include.sandbox import synthetic as made_up
from include.sandbox.catalogue import Listing
from include.sandbox.marks import MarkIndex
from include.sandbox.rows import PricedRow, fx_listings
from include.sandbox.synthetic import Hole, HoleKind
from include.settings import load_settings

__all__ = ["Hole", "HoleKind", "PricedRow", "from_catalogs", "synthetic"]


def from_catalogs(
    folder: Path,
    rows: Sequence[PricedRow],
    fx_rates: Mapping[str, Decimal],
    as_of_time: datetime,
    markets: Mapping[str, Market] | None = None,
) -> list[Listing]:
    """Real lists, marked at the rows' prices; what no row prices is listed without a mark.

    Args:
        folder: Holds `ibkr/contracts.csv`, `nasdaqtrader/*.txt` and `alpaca/*.json`.
        fx_rates: Units of a currency for one euro; become the pairs EUR.XXX at IBKR.
        as_of_time: Time of the marks, aware.
        markets: Default: `markets.yaml`.

    Raises:
        InputError: A file or column is missing, or a value does not fit.
    """
    marks = MarkIndex(rows, load_settings().markets if markets is None else markets)
    return [
        *real_lists.ibkr_listings(folder, marks, as_of_time),
        *real_lists.alpaca_listings(folder, marks, as_of_time),
        *fx_listings(fx_rates, as_of_time),
    ]


def synthetic(
    rows: Sequence[PricedRow],
    seed: int,
    fx_rates: Mapping[str, Decimal],
    as_of_time: datetime,
    markets: Mapping[str, Market] | None = None,
) -> tuple[list[Listing], list[Hole]]:
    """The default catalogue and its holes; see `include.sandbox.synthetic.synthetic`."""
    return made_up.synthetic(rows, seed, fx_rates, as_of_time, load_settings().markets if markets is None else markets)
