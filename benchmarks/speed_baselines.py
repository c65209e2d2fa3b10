"""What the matcher's speed is held against: the first system's loop over a dictionary of symbols, and one bare join."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_KEY = "key"


@dataclass
class Result:
    """What the loop says about one stock."""

    found: bool
    symbol: str | None = None
    asset_id: str | None = None
    asset_class: str | None = None
    tradable: bool | None = None
    reason: str | None = None


def dictionary_loop(stocks: Sequence[Mapping[str, Any]], assets: Sequence[Mapping[str, Any]]) -> dict[str, Result]:
    """The first system's algorithm, stock by stock; by ticker.

    Args:
        stocks: From `loop_stocks`.
        assets: From `loop_assets`.
    """
    symbol_lookup = {asset["symbol"]: asset for asset in assets}
    results = {}
    for stock in stocks:
        symbol = stock["symbol"]
        if symbol in symbol_lookup:
            asset = symbol_lookup[symbol]
            results[stock["ticker"]] = Result(
                found=True,
                symbol=asset["symbol"],
                asset_id=asset["native_id"],
                asset_class=asset["asset_class"],
                tradable=asset["tradable"],
            )
        else:
            results[stock["ticker"]] = Result(found=False, reason="symbol_not_found")
    return results


def loop_stocks(universe: pa.Table) -> list[dict[str, Any]]:
    """`ticker` and, so that the loop finds what it can on markets abroad too, `symbol`: the ticker without its ending."""
    symbol = pc.replace_substring_regex(universe["ticker"], r"[.][A-Z]+$", "")
    return list(pa.table({"ticker": universe["ticker"], "symbol": symbol}).to_pylist())


def loop_assets(listed: pa.Table) -> list[dict[str, Any]]:
    """A list as the first system had it in memory."""
    return list(listed.select(["symbol", "native_id", "asset_class", "tradable"]).to_pylist())


def bare_join(wanted: pa.Table, listed: pa.Table) -> pa.Table:
    """One left outer join of what `join_sides` gives: every instrument, with all columns of the contracts that share its key."""
    return wanted.join(listed, keys=_KEY, join_type="left outer")


def join_sides(universe: pa.Table, listed: pa.Table, by_isin: bool) -> tuple[pa.Table, pa.Table]:
    """Both sides with a ready-made `key`: the ISIN, or market and symbol in one word. Making the key is not the join's time."""
    if by_isin:
        ours, theirs = universe["isin"], listed["isin"]
    else:
        plain = [pc.replace_substring_regex(one["symbol"], "[ .-]", "") for one in (_symbols(universe), listed)]
        ours = pc.binary_join_element_wise(universe["market"], plain[0], " ")
        mic = listed["mic"]
        theirs = pc.binary_join_element_wise(pc.if_else(pc.equal(mic, "XNAS"), "US", mic), plain[1], " ")
    return pa.table({"instrument_id": universe["instrument_id"], _KEY: ours}), listed.append_column(_KEY, theirs)


def _symbols(universe: pa.Table) -> pa.Table:
    return pa.table({"symbol": pc.replace_substring_regex(universe["ticker"], r"[.][A-Z]+$", "")})
