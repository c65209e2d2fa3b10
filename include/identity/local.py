"""The local table as a source of identities."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.identity.source import Answers, Identity, Query
from include.identity.table import LISTING, claims, joined


class TableSource:
    """Answers out of a table of identities.

    Args:
        table: Of `IDENTITY_SCHEMA`, validated.
        known_on: Statements after this day are not known yet.

    Attributes:
        claims: As `include.identity.table.claims` gives them; `enrich_contracts` takes them too.
    """

    name = "identities"

    def __init__(self, table: pa.Table, known_on: date) -> None:
        self.claims = claims(table, known_on)

    def find(self, queries: Sequence[Query]) -> Answers:
        """Every claim of each query's listing, doubtful ones included; by ISIN where the query has one."""
        by_isin = {query.isin for query in queries if query.isin}
        listings = {_key(query.market, query.symbol, query.currency) for query in queries if not query.isin}
        mask = pc.or_(_is_in(self.claims["isin"], by_isin), _is_in(joined(self.claims, LISTING), listings))
        filed: dict[str, list[Identity]] = {}
        for row in self.claims.filter(mask).to_pylist():
            identity = _identity(row)
            filed.setdefault(row["isin"], []).append(identity)
            filed.setdefault(_key(identity.market, identity.symbol, identity.currency), []).append(identity)
        return Answers({q.key: tuple(filed.get(q.isin or _key(q.market, q.symbol, q.currency), ())) for q in queries})


def _key(market: str, symbol: str, currency: str) -> str:
    return "\x1f".join((market, symbol, currency))


def _is_in(column: pa.ChunkedArray, values: set[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(sorted(values), pa.string()))


def _identity(row: dict[str, Any]) -> Identity:
    del row["first_date"]
    return Identity.model_validate(row)
