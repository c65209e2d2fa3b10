"""The few contracts of a broker's list that the wanted instruments could be, indexed by the keys that find them.

A list has a hundred thousand rows, a universe some hundred members: rows are picked by column operations, and only what is picked
becomes a Python object. Cost grows with the rows and with the instruments, never with their product.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from include.domain.contract import Contract, from_row
from include.domain.instrument import AssetClass, Instrument
from include.domain.market import Market
from include.errors import InputError
from include.mapping.names import Name, names_a_fund, parse_name
from include.mapping.symbols import QUOTED_IN_PAIRS, canonical, pair

# IBKR's exchange word for contracts that are only valued, never traded, and its suffix for symbols that were given away.
_VALUED_ONLY = frozenset({"VALUE"})
_DEAD_SUFFIX = ".OLD"
_PASSING = ("tradable", "halt", "suspend")


@dataclass(frozen=True)
class Candidate:
    """One contract as the matcher sees it.

    Attributes:
        row: Its row of `CONTRACT_SCHEMA`.
        market: Key into markets.yaml; "" where the broker does not tell; `mic:<MIC>` or `word:<word>` for a market that is not
            configured.
        isins: Every ISIN its rows carry; none where the broker tells none.
        dead: None for a tradable contract, else `inactive` or `not_tradable`.
    """

    row: Mapping[str, Any]
    market: str
    isins: frozenset[str]
    dead: str | None

    @property
    def native_id(self) -> str:
        """The broker's id, "" where it gave none (IBKR's 0, also behind a mirrored broker's name)."""
        native_id = str(self.row["native_id"] or "")
        return "" if native_id.rpartition(":")[2] in ("", "0") else native_id

    @property
    def currency(self) -> str:
        """ISO 4217 code."""
        return str(self.row["currency"])

    @cached_property
    def name(self) -> Name:
        """Its name, taken apart."""
        return parse_name(self.row["name"] or "")

    @cached_property
    def asset_class(self) -> AssetClass:
        """Its kind; a share whose name says that it is an exchange-traded fund is one."""
        declared = AssetClass(self.row["asset_class"])
        return AssetClass.ETF if declared is AssetClass.STOCK and names_a_fund(self.name) else declared

    def contract(self) -> Contract:
        """As the domain's contract.

        Raises:
            InputError: A value of the row does not fit.
        """
        try:
            return from_row(dict(self.row))
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(
                f"expected a contract: {first['msg']}",
                source=f"contracts of {self.row['broker']}",
                field=f"{self.native_id}.{'.'.join(map(str, first['loc']))}",
                value=first.get("input"),
            ) from error


class ContractBook:
    """Contracts by ISIN and by symbol.

    Args:
        contracts: Table of `CONTRACT_SCHEMA`, any length.
        isins / symbols: Keys that are looked for; other rows stay in the table.
        markets: By id.
        home_market: Market of contracts that name none, at a broker that only serves one; None: unknown stays unknown.
    """

    def __init__(
        self,
        contracts: pa.Table,
        isins: Iterable[str],
        symbols: Iterable[str],
        markets: Mapping[str, Market],
        home_market: str | None = None,
    ) -> None:
        self._table = contracts
        self._home = home_market
        self._by_mic = {mic: market.market for market in markets.values() for mic in market.mics}
        self._by_word = {word: market.market for market in markets.values() for word in market.ibkr_exchanges}
        self.by_isin: dict[str, list[Candidate]] = defaultdict(list)
        self.by_symbol: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in self._pick(sorted(isins), sorted(symbols)):
            for isin in candidate.isins:
                self.by_isin[isin].append(candidate)
            self.by_symbol[_symbol_key(candidate)].append(candidate)

    def named_like(self, instruments: Sequence[Instrument]) -> dict[str, list[Candidate]]:
        """By currency, the contracts whose name begins like that of one of the instruments; {} for none."""
        openings = {_opening(instrument.name) for instrument in instruments} - {""}
        if not openings:
            return {}
        names = pc.fill_null(self._table["name"], "")
        begin = pc.utf8_slice_codeunits(pc.replace_substring_regex(pc.utf8_lower(names), r"^the |[^\pL\pN]", ""), 0, 2)
        plain = pc.is_in(begin, value_set=pa.array(sorted(openings), pa.string()))
        foreign = pc.invert(pc.string_is_ascii(begin))  # accents are folded in Python only
        currencies = pa.array(sorted({instrument.currency for instrument in instruments}), pa.string())
        mask = pc.and_(pc.or_(plain, foreign), pc.is_in(self._table["currency"], value_set=currencies))
        found: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in self._candidates(self._table.filter(mask).to_pylist()):
            found[candidate.currency].append(candidate)
        return dict(found)

    def _pick(self, isins: list[str], symbols: list[str]) -> list[Candidate]:
        spelled = pc.utf8_trim(pc.replace_substring_regex(pc.utf8_upper(self._table["symbol"]), r"[\s./_\-]+", "."), ".")
        spelled = pc.replace_substring_regex(spelled, r"\.OLD$", "")
        wanted = pc.or_kleene(
            pc.is_in(self._table["isin"], value_set=pa.array(isins, pa.string())),
            pc.is_in(spelled, value_set=pa.array(symbols + [symbol.replace(".", "") for symbol in symbols], pa.string())),
        )
        return self._candidates(self._table.filter(pc.fill_null(wanted, False)).to_pylist())

    def _candidates(self, rows: list[dict[str, Any]]) -> list[Candidate]:
        """One per native id: an answer by ISIN and one by symbol may both bring the same contract."""
        merged: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for number, row in enumerate(rows):
            merged[row["native_id"] or f"#{number}"].append(row)
        found = []
        for same in merged.values():
            same.sort(key=lambda row: (not row["isin"], bool(row["tradable"]), str(row)))
            isins = frozenset(row["isin"] for row in same if row["isin"])
            dead = next(filter(None, map(_dead, same)), None)  # one look-up saying so is enough
            found.append(Candidate(row=same[0], market=self._market(same[0]), isins=isins, dead=dead))
        return found

    def _market(self, row: Mapping[str, Any]) -> str:
        if row["asset_class"] == AssetClass.CRYPTO.value:
            return "CRYPTO"
        if row["asset_class"] == AssetClass.FX.value:
            return "FX"
        if row["mic"]:
            return self._by_mic.get(row["mic"], f"mic:{row['mic']}")
        word = row["exchange"] or ""
        told = f"word:{word}" if word and word not in _VALUED_ONLY else ""
        return self._by_word.get(word) or self._home or told


def _symbol_key(candidate: Candidate) -> str:
    symbol = str(candidate.row["symbol"] or "")
    return pair(symbol) if candidate.asset_class in QUOTED_IN_PAIRS else canonical(symbol).removesuffix(_DEAD_SUFFIX)


def _dead(row: Mapping[str, Any]) -> str | None:
    if str(row["symbol"] or "").upper().endswith(_DEAD_SUFFIX) or row["exchange"] in _VALUED_ONLY:
        return "inactive"
    if row["tradable"]:
        return None
    reason = (row["inactive_reason"] or "tradable").lower()
    return "not_tradable" if any(word in reason for word in _PASSING) else "inactive"


def _opening(name: str) -> str:
    full = parse_name(name).full.removeprefix("the ")
    return full.replace(" ", "")[:2]
