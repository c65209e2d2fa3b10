"""The matcher's answer for one broker: as a table for many, as `Mapping` objects for the steps."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import ValidationError

from include.domain.contract import Contract, from_row
from include.domain.mapping import Mapping
from include.errors import InputError
from include.mapping.columns import flat, taken
from include.mapping.names import parse_names
from include.mapping.similarity import similarities
from include.mapping.verdicts import METHODS, NAME, NO_CONTRACT, REASONS, STATUSES, TICKER, Verdicts
from include.mapping.wanted import Wanted

_MOST_CANDIDATES = 10


@dataclass(frozen=True)
class Matches:
    """What one broker's contracts say about every wanted instrument.

    Attributes:
        wanted: What was looked for.
        listed: The broker's whole list, of `CONTRACT_SCHEMA`.
        verdicts: One row per wanted instrument.
        broker: Name written into the mappings.
        lookups: How many look-ups that took; one row tried on one key is one. An identity is tried where the row has it and the
            list knows any; every spelling of the symbol, where no identity decided; the name, where nothing else did.
    """

    wanted: Wanted
    listed: pa.Table
    verdicts: Verdicts
    broker: str
    lookups: int

    def table(self) -> pa.Table:
        """One row per instrument: `instrument_id, status, reason, search_method`, and the contract's columns."""
        said = self.verdicts
        row = pa.array(said.contract, mask=said.contract == NO_CONTRACT)
        methods = pa.array(METHODS).take(pa.array(said.method, mask=said.contract == NO_CONTRACT))
        told = {
            "instrument_id": self.wanted.column("instrument_id"),
            "status": pa.array([status.value for status in STATUSES]).take(pa.array(said.status)),
            "reason": pa.array([reason or None for reason in REASONS]).take(pa.array(said.reason)),
            "search_method": methods,
        }
        found = taken(self.listed, row)
        return pa.table({**told, **{name: found[name] for name in found.column_names}})

    def mappings(self) -> list[Mapping]:
        """One `Mapping` per instrument, in their order.

        Raises:
            InputError: The row of a match is no contract.
        """
        said = self.verdicts
        rows = np.unique(said.contract[said.contract != NO_CONTRACT])
        contracts = {row: _contract(told) for row, told in zip(rows.tolist(), self._rows(rows), strict=True)}
        candidates, scores = self._candidates(), self.scores()
        found = []
        for number, instrument in enumerate(self.wanted.table.to_pylist()):
            contract = contracts.get(int(said.contract[number]))
            method = METHODS[said.method[number]] if contract else None
            found.append(
                Mapping(
                    broker=self.broker,
                    ticker=instrument["ticker"],
                    instrument_id=instrument["instrument_id"],
                    status=STATUSES[said.status[number]],
                    contract=contract,
                    search_method=method,
                    evidence=_evidence(instrument, contract, int(said.method[number])) if contract else None,
                    score=round(float(scores[number]), 3) if contract else None,
                    reason=REASONS[said.reason[number]] or None,
                    candidates=candidates.get(number, ()),
                )
            )
        return found

    def scores(self) -> npt.NDArray[np.float64]:
        """How alike the names are, 0 to 1, of what has a contract; NaN for the others."""
        found = np.full(len(self.wanted), np.nan)
        matched = np.flatnonzero(self.verdicts.contract != NO_CONTRACT)
        names = parse_names(flat(self.listed["name"].take(pa.array(self.verdicts.contract[matched])), pa.string()))
        found[matched] = similarities(self.wanted.names, matched, names, np.arange(len(matched))) / 100
        return found

    def _rows(self, rows: Any) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.listed.take(pa.array(rows, pa.int64())).to_pylist()
        return told

    def _candidates(self) -> dict[int, tuple[str, ...]]:
        pairs = self.verdicts.candidates
        ids = self.listed["native_id"].take(pa.array(pairs[:, 1], pa.int64())).to_pylist()
        found: dict[int, set[str]] = defaultdict(set)
        for number, native_id in zip(pairs[:, 0].tolist(), ids, strict=True):
            if native_id and native_id.rpartition(":")[2] not in ("", "0"):
                found[number].add(native_id)
        return {number: tuple(sorted(native_ids)[:_MOST_CANDIDATES]) for number, native_ids in found.items()}


def _evidence(instrument: dict[str, Any], contract: Contract, method: int) -> str:
    value = {TICKER: contract.symbol, NAME: contract.name}.get(method) or instrument[METHODS[method]]
    return f"{METHODS[method]}={value}" + (f"; asked by {contract.evidence}" if contract.evidence else "")


def _contract(row: dict[str, Any]) -> Contract:
    try:
        return from_row(row)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"expected a contract: {first['msg']}",
            source=f"contracts of {row['broker']}",
            field=f"{row['native_id']}.{'.'.join(map(str, first['loc']))}",
            value=first.get("input"),
        ) from error
