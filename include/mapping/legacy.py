"""The old system's `universe_with_ibkr.json`: it knew one broker, and so does this file alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from include.domain.mapping import Mapping as Mapped
from include.domain.terms import UniverseField
from include.mapping.merge import told_as, with_answers

_BROKER = "ibkr"
_CON_ID = UniverseField(field="native_id", integer=True)


def legacy(universe: Mapping[str, Any], by_broker: Mapping[str, Sequence[Mapped]]) -> dict[str, Any]:
    """The universe with `ibkr_details` on every row, out of what every broker said."""
    details = {mapped.ticker: {"ibkr_details": _details(mapped)} for mapped in by_broker.get(_BROKER, ())}
    missing = {"ibkr_details": {"found": False, "reason": "not_asked"}}
    return with_answers(universe, {ticker: details.get(ticker, missing) for ticker in universe["all_stocks"]})


def _details(mapped: Mapped) -> dict[str, Any]:
    contract = mapped.contract
    if contract is None:
        return {"found": False, "reason": mapped.reason}
    return {
        "found": True,
        "symbol": contract.symbol,
        "longName": contract.name,
        "exchange": "SMART",
        "primaryExchange": contract.exchange,
        "conId": told_as("conId", _CON_ID, contract),
        "search_method": mapped.search_method,
        "match_score": mapped.score,
    }
