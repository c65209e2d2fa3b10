"""The default input of a newcomer: real listings with invented prices, changes and screen returns, labelled synthetic.

The files are of the same kind as the screener's, so that one parser serves both. Prices and changes depend on the seed and the
ticker only, returns on the seed, the screen and the quarter: another day gives the same members at the same prices.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from upath import UPath

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.screening.dates import write_date
from include.screening.listings import Listing, real_listings
from include.screening.source import BACKTEST_SUFFIX, SCREEN_SUFFIX, SYNTHETIC_MARKER
from include.settings import load_settings

if TYPE_CHECKING:
    import numpy as np

# Lowest and highest price in currency units.
_PRICE_RANGE = {
    "USD": (5.0, 600.0),
    "JPY": (500.0, 9000.0),
    "GBP": (0.8, 60.0),
    "EUR": (4.0, 400.0),
    "CHF": (8.0, 900.0),
    "SEK": (30.0, 1500.0),
}
_FIRST_YEAR, _FIRST_QUARTER = 2008, 2


@dataclass(frozen=True)
class _Recipe:
    """One invented screen: rows per market, and its quarterly returns in percent (mean, part of the market's, own deviation)."""

    name: str
    trade: str
    rows: Mapping[str, int]
    mean: float
    beta: float
    deviation: float
    skip: int


_MARKETS = ("US", "XTKS", "XLON", "XETR", "XFRA", "XPAR", "XSWX", "XSTO", "XAMS", "XMAD", "XHEL", "XBRU", "XMIL")


def _rows(*counts: int) -> dict[str, int]:
    return dict(zip(_MARKETS, counts, strict=True))


# `skip` is where a screen starts in its market's shuffled listings, as a share of the rows of the screens before it: a little
# less than all of them makes neighbours overlap.
_RECIPES = (
    _Recipe("quality_large_caps", "Long", _rows(34, 32, 14, 9, 3, 7, 4, 4, 4, 4, 2, 2, 1), 3.6, 0.85, 4.0, 0),
    _Recipe("momentum_mid_caps", "Long", _rows(28, 28, 12, 8, 3, 6, 4, 3, 3, 2, 1, 1, 1), 3.4, 1.05, 6.0, 3),
    _Recipe("weak_balance_sheets", "Short", _rows(17, 18, 8, 5, 2, 3, 2, 2, 1, 1, 1, 0, 0), -2.6, -0.9, 6.0, 2),
)
# One unusable row for each screen, so that a demo shows what becomes of them: field, value.
_FAULTS = {"quality_large_caps": ("price", "-1"), "momentum_mid_caps": ("currency", "XXX"), "weak_balance_sheets": ("isin", None)}


def synthetic_listings(seed: int, markets: Mapping[str, Market] | None = None) -> list[dict[str, Any]]:
    """All usable listings with their invented prices, sorted by ticker: what a sandbox can list.

    Returns:
        Rows `ticker, isin, name, currency, market, price (float, currency units), asset_class ("stock")`.
    """
    return [
        {
            "ticker": listing.ticker,
            "isin": listing.isin,
            "name": listing.name,
            "currency": listing.currency,
            "market": listing.market,
            "price": synthetic_price(seed, listing.ticker, listing.currency),
            "asset_class": AssetClass.STOCK.value,
        }
        for listing in _priced(real_listings(markets or load_settings().markets))
    ]


def synthetic_price(seed: int, ticker: str, currency: str) -> float:
    """The invented price of a listing, log-uniform in its currency's usual range; whole yen, else two digits."""
    low, high = _PRICE_RANGE[currency]
    price = low * (high / low) ** _random(seed, "price", ticker).random()
    return float(round(price)) if currency == "JPY" else float(round(price, 2))


def synthetic_change(seed: int, ticker: str) -> str:
    """The invented 180-day change, as the exports write it (`-9.09%`)."""
    growth = float(_random(seed, "change", ticker).normal(0.06, 0.22))
    return f"{(2.718281828459045**growth - 1) * 100:.2f}%"


def write_synthetic_screens(folder: str, seed: int, dated: date, markets: Mapping[str, Market] | None = None) -> list[str]:
    """Write an export folder (three screens and the marker file) and return the names of its files.

    Files that are there already with the same content are left alone; others are replaced whole.
    """
    root = UPath(folder)
    root.mkdir(parents=True, exist_ok=True)
    files = synthetic_export(seed, dated, markets)
    for name, content in files.items():
        path = root / name
        if not path.is_file() or path.read_bytes() != content:
            _write(path, content)
    return list(files)


def synthetic_export(seed: int, dated: date, markets: Mapping[str, Market] | None = None) -> dict[str, bytes]:
    """File name to content of the three screens, their backtests and the marker file."""
    members = _members(seed, _priced(real_listings(markets or load_settings().markets)))
    files = {SYNTHETIC_MARKER: f"Real listings; prices, changes and returns are invented (seed {seed}).\n".encode()}
    for recipe in _RECIPES:
        files[recipe.name + SCREEN_SUFFIX] = _screen_file(seed, recipe, members[recipe.name], dated)
        files[recipe.name + BACKTEST_SUFFIX] = _backtest_file(seed, recipe, dated)
    return files


def _priced(listings: list[Listing]) -> list[Listing]:
    return [listing for listing in listings if listing.currency in _PRICE_RANGE]


def _members(seed: int, listings: list[Listing]) -> dict[str, list[Listing]]:
    """Members of each screen; the last one of each is for its unusable row and is in no other screen."""
    members: dict[str, list[Listing]] = {recipe.name: [] for recipe in _RECIPES}
    spare: list[Listing] = []
    for market in _MARKETS:
        here = [listing for listing in listings if listing.market == market]
        order = [here[i] for i in _random(seed, "members", market).permutation(len(here))]
        start = 0
        for recipe in _RECIPES:
            count = recipe.rows[market]
            first = max(0, start - recipe.skip) if count > recipe.skip else start
            members[recipe.name] += order[first : first + count]
            start = max(start, first + count)
        spare += order[start:]
    for recipe, listing in zip(_RECIPES, spare, strict=False):
        members[recipe.name].append(listing)
    return members


_HEADER = (
    ("symbol", ""),
    ("ISIN", ""),
    ("stock price currency", ""),
    ("name", ""),
    ("sector", ""),
    ("country", ""),
    ("Price", "per share in stock price currency"),
    ("Price", "180d change"),
    ("calculation date", ""),
)
_FOOTER = "url parameters\r\n,query,Name of a saved query.\r\n"


def _screen_file(seed: int, recipe: _Recipe, members: list[Listing], dated: date) -> bytes:
    lines = ["sep=,", _line(name for name, _ in _HEADER), _line(subtitle for _, subtitle in _HEADER), _line("" for _ in _HEADER)]
    for listing in members[:-1]:
        lines.append(_line(_cells(seed, listing, dated).values()))
    field, value = _FAULTS[recipe.name]
    broken = _cells(seed, members[-1], dated)
    check_digit = broken["isin"][-1]
    broken[field] = value if value is not None else broken["isin"][:-1] + str((int(check_digit) + 1) % 10)
    lines.append(_line(broken.values()))
    return ("\r\n\r\n".join(lines) + "\r\n\r\n" + _FOOTER).encode()


def _cells(seed: int, listing: Listing, dated: date) -> dict[str, str]:
    price = synthetic_price(seed, listing.ticker, listing.currency)
    return {
        "ticker": listing.ticker,
        "isin": listing.isin,
        "currency": listing.currency,
        "name": listing.name,
        "sector": listing.sector,
        "country": listing.country,
        "price": f"{price:.0f}" if listing.currency == "JPY" else f"{price:.2f}",
        "change": synthetic_change(seed, listing.ticker),
        "calculated": write_date(dated),
    }


def _line(cells: Any) -> str:
    return ",".join(f'"{cell}"' if '"' not in cell and "," in cell else cell.replace('"', "'") for cell in cells)


def _backtest_file(seed: int, recipe: _Recipe, dated: date) -> bytes:
    settings = {"Date": write_date(dated), "Trade": recipe.trade, "Number of stocks": "24", "Begin": str(_FIRST_YEAR)}
    lines = ["sep=,", *(f'"{key}",{value}' for key, value in settings.items()), ""]
    lines.append(',,"Return","(Avg of) Period SD","Average beta","Invented benchmark"')
    quarters = _quarters(dated)
    market = _random(seed, "benchmark", "").normal(2.6, 8.0, len(quarters))
    own = _random(seed, "returns", recipe.name).normal(0.0, recipe.deviation, len(quarters))
    for number, label in enumerate(quarters):
        result = max(-60.0, recipe.mean + recipe.beta * (float(market[number]) - 2.6) + float(own[number]))
        lines.append(f'{label},Stocks,,,,"Invented benchmark"')
        lines.append(
            f",Quarter return,{result:.2f}%,{abs(recipe.beta) * 16 + 4:.0f}%,{abs(recipe.beta):.2f},{market[number]:.2f}%"
        )
    return ("\r\n".join(lines) + "\r\n\r\n" + _FOOTER).encode()


def _quarters(dated: date) -> list[str]:
    """Labels of the complete quarters from 2008 Q2 up to the one before `dated`'s."""
    first = _FIRST_YEAR * 4 + _FIRST_QUARTER - 1
    return [f"{number // 4} Q{number % 4 + 1}" for number in range(first, dated.year * 4 + (dated.month - 1) // 3)]


def _random(seed: int, use: str, name: str) -> "np.random.Generator":
    import numpy as np

    # A generator of its own for each value: adding a listing or a screen leaves all others as they are.
    digest = hashlib.sha256(f"{seed}:{use}:{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))


def _write(path: UPath, content: bytes) -> None:
    if path.protocol not in ("", "file"):
        path.write_bytes(content)
        return
    handle, temporary = tempfile.mkstemp(dir=str(path.parent.path), prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path.path)
