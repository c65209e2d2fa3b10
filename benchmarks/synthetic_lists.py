"""Invented universes and contract lists of any size, shaped like real ones: for speed, never for accuracy.

Every instrument is an invented company on one of five markets. Each broker lists a share of them among others that nobody wants,
under names shouted, cut or abbreviated; some brokers tell ISINs, most do not; some contracts are dead, some
symbols are another company's. Seeded: the same sizes give the same world.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import Instrument

MARKETS = ("US", "XETR", "XTKS", "XLON", "XPAR")
CURRENCY = {"US": "USD", "XETR": "EUR", "XTKS": "JPY", "XLON": "GBP", "XPAR": "EUR"}
SUFFIX = {"US": "", "XETR": ".DE", "XTKS": ".T", "XLON": ".L", "XPAR": ".PA"}
MIC = {"US": "XNAS", "XETR": "XETR", "XTKS": "XTKS", "XLON": "XLON", "XPAR": "XPAR"}
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
    "ul",
    "vex",
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


@dataclass(frozen=True)
class SyntheticWorld:
    """Instruments, and per broker its contracts and whether it tells ISINs."""

    instruments: list[Instrument]
    contracts: dict[str, pa.Table]


def synthetic_world(instruments: int, contracts: int, seed: int = 1) -> SyntheticWorld:
    """A universe of `instruments`, and `contracts` in all over the eight brokers."""
    draw = np.random.default_rng(seed)
    per_broker = contracts // len(BROKERS)
    companies = _companies(max(instruments, per_broker) * 3 // 2, draw)
    wanted = companies.slice(0, instruments)
    listed = {name: _listed(name, tells, companies, instruments, per_broker, draw) for name, tells in BROKERS.items()}
    return SyntheticWorld(_instruments(wanted), listed)


def _companies(count: int, draw: np.random.Generator) -> pa.Table:
    number = np.arange(count)
    syllables = np.array(_SYLLABLES)
    words = [pa.array(np.char.capitalize(_word(syllables, draw.integers(0, 20, (count, 3))))) for _ in range(2)]
    form = pa.array(np.array(_FORMS)[draw.integers(0, len(_FORMS), count)])
    market = np.array(MARKETS)[draw.integers(0, len(MARKETS), count)]
    return pa.table(
        {
            "name": pc.binary_join_element_wise(pc.binary_join_element_wise(*words, " "), form, ""),
            "root": pa.array([_letters(n) for n in number.tolist()]),
            "market": pa.array(market),
            "isin": pa.array([_isin(n) for n in number.tolist()]),
        }
    )


def _word(syllables: np.ndarray, picks: np.ndarray) -> np.ndarray:
    return np.char.add(np.char.add(syllables[picks[:, 0]], syllables[picks[:, 1]]), syllables[picks[:, 2]])


def _letters(number: int) -> str:
    found = ""
    number += 26**3
    while number:
        number, letter = divmod(number, 26)
        found += chr(65 + letter)
    return found


def _isin(number: int) -> str:
    from stdnum import isin

    body = f"US{number:09d}"
    return body + str(isin.calc_check_digit(body))


def _instruments(companies: pa.Table) -> list[Instrument]:
    found = []
    for number, row in enumerate(companies.to_pylist()):
        isin = row["isin"] if number % 10 else None  # one in ten comes without
        ticker = row["root"] + SUFFIX[row["market"]]
        found.append(
            Instrument(
                instrument_id=f"isin:{isin}" if isin else f"ticker:{ticker}",
                ticker=ticker,
                name=row["name"],
                isin=isin,
                currency=CURRENCY[row["market"]],
                market=row["market"],
            )
        )
    return found


def _listed(broker: str, tells: bool, companies: pa.Table, wanted: int, count: int, draw: np.random.Generator) -> pa.Table:
    """Half of the list are wanted companies (as far as there are enough), the rest are others."""
    inside = draw.permutation(wanted)[: count // 2]
    outside = wanted + draw.permutation(companies.num_rows - wanted)[: count - len(inside)]
    picked = companies.take(pa.array(np.concatenate((inside, outside))))
    rows = picked.num_rows
    market = picked["market"].combine_chunks()
    names = picked["name"].combine_chunks()
    style = draw.integers(0, 4, rows)
    shouted = pc.utf8_slice_codeunits(pc.utf8_upper(names), 0, 28)
    described = pc.binary_join_element_wise(names, "Common Stock", " - ")
    names = pc.case_when(pc.make_struct(pa.array(style == 0), pa.array(style == 1)), shouted, described, names)
    strange = pa.array(draw.random(rows) < 0.02)  # another company's symbol
    names = pc.if_else(strange, pc.binary_join_element_wise("Zzyx", picked["root"].combine_chunks(), "Mining", " "), names)
    columns = {
        "broker": pa.array([broker] * rows),
        "native_id": pc.binary_join_element_wise(broker[0], pa.array(np.arange(rows)).cast(pa.string()), "-"),
        "symbol": picked["root"].combine_chunks(),
        "name": names,
        "asset_class": pa.array(["stock"] * rows),
        "currency": pa.array([CURRENCY[name] for name in market.to_pylist()]),
        "mic": pa.array([MIC[name] for name in market.to_pylist()]),
        "exchange": pa.array([""] * rows),
        "isin": pc.if_else(pc.or_(strange, not tells), pa.scalar(None, pa.string()), picked["isin"].combine_chunks()),
        "multiplier": pa.array(["1"] * rows),
        "price_magnifier": pa.array(["1"] * rows),
        "lot_size": pa.array(["1"] * rows),
        "tick_size": pa.array(["0.01"] * rows),
        "tradable": pa.array(draw.random(rows) > 0.01),
        "fractionable": pa.array([False] * rows),
    }
    return pa.table([columns.get(f.name, pa.nulls(rows, f.type)) for f in CONTRACT_SCHEMA], schema=CONTRACT_SCHEMA)
