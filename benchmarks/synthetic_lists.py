"""Invented universes and contract lists of any size, shaped like real ones: for speed, never for accuracy.

Every instrument is an invented company on one of five markets; one in fifty is a fund, one in a hundred a share of class B,
one in ten comes without an ISIN. Markets use the same symbols for different companies, as real ones do. Every broker lists a
share of the companies among others that nobody wants, in names as they are, shouted and cut, or described; two brokers tell
ISINs, and list some shares on a second market too; some contracts are dead, some symbols are another company's. All eight
list shares: pairs would not even be looked up. Seeded: the same sizes give the same world, and a broker's list does not
depend on which lists were made before.
"""

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import Instrument
from include.mapping.wanted import WANTED_SCHEMA

# Brokers of the invented world: whether each tells ISINs.
BROKERS = {
    "ibkr": True,
    "paper": True,
    "zerodha": False,
    "alpaca": False,
    "oanda": False,
    "binance": False,
    "coinbase": False,
    "crypto_com": False,
}
MARKETS = ("US", "XETR", "XTKS", "XLON", "XPAR")
_CURRENCY = ("USD", "EUR", "JPY", "GBP", "EUR")
_ENDING = ("", ".DE", ".T", ".L", ".PA")
_MIC = ("XNAS", "XETR", "XTKS", "XLON", "XPAR")
_COUNTRY = ("US", "DE", "JP", "GB", "FR")
_TOKYO = MARKETS.index("XTKS")
_SYLLABLES = (
    "ba",
    "cor",
    "del",
    "en",
    "fi",
    "gra",
    "hol",
    "in",
    "ka",
    "lum",
    "mer",
    "nor",
    "os",
    "pra",
    "qui",
    "ros",
    "sta",
    "tek",
)
_FORMS = (
    " Inc.",
    " Corp",
    " plc",
    " AG",
    " Co Ltd",
    " SA",
    " Holdings Inc",
    " Group plc",
    " Technologies Corp",
    " Industries Ltd",
)
_FUND, _CLASS_B, _LETTERS = 50, 100, 26**4

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SyntheticWorld:
    """A universe, and what each of `BROKERS` lists.

    Attributes:
        companies: `name, symbol, place (of the market in MARKETS), isin, is_fund`; the first are the universe.
        wanted: How many those are.
        per_broker: Length of each broker's list.
    """

    companies: pa.Table
    wanted: int
    per_broker: int
    seed: int

    @cached_property
    def universe(self) -> pa.Table:
        """The wanted instruments, of `WANTED_SCHEMA`."""
        some = self.companies.slice(0, self.wanted).combine_chunks()
        place = some["place"].combine_chunks()
        ticker = pc.binary_join_element_wise(some["symbol"].combine_chunks(), pa.array(_ENDING).take(place), "")
        without = pa.array(np.arange(self.wanted) % 10 == 0)
        isin = pc.if_else(without, pa.scalar(None, pa.string()), some["isin"].combine_chunks())
        identity = pc.if_else(without, pc.binary_join_element_wise("ticker", ticker, ":"), _joined("isin", isin))
        columns = {
            "instrument_id": identity,
            "ticker": ticker,
            "name": some["name"],
            "isin": isin,
            "currency": pa.array(_CURRENCY).take(place),
            "market": pa.array(MARKETS).take(place),
            "asset_class": pc.if_else(some["is_fund"].combine_chunks(), "etf", "stock"),
        }
        return _table(columns, WANTED_SCHEMA, self.wanted)

    @cached_property
    def instruments(self) -> list[Instrument]:
        """The wanted instruments as the steps know them."""
        return [Instrument.model_validate(row) for row in self.universe.to_pylist()]

    def listed(self, broker: str) -> pa.Table:
        """One broker's contracts, of `CONTRACT_SCHEMA`; made anew at every call, so that it is held only where it is needed.

        Half of the list are wanted companies (as far as there are enough), the rest are others.
        """
        draw = np.random.default_rng([self.seed, zlib.crc32(broker.encode())])
        inside = draw.permutation(self.wanted)[: self.per_broker // 2]
        others = self.wanted + draw.permutation(self.companies.num_rows - self.wanted)[: self.per_broker - len(inside)]
        picked = self.companies.take(pa.array(np.concatenate((inside, others)))).combine_chunks()
        return _listed(broker, BROKERS[broker], picked, draw)


def synthetic_world(instruments: int, contracts: int, seed: int = 1) -> SyntheticWorld:
    """A universe of `instruments`, and `contracts` in all over the eight brokers."""
    per_broker = contracts // len(BROKERS)
    count = instruments + per_broker  # enough for a list of nothing that is wanted
    return SyntheticWorld(_companies(count, np.random.default_rng(seed)), instruments, per_broker, seed)


def _companies(count: int, draw: np.random.Generator) -> pa.Table:
    number = np.arange(count)
    words = [pa.array(_SYLLABLES).take(pa.array(draw.integers(0, len(_SYLLABLES), count))) for _ in range(6)]
    word = [pc.utf8_capitalize(pc.binary_join_element_wise(*words[start : start + 3], "")) for start in (0, 3)]
    fund = number % _FUND == 7
    form = pc.if_else(pa.array(fund), " UCITS ETF", pa.array(_FORMS).take(pa.array(draw.integers(0, len(_FORMS), count))))
    class_b = ~fund & (number % _CLASS_B == 3)
    place = draw.integers(0, len(MARKETS), count)
    return pa.table(
        {
            "name": pc.binary_join_element_wise(
                pc.binary_join_element_wise(*word, " "), form, pc.if_else(pa.array(class_b), " Class B", ""), ""
            ),
            "symbol": _symbols(place, class_b),
            "place": pa.array(place),
            "isin": _isins(place, number),
            "is_fund": pa.array(fund),
        }
    )


def _symbols(place: Numbers, class_b: npt.NDArray[np.bool_]) -> pa.Array:
    """Four letters, digits in Tokyo; each market gives its own out in the same order."""
    order = np.argsort(place, kind="stable")
    sizes = np.bincount(place, minlength=len(MARKETS))
    nth = np.empty(len(place), np.int64)
    nth[order] = np.arange(len(place)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    assert not len(nth) or nth.max() < _LETTERS, "more companies on a market than it has symbols"
    scattered = nth * 7919 % _LETTERS  # 7919 shares no factor with 26: every symbol once
    letters = np.stack([scattered // 26**power % 26 + ord("A") for power in (3, 2, 1, 0)], axis=1).astype(np.uint8)
    words = pa.array(letters.view("S4").ravel()).cast(pa.string())
    codes = pc.if_else(pa.array(place == _TOKYO), pa.array(nth + 1301).cast(pa.string()), words)
    return pc.if_else(pa.array(class_b & (place != _TOKYO)), _joined(codes, "B", "-"), codes)


def _isins(place: Numbers, number: Numbers) -> pa.Array:
    """Country and nine digits, with the check digit of ISO 6166."""
    letters = np.array([[int(digit) for letter in country for digit in str(int(letter, 36))] for country in _COUNTRY])
    digits = np.concatenate((letters[place], np.stack([number // 10**power % 10 for power in range(8, -1, -1)], axis=1)), axis=1)
    doubled = digits.copy()
    doubled[:, ::-2] *= 2
    check = -(doubled // 10 + doubled % 10).sum(axis=1) % 10
    tail = pc.utf8_lpad(pa.array(number).cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise(pa.array(_COUNTRY).take(pa.array(place)), tail, pa.array(check).cast(pa.string()), "")


def _listed(broker: str, tells: bool, picked: pa.Table, draw: np.random.Generator) -> pa.Table:
    rows = picked.num_rows
    symbol, name, isin = (picked[column].combine_chunks() for column in ("symbol", "name", "isin"))
    place = picked["place"].to_numpy()
    if tells:  # some are listed in Frankfurt for euros as well, or only there
        place = np.where(draw.random(rows) < 0.03, MARKETS.index("XETR"), place)
    style = draw.integers(0, 4, rows)
    shouted = pc.utf8_slice_codeunits(pc.utf8_upper(name), 0, 28)
    name = pc.if_else(pa.array(style == 0), shouted, pc.if_else(pa.array(style == 1), _joined(name, "Common Stock", " - "), name))
    strange = pa.array(draw.random(rows) < 0.02)  # another company's symbol
    dead = draw.random(rows) < 0.01
    columns = {
        "broker": pa.repeat(broker, rows),
        "native_id": _joined(broker, pa.array(np.arange(rows)).cast(pa.string()), "-"),
        "symbol": pc.replace_substring(symbol, "-", "." if broker == "alpaca" else " "),
        "name": pc.if_else(strange, pc.binary_join_element_wise("Zzyx", symbol, "Mining", " "), name),
        "asset_class": pc.if_else(picked["is_fund"].combine_chunks(), "etf", "stock"),
        "currency": pa.array(_CURRENCY).take(pa.array(place)),
        "mic": pa.array(_MIC).take(pa.array(place)),
        "exchange": pa.repeat("", rows),
        "isin": pc.if_else(pc.or_(strange, not tells), pa.scalar(None, pa.string()), isin),
        **{number: pa.repeat("1", rows) for number in ("multiplier", "price_magnifier", "lot_size")},
        "tick_size": pa.repeat("0.01", rows),
        "tradable": pa.array(~dead),
        "fractionable": pa.repeat(False, rows),
        "inactive_reason": pc.if_else(pa.array(dead), "delisted", pa.scalar(None, pa.string())),
    }
    return _table(columns, CONTRACT_SCHEMA, rows)


def _joined(left: Any, right: Any, separator: str = ":") -> pa.Array:
    return pc.binary_join_element_wise(left, right, separator)


def _table(columns: dict[str, Any], schema: pa.Schema, rows: int) -> pa.Table:
    return pa.table([columns.get(field.name, pa.nulls(rows, field.type)) for field in schema], schema=schema)
